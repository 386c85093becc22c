"""The quota's arithmetic, with time as a number."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.teacher import Limits, Quota
from pipelines.teacher.quota import seconds


def arrivals(quota: Quota, until: float, tokens: int = 100, asked: int = 64, step: float = 0.01) -> list[float]:
    """When requests start if work never ends and a sampler asks as often as it may."""
    now, times = 0.0, []
    while now < until:
        grant = quota.grant([tokens] * asked, now)
        times += [now + delay for delay in grant.delays_s]
        now += max(step, grant.retry_s if not grant.delays_s else max(grant.delays_s))
    return times


def most_in(times: list[float], window: float) -> int:
    """The most that lie in any half-open window of so many seconds."""
    first = most = 0
    for last, time in enumerate(times):
        while times[first] <= time - window:
            first += 1
        most = max(most, last - first + 1)
    return most


def test_an_unlimited_quota_grants_all_at_once() -> None:
    """Without rates nothing waits."""
    assert (0.0,) * 50 == Quota(None, None).grant([900] * 50, now=3.0).delays_s


@pytest.mark.parametrize("per_minute", [60, 600, 6000, 30_000])
def test_no_sliding_minute_is_above_the_quota_and_97_percent_are_used(per_minute: int) -> None:
    """Over five minutes of endless work."""
    times = arrivals(Quota(per_minute, None), 300)
    assert most_in(times, 60) <= per_minute
    assert most_in(times, 1) <= 2 * per_minute / 60
    assert len(times) >= 0.97 * 5 * per_minute


def test_tokens_bind_where_they_are_scarcer() -> None:
    """1,000 tokens a request at 600,000 a minute are 600 requests, whatever the request rate."""
    times = arrivals(Quota(6000, 600_000), 300, tokens=1000)
    assert 0.97 * 3000 <= len(times) <= 3000


@given(st.lists(st.integers(1, 20_000), min_size=50, max_size=300), st.integers(50_000, 5_000_000))
def test_tokens_of_any_sizes_stay_below_the_rate(sizes: list[int], per_minute: int) -> None:
    """What starts within any stretch is no more than its share, the last request and the catch-up apart."""
    quota, now, started = Quota(None, per_minute), 0.0, []
    while sizes:
        grant = quota.grant(sizes[:16], now)
        started += [(now + delay, size) for delay, size in zip(grant.delays_s, sizes, strict=False)]
        sizes = sizes[len(grant.delays_s) :]
        now += 0.05 + (0.0 if grant.delays_s else grant.retry_s)
    first, last = started[0][0], started[-1][0]
    assert sum(size for _, size in started[:-1]) <= (last - first + 0.5) * per_minute / 60


def test_idle_time_is_not_saved_up() -> None:
    """After a pause of 100 s there is no burst: a quarter of a second may be made up for."""
    quota = Quota(6000, None)
    quota.grant([0], now=0.0)
    at_once = [delay for delay in quota.grant([0] * 500, now=100.0).delays_s if delay == 0.0]
    assert 25 <= len(at_once) <= 26


def test_a_429_stops_everybody_for_as_long_as_it_says() -> None:
    """Retry-After: 7."""
    quota = Quota(6000, None)
    quota.grant([0] * 10, now=0.0)
    quota.slow_down(1, 7.0, now=1.0)
    assert () == quota.grant([0], now=7.9).delays_s
    assert 1 == len(quota.grant([0], now=8.1).delays_s)


def test_after_429s_the_speed_comes_back_gradually() -> None:
    """All refused: a cut of 30 %, 5 % of the quota won back each second, all of it after six."""
    quota = Quota(6000, None)
    quota.grant([0] * 25, now=0.0)
    quota.slow_down(25, 0.0, now=1.0)
    shares = []
    for now in (2.0, 4.0, 7.5):
        delays = quota.grant([0] * 40, now).delays_s
        shares.append(round(0.01 / 0.985 / (delays[-1] - delays[-2]), 3))
    assert [0.75, 0.85, 1.0] == shares


def test_a_rare_429_hardly_slows_down() -> None:
    """One in a hundred costs two percent, not a third."""
    quota = Quota(6000, None)
    quota.grant([0] * 25, now=0.0)
    quota.grant([0] * 75, now=0.5)
    quota.slow_down(1, 0.0, now=1.2)
    first = quota.grant([0] * 30, now=2.0).delays_s
    assert pytest.approx(0.01 / 0.985, rel=0.1) == first[-1] - first[-2]


def test_without_a_quota_429s_set_a_speed_below_the_one_that_was_too_fast() -> None:
    """100 a second were too many; 30 % less is tried next."""
    quota = Quota(None, None)
    for tenth in range(20):
        quota.grant([0] * 10, now=tenth / 10)
    quota.slow_down(100, 0.0, now=2.0)
    times = arrivals_from(quota, 2.0, 3.0)
    assert 55 <= len(times) <= 100


def arrivals_from(quota: Quota, start: float, end: float) -> list[float]:
    now, times = start, []
    while now < end:
        grant = quota.grant([0] * 8, now)
        times += [now + delay for delay in grant.delays_s]
        now += 0.01 + (0.0 if grant.delays_s else grant.retry_s)
    return [time for time in times if time < end]


def test_headers_set_limits_that_were_not_configured_and_lower_those_that_were() -> None:
    """The lesser of both holds."""
    said = Limits.of({"x-ratelimit-limit-requests": "500", "x-ratelimit-limit-tokens": "200000"})
    quota = Quota(6000, None)
    quota.obey(said, now=0.0)
    assert (500, 200_000) == (quota.requests_per_minute, quota.tokens_per_minute)
    low = Quota(100, 1000)
    low.obey(said, now=0.0)
    assert (100, 1000) == (low.requests_per_minute, low.tokens_per_minute)


def test_what_is_used_up_is_waited_for() -> None:
    """No requests remain for 4.5 seconds."""
    said = Limits.of({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "4s500ms"})
    quota = Quota(None, None)
    quota.obey(said, now=10.0)
    assert () == quota.grant([0], now=14.4).delays_s
    assert (0.0,) == quota.grant([0], now=14.6).delays_s


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1s", 1.0), ("6m0s", 360.0), ("120ms", 0.12), ("1h2m", 3720.0), ("7.5", 7.5), ("", 0.0), ("soon", 0.0)],
)
def test_durations_as_headers_write_them(text: str, expected: float) -> None:
    """Units, plain seconds, nothing."""
    assert expected == pytest.approx(seconds(text))


def test_headers_that_say_nothing_change_nothing() -> None:
    """An empty set, and words instead of numbers."""
    assert Limits() == Limits.of({}) == Limits.of({"x-ratelimit-limit-requests": "many"})
