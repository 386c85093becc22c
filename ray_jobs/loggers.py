"""Training figures beside metrics.jsonl: TensorBoard, MLflow, Weights & Biases, each only when asked for.

    with open_loggers(config, run_dir, "a1b2c3") as log:
        log({"step": 20, "steps": 2440, "loss": 5.81, "lr": 2e-4, ...})

TensorBoard's files go to ``tensorboard/`` in the run directory. MLflow and W&B follow their own environment variables
(MLFLOW_TRACKING_URI, WANDB_MODE, WANDB_API_KEY, ...); no key of theirs is read or written here. Without
MLFLOW_TRACKING_URI a local run keeps ``mlflow.db`` in its directory. After a restart W&B's run goes on, TensorBoard
drops the steps that are repeated, MLflow begins another run of the same name.
"""

import contextlib
import importlib.util
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pipelines.config import RunConfig
from pipelines.errors import ConfigError
from pipelines.storage import is_local
from ray_jobs.run_directory import RunDirectory

Log = Callable[[dict[str, Any]], None]
_PACKAGES = {"tensorboard": "tensorboardX", "mlflow": "mlflow", "wandb": "wandb"}
_PROJECT = "thought-distill"


def check(config: RunConfig) -> None:
    """Refuse a logger whose package is missing, or that cannot write where the run lies.

    Raises:
        ConfigError: one line.
    """
    for name in config.training.loggers:
        package = _PACKAGES[name]
        if importlib.util.find_spec(package) is None:
            raise ConfigError(
                f"training.loggers: {name} needs the package {package}, which is not installed: pip install {package}"
            )
    if "tensorboard" in config.training.loggers and not is_local(config.run_dir):
        raise ConfigError("training.loggers: tensorboard writes to local run directories only; use mlflow or wandb")


@contextlib.contextmanager
def open_loggers(config: RunConfig, run_dir: RunDirectory, run_id: str) -> Iterator[Log]:
    """A function that hands a record's numbers to every logger asked for; ``run_id`` is the same after a restart."""
    with contextlib.ExitStack() as opened:
        logs = [opened.enter_context(_OPEN[name](config, run_dir, run_id)) for name in config.training.loggers]

        def log(record: dict[str, Any]) -> None:
            numbers = {f"train/{name}": float(value) for name, value in record.items() if _is_figure(name, value)}
            for each in logs:
                each(numbers, record["step"])

        yield log


def _is_figure(name: str, value: Any) -> bool:
    return name not in ("step", "steps") and isinstance(value, int | float) and not isinstance(value, bool)


Numbers = Callable[[Mapping[str, float], int], None]


@contextlib.contextmanager
def _tensorboard(config: RunConfig, run_dir: RunDirectory, run_id: str) -> Iterator[Numbers]:
    from tensorboardX import SummaryWriter

    writer = None

    def log(numbers: Mapping[str, float], step: int) -> None:
        nonlocal writer
        if writer is None:
            writer = SummaryWriter(run_dir.path("tensorboard"), purge_step=step)
        for name, value in numbers.items():
            writer.add_scalar(name, value, step)
        writer.flush()

    yield log
    if writer is not None:
        writer.close()


@contextlib.contextmanager
def _mlflow(config: RunConfig, run_dir: RunDirectory, run_id: str) -> Iterator[Numbers]:
    import mlflow

    if "MLFLOW_TRACKING_URI" not in os.environ and run_dir.is_local:
        mlflow.set_tracking_uri(f"sqlite:///{run_dir.path('mlflow.db')}")
    mlflow.set_experiment(_PROJECT)
    with mlflow.start_run(run_name=f"{run_dir.root.rsplit('/', 1)[-1]}-{run_id}"):
        mlflow.log_params(_fields(config))
        yield lambda numbers, step: mlflow.log_metrics(dict(numbers), step=step)


@contextlib.contextmanager
def _wandb(config: RunConfig, run_dir: RunDirectory, run_id: str) -> Iterator[Numbers]:
    import wandb

    folder = run_dir.path() if run_dir.is_local else None
    name = run_dir.root.rsplit("/", 1)[-1]
    run = wandb.init(project=_PROJECT, name=name, id=run_id, resume="allow", dir=folder, config=_fields(config))
    try:
        yield lambda numbers, step: run.log(dict(numbers), step=step)
    finally:
        run.finish()


def _fields(config: RunConfig) -> dict[str, Any]:
    """What the student and its training are: no teacher, no paths."""
    sections = {"student": config.student, "training": config.training, "mixture": config.mixture}
    return {"seed": config.seed} | {
        f"{section}.{name}": value for section, model in sections.items() for name, value in model.model_dump().items()
    }


_OPEN = {"tensorboard": _tensorboard, "mlflow": _mlflow, "wandb": _wandb}
