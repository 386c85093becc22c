"""Geometry of the training chart."""

import pytest

from pipelines.report.curves import BINS, Series, accuracies, binned, losses, round_values


def test_loss_runs_from_the_first_to_the_last_step():
    """x is the step's share of the last step, y falls as the loss does."""
    found = losses({"loss": [[0, 10.0], [50, 1.0], [100, 0.1]], "dev_loss": [[100, 0.2]]})
    xs, ys = zip(*(map(float, point.split(",")) for point in found.lines[0].points.split()), strict=True)
    assert xs == (0.0, 50.0, 100.0)
    assert ys[0] < ys[1] < ys[2]
    assert ys[1] == pytest.approx((ys[0] + ys[2]) / 2, abs=0.01), "logarithmic"


def test_dev_losses_carry_their_value():
    """A dot's text is the dev loss."""
    found = losses({"loss": [[10, 2.0]], "dev_loss": [[10, 0.6123]]})
    assert [(100.0, "0.612")] == [(dot.x, dot.text) for dot in found.lines[1].dots]


def test_too_little_to_draw_is_no_chart():
    """One point is not a curve."""
    assert losses({"loss": [[10, 2.0]], "dev_loss": []}) is None


def test_zero_loss_is_left_out():
    """A logarithmic axis has no zero."""
    found = losses({"loss": [[1, 2.0], [2, 0.0], [3, 1.0]], "dev_loss": []})
    assert len(found.lines[0].points.split()) == 2


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


def test_accuracies_span_what_there_is_to_see():
    """Ticks are whole percents that enclose all values, intervals included; dots carry theirs."""
    series = Series("majority", [[1, 0.52], [4, 0.66]], [[1, 0.48, 0.56], [4, 0.62, 0.7]])
    found = accuracies([series], [1, 4])
    assert ["45", "50", "55", "60", "65", "70"] == [tick.text for tick in found.y_ticks]
    assert [(0.0, "1"), (100.0, "4")] == [(tick.at, tick.text) for tick in found.x_ticks]
    assert ["52.0 %", "66.0 %"] == [dot.text for dot in found.lines[0].dots]
    assert len(found.lines[0].band.split()) == 4


@pytest.mark.parametrize(("values", "first", "last"), [((1.0, 1.0), "99", "100"), ((0.0, 0.0), "0", "1")])
def test_an_accuracy_axis_stays_within_0_and_100(values, first, last):
    """A flat line at an end has an axis, too."""
    found = accuracies([Series("dev", [[10, values[0]], [20, values[1]]])])
    assert (first, last) == (found.y_ticks[0].text, found.y_ticks[-1].text)


def test_nothing_measured_has_no_axis():
    """No points, no chart."""
    assert accuracies([Series("dev", [])]) is None


def test_a_marked_step_has_its_place_and_its_values():
    """At half the steps the mark is in the middle, and a line says what it was there, or nothing where it was not."""
    lines = [Series("dev", [[10, 0.5], [20, 0.4]]), Series("pot", [[20, 0.6]])]
    found = accuracies(lines, marked=10)
    assert (50.0, "50.0 %", None) == (found.mark, found.lines[0].at(50.0).text, found.lines[1].at(50.0))
    assert "40.0 %" == found.lines[0].at(accuracies(lines).mark).text
