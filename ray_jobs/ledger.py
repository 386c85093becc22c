"""The ledger: one actor on the driver's node that keeps quota, budget and journal for all samplers.

lease("sampler-1", tokens=[900, 870], dollars=[0.0004, 0.0004]) -> [0.0, 0.0102]   seconds until each may start
report("sampler-1", Report(rows=[{"kind": "sample", ...}], ended=1))               in the journal when it returns

``lease`` waits until something may start, but not for long; None: the run has stopped. A sampler that falls silent
is taken for dead, and what it had in flight counts no more. One that could not hear the answer makes the same call
again, by its key: it is done once. Samplers that are ready wait for ``open``, which says how the very first request
went. While nothing listens at the endpoint, one request at a time tries whether it is back.
"""

import asyncio
import contextlib
import os
import select
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from pipelines.config import RunConfig
from pipelines.teacher import Dialect, Limits, Quota, Window, price_of
from ray_jobs.journal import SEGMENT_S, JournalWriter
from ray_jobs.outage import one_line
from ray_jobs.run_directory import RunDirectory

SILENT_S = 15.0  # a sampler reports every 2 s while it has anything in flight
OUTAGE_S = 30.0  # how long the journal's storage may fail before the run stops; nothing is asked meanwhile
RETRY_S = 0.5
AWAY_S = 300.0  # how long the endpoint may be out of reach before the run stops
AWAY_PAUSE_S = 2.0  # between tries whether it is back
LEASE_S = 5.0  # a lease waits no longer: that of a dead sampler must not pass for a sign of life

_T = TypeVar("_T")


@dataclass(kw_only=True)
class Report:
    """What happened at a sampler since its last report."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    ended: int = 0
    ended_usd: float = 0.0  # what the ended attempts might have cost at most
    retries: int = 0
    refusals: int = 0  # answers 429, and the longest wait they asked for
    pause_s: float = 0.0
    limits: Limits | None = None
    latencies_s: list[float] = field(default_factory=list)  # of the requests that were answered
    timeouts: int = 0  # attempts abandoned, and after how many seconds
    timeout_s: float = 0.0
    unreachable: int = 0  # attempts that did not reach the endpoint, and what was said
    unreachable_because: str = ""


@dataclass(frozen=True, kw_only=True)
class Opening:
    """What the very first request has shown of the endpoint; ``slowest_s``: how long it took, None: no answer."""

    dialect: Dialect = field(default_factory=Dialect)
    slowest_s: float | None = None


@dataclass(frozen=True, kw_only=True)
class LedgerStatus:
    """What the ledger has counted in this run."""

    is_open: bool  # the first request is answered
    samples: int
    failures: int
    retries: int
    prompt_tokens: int
    completion_tokens: int
    spent_usd: float | None
    in_flight: int
    window: int | None  # None: max_in_flight is configured
    timeouts: int
    timeout_s: float  # of the latest timeout
    away_s: float | None  # for so long the endpoint has been out of reach
    requests_per_minute: float | None
    tokens_per_minute: float | None
    unwritten: int  # rows that the storage has not taken
    stopped: str
    refused: str


@dataclass
class _Holding:
    """What one sampler has in flight."""

    requests: int = 0
    dollars: float = 0.0
    heard_at: float = 0.0


def budget_reached(budget_usd: float | None, spent_usd: float) -> str:
    """Why no request starts any more, and what to do."""
    return f"teacher.budget_usd {budget_usd} is reached ({spent_usd:.4f} spent); raise it to go on"


class Ledger:
    """The one keeper of quota, budget and journal, an actor on the driver's node."""

    def __init__(self, config: RunConfig, spent_usd: float, driver_pid: int) -> None:
        """``spent_usd``: what earlier runs of the command paid. Without its driver nothing is granted any more."""
        self._driver = os.pidfd_open(driver_pid) if hasattr(os, "pidfd_open") else None
        teacher = config.teacher
        self._quota = Quota(teacher.requests_per_minute, teacher.tokens_per_minute)
        self._window = Window(teacher.max_in_flight, teacher.requests_per_minute, teacher.timeout_s)
        self._finds_window = teacher.max_in_flight is None
        self._opening: Opening | None = None
        self._is_open = asyncio.Event()
        self._samplers_wait = asyncio.Event()
        self._timeout_s = 0.0
        self._away_since: float | None = None
        self._journal = JournalWriter(RunDirectory(config.run_dir))
        self._writing = asyncio.Lock()
        self._is_writable = True
        self._flushing: asyncio.Task[None] | None = None
        self._changed = asyncio.Condition()
        self._holdings: dict[str, _Holding] = {}
        self._answered: set[str] = set()
        self._calls: dict[tuple[str, str], tuple[str, asyncio.Task[Any]]] = {}  # the last of each sampler, with its key
        self._budget = teacher.budget_usd
        self._priced = price_of(teacher) is not None
        self._spent = spent_usd
        self._samples = self._failures = self._retries = self._prompt_tokens = self._completion_tokens = 0
        self._stopped = self._refused = ""

    async def opening(self) -> Opening:
        """What the first request has shown, once it is answered: a sampler that is ready waits here."""
        self._samplers_wait.set()
        await self._is_open.wait()
        return self._opening or Opening()

    async def samplers_wait(self, timeout_s: float) -> None:
        """Return once a sampler waits for the opening, or after ``timeout_s``."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._samplers_wait.wait(), timeout_s)

    async def open(self, opening: Opening, rows: list[dict[str, Any]]) -> None:
        """The first request is answered, its rows go to the journal; from now on others may start."""
        if opening.slowest_s is not None:
            self._window.begin(opening.slowest_s)
        await self.report("driver", Report(rows=rows))
        self._opening = opening
        self._is_open.set()

    async def close(self, reason: str) -> None:
        """The first request failed: nothing will start, and whoever waits for it goes on to find that."""
        self._stopped = self._stopped or reason
        self._is_open.set()

    async def lease(
        self, sampler: str, tokens: Sequence[int], dollars: Sequence[float], key: str | None = None
    ) -> list[float] | None:
        """Seconds until each of the first requests may start; none yet: ask again. None: nothing starts any more.

        ``tokens`` and ``dollars``: what each of the waiting requests may use at most, in their order.
        """
        return await self._once("lease", sampler, key, partial(self._lease, sampler, tokens, dollars))

    async def report(self, sampler: str, report: Report, key: str | None = None) -> None:
        """Take a sampler's news; its rows are in the journal when this returns (object store: ``SEGMENT_S`` later).

        Where the storage fails this waits, at most ``OUTAGE_S``; then the run stops.
        """
        await self._once("report", sampler, key, partial(self._report, sampler, report))

    async def _once(
        self, method: str, sampler: str, key: str | None, work: Callable[[], Coroutine[Any, Any, _T]]
    ) -> _T:
        """What comes of the work; for a key that came last time as well, of the work begun then."""
        if key is None:
            return await work()
        if self._calls.get((method, sampler), ("",))[0] != key:
            self._calls[method, sampler] = key, asyncio.create_task(work())
        result: _T = await asyncio.shield(self._calls[method, sampler][1])
        return result

    async def _lease(self, sampler: str, tokens: Sequence[int], dollars: Sequence[float]) -> list[float] | None:
        now = began = time.monotonic()
        holding = self._holding(sampler, now)
        while not (self._stopped or self._refused or self._is_orphaned()):
            if now - began >= LEASE_S:
                return []
            affordable = self._affordable(dollars)
            room = min(self._room(now), affordable) if self._is_writable else 0
            grant = self._quota.grant(tokens[:room], now)
            if grant.delays_s:
                count = len(grant.delays_s)
                self._window.sent(count, now)
                holding.requests += count
                holding.dollars += sum(dollars[:count])
                return list(grant.delays_s)
            if affordable == 0 and self._window.in_flight == 0:
                self._stopped = budget_reached(self._budget, self._spent)
                return None
            await self._change(min(grant.retry_s or 1.0, LEASE_S))
            now = time.monotonic()
            self._give_up_silent(now)
        return None

    async def _report(self, sampler: str, report: Report) -> None:
        now = time.monotonic()
        holding = self._holding(sampler, now)
        ended = min(report.ended, holding.requests)  # less where it was taken for dead meanwhile
        holding.requests -= ended
        holding.dollars = max(0.0, holding.dollars - report.ended_usd) if holding.requests else 0.0
        self._retries += report.retries
        if report.limits is not None:
            self._quota.obey(report.limits, now)
        self._hear_of_endpoint(report, now)
        if report.refusals:
            self._quota.slow_down(report.refusals, report.pause_s, now)
        for row in report.rows:
            self._count(row)
        self._window.ended(ended, now, report.latencies_s, min(report.timeouts, ended))
        async with self._changed:
            self._changed.notify_all()
        if report.rows:
            await self._write(partial(self._journal.append, report.rows))
            if self._journal.waiting and (self._flushing is None or self._flushing.done()):
                self._flushing = asyncio.create_task(self._flush())

    def _hear_of_endpoint(self, report: Report, now: float) -> None:
        """Timeouts, and whether the endpoint can be reached at all."""
        if report.timeouts:
            self._timeout_s = report.timeout_s
        if report.unreachable:
            self._away_since = now if self._away_since is None else self._away_since
            self._quota.pause(AWAY_PAUSE_S, now)
            if now - self._away_since >= AWAY_S and not self._stopped:
                self._stopped = (
                    f"the endpoint has not been reachable for {AWAY_S:g} s ({report.unreachable_because}); "
                    "start it again and run the same command"
                )
        elif report.ended:
            self._away_since = None

    def _room(self, now: float) -> int:
        """How many requests may start; while the endpoint is out of reach, one that tries whether it is back."""
        if self._away_since is not None:
            return int(self._window.in_flight == 0)
        return self._window.room(now)

    async def unanswered(self, sample_ids: Sequence[str]) -> list[str]:
        """Those of the samples that this run has not yet; Ray may hand a dead worker's batch to another."""
        return [sample_id for sample_id in sample_ids if sample_id not in self._answered]

    async def refuse(self, reason: str) -> None:
        """The endpoint refuses everything: stop the run."""
        self._refused = self._refused or reason

    async def status(self) -> LedgerStatus:
        """The counts so far."""
        return LedgerStatus(
            is_open=self._is_open.is_set(),
            samples=self._samples,
            failures=self._failures,
            retries=self._retries,
            prompt_tokens=self._prompt_tokens,
            completion_tokens=self._completion_tokens,
            spent_usd=self._spent if self._priced else None,
            in_flight=self._window.in_flight,
            window=self._window.size if self._finds_window else None,
            timeouts=self._window.timeouts,
            timeout_s=self._timeout_s,
            away_s=None if self._away_since is None else time.monotonic() - self._away_since,
            requests_per_minute=self._quota.requests_per_minute,
            tokens_per_minute=self._quota.tokens_per_minute,
            unwritten=self._journal.waiting,
            stopped=self._stopped,
            refused=self._refused,
        )

    async def flush(self) -> LedgerStatus:
        """Write out what an object store's journal still holds back."""
        await self._flush(after_s=0)
        return await self.status()

    async def _flush(self, after_s: float = SEGMENT_S) -> None:
        await asyncio.sleep(after_s)
        await self._write(self._journal.flush)

    async def _write(self, write: Callable[[], None]) -> None:
        """Call the journal; while its storage fails, again and again until the run stops for it."""
        async with self._writing:
            began = time.monotonic()
            while True:
                try:
                    await asyncio.to_thread(write)
                    break
                except OSError as error:
                    self._is_writable = False
                    if not self._stopped and time.monotonic() - began >= OUTAGE_S:
                        self._stopped = f"the journal could not be written for {OUTAGE_S:g} s ({one_line(error)})"
                    if self._stopped:
                        return
                write = self._journal.flush  # the rows wait there
                await asyncio.sleep(RETRY_S)
            if not self._is_writable:
                self._is_writable = True
                for holding in self._holdings.values():  # they waited for this, they were not silent
                    holding.heard_at = time.monotonic()

    def _is_orphaned(self) -> bool:
        """Whether the driver is dead: Ray ends its actors only seconds later, when the next run may be at work."""
        return self._driver is not None and bool(select.select([self._driver], [], [], 0)[0])

    def _affordable(self, dollars: Sequence[float]) -> int:
        """How many of the requests the budget allows beside all that is in flight, each at its worst."""
        if self._budget is None:
            return len(dollars)
        left = self._budget - self._spent - sum(holding.dollars for holding in self._holdings.values())
        for count, cost in enumerate(dollars):
            left -= cost
            if left < 0:
                return count
        return len(dollars)

    def _count(self, row: dict[str, Any]) -> None:
        self._spent += row.get("cost_usd") or 0.0
        if row["kind"] == "failure":
            self._failures += 1
            return
        self._prompt_tokens += row["prompt_tokens"] or 0
        self._completion_tokens += row["completion_tokens"] or 0
        self._samples += row["sample_id"] not in self._answered
        self._answered.add(row["sample_id"])

    def _holding(self, sampler: str, now: float) -> _Holding:
        """The holding of a sampler that is heard now."""
        holding = self._holdings.setdefault(sampler, _Holding())
        holding.heard_at = now
        self._give_up_silent(now)
        return holding

    def _give_up_silent(self, now: float) -> None:
        """What samplers that fell silent had in flight counts no more."""
        for name, other in list(self._holdings.items()):
            if now - other.heard_at > SILENT_S:
                self._window.ended(other.requests, now)
                del self._holdings[name]
                self._calls.pop(("lease", name), None)  # asked again, it is booked again

    async def _change(self, timeout_s: float) -> None:
        """Wait for a report, but not longer than ``timeout_s``."""
        async with self._changed:
            try:
                await asyncio.wait_for(self._changed.wait(), timeout_s)
            except TimeoutError:
                return
