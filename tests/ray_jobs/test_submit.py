"""``ray job submit`` to a cluster of the tests' own: the run as a cluster's user starts it."""

import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

SMALL = [
    "--config",
    "configs/quickstart.yaml",
    "problems.count=30",
    "evaluation_problems.0.count=10",
    "evaluation_problems.1.count=10",
    "training.epochs=1",
    "evaluation.max_tokens=16",
]
NODE = ("--num-cpus=1", "--object-store-memory=100000000")


def outcome(process: Any) -> tuple[int, str]:
    words, _ = process.communicate(timeout=500)
    return process.returncode, words


@pytest.mark.slow
def test_the_quickstart_runs_as_a_submitted_job_on_three_nodes(bucket: str, local_cluster: Any) -> None:
    """A head and two workers, with the token, the run on an object store; the last line says where the report is."""
    local_cluster.environment |= aws_environment()
    local_cluster.start_head(*NODE)
    local_cluster.add_node(*NODE)
    local_cluster.add_node(*NODE, '--labels={"role": "gpu"}')
    code, words = outcome(local_cluster.submit("ray_jobs.distill", *SMALL, "run_dir=runs/quickstart"))
    assert 0 != code
    assert "run_dir: 'runs/quickstart' is relative" in words
    code, words = outcome(local_cluster.submit("ray_jobs.distill", *SMALL, f"run_dir={bucket}/run"))
    assert 0 == code, words
    assert f"report: {bucket}/run/report/report.html" in words
    from ray_jobs.run_directory import RunDirectory

    run_dir = RunDirectory(f"{bucket}/run")
    assert run_dir.exists("report", "metrics.json")
    assert run_dir.exists("student", "model.safetensors")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux" or shutil.which("unshare") is None, reason="needs unshare (Linux)")
def test_a_run_directory_that_another_node_does_not_see_is_refused(tmp_path: Path, local_cluster: Any) -> None:
    """A node with a disk of its own at that path is found at the start, before anything is written or asked."""
    place = tmp_path / "data"
    place.mkdir()
    own_disk = f'mount -t tmpfs none {place} && exec "$@"'
    local_cluster.start_head(*NODE)
    local_cluster.add_node(*NODE, inside=("unshare", "--map-root-user", "--mount", "sh", "-c", own_disk, "sh"))
    code, words = outcome(local_cluster.submit("ray_jobs.distill", *SMALL, f"run_dir={place}/run"))
    assert 0 != code
    assert f"run_dir: {place}/run is another directory on " in words
    assert not (place / "run" / "samples").exists()


def aws_environment() -> dict[str, str]:
    """What the S3 server of the tests needs in the environment of every node."""
    return {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
