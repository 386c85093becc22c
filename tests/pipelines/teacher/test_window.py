"""The window finds how many requests a server serves well at once; servers and clocks are simulated."""

import heapq
import itertools
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from pipelines.teacher import Window, patience

Service = Callable[[int], float]
"""Seconds for one request, by how many are being served."""


@dataclass
class Run:
    """What came of a simulated sampling."""

    sent: int = 0
    done: list[float] = field(default_factory=list)
    most: int = 0

    def rate(self, since: float, until: float) -> float:
        return sum(since < then <= until for then in self.done) / (until - since)


def simulate(
    window: Window,
    slots: int,
    service_s: Service,
    requests: int = 10**9,
    until: float = 1e9,
    timeout_s: float | None = None,
    per_second: float | None = None,
) -> Run:
    """Requests to a first-come-first-served server that goes on with what was abandoned; the first goes alone.

    An attempt that times out is sent again. ``per_second`` limits the rate at which requests start.
    """
    run, numbers = Run(), itertools.count()
    now = slowest_s = service_s(1)
    window.begin(now)
    run.sent, run.done = 1, [now]
    queue: deque[tuple[int, float]] = deque()
    events: list[tuple[float, int, str, tuple[int, float]]] = []  # when, order, what, (request, sent at)
    serving = 0
    open_requests: dict[int, float] = {}
    waiting, next_start = requests - 1, now
    while now < until and len(run.done) < requests:
        room = window.room(now)
        if per_second is not None:
            room = min(room, int((now - next_start) * per_second) + 1) if now >= next_start else 0
            next_start = max(next_start, now - 0.25) + room / per_second
        room = min(room, waiting)
        if room:
            window.sent(room, now)
            waiting -= room
            for _ in range(room):
                number = next(numbers)
                open_requests[number] = now
                queue.append((number, now))
                give_up = now + patience(timeout_s, slowest_s)
                heapq.heappush(events, (give_up, next(numbers), "timeout", (number, now)))
            run.sent += room
            run.most = max(run.most, len(open_requests))
        while queue and serving < slots:
            serving += 1
            heapq.heappush(events, (now + service_s(serving), next(numbers), "served", queue.popleft()))
        wakes = [now + 1.0] if waiting and not events else []
        if per_second is not None and waiting:
            wakes.append(max(next_start, now + 0.005))
        if wakes and (not events or min(wakes) < events[0][0]):
            now = min(wakes)
            continue
        now, _, what, (number, sent_at) = heapq.heappop(events)
        serving -= what == "served"
        if number not in open_requests:
            continue
        del open_requests[number]
        if what == "timeout":
            waiting += 1
            window.ended(1, now, timeouts=1)
        else:
            run.done.append(now)
            slowest_s = max(slowest_s, now - sent_at)
            window.ended(1, now, [now - sent_at])
    return run


def always(seconds: float) -> Service:
    return lambda serving: seconds


def between(low: float, high: float) -> Service:
    generator = random.Random(0)
    return lambda serving: generator.uniform(low, high)


@pytest.mark.parametrize("timeout_s", [None, 60.0])
@pytest.mark.parametrize("seconds", [0.5, 3.0, 8.0, 25.0])
def test_a_server_of_one_slot_gets_few_requests_and_none_twice(seconds: float, timeout_s: float | None) -> None:
    """Whatever it needs for one: 60 of 60, each sent once, at the rate of the server."""
    run = simulate(Window(None, timeout_s=timeout_s), 1, always(seconds), requests=60, timeout_s=timeout_s)
    assert (60, 60) == (len(run.done), run.sent)
    assert run.done[-1] <= 61 * seconds


@pytest.mark.parametrize("timeout_s", [60.0, None])
def test_an_answer_of_50_seconds_is_not_cut_by_a_queue_of_ours(timeout_s: float | None) -> None:
    """Within a timeout of 60 s it must be alone; a learned timeout leaves room for two."""
    run = simulate(Window(None, timeout_s=timeout_s), 1, always(50), requests=30, timeout_s=timeout_s)
    assert (30, 30) == (len(run.done), run.sent)


def test_answers_of_many_lengths_from_one_slot_are_all_in_time() -> None:
    """2 to 14 s, 72 requests: what a small model on two cores does."""
    run = simulate(Window(None), 1, between(2, 14), requests=72)
    assert (72, 72) == (len(run.done), run.sent)


@pytest.mark.parametrize(
    ("slots", "service_s", "within_s", "share"),
    [
        (4, always(8), 120, 0.95),
        (36, always(8), 240, 0.9),
        (36, between(2, 14), 300, 0.85),
        (16, always(1), 30, 0.95),
        (100, always(1), 30, 0.95),
        (250, between(0.2, 2), 30, 0.9),
        (700, always(1), 60, 0.95),
    ],
)
def test_a_larger_server_is_used_in_full(slots: int, service_s: Service, within_s: float, share: float) -> None:
    """The window grows while throughput does; no answer is late for it."""
    window = Window(None)
    usual = sum(service_s(1) for _ in range(100)) / 100
    run = simulate(window, slots, service_s, until=within_s + 300)
    assert 0 == window.timeouts
    assert run.rate(within_s, within_s + 300) >= share * slots / usual
    assert run.most <= max(32, 6 * slots)


def test_a_server_that_slows_with_load_keeps_a_small_window() -> None:
    """Two at once are served as fast as one, more share the same speed."""
    window = Window(None)
    run = simulate(window, 64, lambda serving: 6.0 * max(1, serving / 2), until=1200)
    assert 0 == window.timeouts
    assert run.rate(600, 1200) >= 0.9 * 2 / 6


def test_a_stated_rate_starts_with_two_seconds_of_it() -> None:
    """6,000 a minute: 200, and the rate is used in full from the first second on."""
    window = Window(None, 6000)
    assert 200 == window.size
    run = simulate(window, 10**6, between(0.2, 2), until=62, per_second=100)
    assert run.rate(3, 62) >= 97
    assert window.size == 200


def test_timeouts_shrink_the_window_once_and_abandoned_requests_keep_their_places() -> None:
    """36 at once, 30 time out: half of the window, and room only once the server has worked them off."""
    window = Window(None, requests_per_minute=36 * 30)
    window.begin(0.1)
    assert 36 == window.room(0)
    window.sent(36, 0)
    for answer in range(6):
        window.ended(1, 8.0 * answer + 8, [8.0 * answer + 8])
    window.ended(15, 60, timeouts=15)
    window.ended(15, 60, timeouts=15)
    assert (18, 30) == (window.size, window.timeouts)
    assert 0 == window.room(61) == window.room(150)
    assert 18 == window.room(400)


def test_a_single_late_answer_among_many_costs_no_speed() -> None:
    """One of 200 is cut by 1 %, as 429s cut a rate."""
    window = Window(None, 6000)
    window.begin(1.0)
    window.sent(200, 0)
    for answer in range(199):
        window.ended(1, 1 + answer / 200, [1.0])
    window.ended(1, 60, timeouts=1)
    assert window.size >= 196


def test_a_configured_window_is_kept() -> None:
    """max_in_flight: 8."""
    window = Window(8)
    simulate(window, 100, always(0.5), until=60)
    assert 8 == window.size


@pytest.mark.parametrize(
    ("timeout_s", "slowest_s", "expected"),
    [(None, 0.0, 60), (None, 10.0, 60), (None, 50.0, 200), (None, 500.0, 600), (20.0, 50.0, 20), (900.0, 1.0, 900)],
)
def test_the_timeout_is_the_users_or_four_times_the_slowest_answer(
    timeout_s: float | None, slowest_s: float, expected: float
) -> None:
    """Seconds."""
    assert expected == patience(timeout_s, slowest_s)
