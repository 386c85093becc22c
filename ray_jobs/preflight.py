"""What is checked before the first request: the student's files, its tokenizer on real texts, and the questions.

problems/ ─┬─► the student opens ──► its tokenizer writes the demonstrations and rationales ──► questions against
evaluation_problems/                                                                            the evaluation sets

GPUs are asked as soon as Ray runs, which is before the first request too (``ray_jobs.gpus``).
"""

import itertools

import pyarrow as pa

from pipelines.config import RunConfig
from pipelines.mixture import Screened, screen
from pipelines.problems import Problem, from_rows
from pipelines.thoughts import THOUGHTS, load_prompt, student_input
from ray_jobs.run_directory import RunDirectory
from ray_jobs.stage import say

_OUR_DEMONSTRATIONS = 8
_TEXTS = 2000  # questions and rationales that show what the tokenizer loses


def check_student(config: RunConfig, run_dir: RunDirectory) -> None:
    """Open the student as training will, and put the texts that are known already through its tokenizer.

    A student of random weights has a tokenizer that writes everything, and one that is trained is not opened again.

    Raises:
        ConfigError, DataError: the student cannot be opened, or its tokenizer loses text.
    """
    from pipelines.student import check_round_trip, load_model, load_tokenizer, parameter_count

    trained = run_dir.manifest("student")
    is_trained = trained is not None and trained.fields.get("student") == config.student.model_dump(
        exclude={"ctranslate2"}
    )
    if config.student.init == "random" or is_trained:
        return
    tokenizer = load_tokenizer(config.student, ())
    problems = _problems(run_dir)
    check_round_trip(tokenizer, _texts(config, problems))
    parameters = parameter_count(load_model(config.student, tokenizer, config.seed))
    say(f"student: {config.student.model} opens: {parameters:,} parameters, {len(tokenizer):,} tokens")


def check_questions(config: RunConfig, run_dir: RunDirectory) -> None:
    """Say which problems will not be asked because an evaluation set has them.

    Raises:
        DataError: that is more than half of them.
    """
    problems = _problems(run_dir)
    found = screened(config, run_dir, problems)
    if found.left_out:
        reasons = found.reasons(config.mixture.decontaminate)
        say(f"problems: {len(found.left_out):,} of {len(problems):,} do not train and are not requested: {reasons}")
    if found.dev and config.sampling.draws > 1 and config.mixture.recipe != "label":
        say(f"problems: {len(found.dev):,} are held out for dev and requested with one draw a thought")


def screened(config: RunConfig, run_dir: RunDirectory, problems: list[Problem]) -> Screened:
    """What ``evaluation_problems/`` leaves of the problems; without that folder all of them.

    Raises:
        DataError: evaluation sets hold more than half of the problems.
    """
    table = run_dir.read_table("evaluation_problems", columns=["problem_id", "question"])
    rows = pa.table({"problem_id": [], "question": []}) if table is None else table
    evaluated = zip(rows["problem_id"].to_pylist(), rows["question"].to_pylist(), strict=True)
    return screen(problems, evaluated, config.mixture, config.seed, config.sampling.draws)


def _problems(run_dir: RunDirectory) -> list[Problem]:
    table = run_dir.read_table("problems")
    return [] if table is None else from_rows(table.to_pylist())


def _texts(config: RunConfig, problems: list[Problem]) -> list[str]:
    """Inputs and targets as far as they are known: demonstrations, questions with each trigger, and rationales."""
    thoughts = config.sampling.thoughts
    texts = [
        text
        for name in thoughts
        for pair in load_prompt(name, _OUR_DEMONSTRATIONS, config.sampling.prompts).demonstrations
        for text in pair
    ]
    for problem in itertools.islice(problems, _TEXTS):
        texts += [student_input(problem.question, THOUGHTS[name].trigger) for name in thoughts]
        texts += [problem.rationale] if problem.rationale else []
    return texts
