"""The papers' figures."""

import pytest

from pipelines.problems.catalogue import ORIGINALS
from pipelines.report.published import Published, figures, nearest, published


@pytest.mark.parametrize("figure", figures(), ids=lambda figure: f"{figure.dataset}-{figure.system}")
def test_each_says_what_it_is(figure):
    """A data set that we can read, a system, an accuracy in percent, and where it stands."""
    assert figure.dataset in ORIGINALS
    assert figure.system and figure.source
    assert 0 < figure.accuracy < 100
    assert figure.parameters is None or figure.parameters >= 1_000_000


def test_nothing_stands_twice():
    """A system, selection and training has one figure per data set."""
    keys = [(f.dataset, f.system, f.parameters, f.selection, f.note) for f in figures()]
    assert len(set(keys)) == len(keys)


def test_digits_are_those_of_the_source():
    """ETD's figures on GSM8K, by size."""
    etd = {figure.parameters: figure.accuracy for figure in published("gsm8k") if figure.system.startswith("ETD")}
    assert {60_000_000: 33.58, 220_000_000: 40.63, 770_000_000: 42.45} == etd


def test_generated_problems_have_none():
    """No paper has measured them."""
    assert [] == published("generated")


def test_nearest_are_of_students_of_about_the_same_size():
    """By the ratio of sizes; the best stay first, and a size that is not known comes last."""
    sizes = (None, 7_000_000_000, 60_000_000, 770_000_000)
    found = [
        Published(dataset="d", system=str(s), parameters=s, selection=None, accuracy=9.0, source="x", problems=None)
        for s in sizes
    ]
    assert ["60000000", "770000000"] == [figure.system for figure in nearest(found, 100_000_000, 2)]
    assert found[:2] == nearest(found, None, 2)
