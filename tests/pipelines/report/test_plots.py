"""The PNG plots."""

import pytest

from pipelines.report.metrics import measure
from pipelines.report.plots import draw
from pipelines.report.tables import RunTables


def test_whole_run_has_all_plots(run):
    """Four PNG files."""
    plots = draw(measure(run))
    assert ["accuracy.png", "by_category.png", "yields.png", "training.png"] == list(plots)
    assert all(data.startswith(b"\x89PNG") for data in plots.values())


def test_accuracy_against_paths_is_a_plot_of_its_own(full_metrics):
    """Where several numbers of paths were measured."""
    assert ["paths.png"] == list(draw(measure(RunTables()) | {"paths": full_metrics["paths"]}))


def test_plots_of_absent_stages_are_left_out(run):
    """A teacher's run has yields only; an empty one nothing."""
    assert ["yields.png"] == list(draw(measure(RunTables(verdicts=run.verdicts))))
    assert draw(measure(RunTables())) == {}


@pytest.mark.parametrize("log", [[{"step": 1, "loss": 0.0}], [{"step": 1, "loss": 2.0}, {"step": 2, "loss": 1.9}]])
def test_short_logs_are_drawn(log):
    """One logged step, or a loss of zero, is no error."""
    assert ["training.png"] == list(draw(measure(RunTables(training_log=log))))
