"""Self-training: further rounds that also train on what the student itself got right (after SIKeD, arXiv 2410.18574).

student of round k ──► rounds/k/dev   greedy on dev problems: does it still grow?
                   └─► rounds/k/own   samples for training problems ──► right ones + the teacher's ──► rounds/k+1/

Round 1 is the run itself, on the teacher's thoughts alone. ``rounds/k`` from 2 on is a run directory of its own: the
same stages, with more samples (their draws count from 1000 k), so everything is proved, mixed and counted as ever, and
the same command goes on wherever it stopped. Each round starts from the configured student, not from the last one.
Problems held out for dev are never sampled. ``rounds/rounds.json`` says which round was best on them, and what each of
them came to on the test problems.
"""

import json
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.config import RunConfig
from pipelines.errors import DataError
from pipelines.mixture import in_dev
from pipelines.teacher import STUDENT
from ray_jobs import evaluate, mix, train, verify
from ray_jobs.origin import write_origin
from ray_jobs.report import REPORT
from ray_jobs.run_directory import RunDirectory
from ray_jobs.session import run_stages
from ray_jobs.stage import Result, Stage, say
from ray_jobs.training_data import held_out, held_out_ids

_DRAWS_FROM = 1000
_OWN_COLUMNS = ("problem_id", "thought", "completion")


def run(config: RunConfig, run_dir: RunDirectory) -> None:
    """Rounds until dev accuracy no longer grows, or as many as are configured; what is done is not repeated."""
    accuracies = [_dev_accuracy(config, run_dir, run_dir, 1)]
    while len(accuracies) < config.self_training.rounds:
        number = len(accuracies) + 1
        previous = _round(run_dir, number - 1)
        _draw(config, run_dir, previous, number - 1)
        _train(config, run_dir, number)
        accuracies.append(_dev_accuracy(config, run_dir, _round(run_dir, number), number))
        if accuracies[-1] <= accuracies[-2]:
            break
    best = accuracies.index(max(accuracies)) + 1
    shown = ", ".join(f"{100 * accuracy:.1f} %" for accuracy in accuracies)
    tested = [_headline(_round(run_dir, number + 1)) for number in range(len(accuracies))]
    summary = {"best": best, "keep": config.self_training.keep, "dev_accuracy": accuracies, "test": tested}
    for number, sentence in enumerate(tested, start=1):
        say(f"round {number}: {sentence}")
    run_dir.write_bytes(json.dumps(summary, indent=2).encode(), "rounds", "rounds.json")
    say(f"self-training: right on dev by round: {shown}; the best student is {_round(run_dir, best).uri}/student")
    say(f"report: {_round(run_dir, best).uri}/report/report.html")


def _round(run_dir: RunDirectory, number: int) -> RunDirectory:
    """The run directory of a round; the first is the run itself."""
    return run_dir if number == 1 else RunDirectory(f"{run_dir.uri}/rounds/{number}")


def _headline(run_dir: RunDirectory) -> str:
    """What a round's report says of the test problems."""
    report = run_dir.manifest("report")
    return str(report.notes.get("headline", "")) if report is not None else ""


def _dev_accuracy(config: RunConfig, run_dir: RunDirectory, trained: RunDirectory, number: int) -> float:
    """The share of greedy thoughts on dev problems that are right."""
    place = RunDirectory(f"{run_dir.uri}/rounds/{number}/dev")
    _predict(config, run_dir, trained, place, draws=0)
    table = place.read_table("predictions", columns=["correct"])
    return float(pc.mean(pc.fill_null(table["correct"], False)).as_py() or 0.0) if table is not None else 0.0


def _draw(config: RunConfig, run_dir: RunDirectory, trained: RunDirectory, number: int) -> None:
    """The student's own thoughts for the problems that train: greedy, and samples."""
    place = RunDirectory(f"{run_dir.uri}/rounds/{number}/own")
    _predict(config, run_dir, trained, place, draws=config.self_training.draws)


def _predict(config: RunConfig, run_dir: RunDirectory, trained: RunDirectory, place: RunDirectory, draws: int) -> None:
    """Evaluation as ever, of a copy of the student, on dev problems (no draws) or on those that train."""
    dev = draws == 0

    def asked(config: RunConfig, place: RunDirectory) -> Result:
        problems = run_dir.table("problems")
        fraction = config.mixture.dev_fraction
        names = problems["problem_id"].to_pylist()
        if dev:
            chosen = {problem.problem_id for problem in held_out(run_dir, config.seed)}
        else:
            dev_ids = set(held_out_ids(run_dir).to_pylist())  # whole groups of near questions
            chosen = {name for name in names if name not in dev_ids and not in_dev(config.seed, name, fraction)}
        mine = pa.array([name in chosen for name in names], pa.bool_())
        usable = problems.filter(pc.and_(mine, pc.is_valid(problems["answer"])))
        if not usable.num_rows:
            kind = "held out for dev" if dev else "of the train split"
            raise DataError(
                f"{run_dir.path('problems')}: no problem {kind} has a gold answer, and self_training.rounds "
                f"{config.self_training.rounds} needs some; change mixture.dev_fraction, which is {fraction:g}"
            )
        place.write_table(usable, "evaluation_problems")
        return Result(rows=usable.num_rows, summary=f"{usable.num_rows:,} {'dev' if dev else 'training'} problems")

    def copied(_: RunConfig, place: RunDirectory) -> Result:
        place.copy(trained, "student")
        return Result(rows=1, summary=f"the student of {trained.uri}")

    split = {"seed": config.seed, "dev": dev, "dev_fraction": config.mixture.dev_fraction}
    inputs = ("problems", "mixture") if dev else ("problems",)
    problems_fields = {**split, **{name: run_dir.version(name) for name in inputs}}
    student_fields = {"student": trained.version("student")}
    stages = [
        _stage("evaluation_problems", lambda _: problems_fields, asked),
        _stage("student", lambda _: student_fields, copied),
        evaluate.EVALUATE,
    ]
    own = config.self_training
    decoding = {"greedy": True, "paths": draws, "temperature": own.temperature}
    predicting = {"run_dir": place.uri, "evaluation": config.evaluation.model_copy(update=decoding)}
    run_stages(stages, config.model_copy(update=predicting), place)


def _train(config: RunConfig, run_dir: RunDirectory, number: int) -> None:
    """The round's own run directory: the teacher's samples and the student's, proved, mixed, trained, evaluated."""
    place, own = _round(run_dir, number), RunDirectory(f"{run_dir.uri}/rounds/{number - 1}/own")

    def same(folder: str) -> Stage:
        def copied(_: RunConfig, place: RunDirectory) -> Result:
            table = run_dir.table(folder)
            place.write_table(table, folder)
            return Result(rows=table.num_rows, summary="as in round 1")

        return _stage(folder, lambda _: {"version": run_dir.version(folder)}, copied)

    def gathered(config: RunConfig, place: RunDirectory) -> Result:
        taught = run_dir.table("samples")
        found = own_samples(config, run_dir, number)
        place.write_table(pa.concat_tables([taught, found], promote_options="permissive"), "samples")
        return Result(rows=taught.num_rows + found.num_rows, summary=f"{found.num_rows:,} of the student's own, right")

    sources = {"teacher": run_dir.version("samples"), "own": own.version("predictions")}
    further = {**sources, "keep": config.self_training.keep, "round": number}
    stages = [
        same("problems"),
        same("evaluation_problems"),
        _stage("samples", lambda _: further, gathered),
        *(verify.VERIFY, mix.MIX, train.TRAIN, evaluate.EVALUATE, evaluate.EVALUATE_DEV, REPORT),
    ]
    say(f"self-training: round {number} of at most {config.self_training.rounds}")
    here = config.model_copy(update={"run_dir": place.uri})
    write_origin(here, place)
    run_stages(stages, here, place)


def own_samples(config: RunConfig, run_dir: RunDirectory, number: int) -> pa.Table:
    """What joins round ``number``: right samples of all rounds before; with ``where_it_fails`` only of those thoughts
    of a problem that the student then got wrong greedily."""
    rows: list[dict[str, Any]] = []
    for before in range(1, number):
        predictions = RunDirectory(f"{run_dir.uri}/rounds/{before}/own").table("predictions")
        drawn = predictions.to_pylist()
        wrong = {
            (row["problem_id"], row["thought"]) for row in drawn if row["decoding"] == "greedy" and not row["correct"]
        }
        for row in drawn:
            if row["decoding"] != "sample" or not row["correct"] or row["status"] != "solved":
                continue
            if config.self_training.keep == "where_it_fails" and (row["problem_id"], row["thought"]) not in wrong:
                continue
            draw = _DRAWS_FROM * before + row["draw"]
            name = f"{row['problem_id']}/{row['thought']}/{draw}"
            own = {column: row[column] for column in _OWN_COLUMNS}
            source = {"finish_reason": "stop", "model": f"{STUDENT} {before}"}
            rows.append({"sample_id": name, "draw": draw, **own, **source, "cost_usd": 0.0})
    texts = [(name, pa.string()) for name in ("sample_id", *_OWN_COLUMNS, "finish_reason", "model")]
    schema = pa.schema([*texts, ("draw", pa.int32()), ("cost_usd", pa.float64())])
    return pa.Table.from_pylist(sorted(rows, key=lambda row: str(row["sample_id"])), schema=schema)


def _stage(folder: str, fields: Any, run: Any) -> Stage:
    """A stage that only copies or gathers, without Ray."""
    return Stage(name=folder, folder=folder, needs_ray=False, fields=fields, run=run)
