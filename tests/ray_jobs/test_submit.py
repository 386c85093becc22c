"""``ray job submit`` to a head node of its own: the run as a cluster's user starts it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
RAY = Path(sys.executable).parent / "ray"
SMALL = [
    "problems.count=30",
    "evaluation_problems.0.count=10",
    "evaluation_problems.1.count=10",
    "training.epochs=1",
    "evaluation.max_tokens=16",
]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A head node with token authentication, in a home of its own; the environment to reach it."""
    environment = {**os.environ, "HOME": str(tmp_path), "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "t" * 32}
    environment["PATH"] = f"{RAY.parent}:{environment['PATH']}"
    head = "start --head --port=6399 --dashboard-port=8299 --num-cpus=2 --object-store-memory=200000000"
    subprocess.run([RAY, *head.split()], env=environment, check=True, capture_output=True, timeout=120)
    yield {**environment, "RAY_API_SERVER_ADDRESS": "http://127.0.0.1:8299"}
    subprocess.run([RAY, "stop", "--force"], env=environment, check=False, capture_output=True, timeout=120)


def submit(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(RAY), "job", "submit", "--working-dir", ".", "--", "python", "-m", "ray_jobs.distill"]
    return subprocess.run(
        [*command, "--config", "configs/quickstart.yaml", *arguments],
        cwd=ROOT,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=500,
    )


@pytest.mark.slow
def test_the_quickstart_runs_as_a_submitted_job(tmp_path: Path, cluster: dict[str, str]) -> None:
    """An absolute run_dir holds the report; a relative one is refused with an example."""
    relative = submit(cluster, "run_dir=runs/quickstart")
    assert 0 != relative.returncode
    assert "run_dir: 'runs/quickstart' is relative" in relative.stdout + relative.stderr
    done = submit(cluster, f"run_dir={tmp_path}/run", *SMALL)
    assert 0 == done.returncode, done.stdout + done.stderr
    assert f"report: {tmp_path}/run/report/report.html" in done.stdout + done.stderr
    assert (tmp_path / "run/report/metrics.json").exists()
