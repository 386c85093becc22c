"""The window: how many requests are in flight at once, found by measuring where ``max_in_flight`` is null.

    window = Window(None)
    window.begin(8.0)                  the latency of the first request, which was alone
    window.room(now)               ->  2: few at first
    window.sent(2, now); window.ended(1, now, [16.0])

The start follows BBR's start-up (Cardwell et al., "BBR: Congestion-Based Congestion Control", ACM Queue 2016): the
window doubles each round (a window's worth of answers) while that brings 25 % more answers a second; after two rounds
without a gain it is set to what the best rate needs, and a minute later the search starts again. The worst case of a
doubling, a server that was full already, doubles the latency: that must stay within the timeout, so that no answer is
late for a queue of our own making. Up to 16, and to half of the timeout, the window grows without being judged.

A timeout shrinks the window as a 429 does the rate: by twice the share of requests that timed out, at most to half.
A server that goes on with abandoned requests (most local ones) is still busy with them, so each keeps its place
in the window until the measured rate has worked it off. A window that does not fill is never changed: a rate limits
it. Times are seconds of one monotonic clock.
"""

from collections.abc import Sequence

PATIENCE_S = 60.0
"""What an attempt may take where ``teacher.timeout_s`` is null and no answer took more than a quarter of it."""

_FIRST, _MOST = 2, 4096
_GAIN, _CLEAR_GAIN = 1.25, 1.5  # more answers a second than before: the last doubling paid; seen after one turn
_ROUNDS_WITHOUT_GAIN = 2
_HEADROOM = 1.1
_COUNTS_FROM = 8  # answers that make a rate worth comparing
_TRIED_TO = 16  # below, the window grows unjudged while a queue could do no harm: few answers tell little
_SETTLED_S = 60.0  # then try again: servers join and leave
_LARGEST_CUT = 0.5
_LONGEST_S = 600.0


def patience(timeout_s: float | None, slowest_s: float) -> float:
    """Seconds that an attempt may take: as configured, or four times the slowest answer so far, from 60 s to 600 s.

    ``timeout_s`` None: learned. Answers that wait in a queue are slow answers, so a queue of ours is allowed for.
    """
    if timeout_s is not None:
        return timeout_s
    return min(_LONGEST_S, max(PATIENCE_S, 4 * slowest_s))


class Window:
    """The number of requests in flight: fixed, or found."""

    def __init__(
        self, size: int | None, requests_per_minute: float | None = None, timeout_s: float | None = None
    ) -> None:
        """``size``: as configured; None: to be found, from two seconds' worth of the rate where one is given."""
        self.size = size or min(_MOST, max(_FIRST, round((requests_per_minute or 0) / 30)))
        self.in_flight = 0
        self.timeouts = 0
        self._is_fixed = size is not None
        self._timeout_s = timeout_s
        self._alone_s = self._slowest_s = 0.0
        self._is_full = False
        self._round_began = self._slowest_of_round_s = 0.0
        self._answers = 0
        self._abandoned: list[tuple[float, int]] = []  # until when, how many
        self._cut_at = self._settled_until = float("-inf")
        self._search()

    def begin(self, latency_s: float) -> None:
        """The latency of one request that was alone: what the server needs without a queue."""
        self._alone_s = self._slowest_s = latency_s
        if latency_s > 0 and not self._is_fixed:
            self._best_size, self._best_size_rate = 1, 1 / latency_s
        if not self._is_fixed and self.size == _FIRST and not self._may_double(latency_s):
            self.size = 1

    def room(self, now: float) -> int:
        """How many more may be sent."""
        self._abandoned = [(until, count) for until, count in self._abandoned if until > now]
        return max(0, self.size - self.in_flight - sum(count for _, count in self._abandoned))

    def sent(self, count: int, now: float) -> None:
        """Count requests that start."""
        self.in_flight += count
        if not self._is_full and self.in_flight >= self.size:
            self._is_full = True
            self._start_round(now)

    def ended(self, count: int, now: float, latencies_s: Sequence[float] = (), timeouts: int = 0) -> None:
        """Count attempts that ended; ``latencies_s`` of those with an answer, ``timeouts`` without one in time."""
        was_full = self._is_full and self.in_flight + self._waited_for() >= self.size
        self.in_flight = max(0, self.in_flight - count)
        if latencies_s:
            self._answers += len(latencies_s)
            self._slowest_s = max(self._slowest_s, *latencies_s)
            self._slowest_of_round_s = max(self._slowest_of_round_s, *latencies_s)
        if timeouts:
            self._after_timeouts(timeouts, now)
        elif not was_full:
            self._is_full = False
        elif not self._is_fixed and now >= self._settled_until:
            self._judge(now)

    def _waited_for(self) -> int:
        return sum(count for _, count in self._abandoned)

    def _after_timeouts(self, count: int, now: float) -> None:
        self.timeouts += count
        timeout_s = patience(self._timeout_s, self._slowest_s)
        rate = self._answers / (now - self._round_began) if self._answers and now > self._round_began else 0.0
        lingers_s = (self._waited_for() + count) / rate if rate else timeout_s
        self._abandoned.append((now + min(lingers_s, _LONGEST_S), count))
        if self._is_fixed or now < self._cut_at + timeout_s:  # what was sent before the cut says the same again
            return
        share = count / (count + self._answers)
        self.size = max(1, int(self.size * (1 - min(_LARGEST_CUT, 2 * share))))
        self._cut_at = now
        self._settled_until = now + max(_SETTLED_S, timeout_s)
        self._search()

    def _search(self) -> None:
        """Forget the rates: the search for a size starts at this one."""
        self._best_rate = self._best_size_rate = 0.0
        self._best_size = self._searched_from = self.size
        self._without_gain = 0
        self._is_full = False
        self._start_round(0.0)

    def _start_round(self, now: float) -> None:
        self._round_began = now
        self._answers = 0
        self._slowest_of_round_s = 0.0

    def _judge(self, now: float) -> None:
        """At the end of a round: double, stay, or settle."""
        if self._answers < self.size or now <= self._round_began:
            return
        may_wait_s = patience(self._timeout_s, self._alone_s) / 2
        is_tried = self.size < _TRIED_TO and 2 * self._slowest_of_round_s <= may_wait_s
        if not is_tried and self._answers < _COUNTS_FROM:
            return
        rate = self._answers / (now - self._round_began)
        if not is_tried and self._answers < 2 * self.size and rate < _CLEAR_GAIN * self._best_size_rate:
            return
        has_gained = rate >= _GAIN * self._best_size_rate
        if has_gained:
            self._best_size, self._best_size_rate = self.size, rate
        self._best_rate = max(self._best_rate, rate)
        self._without_gain = 0 if is_tried or has_gained else self._without_gain + 1
        if self._without_gain >= _ROUNDS_WITHOUT_GAIN:
            self._settle(now)
            return
        if (is_tried or has_gained) and self._may_double(self._slowest_of_round_s) and 2 * self.size <= _MOST:
            self.size *= 2
        self._start_round(now)

    def _settle(self, now: float) -> None:
        """What the best rate needs; where nothing was gained, the size from which the search started."""
        if self._best_size != self._searched_from:
            needed = round(self._best_size * self._best_rate / self._best_size_rate * _HEADROOM)
            self.size = min(self.size, max(_FIRST, needed))
        else:
            self.size = min(self.size, self._searched_from)
        self._settled_until = now + _SETTLED_S
        self._search()

    def _may_double(self, slowest_s: float) -> bool:
        """Whether twice the latency would still be in time."""
        return 2 * slowest_s <= 0.9 * patience(self._timeout_s, max(self._slowest_s, slowest_s))
