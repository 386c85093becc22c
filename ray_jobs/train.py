"""Training: the student is fine-tuned on the mixture by Ray Train, on one CPU process or on many GPU workers.

mixture/ ──► TorchTrainer: each worker runs ray_jobs.fit ──► student/, metrics.jsonl
                   └── checkpoints/<fingerprint>/   (the same command goes on from the last one)

python -m ray_jobs.train run_dir=runs/gsm8k training.num_workers=4
"""

import importlib.util
import json
import os
import sys
import tempfile
from collections.abc import Callable
from typing import Any

from pipelines.config import RunConfig
from pipelines.errors import ConfigError, DataError, ThoughtDistillError
from ray_jobs import cli
from ray_jobs.fit import FIGURES, fit
from ray_jobs.hardware import cpus, uses_gpu
from ray_jobs.loggers import check
from ray_jobs.outage import failure
from ray_jobs.preflight import check_student
from ray_jobs.run_directory import RunDirectory, digest
from ray_jobs.session import run_or_describe
from ray_jobs.stage import Result, Stage, say
from ray_jobs.student_files import pinned
from ray_jobs.training_data import dev_problems, examples_by_thought, node_folder, prepare


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
    kind = "GPU" if gpu else "CPU"
    say(f"train: on {workers} {kind} worker{'s' if workers > 1 else ''}")
    if workers > (there := ray.cluster_resources().get(kind, 0)):
        say(f"train: waits until the cluster has {workers} {kind}s; it has {there:g}")
    settings = _settings(config, run_dir)
    trainer = TorchTrainer(
        train_loop_per_worker,
        train_loop_config={**settings, "gpu": gpu},
        # 0 runs the loop in this process: on one CPU a worker group costs 15 s and gives nothing
        scaling_config=ScalingConfig(num_workers=0 if alone else workers, use_gpu=gpu),
        run_config=TrainerRun(
            name="ray_train",
            storage_path=run_dir.path(settings["folder"]),
            storage_filesystem=run_dir.filesystem,
            failure_config=FailureConfig(max_failures=3),
        ),
    )
    try:
        trainer.fit()
    except TrainingFailedError as error:
        raise _cause(error) from error
    return _result(run_dir, settings["folder"])


def train_loop_per_worker(settings: dict[str, Any]) -> None:
    """One worker of Ray Train: the first of each node prepares what all of the node read."""
    import ray.train
    import torch
    from ray.train.collective import barrier

    context = ray.train.get_context()
    if not settings["gpu"]:
        torch.set_num_threads(max(1, cpus() // context.get_local_world_size()))  # Ray sets one a worker
    config = RunConfig.model_validate(settings["config"])
    first = context.get_local_rank() == 0
    with node_folder(is_first=first) as scratch:
        if first:
            prepare(config, RunDirectory(config.run_dir), scratch)
        barrier()
        fit(
            settings,
            scratch,
            device=ray.train.torch.get_device() if settings["gpu"] else "cpu",
            rank=context.get_world_rank(),
            world_size=context.get_world_size(),
        )


def run_here(config: RunConfig, run_dir: RunDirectory, on_log: Callable[[dict[str, Any]], None]) -> Result:
    """Training in this process, without Ray Train: a trial of a sweep is an actor already."""
    import torch

    torch.set_num_threads(cpus())
    with tempfile.TemporaryDirectory() as scratch:
        prepare(config, run_dir, scratch)
        device = "cuda" if uses_gpu(config) else "cpu"
        settings = _settings(config, run_dir)
        fit(settings, scratch, device=device, on_log=on_log)
    return _result(run_dir, settings["folder"])


def _settings(config: RunConfig, run_dir: RunDirectory) -> dict[str, Any]:
    """What every worker is told; ``folder``: where this training's checkpoints lie in the run directory."""
    versions = [run_dir.version(name) for name in ("mixture", "problems")]
    return {
        "config": config.model_dump(mode="json"),
        "folder": f"checkpoints/{digest([_fields(config), versions])}",
        "examples": examples_by_thought(run_dir),
        "dev_problems": dev_problems(config, run_dir),
    }


def _result(run_dir: RunDirectory, folder: str) -> Result:
    figures = json.loads(run_dir.read_bytes(folder, FIGURES))
    accuracy = figures["dev_accuracy"]
    if long := figures["dropped_too_long"]:
        share = long / (figures["examples"] + long)
        say(
            f"train: {long:,} examples ({100 * share:.1f} %) were longer than training.max_input_tokens or "
            "max_target_tokens and did not train"
        )
    summary = (
        f"{figures['steps']:,} of {figures['planned_steps']:,} steps, loss {figures['loss']:.3f}, "
        f"{figures['parameters']:,} parameters ({figures['model']}), {figures['precision']}; "
        f"exported step {figures['exported_step']:,} ({figures['exported_because']}"
        f"{'' if accuracy is None else f', {100 * accuracy:.1f} %'})"
    )
    return Result(rows=figures["examples"], summary=summary, notes=figures)


def _cause(error: Any) -> ThoughtDistillError:
    """The worker's own error where it is one for the user, else what Ray says of it."""
    for cause in getattr(error, "worker_failures", {}).values():
        inner = getattr(cause, "cause", cause)
        if isinstance(inner, ThoughtDistillError):
            return inner
        if (storage := failure(inner)) is not None:
            return ThoughtDistillError(f"train: {storage}")
    return ThoughtDistillError(f"train: a worker failed: {' '.join(str(error).split())[-600:]}")


def preflight(config: RunConfig) -> None:
    """Refuse a student that cannot be opened, and what is not installed, before anything is spent.

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
    if config.student.ctranslate2 is not None and importlib.util.find_spec("ctranslate2") is None:
        raise ConfigError("student.ctranslate2: not installed; run pip install 'thought-distill[ctranslate2]'")


def check_room(config: RunConfig) -> None:
    """Refuse GPUs and workers for which there is no place on this machine, where Ray will start here.

    Raises:
        ConfigError: one line.
    """
    import torch

    if "RAY_ADDRESS" in os.environ:
        return
    if config.training.use_gpu is True and not torch.cuda.is_available():
        raise ConfigError("training.use_gpu: true, but there is no GPU with CUDA here; use auto or false")
    gpus = torch.cuda.device_count() if config.training.use_gpu is not False else 0
    room, kind = (gpus, "GPU") if gpus else (cpus(), "CPU")
    if config.training.num_workers > room:
        raise ConfigError(
            f"training.num_workers: {config.training.num_workers}, but a worker takes a {kind} and this machine has "
            f"{room}; lower it, or submit the run to a cluster"
        )


def _fields(config: RunConfig) -> dict[str, Any]:
    operational = {
        "num_workers",
        "use_gpu",
        "checkpoint_every_s",
        "compile",
        "activation_checkpointing",
        "loggers",
    }
    unused = {"steps"} if config.training.steps is None else {"epochs"}
    return {
        "student": config.student.model_dump(exclude={"ctranslate2"}),
        "training": config.training.model_dump(exclude=operational | unused),
        "seed": config.seed,
    }


def _exported_fields(config: RunConfig) -> dict[str, Any]:
    """What defines ``student/``: an export more is written from the same checkpoints."""
    exports = {"ctranslate2": config.student.ctranslate2} if config.student.ctranslate2 else {}
    return {**_fields(config), **exports}


TRAIN = Stage(
    name="train",
    folder="student",
    inputs=("mixture",),
    optional=("problems",),
    on_gpus=True,
    fields=_exported_fields,
    run=run,
)


def command(config: RunConfig, dry_run: bool) -> None:
    """``python -m ray_jobs.train``."""
    run_dir = RunDirectory(config.run_dir)
    if not run_dir.exists("mixture"):
        raise DataError(f"{run_dir.path('mixture')}: missing; mix first (python -m ray_jobs.mix)")
    preflight(config)
    if not dry_run:
        check_room(config)
        config = pinned(config, run_dir)
        check_student(config, run_dir)
    run_or_describe([TRAIN], config, run_dir, dry_run=dry_run)


if __name__ == "__main__":
    sys.exit(cli.main("train", "Fine-tune the student on the mixture.", command))
