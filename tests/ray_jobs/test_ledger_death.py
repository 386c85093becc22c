"""Sampling when its ledger dies: no sampler waits for ever, and the same command goes on."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from pipelines.errors import RunStopped
from ray_jobs import cli, sample
from ray_jobs.journal import read_journal
from ray_jobs.ledger import Ledger, Report
from ray_jobs.run_directory import RunDirectory


def test_a_killed_ledger_ends_the_run_in_one_line(
    tmp_path: Path, ray_cluster: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it had written is kept and not asked again."""

    class Mortal(Ledger):
        """Killed as the kernel would, where memory ran out, at the second report with rows."""

        async def report(self, sampler: str, report: Report, key: str | None = None) -> None:
            if report.rows and getattr(self, "has_written", False):
                os.kill(os.getpid(), signal.SIGKILL)
            self.has_written = bool(report.rows)
            await super().report(sampler, report, key)

    config: list[Any] = [
        f"run_dir={tmp_path}",
        "problems={source: generated, count: 30}",
        "teacher={kind: rehearsal, max_in_flight: 4, rehearsal: {latency_s: 0.02}}",
        "sampling={draws: 1, demonstrations: 0}",
    ]
    with monkeypatch.context() as patched, pytest.raises(RunStopped, match="the ledger's process died"):
        patched.setattr(sample, "Ledger", Mortal)
        sample.command(cli.load_config(None, config), dry_run=False)
    before = [row["sample_id"] for row in read_journal(RunDirectory(str(tmp_path)))]
    sample.command(cli.load_config(None, config), dry_run=False)
    after = [row["sample_id"] for row in read_journal(RunDirectory(str(tmp_path)))]
    assert 1 <= len(before) < 90 == len(set(after)) == len(after)
    assert before == after[: len(before)]
