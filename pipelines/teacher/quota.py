"""The quota: when the next requests may start, so that a provider's rates are used fully and never exceeded.

    quota = Quota(requests_per_minute=6000, tokens_per_minute=None)
    quota.grant([900, 900, 900], now=10.0)  -> Grant(delays_s=(0.0, 0.0102, 0.0203), retry_s=0.0)

The generic cell rate algorithm, once for requests and once for tokens: time itself is the bucket, so there is no
burst at a minute's edge. One quota serves a whole cluster; grants are taken in bulk. What the endpoint says
(429, Retry-After, x-ratelimit headers) slows everybody, and speed comes back gradually.
"""

import math
import re
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_USED = 0.985  # of the quota: a sliding minute then has room for 0.9 s of delays on the way
_AHEAD_S = 0.25  # a grant spans at most this, so that a dead worker takes little with it
_CATCH_UP_S = 0.25  # of unused time that may be made up for
_LARGEST_CUT, _LEAST, _RECOVERY_PER_S = 0.3, 0.1, 0.05  # after 429s: of the rate, its floor, won back a second
_RECENT_S = 2.0  # the share of 429s and, without a quota, the speed that was too fast are measured over this
_LONGEST_PAUSE_S = 60.0
_LONGEST_RETRY_AFTER_S = 120.0
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s)")
_WHOLE_DURATION = re.compile(rf"(?:{_DURATION.pattern}\s*)+")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True)
class Grant:
    """Permission for the first ``len(delays_s)`` of the requests asked for, each after its delay in seconds.

    Where none is permitted, ``retry_s`` says when to ask again.
    """

    delays_s: tuple[float, ...]
    retry_s: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a response's ``x-ratelimit-*`` headers say.

    ``requests`` and ``tokens`` are the limits, read as a minute's; ``pause_s`` is when what is used up comes back.
    """

    requests: float | None = None
    tokens: float | None = None
    pause_s: float = 0.0

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> "Limits":
        """The limits of a response; headers that are absent or not understood say nothing."""
        pauses = [
            seconds(headers.get(f"x-ratelimit-reset-{what}", ""))
            for what in ("requests", "tokens")
            if _number(headers.get(f"x-ratelimit-remaining-{what}")) == 0
        ]
        return cls(
            requests=_limit(headers.get("x-ratelimit-limit-requests")),
            tokens=_limit(headers.get("x-ratelimit-limit-tokens")),
            pause_s=max(pauses, default=0.0),
        )


class Quota:
    """Requests and tokens a minute; None is unlimited. Times are seconds of one monotonic clock."""

    def __init__(self, requests_per_minute: float | None, tokens_per_minute: float | None) -> None:
        self.requests_per_minute, self.tokens_per_minute = requests_per_minute, tokens_per_minute
        self._requests_free_at = self._tokens_free_at = float("-inf")
        self._resume_at = self._cut_at = float("-inf")
        self._share_at_cut = 1.0
        self._found_per_s: float | None = None
        self._granted: deque[tuple[float, int]] = deque()
        self._refused: deque[tuple[float, int]] = deque()

    def grant(self, tokens: Sequence[int], now: float) -> Grant:
        """Permission for the first of the requests, which are to use ``tokens`` each."""
        if now < self._resume_at:
            return Grant((), self._resume_at - now)
        share = self._share(now)
        request_s, token_s = self._request_s(share), self._token_s(share)
        if self._requests_free_at == float("-inf"):
            self._requests_free_at = self._tokens_free_at = now  # the first has no time to catch up
        delays: list[float] = []
        for count in tokens:
            start = max(self._requests_free_at, self._tokens_free_at, now - _CATCH_UP_S)
            if start - now > _AHEAD_S:
                break
            delays.append(max(0.0, start - now))
            self._requests_free_at = start + request_s
            self._tokens_free_at = start + count * token_s
        _remember(self._granted, len(delays), now)
        if delays or not tokens:
            return Grant(tuple(delays))
        return Grant((), max(self._requests_free_at, self._tokens_free_at) - now - _AHEAD_S)

    def slow_down(self, refusals: int, pause_s: float, now: float) -> None:
        """The endpoint answered 429 so often: all pause for ``pause_s`` (its Retry-After), then go slower for a while.

        How much slower follows from the share of requests that were refused: twice that share, at most 30 %.
        """
        _remember(self._refused, refusals, now)
        if now > max(self._cut_at + 1.0, self._resume_at):  # what was in flight then says the same again
            granted = max(1, _sum(self._granted, now))
            kept = 1 - min(_LARGEST_CUT, 2 * _sum(self._refused, now) / granted)
            if self.requests_per_minute is None and self.tokens_per_minute is None:
                self._found_per_s = max(1.0, granted / _RECENT_S)
                self._share_at_cut = kept
            else:
                self._share_at_cut = max(_LEAST, kept * self._share(now))
            self._cut_at = now
        self.pause(pause_s, now)

    def pause(self, pause_s: float, now: float) -> None:
        """Nobody starts a request for a while (at most a minute)."""
        self._resume_at = max(self._resume_at, now + min(pause_s, _LONGEST_PAUSE_S))

    def obey(self, limits: Limits, now: float) -> None:
        """Keep to what the headers say where it is less than what was configured."""
        if limits.requests is not None:
            self.requests_per_minute = min(limits.requests, self.requests_per_minute or limits.requests)
        if limits.tokens is not None:
            self.tokens_per_minute = min(limits.tokens, self.tokens_per_minute or limits.tokens)
        if limits.pause_s > 0:
            self.pause(limits.pause_s, now)

    def _share(self, now: float) -> float:
        """The share of the rate that is used now: less after a 429, growing back."""
        since = max(0.0, now - max(self._cut_at, self._resume_at))
        share = self._share_at_cut + (0.0 if since == float("inf") else since * _RECOVERY_PER_S)
        if self._found_per_s is None:
            return min(1.0, share)
        if share > 4:  # far beyond what was too fast once: no limit is left to be seen
            self._found_per_s = None
        return share

    def _request_s(self, share: float) -> float:
        if self.requests_per_minute is not None:
            return 60 / (self.requests_per_minute * _USED * share)
        return 0.0 if self._found_per_s is None else 1 / (self._found_per_s * share)

    def _token_s(self, share: float) -> float:
        return 0.0 if self.tokens_per_minute is None else 60 / (self.tokens_per_minute * _USED * share)


def _remember(counts: deque[tuple[float, int]], count: int, now: float) -> None:
    counts.append((now, count))
    while counts[0][0] < now - _RECENT_S:
        counts.popleft()


def _sum(counts: deque[tuple[float, int]], now: float) -> int:
    return sum(count for then, count in counts if then >= now - _RECENT_S)


def seconds(text: str) -> float:
    """A header's duration: "1s", "6m0s", "120ms" or plain seconds; 0 where it says nothing."""
    found = _DURATION.findall(text)
    return sum(float(number) * _SECONDS[unit] for number, unit in found) if found else max(0.0, _number(text) or 0.0)


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, at most 120; None where the endpoint says none that can be used.

    ``retry-after-ms``, else ``Retry-After`` as seconds, a duration ("2s") or an HTTP date.
    """
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None and milliseconds >= 0:
        return min(milliseconds / 1000, _LONGEST_RETRY_AFTER_S)
    text = headers.get("retry-after", "").strip()
    wait_s = _number(text)
    if wait_s is None and _WHOLE_DURATION.fullmatch(text):
        wait_s = seconds(text)
    if wait_s is None:
        wait_s = _until(text, headers.get("date"))
    return None if wait_s is None or wait_s < 0 else min(wait_s, _LONGEST_RETRY_AFTER_S)


def _until(date: str, now: str | None) -> float | None:
    """Seconds until an HTTP date by the server's own clock, 0 where it has passed; None: it is not a date."""
    try:
        then = parsedate_to_datetime(date)
        since = parsedate_to_datetime(now) if now else datetime.now(UTC)
        return max(0.0, (then - since).total_seconds())
    except (TypeError, ValueError):
        return None


def _limit(text: str | None) -> float | None:
    """A limit a minute; -1, 0 and what is not a number are no limit."""
    number = _number(text)
    return number if number is not None and number >= 1 else None


def _number(text: str | None) -> float | None:
    try:
        number = float(text) if text else None
    except ValueError:
        return None
    return number if number is not None and math.isfinite(number) else None
