"""Loggers beside metrics.jsonl: TensorBoard for real, the others where they are installed or by a stand-in."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pipelines.errors import ConfigError
from ray_jobs import cli, train
from ray_jobs.loggers import check, open_loggers
from ray_jobs.run_directory import RunDirectory

RECORDS = [{"step": step, "steps": 3, "loss": 3.0 / step, "done": False} for step in (1, 2, 3)]


def log_with(folder: Path, *names: str, records: list[dict[str, Any]] = RECORDS) -> None:
    config = cli.load_config(None, [f"run_dir={folder}", f"training.loggers=[{','.join(names)}]"])
    with open_loggers(config, RunDirectory(config.run_dir), "a1b2") as log:
        for record in records:
            log(record)


def test_tensorboard_has_every_record(tmp_path: Path) -> None:
    """Scalars by step, in the run directory; counters of the loop are no scalars."""
    log_with(tmp_path, "tensorboard")
    [file] = (tmp_path / "tensorboard").iterdir()
    assert {"train/loss": [(1, 3.0), (2, 1.5), (3, 1.0)]} == scalars(file)


def scalars(file: Path) -> dict[str, list[tuple[int, float]]]:
    """The scalars of an event file: records framed by length and checksums."""
    from tensorboardX.proto.event_pb2 import Event

    content, found, place = file.read_bytes(), {}, 0  # type: ignore[var-annotated]
    while place < len(content):
        size = int.from_bytes(content[place : place + 8], "little")
        event = Event.FromString(content[place + 12 : place + 12 + size])
        for value in event.summary.value:
            found.setdefault(value.tag, []).append((event.step, round(value.simple_value, 6)))
        place += size + 16
    return found


def test_no_logger_is_imported_unless_asked_for(tmp_path: Path) -> None:
    """Nothing is written and nothing loaded."""
    log_with(tmp_path)
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["mlflow", "wandb"])
def test_missing_package_is_refused_before_ray(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """One line with what to install, from the train stage's own check."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda package: None)
    config = cli.load_config(None, [f"run_dir={tmp_path}", f"training.loggers=[{name}]", "student.init=random"])
    with pytest.raises(ConfigError, match=f"training.loggers: {name} needs the package {name}.*pip install {name}"):
        train.preflight(config)


def test_tensorboard_needs_a_local_run_directory() -> None:
    """Its writer knows no object store of ours."""
    with pytest.raises(ConfigError, match="tensorboard writes to local run directories only"):
        check(cli.load_config(None, ["run_dir=s3://bucket/x", "training.loggers=[tensorboard]"]))


class FakeWandb(ModuleType):
    """What we use of wandb."""

    def __init__(self) -> None:
        super().__init__("wandb")
        self.calls: list[tuple[Any, ...]] = []

    def init(self, **options: Any) -> "FakeWandb":
        self.calls.append(("init", options["id"], options["resume"], options["config"]["training.batch_size"]))
        return self

    def log(self, numbers: dict[str, float], step: int) -> None:
        self.calls.append(("log", numbers, step))

    def finish(self) -> None:
        self.calls.append(("finish",))


def test_wandb_goes_on_with_the_same_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One run by its id, a record a step, ended at the end."""
    fake = FakeWandb()
    monkeypatch.setitem(sys.modules, "wandb", fake)
    log_with(tmp_path, "wandb", records=RECORDS[:1])
    assert [("init", "a1b2", "allow", 32), ("log", {"train/loss": 3.0}, 1), ("finish",)] == fake.calls


@pytest.mark.slow
def test_mlflow_keeps_its_figures_in_the_run_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real package, without a server: metrics by step and the parameters of the training."""
    mlflow = pytest.importorskip("mlflow", reason="pip install mlflow")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    log_with(tmp_path, "mlflow")
    client = mlflow.MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")
    [run] = client.search_runs([client.get_experiment_by_name("thought-distill").experiment_id])
    assert [(1, 3.0), (2, 1.5), (3, 1.0)] == [
        (m.step, m.value) for m in client.get_metric_history(run.info.run_id, "train/loss")
    ]
    assert "32" == run.data.params["training.batch_size"]


@pytest.mark.slow
def test_wandb_for_real_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a network the run's file lies in the run directory."""
    pytest.importorskip("wandb", reason="pip install wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    log_with(tmp_path, "wandb")
    assert 1 == len(list(tmp_path.glob("wandb/offline-run-*/run-a1b2.wandb")))
