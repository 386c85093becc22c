"""metrics.jsonl: the log of the student that lies in the run directory."""

import json
from pathlib import Path

import pytest

from ray_jobs.fit import training_log
from ray_jobs.run_directory import RunDirectory


@pytest.fixture
def run_dir(tmp_path: Path) -> RunDirectory:
    return RunDirectory(str(tmp_path))


def train(run_dir: RunDirectory, folder: str, *steps: int) -> list[int]:
    """A training that logs these steps; the steps that stand in metrics.jsonl then."""
    log = training_log(run_dir, folder)
    for step in steps:
        log({"step": step, "steps": 60, "loss": 1.0, "tokens_per_s": 1.0, "elapsed_s": 1.0, "dev_loss": 1.0})
    return [json.loads(line)["step"] for line in run_dir.read_bytes("metrics.jsonl").splitlines()]


def test_after_a_restart_each_step_stands_once(run_dir: RunDirectory) -> None:
    """From the checkpoint on the lines are written anew."""
    train(run_dir, "checkpoints/a", 20, 40, 60)
    assert [20, 40] == train(run_dir, "checkpoints/a", 40)


def test_settings_that_come_back_bring_their_own_log(run_dir: RunDirectory) -> None:
    """A finished student's, which makes no step more, and one that goes on."""
    train(run_dir, "checkpoints/a", 20, 40, 60)
    assert [10] == train(run_dir, "checkpoints/b", 10)
    assert [20, 40, 60] == train(run_dir, "checkpoints/a")
    assert [10, 30] == train(run_dir, "checkpoints/b", 30)
