"""``--dry-run``: what would be done, from the real prompts and shapes; nothing is called, nothing is written.

    problems    2,400 rows
    sample      7,200 requests for 7,200 samples, about 1.1M prompt and 0.4M completion tokens, about $0.41
    train       1,560 steps of 32 examples; 1.25M parameters; measured on 3 steps on cpu, fp32: about 2 min ...

What depends on the teacher's answers is taken from those it has given so far, else from our demonstrations.
Nothing here needs Ray.
"""

import time
from collections.abc import Sequence
from functools import cache

from rich.console import Console
from rich.table import Table

from pipelines.config import RunConfig
from pipelines.errors import DataError
from pipelines.mixture import Screened, screen
from pipelines.problems import Problem, from_rows, load
from pipelines.student import parameter_count_of
from pipelines.student.cost import BYTES_PER_PARAMETER
from pipelines.teacher import estimate_prompt, estimate_tokens, price_of
from pipelines.teacher.batch import PRICE_SHARE
from pipelines.thoughts import load_prompt
from ray_jobs.plan import Plan, make_plan
from ray_jobs.preflight import screened
from ray_jobs.progress import duration
from ray_jobs.run_directory import RunDirectory
from ray_jobs.stage import Stage, pending
from ray_jobs.training_estimate import measured

_ANSWERS_THAT_TELL = 30  # of a thought: then their mean length is better than our guess
_OUR_DEMONSTRATIONS = 8
_QUESTIONS_THAT_TELL = 1000
_FLOPS_PER_TOKEN = 6  # per parameter, forward and backward


def describe(stages: Sequence[Stage], config: RunConfig, run_dir: RunDirectory) -> None:
    """Print one line a stage: that it is done, or how much it would do."""
    asks = any(stage.name == "sample" for stage in stages)
    problems = _problems(config, run_dir) if asks or stages[0].name == "problems" else []
    plan = make_plan(config, run_dir, problems, _screened(stages, config, run_dir, problems)) if asks else None
    table = Table("stage", "would do", title=f"dry run of {run_dir.uri}", title_justify="left")
    redone = False
    for stage in stages:
        has_inputs = not redone and run_dir.version("mixture") is not None
        redone = redone or not _is_done(stage, config, run_dir)
        words = "nothing: done already"
        if redone and stage.name == "train" and has_inputs:
            words = measured(config, run_dir)
        elif redone:
            words = _words(stage.name, config, run_dir, plan, problems)
        if redone and run_dir.manifest(stage.folder) is not None and stage.name != "sample":
            words += f"; replaces the {stage.folder}/ that is there"
        table.add_row(stage.name, words)
    Console().print(table)


def _is_done(stage: Stage, config: RunConfig, run_dir: RunDirectory) -> bool:
    try:
        return run_dir.is_foreign(stage.folder) or pending(stage, config, run_dir) is None
    except DataError:  # an input is not there yet
        return False


def _problems(config: RunConfig, run_dir: RunDirectory) -> list[Problem]:
    if run_dir.is_foreign("problems"):
        table = run_dir.read_table("problems")
        return from_rows(table.to_pylist()) if table is not None else []
    return load(config.problems, config.seed)


def _screened(stages: Sequence[Stage], config: RunConfig, run_dir: RunDirectory, problems: list[Problem]) -> Screened:
    """What the evaluation sets leave of the problems; the teacher's baseline is asked just those of the sets."""
    if not any("evaluation_problems" in stage.optional for stage in stages if stage.name == "sample"):
        return Screened()
    if not any(stage.name == "evaluation_problems" for stage in stages):
        return screened(config, run_dir, problems)
    sets = [problem for source in config.evaluation_problems for problem in load(source, config.seed)]
    evaluated = ((problem.problem_id, problem.question) for problem in sets)
    return screen(problems, evaluated, config.mixture, config.seed, config.sampling.draws)


def _words(stage: str, config: RunConfig, run_dir: RunDirectory, plan: Plan | None, problems: list[Problem]) -> str:
    if stage == "problems":
        return f"{len(problems):,} rows"
    if stage == "evaluation_problems":
        return f"{sum(len(load(source, config.seed)) for source in config.evaluation_problems):,} rows"
    samples = len(plan.wanted) if plan else run_dir.rows_written("samples")
    if stage == "sample" and plan:
        return _sampling(config, plan)
    if stage == "train":
        grown = samples * (1 - config.mixture.dev_fraction) * (1 + config.mixture.perturb)
        examples = grown if plan else run_dir.rows_written("mixture", "train")
        return _training(config, int(examples), problems)
    if stage in ("verify", "mix"):
        return f"at most {samples:,} samples"
    if stage in ("untuned", "test_problems", "teacher_predictions"):
        return "what the stage before gives"
    if stage == "evaluate":
        paths = config.evaluation.greedy + config.evaluation.paths
        return f"{paths} completion{'s' if paths > 1 else ''} of each thought of each evaluation problem"
    if stage == "evaluate_dev":
        return f"the same of at most {config.evaluation.dev_problems or 0} problems held out for dev"
    return "a page and its metrics"


def _sampling(config: RunConfig, plan: Plan) -> str:
    """Tokens from the answers so far; before there are any, from the real prompts and their demonstrations' lengths."""
    prompts = {
        name: load_prompt(name, config.sampling.demonstrations, config.sampling.prompts)
        for name in config.sampling.thoughts
    }
    asked = answered = 0.0
    for request in plan.missing:
        seen = plan.seen[request.thought]
        if seen.requests >= _ANSWERS_THAT_TELL:
            asked += seen.prompt_tokens / seen.requests
            answered += request.draws * seen.completion_tokens / seen.samples
        else:
            asked += estimate_prompt(m["content"] for m in prompts[request.thought].messages(request.question))
            answered += request.draws * _demonstrated(request.thought)
    at_most = plan.samples_missing * config.sampling.max_tokens
    in_batches = config.teacher.mode == "batch"
    price = price_of(config.teacher)
    cost = "price unknown"
    if price is not None:
        price = price.at(PRICE_SHARE) if in_batches else price
        about, worst = price.cost(round(asked), round(answered)), price.cost(round(asked), at_most)
        cost = f"about ${about:,.2f}, at most ${worst:,.2f}"
    limits = [len(plan.missing) / rate for rate in [config.teacher.requests_per_minute] if rate is not None] + [
        (asked + at_most) / rate for rate in [config.teacher.tokens_per_minute] if rate is not None
    ]
    hours = f", at least {duration(60 * max(limits))} at the quota" if limits and not in_batches else ""
    done = len(plan.wanted) - plan.samples_missing
    most = "at most, stopping early: " if config.sampling.until_correct is not None else ""
    return (
        f"{most}{len(plan.missing):,} requests for {plan.samples_missing:,} samples ({done:,} answered before), about "
        f"{asked:,.0f} prompt and {answered:,.0f} completion tokens (at most {at_most:,}), {cost}{hours}"
    )


@cache
def _demonstrated(thought: str) -> float:
    """Tokens of a completion as our demonstrations have them, on average."""
    completions = [completion for _, completion in load_prompt(thought, _OUR_DEMONSTRATIONS).demonstrations]
    return sum(map(estimate_tokens, completions)) / len(completions)


def _training(config: RunConfig, examples: int, problems: list[Problem]) -> str:
    """Time from a plain matrix product's speed, at the lengths of these questions and of our demonstrations."""
    training = config.training
    steps = training.steps or int(examples * training.epochs / training.batch_size)
    parameters = parameter_count_of(config.student, config.student.vocabulary)
    per_token = _FLOPS_PER_TOKEN * parameters * steps * training.batch_size / _flops_per_second()
    longest = per_token * (training.max_input_tokens + training.max_target_tokens)
    about = ""
    if problems:
        some = problems[:_QUESTIONS_THAT_TELL]
        question = sum(estimate_tokens(problem.question) for problem in some) / len(some)
        thoughts = config.sampling.thoughts
        lengths = question + sum(map(_demonstrated, thoughts)) / len(thoughts)
        about = f"about {duration(min(longest, per_token * lengths))}, "
    return (
        f"estimated, since the mixture is still to be made: at most {steps:,} steps of {training.batch_size} examples; "
        f"{parameters:,} parameters, {parameters * BYTES_PER_PARAMETER / 2**20:,.0f} MiB of weights and optimizer; "
        f"{about}at most {duration(longest)}, at the speed of a matrix product on this machine"
    )


def _flops_per_second() -> float:
    """What a plain matrix product reaches here, in about a fifth of a second."""
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    matrix = torch.rand(1024, 1024, device=device)
    rounds, started = 0, time.monotonic()
    while time.monotonic() - started < 0.2:
        (matrix @ matrix)[0, 0].item()
        rounds += 1
    return rounds * 2 * 1024**3 / (time.monotonic() - started)
