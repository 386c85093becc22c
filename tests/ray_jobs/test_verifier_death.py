"""Verification goes on when its workers die, with the same verdicts."""

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ray_jobs import cli, verify

COUNT = 400


def servers() -> dict[int, int]:
    """Fork servers of this test's own Ray workers, not the programs that they have forked: pid and parent."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if "pipelines.solvers.fork_server" in (folder / "cmdline").read_text():
                found[int(folder.name)] = parent(int(folder.name))
        except OSError:
            continue
    return {
        pid: worker
        for pid, worker in found.items()
        if worker not in found and worker != os.getpid() and descends(worker)
    }


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def descends(pid: int) -> bool:
    """Whether the process was started by this one, or by one that was."""
    try:
        while pid not in (0, 1, os.getpid()):
            pid = parent(pid)
    except OSError:
        return False
    return pid == os.getpid()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="finds the processes in /proc")
def test_a_killed_server_and_a_killed_verifier_cost_no_verdict(tmp_path: Path, ray_cluster: None) -> None:
    """kill -9 of a fork server, then of a Verifier actor, in the middle of a run: every row has its verdict."""
    ids = [f"mine/{number}" for number in range(COUNT)]
    (tmp_path / "problems").mkdir()
    (tmp_path / "samples").mkdir()
    pq.write_table(
        pa.table({"problem_id": ids, "question": ids, "answer": [str(number) for number in range(COUNT)]}),
        tmp_path / "problems/data.parquet",
    )
    rows = [
        {
            "sample_id": f"{problem}/pot/0",
            "problem_id": problem,
            "thought": "pot",
            "draw": 0,
            "completion": f"import time\ntime.sleep(0.02)\nans = {number}",
        }
        for number, problem in enumerate(ids)
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "samples/data.parquet")
    before, killed = servers(), []

    def kill() -> None:
        deadline = time.monotonic() + 60
        while len(killed) < 2 and time.monotonic() < deadline:
            for pid, worker in (servers().items() - before.items()) - set(killed):
                os.kill(worker if killed else pid, signal.SIGKILL)
                killed.append((pid, worker))
                break
            time.sleep(0.3)

    thread = threading.Thread(target=kill)
    thread.start()
    verify.command(cli.load_config(None, [f"run_dir={tmp_path}"]), dry_run=False)
    thread.join()
    verdicts = pq.read_table(tmp_path / "verdicts").to_pylist()
    assert 2 == len(killed)
    assert [(f"{problem}/pot/0", "solved", str(number), True) for number, problem in enumerate(ids)] == [
        (row["sample_id"], row["status"], row["answer"], row["correct"]) for row in verdicts
    ]
