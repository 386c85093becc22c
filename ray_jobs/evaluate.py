"""Evaluation: the student writes its thoughts for unseen problems, and the same proof as the teacher's judges them.

evaluation_problems/   × thoughts ──► Writer actors (student) ──► Judge actors (sandbox) ──► predictions/
problems that mix held out                                                           ──► dev_predictions/

Dev predictions are what confidence is fitted on and an order chosen by; they are never counted as test data.

python -m ray_jobs.evaluate --config configs/gsm8k_etd.yaml run_dir=runs/mine     works on a folder with only student/
"""

import json
import math
import sys
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.config import RunConfig
from pipelines.errors import DataError
from pipelines.inference.ctranslate import open_decoder
from pipelines.inference.solving import trained_thoughts
from pipelines.thoughts import THOUGHTS, judge, student_input
from ray_jobs import cli
from ray_jobs.hardware import AWAY_FROM_GPUS, cpu_share, cpus, nodes_with_cpus, uses_gpu
from ray_jobs.problems import EVALUATION_PROBLEMS
from ray_jobs.progress import Progress
from ray_jobs.run_directory import RunDirectory
from ray_jobs.session import run_or_describe
from ray_jobs.stage import Result, Stage
from ray_jobs.student_files import local_student
from ray_jobs.training_data import held_out, shares
from ray_jobs.verify import JUDGE, limits, sandbox, verifiers

PREDICTION_SCHEMA = pa.schema(
    [
        pa.field("problem_id", pa.string(), nullable=False),
        pa.field("dataset", pa.string(), nullable=False),
        pa.field("split", pa.string(), nullable=False),
        pa.field("thought", pa.string(), nullable=False),
        pa.field("draw", pa.int32(), nullable=False),
        pa.field("decoding", pa.string(), nullable=False),
        pa.field("completion", pa.string(), nullable=False),
        pa.field("tokens", pa.int64()),
        pa.field("status", pa.string(), nullable=False),
        pa.field("answer", pa.string()),
        pa.field("correct", pa.bool_()),
        pa.field("logprob", pa.float64()),
    ]
)
_ROWS_PER_BLOCK = 512


def run(config: RunConfig, run_dir: RunDirectory) -> Result:
    """Predictions for the evaluation problems."""
    return _predict("predictions", run_dir.table("evaluation_problems").to_pylist(), config, run_dir)


def run_dev(config: RunConfig, run_dir: RunDirectory) -> Result:
    """Predictions for some of the problems held out for dev; none where there is no mixture/ or no problems/."""
    problems = dev_problems(config, run_dir)
    if not problems:
        run_dir.write_table(PREDICTION_SCHEMA.empty_table(), "dev_predictions")
        return Result(rows=0, summary="no dev problems: no confidence selection, and no order chosen on dev")
    return _predict("dev_predictions", problems, config, run_dir)


def _predict(folder: str, problems: list[dict[str, Any]], config: RunConfig, run_dir: RunDirectory) -> Result:
    """The evaluation graph: problems × thoughts → write → judge."""
    import ray

    gpu = uses_gpu(config)
    questions = _questions(problems, thoughts_of(run_dir))
    found = ray.cluster_resources()
    blocks = math.ceil(questions.num_rows / _ROWS_PER_BLOCK)
    judges = max(1, verifiers(blocks) // 2)
    places = int(found.get("GPU", 0)) if gpu else min(nodes_with_cpus(), int(found.get("CPU", 1)) - judges)
    predictions = (
        ray.data.from_arrow(questions)
        .repartition(target_num_rows_per_block=_ROWS_PER_BLOCK)
        .map_batches(
            Writer,
            fn_constructor_args=(config, run_dir.uri),
            batch_format="pyarrow",
            batch_size=_ROWS_PER_BLOCK,
            compute=ray.data.ActorPoolStrategy(size=max(1, min(places, blocks))),
            num_cpus=cpu_share(),
            num_gpus=1 if gpu else 0,
        )
        .map_batches(
            Judge,
            fn_constructor_args=(config,),
            batch_format="pyarrow",
            batch_size=_ROWS_PER_BLOCK,
            compute=ray.data.ActorPoolStrategy(size=judges),
            num_cpus=cpu_share(),
            label_selector=AWAY_FROM_GPUS,
        )
    )
    total = questions.num_rows * (config.evaluation.greedy + config.evaluation.paths)
    with Progress("evaluate", total, lambda: (run_dir.rows_written(folder), "")):
        predictions.write_parquet(run_dir.path(folder), filesystem=run_dir.filesystem)
    return _result(run_dir, folder)


def run_here(config: RunConfig, run_dir: RunDirectory) -> Result:
    """``run`` in this process, without Ray Data: a trial of a sweep is an actor already."""
    return _predict_here("predictions", run_dir.table("evaluation_problems").to_pylist(), config, run_dir)


def run_dev_here(config: RunConfig, run_dir: RunDirectory) -> Result:
    """``run_dev`` in this process."""
    if not (problems := dev_problems(config, run_dir)):
        run_dir.write_table(PREDICTION_SCHEMA.empty_table(), "dev_predictions")
        return Result(rows=0, summary="no dev problems")
    return _predict_here("dev_predictions", problems, config, run_dir)


def _predict_here(folder: str, problems: list[dict[str, Any]], config: RunConfig, run_dir: RunDirectory) -> Result:
    questions = _questions(problems, thoughts_of(run_dir))
    writer, judge = Writer(config, run_dir.uri), Judge(config)
    written = [writer(questions.slice(row, _ROWS_PER_BLOCK)) for row in range(0, questions.num_rows, _ROWS_PER_BLOCK)]
    run_dir.write_table(pa.concat_tables([judge(block) for block in written]), folder)
    return _result(run_dir, folder)


class Writer:
    """An actor that holds the student."""

    def __init__(self, config: RunConfig, run_dir: str) -> None:
        """``run_dir``: URI of the run directory; its ``student/`` is loaded."""
        from transformers.utils import logging

        logging.disable_progress_bar()
        self._config = config
        device = "cuda" if uses_gpu(config) else "cpu"
        self._decoder = open_decoder(local_student(RunDirectory(run_dir)), device, threads=cpus())

    def __call__(self, batch: pa.Table) -> pa.Table:
        """Completions for a batch of inputs: greedy ones, then sampled paths."""
        evaluation, training = self._config.evaluation, self._config.training
        rows = batch.to_pylist()
        inputs = [row.pop("input") for row in rows]
        written: list[dict[str, Any]] = []
        for decoding, paths in (("greedy", 0 if evaluation.greedy else None), ("sample", evaluation.paths or None)):
            if paths is None:
                continue
            decoded = self._decoder.decode(
                inputs,
                max_tokens=evaluation.max_tokens,
                max_input_tokens=training.max_input_tokens,
                paths=paths,
                temperature=evaluation.temperature,
                seed=self._config.seed,
            )
            for row, completions in zip(rows, decoded, strict=True):
                for draw, completion in enumerate(completions):
                    written.append({**row, "draw": draw, "decoding": decoding, **vars(completion)})
        return pa.Table.from_pylist(written)


class Judge:
    """An actor with a sandbox; the student's thoughts are proved as the teacher's were."""

    def __init__(self, config: RunConfig) -> None:
        """``config``: the run's, for the limits of a proof."""
        self._sandbox = sandbox(config.verification)

    def __call__(self, batch: pa.Table) -> pa.Table:
        """Predictions with status, answer and correctness."""
        return pa.Table.from_pylist([self._prediction(row) for row in batch.to_pylist()], schema=PREDICTION_SCHEMA)

    def _prediction(self, row: dict[str, Any]) -> dict[str, Any]:
        verdict = judge(
            THOUGHTS[row["thought"]],
            row["completion"],
            "stop" if row["finished"] else "length",
            row["gold"],
            row["answer_kind"],
            self._sandbox,
        )
        return {**row, "status": verdict.status, "answer": verdict.answer, "correct": verdict.correct}


def thoughts_of(run_dir: RunDirectory) -> list[str]:
    """The thoughts a student was trained on, which it carries in its configuration; of a foreign one, all."""
    return trained_thoughts(json.loads(run_dir.read_bytes("student", "config.json")))


def dev_problems(config: RunConfig, run_dir: RunDirectory) -> list[dict[str, Any]]:
    """At most ``evaluation.dev_problems`` held-out problems; where there are enough, none that chose the epoch."""
    found = held_out(run_dir, config.seed) if config.evaluation.dev_problems else []
    return [vars(problem) for problem in shares(found)[1][::-1][: config.evaluation.dev_problems]]


def _questions(problems: list[dict[str, Any]], thoughts: list[str]) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {
                "problem_id": problem["problem_id"],
                "dataset": problem["dataset"],
                "split": problem["split"],
                "thought": thought,
                "gold": problem["answer"],
                "answer_kind": problem.get("answer_kind") or "number",
                "input": student_input(problem["question"], THOUGHTS[thought].trigger),
            }
            for thought in thoughts
            for problem in problems
        ]
    )


def _result(run_dir: RunDirectory, folder: str) -> Result:
    table = run_dir.table(folder, columns=["thought", "decoding", "correct"])
    words = []
    for thought in sorted(set(table["thought"].to_pylist())):
        mine = table.filter(pc.equal(table["thought"], thought))
        right = pc.sum(mine["correct"]).as_py() or 0
        words.append(f"{thought} {right:,} right of {mine.num_rows:,}")
    return Result(rows=table.num_rows, summary="; ".join(words))


def preflight(run_dir: RunDirectory) -> None:
    """Refuse a run directory without a student.

    Raises:
        DataError: one line.
    """
    if not run_dir.exists("student", "config.json"):
        raise DataError(f"{run_dir.path('student')}: no Hugging Face model directory (config.json); train one first")


def _fields(config: RunConfig) -> dict[str, Any]:
    return {
        **config.evaluation.model_dump(exclude={"select", "dev_problems"}),
        "max_input_tokens": config.training.max_input_tokens,
        "verification": {"judge": JUDGE, **limits(config)},
        "seed": config.seed if config.evaluation.paths else None,
    }


EVALUATE = Stage(
    name="evaluate",
    folder="predictions",
    inputs=("student", "evaluation_problems"),
    on_gpus=True,
    fields=_fields,
    run=run,
)

EVALUATE_DEV = Stage(
    name="evaluate_dev",
    folder="dev_predictions",
    inputs=("student",),
    optional=("problems", "mixture"),
    fields=lambda config: _fields(config) | {"dev_problems": config.evaluation.dev_problems or 0, "seed": config.seed},
    run=run_dev,
)


def command(config: RunConfig, dry_run: bool) -> None:
    """``python -m ray_jobs.evaluate``."""
    from ray_jobs.report import REPORT

    run_dir = RunDirectory(config.run_dir)
    preflight(run_dir)
    stages = [EVALUATION_PROBLEMS, EVALUATE, EVALUATE_DEV, REPORT]
    run_or_describe(stages, config, run_dir, dry_run=dry_run)


if __name__ == "__main__":
    sys.exit(cli.main("evaluate", "Measure the student on the evaluation problems.", command))
