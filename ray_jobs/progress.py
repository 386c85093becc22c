"""Progress of long work: one live line in a terminal, a plain line every few seconds in a job log.

sample: 1,240 of 3,600 (34 %), 310/s, 8 s left, $0.02

The time left is said once a twentieth is done: before, starting up weighs more than the work.
"""

import sys
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from ray_jobs.run_directory import Stopwatch

_PLAIN_EVERY_S = 10.0
_TOLD_FROM = 0.05  # of the total: from there on the time left is told


def duration(seconds: float) -> str:
    """A time in words: 40 s, 6 min, 2.2 hours."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:,.1f} hours"


class Progress:
    """A context that reports ``done()`` of ``total`` until it is left."""

    def __init__(self, stage: str, total: int, done: Callable[[], tuple[int, str]]) -> None:
        """``done`` returns the rows done and further words (cost, retries); it runs in a thread."""
        self._stage, self._total, self._done = stage, total, done
        self._clock = Stopwatch()
        self._finished = threading.Event()
        self._live = sys.stderr.isatty()
        self._thread = threading.Thread(target=self._report, daemon=True)

    def line(self, done: int, more: str) -> str:
        """The line as it is shown."""
        seconds = max(self._clock.seconds(), 1e-3)
        rate = f", {done / seconds:.3g}/s" if done else ""
        share = f" ({100 * done // self._total} %)" if self._total else ""
        is_told = _TOLD_FROM * self._total <= done < self._total and done > 0
        left = f", {duration((self._total - done) * seconds / done)} left" if is_told else ""
        return f"{self._stage}: {done:,} of {self._total:,}{share}{rate}{left}{', ' + more if more else ''}"

    def _report(self) -> None:
        from ray.exceptions import RayError

        said = ""
        while not self._finished.wait(0.5 if self._live else _PLAIN_EVERY_S):
            try:
                line = self.line(*self._done())
            except (OSError, RayError):  # storage or an actor is away; the stage itself says so if it stays away
                continue
            if self._live:
                print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)
            elif line != said:
                print(line, file=sys.stderr, flush=True)
            said = line

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._finished.set()
        self._thread.join()
        if self._live:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
