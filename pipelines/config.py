"""The configuration of a run: one set of frozen models, the only description of every field.

    run_dir: runs/gsm8k
    seed: 0
    problems: {source: gsm8k, path: gsm8k/train.jsonl, limit: 500}
    teacher: {kind: openai, base_url: http://localhost:8000/v1, model: Qwen/Qwen3-8B}
    training: {epochs: 3}

``null`` means not sent, not limited or measured, as the field says. Reading files and
overrides, and turning pydantic's errors into one line, is ``ray_jobs.cli``'s work.
"""

from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

ThoughtName = str  # checked against pipelines.thoughts.THOUGHTS, which this file may not import
Share = Annotated[float, Field(ge=0)]
Dollars = Annotated[float, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=0)]

MistakeKind = Literal["arithmetic", "operation", "broken_code", "underdetermined", "prose"]
MISTAKE_KINDS: tuple[MistakeKind, ...] = get_args(MistakeKind)
FaultKind = Literal["rate_limited", "server_error", "dropped", "silent", "broken_json", "no_choices"]
FAULT_KINDS: tuple[FaultKind, ...] = get_args(FaultKind)


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ProblemSource(_Section):
    """Where problems come from."""

    source: str = Field(
        "gsm8k",
        description="gsm8k | svamp | asdiv | multiarith | addsub | singleeq | singleop | gsm_hard | strategyqa | "
        "algebra222 | mawps, asdiv_a (the SVAMP paper's folds) | mawps_asdiv_a (its training set and SVAMP) | "
        "generated | file (JSONL, JSON, CSV, TSV, Parquet, Arrow) | ORG/NAME on the Hugging Face hub",
    )
    name: str | None = Field(None, description="data set name in problem ids and reports; null: from the source")
    path: str | None = Field(
        None,
        description="the data set's original file, or the folder that holds it; with source file a glob too; "
        "null: the hub's copy, if any",
    )
    split: str = Field(
        "train",
        description="split to read, and the second part of problem ids: svamp train | test | all; strategyqa "
        "train | dev; mawps, asdiv_a fold0/train | fold0/dev to fold4; mawps_asdiv_a train | test; sets without "
        "a split are read whole under any name",
    )
    limit: int | None = Field(None, ge=1, description="first N problems only; null: all")
    question_column: str = Field("question", description="column of the question (file, hub)")
    answer_column: str | None = Field(
        "answer", description="column of the gold answer (file, hub); null: the questions have none"
    )
    odd_answers: Fraction = Field(
        0.05, description="share of gold answers that may be neither a number nor a short name; more are refused"
    )
    count: int = Field(1000, ge=1, description="generated: how many problems")
    families: Literal["known", "wide", "held_out", "wide_held_out", "all"] | list[str] = Field(
        "known",
        description="generated: known (20 families) | wide (47, with those) | held_out (4 that neither has) | "
        "wide_held_out (8, with those) | all, or a list of family names",
    )
    largest: int | None = Field(
        None, ge=10, description="generated: no number of a problem or its solution is larger; null: any"
    )

    @model_validator(mode="after")
    def _file_needs_path(self) -> Self:
        if self.source == "file" and self.path is None:
            raise ValueError("source 'file' needs path: the JSONL, CSV or Parquet file to read")
        return self


class RehearsalConfig(_Section):
    """The local teachers: how often and how the rehearsal errs, and how their server behaves."""

    mistakes: Fraction = Field(0.1, description="share of completions with a mistake")
    mistake_kinds: list[MistakeKind] = Field(
        list(MISTAKE_KINDS), min_length=1, description="kinds of mistakes, drawn evenly"
    )
    latency_s: Seconds | tuple[Seconds, Seconds] = Field(
        0.0, description="seconds before each response, or [low, high] to draw from evenly"
    )
    slots: int | None = Field(None, ge=1, description="requests served at once, as on one GPU; null: all")
    requests_per_minute: float | None = Field(
        None, gt=0, description="429 above this in a sliding minute, or above twice its share in a sliding second"
    )
    tokens_per_minute: float | None = Field(None, gt=0, description="the same for prompt + max_tokens, as they arrive")
    faults: Fraction = Field(0.0, description="share of requests that meet a fault")
    fault_kinds: list[FaultKind] = Field(list(FAULT_KINDS), min_length=1, description="kinds of faults, drawn evenly")


class TeacherConfig(_Section):
    """The teacher endpoint and what it may cost."""

    kind: Literal["openai", "rehearsal", "recorded"] = Field(
        "openai", description="openai: any OpenAI-compatible URL; rehearsal, recorded: local servers, no key"
    )
    base_url: str | None = Field(None, description="endpoint; null: OpenAI's own")
    model: str | None = Field(None, description="model name; needed by kind openai, no default: models retire")
    mode: Literal["online", "batch"] = Field(
        "online", description="online: request by request; batch: the endpoint's Batch API, half price, within a day"
    )
    batch_poll_s: float = Field(30, gt=0, description="batch: seconds between looks at open batches")
    api_key_env: str = Field("OPENAI_API_KEY", description="environment variable that holds the key")
    extra_body: dict[str, Any] = Field({}, description="further fields of every request body")
    requests_per_minute: float | None = Field(None, gt=0, description="quota over the whole cluster; null: unlimited")
    tokens_per_minute: float | None = Field(None, gt=0, description="prompt + max_tokens a minute; null: unlimited")
    max_in_flight: int | None = Field(None, ge=1, description="requests in flight over the cluster; null: found")
    timeout_s: float | None = Field(
        None, gt=0, description="seconds for one attempt; null: 60, more where the endpoint's answers took longer"
    )
    budget_usd: float | None = Field(None, gt=0, description="stop before spending more; null: no limit")
    price: tuple[Dollars, Dollars, Dollars] | None = Field(
        None, description="dollars per million tokens: [input, cached input, output]; null: by the model, where known"
    )
    recorded_path: str | list[str] | None = Field(
        None, description="recorded: JSONL file, glob or list of completions to replay"
    )
    rehearsal: RehearsalConfig = Field(RehearsalConfig(), description="settings of kind rehearsal")

    @model_validator(mode="after")
    def _extra_body_leaves_answers_readable(self) -> Self:
        for name, instead in (
            ("stream", "answers are read whole, leave it out"),
            ("messages", "prompts come from sampling.prompts"),
            ("n", "set sampling.draws"),
        ):
            if self.extra_body.get(name):
                raise ValueError(f"extra_body may not hold {name}: {instead}")
        return self

    @model_validator(mode="after")
    def _recorded_needs_path(self) -> Self:
        if self.kind == "recorded" and self.recorded_path is None:
            raise ValueError("kind 'recorded' needs recorded_path: a JSONL file, glob or list of completions")
        return self


class SamplingConfig(_Section):
    """What is asked of the teacher."""

    thoughts: list[ThoughtName] = Field(["cot", "pot", "eot"], min_length=1, description="thoughts to sample")
    draws: int = Field(4, ge=1, description="completions per problem and thought")
    fraction: float = Field(
        1, gt=0, le=1, description="share of the problems that are asked; a larger share holds the smaller ones"
    )
    until_correct: int | None = Field(
        None, ge=1, description="stop once so many draws are right; draws is then the most; null: always all draws"
    )
    temperature: float | None = Field(0.7, ge=0, description="sampling temperature; null: not sent")
    max_tokens: int = Field(512, ge=1, description="completion tokens at most")
    stop: list[Annotated[str, Field(min_length=1)]] = Field(
        ["\nQuestion:", "\n\nQ:", "\nHuman:", "\n### Instruction"],
        max_length=4,
        description="strings at which a completion ends, not part of it; sent where the endpoint takes them; []: none",
    )
    demonstrations: int = Field(8, ge=0, le=8, description="worked examples in the prompt")
    prompts: str | None = Field(None, description="folder with <thought>.md files that replace ours")
    max_failed: Fraction = Field(0.01, description="share of requests that may fail to the end before exit 1")

    @model_validator(mode="after")
    def _enough_draws(self) -> Self:
        if self.until_correct is not None and self.until_correct > self.draws:
            raise ValueError(
                f"until_correct {self.until_correct} can never be reached with draws {self.draws}: "
                "raise draws, which is the most, or lower until_correct"
            )
        return self


class VerificationConfig(_Section):
    """Limits of one proof."""

    timeout_s: float = Field(5, gt=0, description="CPU seconds; the wall-clock backstop is 3 x + 1")
    memory_mb: int = Field(512, ge=32, description="memory of one program or system, MiB")
    require_isolation: bool = Field(False, description="refuse where the kernel cannot confine programs")
    missed_proofs: Fraction = Field(
        0, description="rehearsal: share of right thoughts that a degraded solver fails to prove"
    )
    false_proofs: Fraction = Field(
        0, description="rehearsal: share of other thoughts that a degraded solver takes for right"
    )


class MixtureConfig(_Section):
    """Which proven thoughts train the student, and how much of each."""

    recipe: Literal["etd", "md", "label"] = Field("etd", description="etd | md | label (question to answer)")
    ratios: dict[ThoughtName, Share] | None = Field(
        None, description="shares per thought, {pot: 1} is PoT alone; null: the union"
    )
    size: Literal["full", "equal_examples", "equal_tokens"] = Field(
        "full", description="full | equal_examples | equal_tokens: what shares are counted in"
    )
    budget: int | None = Field(
        None, ge=1, description="equal sizes: examples or target tokens in all; null: what the rarest thought has"
    )
    keep: Literal["correct", "answered", "all"] = Field("correct", description="correct | answered | all")
    drop_flags: list[Annotated[str, Field(min_length=1)]] = Field(
        [], description="drop samples whose verdict bears one of these flags"
    )
    duplicates: Literal["drop", "weigh", "keep"] = Field(
        "drop",
        description="what repeats an earlier draw of its question and thought: drop | weigh (drop it, and multiply the "
        "first one's weight by how often it was drawn; the default of recipe md) | keep",
    )
    max_per_problem: int | None = Field(
        None, ge=1, description="thoughts of one kind per problem, the most diverse; null: all"
    )
    near_duplicates: Literal["keep", "drop"] = Field(
        "keep", description="keep | drop questions near an earlier one (a word in ten differs); counted either way"
    )
    decontaminate: int | None = Field(
        13,
        ge=5,
        description="drop questions that share this many words in a row with an evaluation question, or are near one; "
        "null: drop only the same question",
    )
    perturb: int = Field(
        0, ge=0, description="new problems with other numbers from each verified PoT or EoT of the train split"
    )
    upsample: int = Field(2, ge=1, description="md: copies of types 1 and 2")
    fraction: float = Field(
        1, gt=0, le=1, description="share of the training problems that train; a larger share holds the smaller ones"
    )
    dev_fraction: float = Field(0.05, ge=0, lt=1, description="share of problems held out for dev")

    @model_validator(mode="before")
    @classmethod
    def _md_weighs_duplicates(cls, fields: Any) -> Any:
        if isinstance(fields, dict) and fields.get("recipe") == "md":
            return {"duplicates": "weigh", **fields}
        return fields

    @model_validator(mode="after")
    def _shares_add_up(self) -> Self:
        if self.ratios is not None and sum(self.ratios.values()) <= 0:
            raise ValueError("ratios sum to zero: give at least one thought a share above 0, e.g. {pot: 1}")
        return self

    @model_validator(mode="after")
    def _budget_has_a_unit(self) -> Self:
        if self.budget is not None and self.size == "full":
            raise ValueError("budget needs size equal_examples or equal_tokens, which say what it counts")
        return self

    @model_validator(mode="after")
    def _recipe_sets_its_own(self) -> Self:
        if self.recipe != "etd" and self.ratios is not None:
            raise ValueError(f"ratios: recipe '{self.recipe}' sets its own shares; leave ratios null")
        if self.recipe == "md" and self.keep != "correct":
            raise ValueError(f"keep: recipe 'md' weighs correct paths and trains no others, but keep is '{self.keep}'")
        return self


class StudentConfig(_Section):
    """The student: a checkpoint to fine-tune or a size to start from random weights."""

    model: str = Field(
        "Salesforce/codet5-small",
        description="hub name or path of a T5-like checkpoint; with init random: pico | nano | micro | mini | tiny | "
        "small | base | large",
    )
    init: Literal["pretrained", "random"] = Field("pretrained", description="pretrained | random")
    revision: str | None = Field(
        None, description="branch, tag or commit of a hub checkpoint; null: its main branch; kept with the run"
    )
    vocabulary: int = Field(1000, ge=300, description="init random: size of the byte-level BPE that we train")
    ctranslate2: Literal["float32", "int8"] | None = Field(
        None, description="float32 | int8: also export student/ctranslate2/, for serving on CPUs; null: not"
    )


class TrainingConfig(_Section):
    """Fine-tuning."""

    epochs: float = Field(10, gt=0, description="passes over the mixture")
    steps: int | None = Field(None, ge=1, description="optimizer steps, whatever the mixture holds; null: by epochs")
    learning_rate: float = Field(5e-4, gt=0, description="peak learning rate")
    warmup_steps: int = Field(200, ge=0, description="linear warm-up, optimizer steps; at most a tenth of all")
    weight_decay: float = Field(0.01, ge=0, description="AdamW weight decay")
    dropout: float | None = Field(None, ge=0, lt=1, description="dropout rate; null: as the model has it")
    batch_size: int = Field(32, ge=1, description="examples per optimizer step over all workers")
    max_input_tokens: int = Field(256, ge=8, description="longer inputs are dropped and counted")
    max_target_tokens: int = Field(256, ge=8, description="longer targets are dropped and counted")
    num_workers: int = Field(1, ge=1, description="Ray Train workers")
    use_gpu: bool | Literal["auto"] = Field("auto", description="true | false | auto")
    precision: Literal["auto", "fp32", "bf16"] = Field("auto", description="auto | fp32 | bf16")
    dev_problems: int = Field(
        100, ge=0, description="dev problems solved after each epoch, which choose the student exported; 0: none"
    )
    patience: int | None = Field(
        None, ge=1, description="stop after so many epochs in a row without a better dev result; null: never"
    )
    checkpoint_every_s: float = Field(60, gt=0, description="seconds between checkpoints")
    compile: bool = Field(False, description="torch.compile the passes; needs a C++ compiler on a CPU")
    activation_checkpointing: bool | Literal["auto"] = Field(
        "auto",
        description="true | false | auto (large students on a GPU below 32 GB): recompute activations to save memory",
    )
    loggers: list[Literal["tensorboard", "mlflow", "wandb"]] = Field(
        [], description="beside metrics.jsonl: tensorboard | mlflow | wandb, each an extra package"
    )


class EvaluationConfig(_Section):
    """Decoding and choosing."""

    greedy: bool = Field(True, description="one greedy completion per thought")
    paths: int = Field(0, ge=0, description="sampled completions per thought")
    temperature: float = Field(0.7, gt=0, description="temperature of sampled paths")
    select: list[ThoughtName] = Field(
        ["pot", "eot", "cot"], min_length=1, description="headline order: the first thought that answers"
    )
    max_tokens: int = Field(256, ge=8, description="tokens of a completion at most")
    dev_problems: int | None = Field(
        200,
        ge=0,
        description="dev problems decoded after training, to fit confidence and choose an order; null or 0: none",
    )

    @model_validator(mode="after")
    def _something_is_decoded(self) -> Self:
        if not self.greedy and self.paths == 0:
            raise ValueError("nothing to decode: set greedy to true or paths above 0")
        return self


class SelfTrainingConfig(_Section):
    """Further rounds, on what the student itself got right."""

    rounds: int = Field(1, ge=1, description="rounds at most, the first on the teacher's thoughts alone; 1: no others")
    keep: Literal["all", "where_it_fails"] = Field(
        "all", description="all right samples | where_it_fails: only of what its greedy thought got wrong"
    )
    draws: int = Field(4, ge=1, le=1000, description="samples of the student's per problem and thought")
    temperature: float = Field(0.7, gt=0, description="their temperature")


class RunConfig(_Section):
    """One run, from problems to report."""

    run_dir: str = Field(description="local path or any pyarrow/fsspec URI")
    seed: int = Field(0, ge=0, description="of generated problems, mistakes, dev split, order and weights")
    problems: ProblemSource = Field(ProblemSource(), description="problems the teacher is asked")
    evaluation_problems: list[ProblemSource] = Field(
        [ProblemSource(split="test")], min_length=1, description="problems the student is tested on"
    )
    teacher: TeacherConfig = Field(TeacherConfig(), description="the teacher")
    sampling: SamplingConfig = Field(SamplingConfig(), description="what is asked of the teacher")
    verification: VerificationConfig = Field(VerificationConfig(), description="limits of a proof")
    mixture: MixtureConfig = Field(MixtureConfig(), description="what trains the student")
    student: StudentConfig = Field(StudentConfig(), description="the student")
    training: TrainingConfig = Field(TrainingConfig(), description="fine-tuning")
    evaluation: EvaluationConfig = Field(EvaluationConfig(), description="decoding and choosing")
    self_training: SelfTrainingConfig = Field(SelfTrainingConfig(), description="rounds on the student's own thoughts")

    @model_validator(mode="after")
    def _yes_or_no_is_no_unknown(self) -> Self:
        sources = {"problems": self.problems} | {
            f"evaluation_problems.{number}": source for number, source in enumerate(self.evaluation_problems)
        }
        for field, source in sources.items():
            if source.source == "strategyqa" and "eot" in self.sampling.thoughts:
                raise ValueError(
                    f"{field}.source 'strategyqa' asks for yes or no, which no equation gives: "
                    "leave eot out, sampling.thoughts=[cot,pot]"
                )
        return self

    @model_validator(mode="after")
    def _rounds_can_grow(self) -> Self:
        if self.self_training.rounds > 1 and self.mixture.recipe != "etd":
            why = "weighs thoughts by their right draws" if self.mixture.recipe == "md" else "trains none"
            raise ValueError(
                f"self_training.rounds adds right thoughts, but mixture.recipe '{self.mixture.recipe}' {why}; "
                "use recipe etd or leave rounds at 1"
            )
        if self.self_training.rounds > 1 and self.mixture.dev_fraction == 0:
            raise ValueError(
                "self_training.rounds stops by accuracy on dev problems, but mixture.dev_fraction is 0: give it some"
            )
        return self

    @model_validator(mode="after")
    def _recipe_has_its_thoughts(self) -> Self:
        missing = {"cot", "pot"} - set(self.sampling.thoughts)
        if self.mixture.recipe == "md" and missing:
            raise ValueError(
                "mixture.recipe 'md' votes between CoT and PoT, "
                f"but sampling.thoughts lacks {', '.join(sorted(missing))}"
            )
        if self.teacher.kind != "rehearsal" and (self.verification.missed_proofs or self.verification.false_proofs):
            raise ValueError(
                "verification.missed_proofs, false_proofs: a degraded solver is for rehearsals, and would spoil what "
                f"teacher.kind '{self.teacher.kind}' answered; set both to 0"
            )
        if self.teacher.mode == "batch" and self.sampling.until_correct is not None:
            raise ValueError(
                "sampling.until_correct: draws in rounds, and a round of teacher.mode 'batch' may take a day; "
                "set teacher.mode to online or until_correct to null"
            )
        if self.mixture.recipe == "md" and self.sampling.until_correct is not None:
            raise ValueError(
                "sampling.until_correct: mixture.recipe 'md' weighs thoughts by how many of their draws are right, "
                "which stopping early would bias; set until_correct to null, or use another recipe"
            )
        unsampled = set(self.mixture.ratios or {}) - set(self.sampling.thoughts)
        if unsampled:
            raise ValueError(
                f"mixture.ratios names {', '.join(sorted(unsampled))}, which sampling.thoughts does not sample"
            )
        return self
