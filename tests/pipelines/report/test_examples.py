"""The examples of the browser."""

from collections import Counter
from dataclasses import replace

import pyarrow as pa
import pytest

from pipelines.report.examples import CHARACTERS, browser
from pipelines.report.outcomes import outcomes

ORDER = "pot>eot>cot"


@pytest.fixture(scope="module")
def found(run):
    return outcomes(run)


def test_everything_is_shown_where_it_fits(run, found):
    """200 problems fit, and solved and failed ones add up."""
    shown = browser(run, found, ORDER, shown=300)
    assert len(shown.examples) == shown.solved + shown.failed == 200


def test_cap_is_spread_evenly(run, found):
    """Eight examples are two of each data set and outcome, failed ones first."""
    shown = browser(run, found, ORDER, shown=8).examples
    assert set(Counter((example.solved, example.dataset) for example in shown).values()) == {2}
    assert [example.solved for example in shown] == [False] * 4 + [True] * 4


def test_cap_is_filled_from_what_there_is(run, found):
    """Where one group is small the others fill the room."""
    assert len(browser(run, found, ORDER, shown=190).examples) == 190


def test_totals_are_of_all_problems(run, found):
    """The cap does not change how many were solved and failed."""
    few, every = browser(run, found, ORDER, shown=5), browser(run, found, ORDER, shown=300)
    assert (few.solved, few.failed) == (every.solved, every.failed)


def test_an_attempt_is_the_greedy_path(run, found):
    """Sampled paths are counted, the greedy completion is shown."""
    greedy = run.predictions.to_pylist()
    sampled = [row | {"decoding": "sample", "correct": False, "completion": "sampled"} for row in greedy]
    more = replace(run, predictions=pa.Table.from_pylist(sampled + greedy))
    attempts = browser(more, found, ORDER, shown=1).examples[0].attempts
    assert ["pot", "eot", "cot"] == [attempt.thought for attempt in attempts]
    assert all(attempt.paths == 2 and attempt.completion != "sampled" for attempt in attempts)


def test_long_completions_are_cut_and_say_so(run, found):
    """What is left out is counted."""
    long = [row | {"completion": "x" * (CHARACTERS + 7)} for row in run.predictions.to_pylist()]
    shown = browser(replace(run, predictions=pa.Table.from_pylist(long)), found, ORDER, shown=1)
    assert {(CHARACTERS, 7)} == {(len(a.completion), a.cut) for a in shown.examples[0].attempts}


def test_nothing_evaluated_is_no_browser(run):
    """Without outcomes there is nothing to browse."""
    assert browser(run, [], None, shown=300) is None
