"""Self-training: what of the student's own joins the next round, and going on after a kill in the middle of one."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pipelines.config import RunConfig
from pipelines.errors import ConfigError
from ray_jobs import cli
from ray_jobs.evaluate import PREDICTION_SCHEMA
from ray_jobs.run_directory import RunDirectory
from ray_jobs.self_training import own_samples

ROOT = Path(__file__).parent.parent.parent


def prediction(problem: str, decoding: str, draw: int, completion: str, correct: bool) -> dict[str, Any]:
    row = {"problem_id": problem, "dataset": "d", "split": "train", "thought": "pot", "draw": draw}
    verdict = {"status": "solved", "answer": "1", "correct": correct}
    return {**row, "decoding": decoding, "completion": completion, "tokens": 3, **verdict, "logprob": -1.0}


@pytest.mark.parametrize(
    ("keep", "expected"),
    [
        ("all", {"d/train/0/pot/1001": "right", "d/train/1/pot/1000": "also right"}),
        ("where_it_fails", {"d/train/1/pot/1000": "also right"}),
    ],
)
def test_right_samples_join_the_next_round(tmp_path: Path, keep: str, expected: dict[str, str]) -> None:
    """All of them, or those of thoughts that the student gets wrong when it is not sampled; greedy ones never."""
    rows = [
        prediction("d/train/0", "greedy", 0, "greedily right", True),
        prediction("d/train/0", "sample", 0, "wrong", False),
        prediction("d/train/0", "sample", 1, "right", True),
        prediction("d/train/1", "greedy", 0, "greedily wrong", False),
        prediction("d/train/1", "sample", 0, "also right", True),
    ]
    run_dir = RunDirectory(str(tmp_path))
    run_dir.write_table(pa.Table.from_pylist(rows, schema=PREDICTION_SCHEMA), "rounds", "1", "own", "predictions")
    config = RunConfig.model_validate({"run_dir": str(tmp_path), "self_training": {"rounds": 2, "keep": keep}})
    found = own_samples(config, run_dir, 2).to_pylist()
    assert expected == {row["sample_id"]: row["completion"] for row in found}
    assert {"student of round 1"} == {row["model"] for row in found}


def test_rounds_need_dev_problems() -> None:
    """They stop by accuracy on dev, so without any the configuration is refused."""
    with pytest.raises(ConfigError, match="dev_fraction"):
        cli.load_config(None, ["run_dir=x", "self_training.rounds=2", "mixture.dev_fraction=0"])


OVERRIDES = (
    *("problems.count=40", "evaluation_problems=[{source: generated, split: test, count: 10}]"),
    *("sampling.thoughts=[pot]", "training.epochs=3", "mixture.dev_fraction=0.2", "evaluation.max_tokens=16"),
    *("evaluation.select=[pot]", "self_training={rounds: 2, draws: 1}"),
)


def start(folder: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "ray_jobs.distill", "--config", "configs/quickstart.yaml", f"run_dir={folder}/run"]
    with (folder / "log").open("ab") as log:
        return subprocess.Popen([*command, *OVERRIDES], cwd=ROOT, stdout=log, stderr=log, start_new_session=True)


@pytest.mark.slow
def test_a_kill_in_the_middle_of_round_two(tmp_path: Path) -> None:
    """The same command goes on: round 1 stays as it was, round 2 is finished, and the best round is named."""
    process = start(tmp_path)
    while not (tmp_path / "run/rounds/2/student/_unfinished").exists():
        assert process.poll() is None, (tmp_path / "log").read_text()
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    done = ("student", "predictions", "rounds/1/dev/predictions", "rounds/1/own/predictions", "rounds/2/mixture")
    manifests = [tmp_path / "run" / folder / "_manifest.json" for folder in done]
    before = [file.stat().st_mtime_ns for file in manifests]
    assert not (tmp_path / "run/rounds/2/student/_manifest.json").exists()
    assert 0 == start(tmp_path).wait(timeout=900), (tmp_path / "log").read_text()
    assert before == [file.stat().st_mtime_ns for file in manifests]
    assert (tmp_path / "run/rounds/2/report/report.html").exists()
    summary = json.loads((tmp_path / "run/rounds/rounds.json").read_text())
    assert 2 == len(summary["dev_accuracy"]) and summary["best"] in (1, 2)
