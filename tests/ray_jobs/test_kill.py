"""kill -9 in every stage: the same command finishes the run, and finished stages are not repeated."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from ray_jobs.run_directory import RunDirectory

ROOT = Path(__file__).parent.parent.parent
RUN = """\
run_dir: {run_dir}
problems: {{source: generated, count: 200}}
evaluation_problems: [{{source: generated, split: test, count: 60}}]
teacher: {{kind: rehearsal, max_in_flight: 8, rehearsal: {{latency_s: 0.05}}}}
sampling: {{draws: 1, demonstrations: 0}}
student: {{model: tiny, init: random, vocabulary: 400}}
training: {{epochs: 8, learning_rate: 1e-3, precision: fp32, checkpoint_every_s: 0.5}}
evaluation: {{max_tokens: 32}}
"""
FOLDERS = (
    *("problems", "evaluation_problems", "samples", "verdicts", "mixture", "student"),
    *("predictions", "dev_predictions", "report"),
)


def start(folder: Path, stage: str = "distill") -> subprocess.Popen[bytes]:
    """The command in a process group of its own, its words in a file."""
    config = folder / "run.yaml"
    if not config.exists():
        config.write_text(RUN.format(run_dir=folder / "run"), encoding="utf-8")
    command = [sys.executable, "-m", f"ray_jobs.{stage}", "--config", str(config)]
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, start_new_session=True)


def kill_when(folder: Path, reached: Callable[[], bool], patience_s: float = 240) -> None:
    """Start the command and kill its whole group as soon as ``reached`` holds."""
    process = start(folder)
    deadline = time.monotonic() + patience_s
    while not reached():
        assert process.poll() is None, (folder / "log").read_text()
        assert time.monotonic() < deadline, (folder / "log").read_text()
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def finish(folder: Path, stage: str = "distill") -> str:
    """The same command to its end; returns what it said."""
    said_before = (folder / "log").stat().st_size if (folder / "log").exists() else 0
    process = start(folder, stage)
    assert 0 == process.wait(timeout=400), (folder / "log").read_text()
    return (folder / "log").read_bytes()[said_before:].decode()


def journal_ids(folder: Path) -> list[str]:
    files = sorted((folder / "run/journal").glob("*.jsonl"))
    return [json.loads(line)["sample_id"] for file in files for line in file.read_bytes().split(b"\n")[:-1]]


def sampling_has_begun(folder: Path) -> Callable[[], bool]:
    return lambda: (folder / "run/journal").is_dir() and len(journal_ids(folder)) >= 50


def test_a_kill_in_the_middle_of_sampling_loses_nothing(tmp_path: Path) -> None:
    """What was answered is not asked again, beyond what was in flight."""
    kill_when(tmp_path, sampling_has_begun(tmp_path))
    answered = journal_ids(tmp_path)
    process = start(tmp_path)
    run_dir = RunDirectory(str(tmp_path / "run"))
    while run_dir.manifest("samples") is None:
        assert process.poll() is None, (tmp_path / "log").read_text()
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    samples = pq.read_table(tmp_path / "run/samples")["sample_id"].to_pylist()
    assert (591, 591) == (len(samples), len(set(samples)))  # three of 200 problems are in the evaluation set
    assert 50 <= len(answered) < 600
    assert len(journal_ids(tmp_path)) == len(set(journal_ids(tmp_path)))


@pytest.mark.slow
def test_killed_once_in_every_stage_the_run_still_finishes(tmp_path: Path) -> None:
    """problems, sample, verify, mix, train, evaluate, its dev problems, report, each killed as it works."""
    run = tmp_path / "run"
    points: dict[str, Callable[[], bool]] = {
        folder: (lambda folder=folder: (run / folder / "_unfinished").exists()) for folder in FOLDERS
    }
    points["samples"] = sampling_has_begun(tmp_path)
    points["student"] = lambda: len(list((run / "checkpoints").glob("*/step-*.json"))) > 0
    for folder in FOLDERS:
        kill_when(tmp_path, points[folder])
        assert not (run / folder / "_manifest.json").exists(), folder
    finished = {folder: (run / folder / "_manifest.json").stat().st_mtime_ns for folder in FOLDERS[:-1]}
    said = finish(tmp_path)
    assert 8 == said.count("done already, not repeated")
    assert finished == {folder: (run / folder / "_manifest.json").stat().st_mtime_ns for folder in FOLDERS[:-1]}
    assert 1 == len({len(journal_ids(tmp_path)), len(set(journal_ids(tmp_path))), 600})
    steps = [json.loads(line)["step"] for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert steps == sorted(set(steps))


@pytest.mark.slow
def test_an_interrupted_training_ends_with_the_weights_of_an_undisturbed_one(tmp_path: Path) -> None:
    """Killed at a checkpoint, the student is the same to the bit."""
    folders = tmp_path / "killed", tmp_path / "undisturbed"
    for folder in folders:
        folder.mkdir()
    checkpoints = folders[0] / "run/checkpoints"
    kill_when(folders[0], lambda: len(list(checkpoints.glob("*/step-*.json"))) > 0)
    weights = []
    for folder in folders:
        finish(folder)
        weights.append((folder / "run/student/model.safetensors").read_bytes())
    assert weights[0] == weights[1]


def train_worker(driver: int) -> int | None:
    """The process of one of a training's workers, a descendant of the driver."""
    parents: dict[int, int] = {}
    titles: dict[int, bytes] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            titles[int(folder.name)] = (folder / "cmdline").read_bytes()
    for pid, title in titles.items():
        ancestor = pid
        while ancestor in parents and ancestor != driver:
            ancestor = parents[ancestor]
        if ancestor == driver and b"RayTrainWorker" in title:
            return pid
    return None


@pytest.mark.slow
def test_a_training_that_loses_a_worker_and_its_driver_ends_with_the_same_weights(tmp_path: Path) -> None:
    """Two workers; one is killed, the group goes on from a checkpoint, then the driver is killed and started again."""
    two = RUN.replace("training: {{", "training: {{num_workers: 2, ").replace("epochs: 8", "epochs: 30")
    folders = tmp_path / "undisturbed", tmp_path / "killed"
    for folder in folders:
        folder.mkdir()
        (folder / "run.yaml").write_text(two.format(run_dir=folder / "run"), encoding="utf-8")
    finish(folders[0])
    run = folders[1] / "run"
    for name in ("problems", "mixture"):
        shutil.copytree(folders[0] / "run" / name, run / name)

    process = start(folders[1], "train")
    victim = None

    def step() -> int:
        lines = (run / "metrics.jsonl").read_text().splitlines() if (run / "metrics.jsonl").exists() else []
        return json.loads(lines[-1])["step"] if lines else 0

    deadline = time.monotonic() + 300
    while step() < 300:
        assert process.poll() is None and time.monotonic() < deadline, (folders[1] / "log").read_text()
        if victim is None and list((run / "checkpoints").glob("*/step-*.json")):
            victim = train_worker(process.pid)
            assert victim is not None
            os.kill(victim, signal.SIGKILL)
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert victim is not None
    finish(folders[1], "train")
    for name in ("model.safetensors", "tokenizer.json"):
        assert (folders[0] / "run/student" / name).read_bytes() == (run / "student" / name).read_bytes()
    undisturbed, killed = (
        [json.loads(line) for line in (folder / "run/metrics.jsonl").read_text().splitlines()] for folder in folders
    )
    names = ("step", "loss", "dev_loss", "dev_accuracy")
    assert [[row.get(name) for name in names] for row in undisturbed] == [
        [row.get(name) for name in names] for row in killed
    ]
    assert sum("dev_accuracy" in row for row in killed) == 30
