"""How a local teacher's server behaves: its latency, its quota and its faults, as strict as real providers can be.

    teacher: {kind: rehearsal, rehearsal: {latency_s: [0.2, 2], requests_per_minute: 6000, faults: 0.06}}

A quota is kept over every sliding minute and, at twice the rate, over every sliding second; tokens are charged
on arrival (prompt + n * max_tokens), as providers do. What was refused does not count.
"""

import asyncio
import contextlib
import random
from collections import Counter, deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from pipelines.config import FaultKind, RehearsalConfig


class SlidingQuota:
    """At most ``per_minute`` units in any 60 seconds, and at most twice their share in any second."""

    def __init__(self, per_minute: float) -> None:
        self._windows = [(60.0, per_minute), (1.0, max(1.0, 2 * per_minute / 60))]
        self._admitted: list[deque[tuple[float, float]]] = [deque(), deque()]
        self._sums = [0.0, 0.0]

    def admits(self, units: float, now: float) -> bool:
        """Whether ``units`` may arrive at ``now`` (seconds, never falling); they are counted by ``admit``."""
        for index, (seconds, _) in enumerate(self._windows):
            admitted = self._admitted[index]
            while admitted and admitted[0][0] <= now - seconds:
                self._sums[index] -= admitted.popleft()[1]
        # One request larger than a second's share is no burst: it may stand alone in its second.
        alone = not self._admitted[1]
        return self._sums[0] + units <= self._windows[0][1] and (alone or self._sums[1] + units <= self._windows[1][1])

    def admit(self, units: float, now: float) -> None:
        """Count what has arrived."""
        for index, admitted in enumerate(self._admitted):
            admitted.append((now, units))
            self._sums[index] += units


@dataclass
class Counts:
    """What the server saw, as its page ``/counts`` shows it."""

    requests: int = 0
    batches: int = 0
    answered: int = 0
    over_quota: int = 0
    at_once: int = 0  # requests that wait for their answer now
    most_at_once: int = 0
    arrivals_s: list[float] = field(default_factory=list)
    prompt_tokens: int = 0
    completion_tokens: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)  # by sample id: more than one is a repeat

    def summary(self) -> dict[str, object]:
        """As JSON; ``repeats`` counts the completions that were paid for more than once.

        ``per_minute`` is the rate of arrivals, the first and the last percent of them left out;
        ``per_minute_overall`` that of all, from the first to the last.
        """
        repeats = sum(times - 1 for times in self.answers.values())
        shown = {name: value for name, value in vars(self).items() if name not in ("answers", "arrivals_s")}
        edge = len(self.arrivals_s) // 100
        return {
            **shown,
            "faults": dict(self.faults),
            "samples": len(self.answers),
            "repeats": repeats,
            "per_minute": _per_minute(self.arrivals_s[edge : len(self.arrivals_s) - edge]),
            "per_minute_overall": _per_minute(self.arrivals_s),
        }


def _per_minute(arrivals_s: list[float]) -> float | None:
    seconds = arrivals_s[-1] - arrivals_s[0] if arrivals_s else 0.0
    return 60 * (len(arrivals_s) - 1) / seconds if seconds > 0 else None


class Behaviour:
    """The behaviour of one server; times are those of its event loop."""

    def __init__(self, config: RehearsalConfig, seed: int) -> None:
        self.counts = Counts()
        self._config = config
        self._random = random.Random(seed)
        self._slots = asyncio.Semaphore(config.slots) if config.slots else None
        self._quotas = [
            (SlidingQuota(rate), is_tokens)
            for rate, is_tokens in ((config.requests_per_minute, False), (config.tokens_per_minute, True))
            if rate is not None
        ]

    def admits(self, tokens: int) -> bool:
        """Count a request on arrival; False where a quota refuses it."""
        now = asyncio.get_running_loop().time()
        counts = self.counts
        counts.requests += 1
        counts.arrivals_s.append(now)
        if not all(quota.admits(tokens if is_tokens else 1, now) for quota, is_tokens in self._quotas):
            counts.over_quota += 1
            return False
        for quota, is_tokens in self._quotas:
            quota.admit(tokens if is_tokens else 1, now)
        return True

    def fault(self) -> FaultKind | None:
        """The fault that this request meets, if any."""
        if self._random.random() >= self._config.faults:
            return None
        kind = self._random.choice(self._config.fault_kinds)
        self.counts.faults[kind] += 1
        return kind

    @contextlib.asynccontextmanager
    async def served(self) -> AsyncIterator[None]:
        """Wait for a free slot and the latency."""
        self.counts.at_once += 1
        self.counts.most_at_once = max(self.counts.most_at_once, self.counts.at_once)
        try:
            async with self._slots or contextlib.nullcontext():
                await asyncio.sleep(self._latency_s())
            yield
        finally:
            self.counts.at_once -= 1

    def _latency_s(self) -> float:
        latency = self._config.latency_s
        return self._random.uniform(*latency) if isinstance(latency, tuple) else latency
