"""The sampler's gate and its ledger without Ray: no row is lost, no turn is another's, whatever a call meets."""

import asyncio
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from ray.exceptions import ActorUnavailableError

from pipelines.config import RunConfig
from ray_jobs import ledger as ledger_module
from ray_jobs import sampler
from ray_jobs.journal import read_journal
from ray_jobs.ledger import Ledger
from ray_jobs.run_directory import RunDirectory
from ray_jobs.sampler import LedgerGate, RunHasStopped


class Handle:
    """The ledger as an actor's handle; the answer to the first call of each method named is lost on the way."""

    def __init__(self, ledger: Any, *unheard: str) -> None:
        self._ledger = ledger
        self._unheard = set(unheard)

    def __getattr__(self, name: str) -> Any:
        handle = self

        class Method:
            @staticmethod
            async def remote(*args: Any) -> Any:
                answer = await getattr(handle._ledger, name)(*args)
                if name in handle._unheard:
                    handle._unheard.remove(name)
                    raise ActorUnavailableError("the connection broke", None)
                return answer

        return Method


def opened(tmp_path: Path) -> Ledger:
    teacher = {"kind": "openai", "model": "gpt-4o-mini", "max_in_flight": 8}
    config = RunConfig.model_validate({"run_dir": str(tmp_path), "teacher": teacher})
    return Ledger(config, spent_usd=0.0, driver_pid=os.getpid())


def row(number: int, text: str) -> dict[str, Any]:
    counts = {"cost_usd": 0.001, "prompt_tokens": 1, "completion_tokens": 1}
    return {"kind": "sample", "sample_id": f"p/{number}", "completion": text, **counts}


async def ask(gate: LedgerGate, text: str = "ans = 1", count: int = 8) -> None:
    async def one(number: int) -> None:
        with suppress(RunHasStopped):
            async with gate.turn(10, 0.0, False):
                pass
            gate.record([row(number, text)])

    await asyncio.gather(*(one(number) for number in range(count)))
    await gate.reported()


def written(tmp_path: Path) -> list[str]:
    return [row["completion"] for row in read_journal(RunDirectory(str(tmp_path)))]


@pytest.mark.parametrize("unheard", [("report",), ("lease",), ("lease", "report")])
async def test_a_call_whose_answer_was_lost_is_made_again_and_counts_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unheard: tuple[str, ...]
) -> None:
    """Ray says of an actor out of reach that it may have done what it was called for: rows, turns and dollars."""
    monkeypatch.setattr(sampler, "_AGAIN_S", 0.0)
    ledger = opened(tmp_path)
    await asyncio.wait_for(ask(LedgerGate(Handle(ledger, *unheard))), 20)
    status = await ledger.flush()
    assert (8, 0, pytest.approx(0.008)) == (status.samples, status.in_flight, status.spent_usd)
    assert ["ans = 1"] * 8 == written(tmp_path)


async def test_half_a_surrogate_pair_costs_no_row(tmp_path: Path) -> None:
    """JSON can carry it, UTF-8 and Parquet cannot."""
    await asyncio.wait_for(ask(LedgerGate(Handle(opened(tmp_path))), "half an emoji \ud83d"), 20)
    assert ["half an emoji ?"] * 8 == written(tmp_path)


@pytest.mark.parametrize("method", ["_report", "_lease"])
async def test_what_the_ledger_fails_at_fails_the_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    """The rows are in no journal: it must not pass for done, nor wait for turns that nobody gives back."""

    async def ill(self: Ledger, *asked: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Ledger, method, ill)
    monkeypatch.setattr(ledger_module, "LEASE_S", 0.1)
    with pytest.raises(ZeroDivisionError):
        await asyncio.wait_for(ask(LedgerGate(Handle(opened(tmp_path))), count=20), 20)


async def test_a_retry_that_comes_meanwhile_takes_no_turn_of_another() -> None:
    """The one turn there is was booked with the tokens and dollars of the request that asked for it."""
    asked, has_retry = asyncio.Event(), asyncio.Event()

    class OneTurn:
        async def lease(self, name: str, tokens: list[int], dollars: list[float], key: str) -> list[float] | None:
            if asked.is_set():
                return None
            asked.set()
            await has_retry.wait()
            return [0.0]

        async def report(self, *news: Any) -> None:
            pass

    gate = LedgerGate(Handle(OneTurn()))

    async def go(is_retry: bool) -> None:
        async with gate.turn(100, 0.0, is_retry):
            pass

    first = asyncio.create_task(go(False))
    await asked.wait()
    retry = asyncio.create_task(go(True))
    await asyncio.sleep(0)
    has_retry.set()
    ended = await asyncio.wait_for(asyncio.gather(first, retry, return_exceptions=True), 20)
    assert ended[0] is None and isinstance(ended[1], RunHasStopped)
