"""The sampler: an actor that asks the teacher, as fast as the ledger lets it.

ledger ── turns ──► Sampler ── requests ──► teacher
       ◄── reports (rows for the journal, attempts that ended, 429s) ──

A batch is far larger than what is in flight at once, and several are at work together, so that no request waits
for the slowest of its batch. Answers go to the ledger as they arrive; the batch itself comes back as ids only.
"""

import asyncio
import contextlib
import itertools
import uuid
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from typing import Any

from pipelines.config import RunConfig
from pipelines.teacher import Limits, Request, Sample, Teacher, TeacherRefused
from pipelines.thoughts import Prompt
from ray_jobs import paid
from ray_jobs.ledger import AWAY_S, Opening, Report

_ASKED_AT_ONCE = 256  # waiting requests that one lease names
_REPORT_EVERY_S = 0.02  # what arrives meanwhile goes together
_SIGN_OF_LIFE_S = 2.0
_PASSING_S = 2.0  # without an answer: from then on a dropped connection is taken for an outage
_AGAIN_S = 1.0  # between calls to a ledger that is out of reach


class RunHasStopped(Exception):  # noqa: N818 - reads as what happened
    """The ledger lets nothing start any more."""


@dataclass(eq=False)
class _Waiting:
    """An attempt that waits for its turn."""

    tokens: int
    dollars: float
    turn: asyncio.Future[None]


class LedgerGate:
    """The gate before each attempt of one sampler: turns are leased from the ledger in bulk, news go back to it."""

    def __init__(self, ledger: Any) -> None:
        """``ledger``: handle of the ``Ledger`` actor."""
        self._ledger = ledger
        self._name = uuid.uuid4().hex
        self._waiting: deque[_Waiting] = deque()
        self._news = Report()
        self._in_flight = 0
        self._sending = asyncio.Lock()
        self._leasing: asyncio.Task[None] | None = None
        self._reporting: asyncio.Task[None] | None = None
        self._answered_at = asyncio.get_running_loop().time()
        self._failed: Exception | None = None  # how the ledger failed at a call

    @contextlib.asynccontextmanager
    async def turn(self, tokens: int, cost_usd: float, is_retry: bool) -> AsyncIterator[None]:
        """Wait for this attempt's turn; retries come before what has not been asked yet.

        Raises:
            RunHasStopped: there will be none.
        """
        waiting = _Waiting(tokens, cost_usd, asyncio.get_running_loop().create_future())
        if is_retry:
            self._news.retries += 1
            self._waiting.appendleft(waiting)
        else:
            self._waiting.append(waiting)
        if self._leasing is None or self._leasing.done():
            self._leasing = asyncio.create_task(self._lease())
        await waiting.turn
        self._in_flight += 1
        self._start_reporting()
        try:
            yield
        finally:
            self._in_flight -= 1
            self._news.ended += 1
            self._news.ended_usd += cost_usd

    def slow_down(self, pause_s: float) -> None:
        """The endpoint answered 429: all samplers hear of it."""
        self._news.refusals += 1
        self._news.pause_s = max(pause_s, self._news.pause_s)

    def obey(self, limits: Limits) -> None:
        """What the endpoint's headers say, for all samplers."""
        if limits != Limits():
            self._news.limits = limits

    def timed_out(self, timeout_s: float) -> None:
        """An attempt was abandoned: the window shrinks for all samplers."""
        self._news.timeouts += 1
        self._news.timeout_s = timeout_s

    async def unreachable(self, said: str, was_sent: bool) -> bool:
        """All samplers wait for the endpoint; what is dropped while others are answered has an attempt less."""
        unanswered_s = asyncio.get_running_loop().time() - self._answered_at
        if was_sent and not _PASSING_S < unanswered_s < AWAY_S / 2:
            return False
        self._news.unreachable += 1
        self._news.unreachable_because = said
        return True

    def record(self, rows: list[dict[str, Any]]) -> None:
        """Rows for the journal, with the next report."""
        self._news.rows += rows
        if latency_s := rows[0].get("latency_s"):
            self._news.latencies_s.append(latency_s)
        self._answered_at = asyncio.get_running_loop().time()
        self._start_reporting()

    async def reported(self) -> None:
        """Wait until all that was recorded is in the journal.

        Raises:
            RayError: the ledger failed at a call; the rows of a report are then in no journal.
        """
        while self._news.rows:
            await asyncio.sleep(_REPORT_EVERY_S)
        async with self._sending:  # the report that took them is through
            if self._failed is not None:
                raise self._failed

    async def _call(self, method: str, *args: Any) -> Any:
        """The ledger's answer. While it is out of reach it is called again, with a key: it does the same only once.

        None: it is dead, which the driver finds as well and says, or it failed, which ``reported`` raises.
        """
        from ray.exceptions import ActorUnavailableError, RayActorError

        key = uuid.uuid4().hex
        while True:
            try:
                return await getattr(self._ledger, method).remote(self._name, *args, key)
            except ActorUnavailableError:
                await asyncio.sleep(_AGAIN_S)
            except RayActorError:
                return None
            except Exception as error:  # whatever it was, the batch must not pass for done
                self._failed = error
                return None

    async def _lease(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            asked = list(itertools.islice(self._waiting, _ASKED_AT_ONCE))
            delays = await self._call("lease", [one.tokens for one in asked], [one.dollars for one in asked])
            if delays is None or self._failed is not None:
                while self._waiting:
                    self._waiting.popleft().turn.set_exception(RunHasStopped())
                return
            for one, delay_s in zip(asked, delays, strict=False):  # the first of them have a turn
                self._waiting.remove(one)  # no longer in front where a retry has come meanwhile
                loop.call_later(delay_s, one.turn.set_result, None)

    def _start_reporting(self) -> None:
        if self._reporting is None or self._reporting.done():
            self._reporting = asyncio.create_task(self._report())

    async def _report(self) -> None:
        """Report what is new, and now and then that this sampler lives, while anything is in flight."""
        silent_s = 0.0
        while self._in_flight or self._news != Report():
            if self._news != Report() or silent_s >= _SIGN_OF_LIFE_S:
                async with self._sending:
                    news, self._news = self._news, Report()
                    await self._call("report", news)
                silent_s = 0.0
            await asyncio.sleep(_REPORT_EVERY_S)
            silent_s += _REPORT_EVERY_S


class Sampler:
    """An actor with a client of its own."""

    def __init__(
        self,
        config: RunConfig,
        prompts: dict[str, Prompt],
        base_url: str | None,
        api_key: str,
        ledger: Any,
    ) -> None:
        """``ledger``: handle of the ``Ledger`` actor."""
        self._calls = 0
        self._endpoint = config.teacher, config.sampling, prompts, base_url, api_key
        self._ledger = ledger
        self._teacher: Teacher | None = None
        self._gate: LedgerGate | None = None

    async def __call__(self, batch: dict[str, Any]) -> dict[str, list[str]]:
        """Ask for every request of the batch; what comes back goes to the journal, here only ids.

        Waits until the very first request, which the driver sends alone, is answered.
        """
        opening = await self._ledger.opening.remote()
        async with self._client(opening) as (teacher, gate):
            return await self._batch(teacher, gate, batch)

    @contextlib.asynccontextmanager
    async def _client(self, opening: Opening) -> AsyncIterator[tuple[Teacher, LedgerGate]]:
        """The one client and gate of all batches at work; they belong to the loop that calls, and end with the last."""
        if self._teacher is None or self._gate is None:
            self._teacher = Teacher(*self._endpoint, opening.dialect, opening.slowest_s)
            self._gate = LedgerGate(self._ledger)
        teacher, gate = self._teacher, self._gate
        self._calls += 1
        try:
            yield teacher, gate
        finally:
            self._calls -= 1
            if self._calls == 0:
                self._teacher = self._gate = None
                await teacher.aclose()

    async def _batch(self, teacher: Teacher, gate: LedgerGate, batch: dict[str, Any]) -> dict[str, list[str]]:
        columns = {name: values.tolist() for name, values in batch.items()}
        requests = [Request(**dict(zip(columns, row, strict=True))) for row in zip(*columns.values(), strict=True)]
        ids = [sample_id for request in requests for sample_id in request.sample_ids]
        unanswered = set(await self._ledger.unanswered.remote(ids))
        await asyncio.gather(*(self._ask(teacher, gate, request, unanswered) for request in requests))
        await gate.reported()
        return {"sample_id": ids}

    async def _ask(self, teacher: Teacher, gate: LedgerGate, request: Request, unanswered: set[str]) -> None:
        """Ask until every draw has its row."""
        if not unanswered.issuperset(request.sample_ids):
            singles = [single for single in request.split() if single.sample_ids[0] in unanswered]
            await asyncio.gather(*(self._ask(teacher, gate, single, unanswered) for single in singles))
            return
        try:
            answers = await teacher.ask(request, gate)
        except TeacherRefused as error:
            await self._ledger.refuse.remote(str(error))
            return
        except RunHasStopped:
            return
        gate.record([as_row(answer, request) for answer in answers])
        rest = request.split()[len(answers) :]
        await asyncio.gather(*(self._ask(teacher, gate, single, unanswered) for single in rest))


def as_row(answer: Any, request: Request) -> dict[str, Any]:
    """A sample or failure as a row of the journal."""
    kind = "sample" if isinstance(answer, Sample) else "failure"
    return {"kind": kind, "question_sha": paid.question_sha(request.question), **asdict(answer)}
