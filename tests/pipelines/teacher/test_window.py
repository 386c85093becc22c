"""The window finds how many requests a server serves well at once."""

import heapq

import pytest

from pipelines.teacher import Window


def simulate(window: Window, slots: int, service_s: float, until: float) -> float:
    """Endless work for a server with so many slots; returns the requests it does a second in the second half."""
    now, running, queue, done = 0.0, [], 0, []
    while now < until:
        room = window.room()
        window.sent(room, now)
        queue += room
        while queue and len(running) < slots:
            heapq.heappush(running, now + service_s)
            queue -= 1
        now = heapq.heappop(running)
        ended = 1
        while running and running[0] <= now:
            heapq.heappop(running)
            ended += 1
        done.append((now, ended))
        window.ended(ended, now)
    late = [count for then, count in done if then > until / 2]
    return sum(late) / (until / 2)


@pytest.mark.parametrize("slots", [16, 100, 256, 700])
def test_the_window_grows_until_throughput_does_not(slots: int) -> None:
    """Within one doubling of what the server has, and no less than 95 % of what it can do."""
    window = Window(None)
    rate = simulate(window, slots, service_s=1.0, until=120)
    assert rate >= 0.95 * slots
    assert max(64, slots) <= window.size <= max(64, 4 * slots)


def test_a_window_that_never_fills_stays() -> None:
    """A rate is the limit: 10 in flight of 64."""
    window = Window(None)
    for second in range(200):
        assert window.room() > 0
        window.sent(10, second)
        window.ended(10, second + 0.5)
    assert 64 == window.size


def test_a_configured_window_is_kept() -> None:
    """max_in_flight: 8."""
    window = Window(8)
    simulate(window, 100, 0.5, until=60)
    assert 8 == window.size


def test_the_window_starts_with_two_seconds_of_the_rate() -> None:
    """6,000 a minute: 200."""
    assert 200 == Window(None, 6000).size
