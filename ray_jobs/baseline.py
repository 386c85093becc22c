"""Baselines: what the student is compared with, in a run directory of their own with the same ``predictions/``.

    untuned   student.model as it is before training ──► student/ ──► evaluate
    teacher   evaluation_problems/ ──► problems/ ──► sample ──► verify ──► predictions/

python -m ray_jobs.baseline untuned --config configs/gsm8k_etd.yaml run_dir=runs/untuned
python -m ray_jobs.baseline teacher --config configs/gsm8k_etd.yaml run_dir=runs/teacher teacher.model=YOUR_MODEL

The teacher is asked by the stages that always ask it: same prompts, quota, budget and journal; the same command goes
on. ``report`` reads both as it reads any run. A run directory holds one of: a student of ours, either baseline.
"""

import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pyarrow as pa

from pipelines.config import RunConfig
from pipelines.errors import DataError
from pipelines.problems import from_rows
from pipelines.thoughts import THOUGHTS, student_input
from ray_jobs import cli, evaluate, sample, train, verify
from ray_jobs.evaluate import PREDICTION_SCHEMA
from ray_jobs.origin import write_origin
from ray_jobs.problems import EVALUATION_PROBLEMS
from ray_jobs.report import REPORT
from ray_jobs.run_directory import RunDirectory
from ray_jobs.session import run_stages
from ray_jobs.stage import Result, Stage
from ray_jobs.student_files import new_student, pinned

_KINDS = ("untuned", "teacher")


def _export_untuned(config: RunConfig, run_dir: RunDirectory) -> Result:
    """The checkpoint that training would start from, as ``train`` exports one."""
    from pipelines.student import ModelCard, export, headline, load, parameter_count

    table = run_dir.read_table("evaluation_problems")
    triggers = {name: THOUGHTS[name].trigger for name in config.sampling.thoughts}
    questions = [] if table is None else table["question"].to_pylist()
    texts = [student_input(question, trigger) for question in questions for trigger in triggers.values()]
    model, tokenizer = load(config.student, texts, config.seed)
    model.config.thought_distill = {"thoughts": triggers}
    card = ModelCard(
        base_model=config.student.model if config.student.init == "pretrained" else None,
        datasets={},
        recipe="none (not fine-tuned)",
        examples={},
        triggers=triggers,
        first=headline(config.evaluation.select, triggers)[0],
        teachers={},
        licence="see the base model",
    )
    with new_student(run_dir) as folder:
        export(model, tokenizer, folder, card)
    notes = {"model": config.student.model, "init": config.student.init, "parameters": parameter_count(model)}
    return Result(rows=0, summary=f"{config.student.model} as it is, {notes['parameters']:,} parameters", notes=notes)


def _test_problems(config: RunConfig, run_dir: RunDirectory) -> Result:
    """The evaluation problems are what this teacher is asked."""
    table = run_dir.table("evaluation_problems")
    run_dir.write_table(table, "problems")
    return Result(rows=table.num_rows, summary=f"{table.num_rows:,} evaluation problems, for the teacher")


def _teacher_predictions(config: RunConfig, run_dir: RunDirectory) -> Result:
    """Samples and their verdicts as predictions; a request that failed to the end is a wrong answer."""
    table = run_dir.read_table("evaluation_problems")
    problems = {} if table is None else {one.problem_id: one for one in from_rows(table.to_pylist())}
    verdicts = _rows(run_dir, "verdicts")
    judged = {row["sample_id"]: row for row in verdicts}
    failures = [
        {**row, "completion": "", "verdict": {"status": "no_answer", "answer": None}}
        for row in _rows(run_dir, "samples_failed")
    ]
    answers = [{**row, "verdict": judged[row["sample_id"]]} for row in _rows(run_dir, "samples")]
    predictions = []
    for row in answers + failures:
        problem = problems[row["problem_id"]]
        verdict = row["verdict"]
        predictions.append(
            {
                "problem_id": row["problem_id"],
                "dataset": problem.dataset,
                "split": problem.split,
                "thought": row["thought"],
                "draw": row["draw"],
                "decoding": "greedy" if config.sampling.temperature == 0 else "sample",
                "completion": row["completion"],
                "tokens": row.get("completion_tokens") if config.sampling.draws == 1 else None,
                "status": verdict["status"],
                "answer": verdict["answer"],
                "correct": verdict.get("correct", None if problem.answer is None else False),
                "logprob": None,
            }
        )
    run_dir.write_table(pa.Table.from_pylist(predictions, schema=PREDICTION_SCHEMA), "predictions")
    tried = len({row["problem_id"] for row in predictions})
    summary = f"{len(predictions):,} completions of {tried:,} of {len(problems):,} problems, {len(failures):,} failed"
    return Result(rows=len(predictions), summary=summary)


def _rows(run_dir: RunDirectory, folder: str) -> list[dict[str, Any]]:
    table = run_dir.read_table(folder)
    return [] if table is None else list(table.to_pylist())


UNTUNED = Stage(
    name="untuned",
    folder="student",
    inputs=("evaluation_problems",),
    needs_ray=False,
    fields=lambda config: {
        "student": config.student.model_dump(exclude={"ctranslate2"}),
        "thoughts": config.sampling.thoughts,
        "seed": config.seed,
    },
    run=_export_untuned,
)
TEST_PROBLEMS = Stage(
    name="test_problems",
    folder="problems",
    inputs=("evaluation_problems",),
    needs_ray=False,
    fields=lambda config: {},
    run=_test_problems,
)
TEACHER_PREDICTIONS = Stage(
    name="teacher_predictions",
    folder="predictions",
    inputs=("evaluation_problems", "samples", "verdicts"),
    needs_ray=False,
    fields=lambda config: {"temperature": config.sampling.temperature, "draws": config.sampling.draws},
    run=_teacher_predictions,
)
SAMPLE = replace(  # the problems asked are those of the evaluation, so that nothing is screened by them
    sample.SAMPLE, optional=(), fields=sample.sampled_fields, run=partial(sample.run, screens=False)
)
STAGES = {
    "untuned": [EVALUATION_PROBLEMS, UNTUNED, evaluate.EVALUATE, REPORT],
    "teacher": [EVALUATION_PROBLEMS, TEST_PROBLEMS, SAMPLE, verify.VERIFY, TEACHER_PREDICTIONS, REPORT],
}


def preflight(kind: str, config: RunConfig, run_dir: RunDirectory) -> None:
    """Refuse a run directory that is used for something else, and what the stages themselves refuse.

    Raises:
        BadInput: one line.
    """
    ours = {stage.folder: stage.name for stage in STAGES[kind]}
    for folder in ("problems", "student", "predictions"):
        manifest = run_dir.manifest(folder)
        found = manifest.stage if manifest is not None else "data of another origin" if run_dir.exists(folder) else None
        unfinished = manifest is None and not run_dir.is_foreign(folder)
        if found is not None and found != ours.get(folder) and not unfinished:
            raise DataError(
                f"{run_dir.path(folder)}: from another run ({found}); give the baseline a run_dir of its own, "
                f"e.g. run_dir=runs/{kind}"
            )
    if kind == "teacher":
        sample.preflight(config, run_dir)
        verify.check_isolation(config)
    else:
        train.preflight(config)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line of every stage, after the word that says which baseline."""
    kind, *rest = [*(sys.argv[1:] if arguments is None else arguments), "--help"]
    if kind in ("--help", "-h"):
        print(f"usage: python -m ray_jobs.baseline {{{','.join(_KINDS)}}} [--config FILE] [section.field=value ...]")
        return 0
    if kind not in _KINDS:
        print(f"error: '{kind}' is no baseline; expected {' or '.join(_KINDS)} as the first word", file=sys.stderr)
        return DataError.exit_code
    return cli.main(
        f"baseline {kind}",
        "Measure what the student is compared with.",
        lambda config, dry_run: command(kind, config, dry_run),
        rest[:-1],
    )


def command(kind: str, config: RunConfig, dry_run: bool) -> None:
    """``python -m ray_jobs.baseline KIND``."""
    from ray_jobs.dry_run import describe

    if kind == "teacher":  # all test problems with all draws: the gold answers choose neither
        whole = {"fraction": 1, "until_correct": None}
        config = config.model_copy(update={"sampling": config.sampling.model_copy(update=whole)})
    run_dir = RunDirectory(config.run_dir)
    preflight(kind, config, run_dir)
    stages = STAGES[kind]
    if dry_run:
        for source in config.evaluation_problems if kind == "teacher" else [config.problems]:
            describe(stages, config.model_copy(update={"problems": source}), run_dir)
        return
    if kind == "untuned":
        train.check_room(config)
    with run_dir.locked():
        config = pinned(config, run_dir) if kind == "untuned" else config
        write_origin(config, run_dir)
        run_stages(stages, config, run_dir)


if __name__ == "__main__":
    sys.exit(main())
