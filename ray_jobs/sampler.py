"""The sampler: an actor that keeps its share of the requests in flight.

A batch is far larger than what is in flight at once, so that no request waits for the slowest of its batch.
Answers go to the ledger as they arrive; the batch itself comes back as ids only.
"""

import asyncio
import contextlib
import time
from collections import deque
from dataclasses import asdict
from typing import Any

from pipelines.config import RunConfig
from pipelines.teacher import (
    Lease,
    Request,
    Sample,
    Teacher,
    TeacherRefused,
    estimate_tokens,
    model_name,
    price_of,
)
from pipelines.thoughts import Prompt
from ray_jobs import paid


class Sampler:
    """An actor that keeps its share of the requests in flight."""

    def __init__(
        self,
        config: RunConfig,
        prompts: dict[str, Prompt],
        base_url: str | None,
        api_key: str,
        ledger: Any,
        in_flight: int,
    ) -> None:
        """``ledger``: handle of the ``Ledger`` actor."""
        self._endpoint = config.teacher, config.sampling, prompts, base_url, api_key
        self._ledger = ledger
        self._in_flight = in_flight
        self._gate = asyncio.Semaphore(in_flight)
        self._waiting = 0
        self._prompt = max(sum(estimate_tokens(m["content"]) for m in p.messages("")) for p in prompts.values())
        self._longest_question = 0
        self._max_tokens = config.sampling.max_tokens
        self._price = price_of(model_name(config.teacher))
        self._permits: deque[float] = deque()
        self._leasing = asyncio.Lock()
        self._rows: list[dict[str, Any]] = []
        self._writer: asyncio.Task[None] | None = None

    async def __call__(self, batch: dict[str, Any]) -> dict[str, list[str]]:
        """Ask for every request of the batch; what comes back goes to the journal, here only ids."""
        columns = {name: values.tolist() for name, values in batch.items()}
        requests = [Request(**dict(zip(columns, row, strict=True))) for row in zip(*columns.values(), strict=True)]
        self._waiting += len(requests)
        self._longest_question = max(estimate_tokens(request.question) for request in requests)
        async with contextlib.aclosing(Teacher(*self._endpoint)) as teacher:

            async def one(request: Request) -> None:
                async with self._gate:
                    if await self._permitted():
                        await self._ask(teacher, request)

            await asyncio.gather(*(one(request) for request in requests))
        if self._writer is not None:
            await self._writer
        return {"sample_id": columns["sample_id"]}

    async def _ask(self, teacher: Teacher, request: Request) -> None:
        try:
            answer = await teacher.ask(request)
        except TeacherRefused as error:
            await self._ledger.refuse.remote(str(error))
            return
        kind = "sample" if isinstance(answer, Sample) else "failure"
        sha = paid.question_sha(request.question)
        self._rows.append({"kind": kind, "question_sha": sha, **asdict(answer)})
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())

    async def _write(self) -> None:
        """One write at a time; what arrives meanwhile goes with the next."""
        while self._rows:
            rows, self._rows = self._rows, []
            await self._ledger.record.remote(rows)

    async def _permitted(self) -> bool:
        """Wait for this request's turn; False once the run has stopped."""
        async with self._leasing:
            while not self._permits:
                asked = self._prompt + self._longest_question
                cost = self._price.cost(asked, self._max_tokens) if self._price else 0.0
                count = min(self._in_flight, self._waiting)  # a permit that nobody uses would count as in flight
                lease: Lease | None = await self._ledger.lease.remote(count, asked + self._max_tokens, cost)
                if lease is None:
                    return False
                start = time.monotonic() + lease.delay_s
                self._permits.extend(start + turn * lease.spacing_s for turn in range(lease.count))
                if lease.count == 0:
                    await asyncio.sleep(lease.delay_s)
            turn = self._permits.popleft()
            self._waiting -= 1
        await asyncio.sleep(max(0.0, turn - time.monotonic()))
        return True
