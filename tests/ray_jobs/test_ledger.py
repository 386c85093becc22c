"""The ledger without Ray: dead samplers let go, and storage that fails stops the asking, not the keeping."""

import asyncio
import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipelines.config import RunConfig
from ray_jobs import journal, ledger
from ray_jobs.journal import read_journal
from ray_jobs.ledger import Ledger, Report
from ray_jobs.run_directory import RunDirectory

APPEND = journal._append
QUOTA = {"kind": "rehearsal", "max_in_flight": 2}


def opened(tmp_path: Path) -> Ledger:
    config = RunConfig.model_validate({"run_dir": str(tmp_path), "teacher": QUOTA})
    return Ledger(config, spent_usd=0.0, driver_pid=os.getpid())


def sample(sample_id: str) -> dict[str, Any]:
    return {"kind": "sample", "sample_id": sample_id, "cost_usd": None, "prompt_tokens": 1, "completion_tokens": 1}


def failing(times: int) -> Callable[[Any, bytes], None]:
    """An append that finds the disk full so many times."""
    left = [times]

    def one(file: Any, content: bytes) -> None:
        if left[0] > 0:
            left[0] -= 1
            raise OSError(errno.ENOSPC, "No space left on device")
        APPEND(file, content)

    return one


async def test_the_waiting_lease_of_a_dead_sampler_is_no_sign_of_life(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It died with all that may be in flight and one lease more: another sampler gets its turns soon."""
    monkeypatch.setattr(ledger, "SILENT_S", 0.4)
    monkeypatch.setattr(ledger, "LEASE_S", 0.1)
    kept = opened(tmp_path)
    assert [0.0, 0.0] == await kept.lease("dead", [1, 1, 1], [0.0, 0.0, 0.0])
    waiting = asyncio.create_task(kept.lease("dead", [1], [0.0]))
    granted: list[float] | None = []
    while not granted:
        granted = await asyncio.wait_for(kept.lease("living", [1, 1], [0.0, 0.0]), 5)
    assert [0.0, 0.0] == granted
    assert [] == await waiting


async def test_a_lease_that_was_taken_back_is_not_granted_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sampler that hears its answer too late asks by the same key: others have its turns by then."""
    monkeypatch.setattr(ledger, "SILENT_S", 0.2)
    monkeypatch.setattr(ledger, "LEASE_S", 0.05)
    kept = opened(tmp_path)
    assert [0.0, 0.0] == await kept.lease("late", [1, 1], [0.0, 0.0], "key")
    assert [0.0, 0.0] == await kept.lease("late", [1, 1], [0.0, 0.0], "key")
    await asyncio.sleep(0.3)
    assert [0.0, 0.0] == await kept.lease("other", [1, 1], [0.0, 0.0], "another")
    assert [] == await kept.lease("late", [1, 1], [0.0, 0.0], "key")


async def test_while_the_journal_cannot_be_written_nothing_is_asked_and_nothing_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The report returns once its rows are on the disk."""
    monkeypatch.setattr("ray_jobs.journal._append", failing(2))
    monkeypatch.setattr(ledger, "RETRY_S", 0.1)
    monkeypatch.setattr(ledger, "LEASE_S", 0.05)
    kept = opened(tmp_path)
    await kept.lease("s", [1], [0.0])
    report = asyncio.create_task(kept.report("s", Report(rows=[sample("a")], ended=1)))
    await asyncio.sleep(0.02)
    assert [] == await kept.lease("s", [1], [0.0])
    await report
    assert [0.0] == await kept.lease("s", [1], [0.0])
    assert ["a"] == [row["sample_id"] for row in read_journal(RunDirectory(str(tmp_path)))]
    assert ("", 0) == ((await kept.status()).stopped, (await kept.status()).unwritten)


async def test_a_journal_that_stays_unwritable_stops_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the storage did not take is counted; once there is room the last flush still writes it."""
    monkeypatch.setattr(ledger, "OUTAGE_S", 0.1)
    monkeypatch.setattr(ledger, "RETRY_S", 0.05)
    monkeypatch.setattr("ray_jobs.journal._append", failing(1000))
    kept = opened(tmp_path)
    await kept.report("s", Report(rows=[sample("a"), sample("b")]))
    assert await kept.lease("s", [1], [0.0]) is None
    status = await kept.flush()
    assert "the journal could not be written for 0.1 s ([Errno 28] No space left on device)" == status.stopped
    assert (2, 2) == (status.samples, status.unwritten)
    monkeypatch.setattr("ray_jobs.journal._append", failing(0))
    assert 0 == (await kept.flush()).unwritten
    assert ["a", "b"] == [row["sample_id"] for row in read_journal(RunDirectory(str(tmp_path)))]


async def test_while_the_endpoint_is_away_one_request_tries_and_then_all_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The status says for how long; an attempt that ends otherwise says that it is back."""
    monkeypatch.setattr(ledger, "AWAY_PAUSE_S", 0.0)
    monkeypatch.setattr(ledger, "LEASE_S", 0.05)
    kept = opened(tmp_path)
    assert [0.0, 0.0] == await kept.lease("s", [1, 1], [0.0, 0.0])
    await kept.report("s", Report(ended=2, unreachable=2, unreachable_because="refused"))
    assert (await kept.status()).away_s is not None
    assert 1 == len(await kept.lease("s", [1, 1], [0.0, 0.0]) or [])
    assert [] == await kept.lease("s", [1], [0.0])
    await kept.report("s", Report(rows=[sample("a")], ended=1))
    assert (await kept.status()).away_s is None
    assert 2 == len(await kept.lease("s", [1, 1, 1], [0.0] * 3) or [])


async def test_an_endpoint_that_stays_away_stops_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its own words and what to do."""
    monkeypatch.setattr(ledger, "AWAY_S", 0.0)
    kept = opened(tmp_path)
    await kept.lease("s", [1], [0.0])
    await kept.report("s", Report(ended=1, unreachable=1, unreachable_because="Connect call failed"))
    assert await kept.lease("s", [1], [0.0]) is None
    assert "not been reachable for 0 s (Connect call failed)" in (await kept.status()).stopped


async def test_samplers_wait_for_the_first_answer(tmp_path: Path) -> None:
    """They are ready, and hear what it has shown of the endpoint."""
    kept = opened(tmp_path)
    waiting = asyncio.create_task(kept.opening())
    await kept.samplers_wait(5)
    assert not waiting.done() and not (await kept.status()).is_open
    await kept.open(ledger.Opening(slowest_s=3.0), [sample("a")])
    assert 3.0 == (await waiting).slowest_s
    assert ["a"] == [row["sample_id"] for row in read_journal(RunDirectory(str(tmp_path)))]


async def test_samplers_go_on_when_the_first_request_failed(tmp_path: Path) -> None:
    """They find that nothing may start."""
    kept = opened(tmp_path)
    waiting = asyncio.create_task(kept.opening())
    await kept.close("the key is refused")
    await asyncio.wait_for(waiting, 5)
    assert await kept.lease("s", [1], [0.0]) is None
