"""Nodes die under a submitted job: it goes on, or the same command does, and no data are lost or changed."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ray_jobs.run_directory import RunDirectory

ROOT = Path(__file__).parent.parent.parent
RUN = """\
run_dir: {run_dir}
problems: {{source: generated, count: 300}}
evaluation_problems: [{{source: generated, split: test, count: 60}}]
teacher: {{kind: rehearsal, max_in_flight: 8, rehearsal: {{latency_s: 0.05}}}}
sampling: {{draws: 1, demonstrations: 0}}
student: {{model: tiny, init: random, vocabulary: 400}}
training: {{epochs: 6, learning_rate: 1e-3, precision: fp32, checkpoint_every_s: 0.5, num_workers: 2}}
evaluation: {{max_tokens: 32}}
"""
HEAD = ("--num-cpus=1", "--object-store-memory=100000000")
WORKER = ("--num-cpus=2", "--object-store-memory=100000000")


class Run:
    """A run directory on this machine's disk, which all raylets see, and how far its stages are."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.folder, self.config = folder / "run", folder / "run.yaml"
        self.config.write_text(RUN.format(run_dir=self.folder), encoding="utf-8")
        self.directory = RunDirectory(str(self.folder))

    def command(self, stage: str = "distill") -> tuple[str, ...]:
        return (f"ray_jobs.{stage}", "--config", str(self.config))

    def journal_ids(self) -> list[str]:
        files = sorted((self.folder / "journal").glob("*.jsonl"))
        return [json.loads(line)["sample_id"] for file in files for line in file.read_bytes().split(b"\n")[:-1]]

    def sampling(self) -> bool:
        return (self.folder / "journal").is_dir() and len(self.journal_ids()) >= 100

    def verifying(self) -> bool:
        return (self.folder / "verdicts" / "_unfinished").exists()

    def training(self) -> bool:
        return len(list((self.folder / "checkpoints").glob("*/step-*.json"))) > 0

    def decoding(self) -> bool:
        return (self.folder / "predictions" / "_unfinished").exists()

    def mixture(self) -> list[list[dict[str, Any]]]:
        tables = [self.directory.read_table("mixture", split) for split in ("train", "dev")]
        return [table.to_pylist() for table in tables if table is not None]


def until(reached: Callable[[], bool], job: Any, patience_s: float = 240) -> None:
    deadline = time.monotonic() + patience_s
    while not reached():
        assert job.poll() is None, job.communicate()[0]
        assert time.monotonic() < deadline, "the stage did not begin"
        time.sleep(0.01)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> list[list[dict[str, Any]]]:
    """The mixture of the same configuration on one machine, by one command after another."""
    run = Run(tmp_path_factory.mktemp("undisturbed"))
    for stage in ("sample", "verify", "mix"):
        subprocess.run([sys.executable, "-m", *run.command(stage)], cwd=ROOT, check=True, capture_output=True)
    return run.mixture()


@pytest.mark.slow
def test_a_job_that_loses_a_node_in_every_stage_goes_on(
    tmp_path: Path, local_cluster: Any, undisturbed: list[list[dict[str, Any]]]
) -> None:
    """Sampling, verification, training, decoding: each loses one of two worker nodes, and another one comes."""
    run = Run(tmp_path / "lossy")
    local_cluster.start_head(*HEAD)
    nodes = [local_cluster.add_node(*WORKER) for _ in range(2)]
    job = local_cluster.submit(*run.command())
    for stage in (run.sampling, run.verifying, run.training, run.decoding):
        until(stage, job)
        time.sleep(1)
        local_cluster.lose(nodes.pop(0))
        nodes.append(local_cluster.add_node(*WORKER))
    words, _ = job.communicate(timeout=400)
    assert 0 == job.returncode, words
    ids = run.journal_ids()
    assert 900 == len(set(ids))
    assert undisturbed == run.mixture()
    predictions = run.directory.read_table("predictions")
    assert predictions is not None
    assert 180 == predictions.num_rows


@pytest.mark.slow
def test_after_the_loss_of_the_head_the_same_command_goes_on_in_a_new_cluster(
    tmp_path: Path, local_cluster: Any, undisturbed: list[list[dict[str, Any]]]
) -> None:
    """What was answered is not asked again, beyond what was in flight."""
    run = Run(tmp_path / "headless")
    head = local_cluster.start_head(*HEAD)
    worker = local_cluster.add_node(*WORKER)
    job = local_cluster.submit(*run.command())
    until(run.sampling, job)
    local_cluster.lose(head)
    local_cluster.lose(worker)
    job.kill()
    job.wait()
    before = run.journal_ids()
    time.sleep(5)
    local_cluster.start_head(*HEAD)
    local_cluster.add_node(*WORKER)
    words, _ = (job := local_cluster.submit(*run.command())).communicate(timeout=400)
    assert 0 == job.returncode, words
    after = run.journal_ids()
    assert before == after[: len(before)]
    assert 900 == len(set(after)) == len(after)
    assert undisturbed == run.mixture()
