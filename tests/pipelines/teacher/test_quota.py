"""The quota's arithmetic."""

from pipelines.teacher import Lease, Quota


def test_an_unlimited_quota_leases_all_at_once() -> None:
    """Without rates nothing waits."""
    assert Lease(50, 0.0, 0.0) == Quota(None, None).lease(50, tokens=900, now=3.0)


def test_requests_are_spaced_evenly() -> None:
    """6,000 a minute is one each 10 ms; the second lease starts where the first ends."""
    quota = Quota(6000, None)
    first, second = quota.lease(100, 0, now=1.0), quota.lease(100, 0, now=1.0)
    assert (25, 0.0, 0.01) == (first.count, first.delay_s, first.spacing_s)
    assert (25, 0.25) == (second.count, round(second.delay_s, 9))


def test_the_scarcer_of_requests_and_tokens_binds() -> None:
    """1,000 tokens at 60,000 tokens a minute take a second, whatever the request rate."""
    assert 1.0 == Quota(6000, 60_000).lease(1, 1000, now=0.0).spacing_s


def test_idle_time_is_not_saved_up() -> None:
    """After a pause there is no burst."""
    quota = Quota(60, None)
    quota.lease(1, 0, now=0.0)
    assert [0.0, 1.0] == [quota.lease(1, 0, now=100.0).delay_s for _ in range(2)]
