"""Training: the student is fine-tuned on the mixture by Ray Train, on one CPU process or on many GPU workers.

mixture/ ──► TorchTrainer: each worker runs pipelines.student.train ──► student/, metrics.jsonl
                   └── checkpoints/<fingerprint>/   (the same command goes on from the last one)

python -m ray_jobs.train run_dir=runs/gsm8k training.num_workers=4
"""

import contextlib
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import pyarrow as pa
from pyarrow import fs as pafs

from pipelines.config import RunConfig
from pipelines.errors import ConfigError, DataError, ThoughtDistillError
from pipelines.mixture import Example
from pipelines.problems import ORIGINALS, dataset_name
from pipelines.teacher.terms import terms_of
from pipelines.thoughts import THOUGHTS
from ray_jobs import cli
from ray_jobs.hardware import cpus, uses_gpu
from ray_jobs.loggers import Log, check, open_loggers
from ray_jobs.run_directory import RunDirectory, digest
from ray_jobs.session import run_stages
from ray_jobs.stage import Result, Stage, say

_RESULT = "result.json"
_SAY_EVERY_S = 10.0
_LICENCES = {"generated": "Apache-2.0", **{name: original.licence for name, original in ORIGINALS.items()}}


def run(config: RunConfig, run_dir: RunDirectory) -> Result:
    """The training graph: one loop on each worker; rank 0 leaves the student and its figures.

    Raises:
        ThoughtDistillError: a worker failed again and again.
    """
    os.environ.setdefault("RAY_TRAIN_HEALTH_CHECK_INTERVAL_S", "0.5")  # else the end is noticed after up to 2 s
    import ray
    from ray.train import FailureConfig, ScalingConfig
    from ray.train import RunConfig as TrainerRun
    from ray.train.torch import TorchTrainer
    from ray.train.v2.api.exceptions import TrainingFailedError

    gpu, workers = uses_gpu(config), config.training.num_workers
    alone = workers == 1 and not gpu and sum(node["Alive"] for node in ray.nodes()) == 1
    folder = f"checkpoints/{digest([_fields(config), run_dir.version('mixture')])}"
    say(f"train: on {workers} {'GPU' if gpu else 'CPU'} worker{'s' if workers > 1 else ''}")
    trainer = TorchTrainer(
        train_loop_per_worker,
        train_loop_config={"config": config.model_dump(mode="json"), "folder": folder, "gpu": gpu},
        # 0 runs the loop in this process: on one CPU a worker group costs 15 s and gives nothing
        scaling_config=ScalingConfig(num_workers=0 if alone else workers, use_gpu=gpu),
        run_config=TrainerRun(
            name="ray_train",
            storage_path=run_dir.path(folder),
            storage_filesystem=run_dir.filesystem,
            failure_config=FailureConfig(max_failures=3),
        ),
    )
    try:
        trainer.fit()
    except TrainingFailedError as error:
        raise _cause(error) from error
    figures = json.loads(run_dir.read_bytes(folder, _RESULT))
    summary = (
        f"{figures['steps']:,} steps, loss {figures['loss']:.3f}, {figures['parameters']:,} parameters "
        f"({config.student.model}), {figures['precision']}"
    )
    return Result(rows=figures["examples"], summary=summary, notes=figures)


def train_loop_per_worker(settings: dict[str, Any]) -> None:
    """One worker: open the mixture, build the student, train, and on rank 0 export it."""
    import ray.train
    import torch
    from transformers.utils import logging as transformers_logging

    from pipelines.student import CheckpointStore, check_round_trip, load, parameter_count, tokenise, train

    transformers_logging.disable_progress_bar()
    config = RunConfig.model_validate(settings["config"])
    run_dir = RunDirectory(config.run_dir)
    context = ray.train.get_context()
    rank, world_size = context.get_world_rank(), context.get_world_size()
    if not settings["gpu"]:
        torch.set_num_threads(max(1, cpus() // context.get_local_world_size()))  # Ray sets one a worker
    examples, dev_examples = read_examples(run_dir, "train"), read_examples(run_dir, "dev")
    texts = [text for example in examples for text in (example.input, example.target)]
    model, tokenizer = load(config.student, texts, config.seed)
    check_round_trip(tokenizer, [example.target for example in examples])
    limits = config.training.max_input_tokens, config.training.max_target_tokens
    loggers = open_loggers(config, run_dir, settings["folder"][-16:]) if rank == 0 else contextlib.nullcontext(_no_log)
    with tempfile.TemporaryDirectory() as scratch, loggers as also_log:
        data = tokenise(examples, tokenizer, f"{scratch}/train", *limits)
        dev = tokenise(dev_examples, tokenizer, f"{scratch}/dev", *limits)
        checkpoints = CheckpointStore(f"{run_dir.uri}/{settings['folder']}")
        result = train(
            model,
            data,
            dev,
            config.training,
            seed=config.seed,
            device=ray.train.torch.get_device() if settings["gpu"] else "cpu",
            checkpoints=checkpoints,
            on_log=_both(training_log(run_dir, checkpoints.latest() is not None), also_log) if rank == 0 else _no_log,
            rank=rank,
            world_size=world_size,
        )
    if rank == 0:
        figures = {
            "model": config.student.model,
            "init": config.student.init,
            "parameters": parameter_count(model),
            "examples": len(data),
            "dropped_too_long": data.dropped,
            **asdict(result),
        }
        by_thought = Counter(example.thought for example in examples)
        _export(model, tokenizer, config, run_dir, dict(sorted(by_thought.items())))
        run_dir.write_bytes(json.dumps(figures).encode(), settings["folder"], _RESULT)


def _no_log(record: dict[str, Any]) -> None:
    """What ranks other than 0 do with a record."""


def _both(first: Log, second: Log) -> Log:
    def log(record: dict[str, Any]) -> None:
        first(record)
        second(record)

    return log


def read_examples(run_dir: RunDirectory, split: str) -> list[Example]:
    """The mixture's examples, by example id: an order that no file layout changes."""
    table = run_dir.read_table("mixture", split)
    rows = pa.table({}) if table is None else table.sort_by("example_id")
    return [Example(**row) for row in rows.to_pylist()]


def training_log(run_dir: RunDirectory, resumed: bool) -> Callable[[dict[str, Any]], None]:
    """A function that keeps ``metrics.jsonl`` and says a plain line now and then.

    After a restart the lines from the checkpoint on are written anew, so that each step stands once.
    """
    lines = run_dir.read_bytes("metrics.jsonl").splitlines() if resumed and run_dir.exists("metrics.jsonl") else []
    kept = [json.loads(line) for line in lines]
    said = time.monotonic()

    def log(record: dict[str, Any]) -> None:
        nonlocal kept, said
        kept = [old for old in kept if old["step"] < record["step"]] + [record]
        due = time.monotonic() - said >= _SAY_EVERY_S
        last = record["step"] == record["steps"]
        if run_dir.is_local or due or last or "dev_loss" in record:
            run_dir.write_bytes(b"".join(json.dumps(row).encode() + b"\n" for row in kept), "metrics.jsonl")
        if due or last:
            said = time.monotonic()
            left = record["elapsed_s"] / record["step"] * (record["steps"] - record["step"])
            say(
                f"train: step {record['step']:,} of {record['steps']:,} ({100 * record['step'] // record['steps']} %), "
                f"loss {record['loss']:.3f}, {record['tokens_per_s']:,.0f} target tokens/s, {left:.0f} s left"
            )

    return log


def _export(model: Any, tokenizer: Any, config: RunConfig, run_dir: RunDirectory, examples: dict[str, int]) -> None:
    """The student as a Hugging Face directory that carries its triggers."""
    from pipelines.student import ModelCard, export

    triggers = {name: THOUGHTS[name].trigger for name in examples}
    card = ModelCard(
        base_model=config.student.model if config.student.init == "pretrained" else None,
        datasets=licences(config),
        recipe=config.mixture.recipe,
        examples=examples,
        triggers=triggers,
        teachers=teachers(config, run_dir),
        licence="apache-2.0",
    )
    model.config.thought_distill = {"thoughts": triggers}
    longest = config.training.max_target_tokens
    if run_dir.is_local:
        export(model, tokenizer, run_dir.path("student"), card, longest)
        return
    with tempfile.TemporaryDirectory() as folder:
        export(model, tokenizer, folder, card, longest)
        pafs.copy_files(folder, run_dir.path("student"), destination_filesystem=run_dir.filesystem)


def licences(config: RunConfig) -> dict[str, str]:
    """The licence of the data set that the questions come from."""
    return {dataset_name(config.problems): _LICENCES.get(config.problems.source, "see the data set")}


def teachers(config: RunConfig, run_dir: RunDirectory) -> dict[str, str | None]:
    """Who wrote the samples, by their rows, else as configured, with their providers' terms; a rehearsal: none."""
    if config.teacher.kind == "rehearsal":
        return {}
    written = run_dir.read_table("samples")
    names = set(written["model"].to_pylist()) if written is not None and "model" in written.column_names else set()
    names = names - {None} or {config.teacher.model or config.teacher.kind}
    return {name: terms_of(name) for name in sorted(names)}


def _cause(error: Any) -> ThoughtDistillError:
    """The worker's own error where it is one for the user, else what Ray says of it."""
    for cause in getattr(error, "worker_failures", {}).values():
        inner = getattr(cause, "cause", cause)
        if isinstance(inner, ThoughtDistillError):
            return inner
    return ThoughtDistillError(f"train: a worker failed: {' '.join(str(error).split())[-600:]}")


def preflight(config: RunConfig) -> None:
    """Refuse a student that cannot be opened and a GPU that is not there, before anything is spent.

    Raises:
        ConfigError, DataError: one line.
    """
    import torch

    from pipelines.student import parameter_count_of
    from pipelines.student.hardware import check_compiler

    check(config)
    parameter_count_of(config.student, config.student.vocabulary)
    if config.training.compile and config.training.use_gpu is not True:
        check_compiler("cuda" if torch.cuda.is_available() else "cpu")
    local = "RAY_ADDRESS" not in os.environ
    if config.training.use_gpu is True and local and not torch.cuda.is_available():
        raise ConfigError("training.use_gpu: true, but there is no GPU with CUDA here; use auto or false")


def _fields(config: RunConfig) -> dict[str, Any]:
    operational = {
        "num_workers",
        "use_gpu",
        "checkpoint_every_s",
        "compile",
        "activation_checkpointing",
        "loggers",
    }
    return {
        "student": config.student.model_dump(),
        "training": config.training.model_dump(exclude=operational),
        "seed": config.seed,
    }


TRAIN = Stage(name="train", folder="student", inputs=("mixture",), fields=_fields, run=run)


def command(config: RunConfig, dry_run: bool) -> None:
    """``python -m ray_jobs.train``."""
    from ray_jobs.dry_run import describe

    run_dir = RunDirectory(config.run_dir)
    if not run_dir.exists("mixture"):
        raise DataError(f"{run_dir.path('mixture')}: missing; mix first (python -m ray_jobs.mix)")
    preflight(config)
    if dry_run:
        describe([TRAIN], config, run_dir)
        return
    with run_dir.locked():
        run_stages([TRAIN], config, run_dir)


if __name__ == "__main__":
    sys.exit(cli.main("train", "Fine-tune the student on the mixture.", command))
