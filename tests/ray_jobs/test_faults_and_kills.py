"""A teacher with faults, and kill -9 while requests are in flight: every sample comes, each once."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from ray_jobs.journal import read_journal
from ray_jobs.run_directory import RunDirectory

ROOT = Path(__file__).parent.parent.parent
KINDS = ["rate_limited", "server_error", "no_choices", "broken_json", "silent", "dropped"]
FAULTY = {"latency_s": [0.1, 0.5], "faults": 0.06, "fault_kinds": KINDS}


def seen_by(teacher: str) -> dict[str, Any]:
    with urllib.request.urlopen(teacher.replace("/v1", "/counts")) as page:
        return dict(json.load(page))


def sampling(folder: Path, run_dir: str, teacher: str, problems: int) -> subprocess.Popen[bytes]:
    """The sampling command in a process group of its own."""
    config = {
        "run_dir": run_dir,
        "problems": {"source": "generated", "count": problems},
        "teacher": {
            "kind": "openai",
            "model": "rehearsal",
            "base_url": teacher,
            "timeout_s": 3,
            "max_in_flight": 64,
        },
        "sampling": {"draws": 1, "demonstrations": 0},
    }
    (folder / "run.yaml").write_text(yaml.safe_dump(config))
    command = [sys.executable, "-m", "ray_jobs.sample", "--config", str(folder / "run.yaml")]
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, start_new_session=True)


def killed_at(samples: int, in_flight: int, process: subprocess.Popen[bytes], teacher: str) -> int:
    """Kill the command's group once the teacher has given so many samples; returns what it then had in flight."""
    deadline = time.monotonic() + 120
    while True:
        seen = seen_by(teacher)
        if seen["samples"] >= samples and seen["at_once"] >= in_flight:
            break
        assert process.poll() is None, "the sampling ended before the kill"
        assert time.monotonic() < deadline, seen
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    after = seen_by(teacher)
    process.wait()
    return max(int(seen["at_once"]), int(after["at_once"]))


def interrupted_sampling(
    folder: Path, run_dir: str, teacher: str, problems: int, kills: list[int], in_flight: int
) -> None:
    """Sample with kills; all samples, each once, and repeats within what the kills had left open."""
    run = RunDirectory(run_dir)
    left = []
    for samples in kills:
        process = sampling(folder, run_dir, teacher, problems)
        left.append(killed_at(samples, in_flight, process, teacher))
    process = sampling(folder, run_dir, teacher, problems)
    assert 0 == process.wait(timeout=300), (folder / "log").read_text()
    seen = seen_by(teacher)
    wanted = 3 * problems
    table = run.read_table("samples", columns=["sample_id"])
    assert table is not None
    samples = table["sample_id"].to_pylist()
    journal = [row["sample_id"] for row in read_journal(run) if row["kind"] == "sample"]
    print(left, {name: value for name, value in seen.items() if name != "per_minute"}, len(journal))
    assert (wanted, wanted) == (len(samples), len(set(samples)))
    assert wanted == len(set(journal)) <= len(journal) <= wanted + sum(left)  # late answers to a dead run count once
    assert all(kill >= in_flight for kill in left)
    assert set(KINDS) == set(seen["faults"])
    assert wanted == seen["samples"]
    assert seen["repeats"] <= sum(left)


@pytest.mark.slow
def test_six_kinds_of_faults_and_three_kills_leave_every_sample_once(
    tmp_path: Path, teacher_process: Callable[[int, dict[str, Any]], str]
) -> None:
    """3,000 of 3,000; the teacher repeats at most what was in flight at the kills."""
    teacher = teacher_process(1000, FAULTY)
    interrupted_sampling(tmp_path, str(tmp_path / "run"), teacher, 1000, [600, 1300, 2000], in_flight=20)


@pytest.mark.slow
def test_the_same_with_the_run_on_an_object_store(
    tmp_path: Path, bucket: str, teacher_process: Callable[[int, dict[str, Any]], str]
) -> None:
    """What is repeated is what was in flight, and what came in the last second."""
    teacher = teacher_process(1000, FAULTY)
    interrupted_sampling(tmp_path, f"{bucket}/run", teacher, 1000, [600, 1300, 2000], in_flight=20)
