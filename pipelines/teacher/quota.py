"""The quota: when the next requests may start, so that rates are kept without bursts.

    quota = Quota(requests_per_minute=6000, tokens_per_minute=None)
    quota.lease(25, tokens=0, now=10.0) -> Lease(count=25, delay_s=0.0, spacing_s=0.01)

The generic cell rate algorithm: time itself is the bucket, so nothing is saved up and there is no
burst at a minute's edge. One quota serves a whole cluster; leases are taken in bulk.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Lease:
    """Permission for ``count`` requests: the first in ``delay_s`` seconds, then one each ``spacing_s``."""

    count: int
    delay_s: float
    spacing_s: float


class Quota:
    """Requests and tokens a minute; None is unlimited."""

    _LEASED_AHEAD_S = 0.25  # a lease spans at most this, so that a dead worker takes little with it

    def __init__(self, requests_per_minute: float | None, tokens_per_minute: float | None) -> None:
        self._per_request_s = 60 / requests_per_minute if requests_per_minute else 0.0
        self._per_token_s = 60 / tokens_per_minute if tokens_per_minute else 0.0
        self._free_at = 0.0

    def lease(self, count: int, tokens: int, now: float) -> Lease:
        """Permission for up to ``count`` requests of ``tokens`` tokens each, at time ``now`` (seconds)."""
        spacing = max(self._per_request_s, self._per_token_s * tokens)
        if spacing > 0:
            count = max(1, min(count, int(self._LEASED_AHEAD_S / spacing)))
        start = max(self._free_at, now)
        self._free_at = start + count * spacing
        return Lease(count=count, delay_s=start - now, spacing_s=spacing)
