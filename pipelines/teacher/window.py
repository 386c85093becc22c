"""The window: how many requests are in flight at once, found by trying where nobody said it.

    window = Window(None)
    window.room()               -> 64 at first; doubled as long as the teacher answers more for it
    window.sent(64, now); window.ended(64, now)

A server of one's own (vLLM) answers more requests a second the more it has at once, up to a point; beyond it they
only wait longer. A window that never fills (a rate is the limit) stays as it is. Times are seconds.
"""

_FIRST, _MOST = 64, 4096
_GAIN = 1.15  # doubling the window must bring this, or it was large enough
_SETTLED_S = 60.0  # then try again: servers join and leave
_TURNS, _LEAST_S = 2, 2.0  # a rate is measured over this many windows and seconds


class Window:
    """The number of requests in flight: fixed, or found."""

    def __init__(self, size: int | None, requests_per_minute: float | None = None) -> None:
        """``size``: as configured; None: to be found, starting from two seconds' worth of the rate."""
        self.size = size or min(_MOST, max(_FIRST, round((requests_per_minute or 0) / 30)))
        self.in_flight = 0
        self._is_fixed = size is not None
        self._rate_before = 0.0
        self._is_trial = False
        self._settled_until = float("-inf")
        self._is_full = False
        self._started = 0.0
        self._ended = self._to_pass_over = 0

    def room(self) -> int:
        """How many more may be sent."""
        return max(0, self.size - self.in_flight)

    def sent(self, count: int, now: float) -> None:
        """So many were let go; from when the window is full on, it is what holds the work back."""
        self.in_flight += count
        if not self._is_full and self.in_flight >= self.size:
            self._is_full = True
            self._started = now

    def ended(self, count: int, now: float) -> None:
        """So many have come back, with or without an answer."""
        self.in_flight = max(0, self.in_flight - count)
        if self._is_fixed or not self._is_full:
            return
        if self._to_pass_over > 0:  # sent while the window had another size
            self._to_pass_over -= count
            self._started = now
            return
        self._ended += count
        seconds = now - self._started
        if self._ended >= _TURNS * self.size and seconds >= _LEAST_S:
            self._judge(self._ended / seconds, now)

    def _judge(self, rate: float, now: float) -> None:
        if self._is_trial and rate < _GAIN * self._rate_before:
            self.size //= 2
            self._is_trial = False
            self._settled_until = now + _SETTLED_S
        elif now >= self._settled_until and 2 * self.size <= _MOST:
            self._rate_before, self._is_trial = rate, True
            self.size *= 2
        self._begin(now)

    def _begin(self, now: float) -> None:
        self._is_full = False
        self._started = now
        self._ended = 0
        self._to_pass_over = self.size
