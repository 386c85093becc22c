"""Geometry of the training chart."""

import pytest

from pipelines.report.curves import BINS, binned, chart, round_values


def test_loss_runs_from_the_first_to_the_last_step():
    """x is the step's share of the last step, y falls as the loss does."""
    found = chart({"loss": [[0, 10.0], [50, 1.0], [100, 0.1]], "dev_loss": [[100, 0.2]]})
    xs, ys = zip(*(map(float, point.split(",")) for point in found.line.split()), strict=True)
    assert xs == (0.0, 50.0, 100.0)
    assert ys[0] < ys[1] < ys[2]
    assert ys[1] == pytest.approx((ys[0] + ys[2]) / 2, abs=0.01), "logarithmic"


def test_dev_losses_carry_their_value():
    """A dot's text is the dev loss."""
    found = chart({"loss": [[10, 2.0]], "dev_loss": [[10, 0.6123]]})
    assert [(100.0, "0.612")] == [(dot.x, dot.text) for dot in found.dots]


def test_too_little_to_draw_is_no_chart():
    """One point is not a curve."""
    assert chart({"loss": [[10, 2.0]], "dev_loss": []}) is None


def test_zero_loss_is_left_out():
    """A logarithmic axis has no zero."""
    found = chart({"loss": [[1, 2.0], [2, 0.0], [3, 1.0]], "dev_loss": []})
    assert len(found.line.split()) == 2


def test_long_logs_are_averaged():
    """10,000 points become at most BINS, of the same mean."""
    points = [[step, float(step % 2)] for step in range(10_000)]
    found = binned(points)
    assert len(found) <= BINS
    assert found[0][1] == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize(
    ("lowest", "highest", "ticks"),
    [(0.2, 5, [0.2, 0.5, 1, 2, 5]), (0.001, 10, [0.001, 0.01, 0.1, 1, 10]), (0.31, 0.33, [])],
)
def test_value_ticks_are_round_and_few(lowest, highest, ticks):
    """1, 2, 5 where they fit, else powers of ten alone."""
    assert ticks == pytest.approx(round_values(lowest, highest))
