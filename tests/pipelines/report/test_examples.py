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


def test_misses_of_the_selection_come_first(run, found):
    """A thought was right and the chosen answer wrong; then failures of all thoughts; then what was solved."""
    shown = browser(run, found, ORDER, shown=300).examples
    kinds = [(example.solved, not example.right) for example in shown]
    assert sorted(kinds) == kinds
    assert (False, False) == kinds[0]


def test_rare_failures_are_among_a_few(run, found):
    """Every status that the student's thoughts have is shown by one in five of the problems."""
    statuses = set(run.predictions["status"].to_pylist())
    attempts = [attempt for example in browser(run, found, ORDER, shown=40).examples for attempt in example.attempts]
    assert statuses == {attempt.status for attempt in attempts}


def test_answers_of_all_paths_are_counted(run, found):
    """Equal answers together, the most frequent first."""
    greedy = run.predictions.to_pylist()
    sampled = [
        row | {"decoding": "sample", "draw": draw, "status": "solved", "answer": "-7", "correct": False}
        for row in greedy
        for draw in range(3)
    ]
    more = replace(run, predictions=pa.Table.from_pylist(sampled + greedy))
    answers = browser(more, found, ORDER, shown=1).examples[0].attempts[0].answers
    assert ("-7", False, 3) == (answers[0].text, answers[0].correct, answers[0].count)


def test_doubts_about_an_answer_are_flagged(run, found):
    """What a teacher's sample would be doubted for; nothing where there is no answer."""
    rows = [row | {"completion": "ans = 42"} for row in run.predictions.to_pylist()]
    attempts = [
        attempt
        for example in browser(replace(run, predictions=pa.Table.from_pylist(rows)), found, ORDER, shown=300).examples
        for attempt in example.attempts
        if attempt.thought == "pot"
    ]
    assert {(True, True), (False, False)} == {(a.status == "solved", "constant" in a.flags) for a in attempts}


def test_choices_count_the_examples_they_leave(run, found):
    """Data sets, sets of thoughts that are right, and misses, over what is shown."""
    shown = browser(run, found, ORDER, shown=50)
    assert 50 == sum(shown.choices.datasets.values()) == sum(shown.choices.right.values())
    assert shown.choices.missed == sum(not example.solved and bool(example.right) for example in shown.examples)
