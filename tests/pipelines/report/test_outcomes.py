"""Outcomes of test problems by selection."""

import pyarrow as pa

from pipelines.report.outcomes import headline_selection, outcomes
from pipelines.report.tables import RunTables

PROBLEM = {
    "problem_id": "d/test/0",
    "question": "?",
    "answer": "8",
    "answer_kind": "number",
    "rationale": "2 * 3 = <<2*3=6>>6. Then 6 + 2 = <<pens=6+2=8>>8.\n#### 8",
    "dataset": "d",
    "split": "test",
    "category": "boxes",
}


def _path(thought, status="solved", answer="8", correct=True, problem_id="d/test/0", **more):
    return {
        "problem_id": problem_id,
        "dataset": "d",
        "thought": thought,
        "draw": 0,
        "decoding": "greedy",
        "status": status,
        "answer": answer,
        "correct": correct,
        "logprob": -1.0,
    } | more


def _outcomes(problems, paths):
    return outcomes(
        RunTables(evaluation_problems=pa.Table.from_pylist(problems), predictions=pa.Table.from_pylist(paths))
    )


def test_order_takes_the_first_thought_that_answers():
    """PoT fails, so pot>eot is EoT's answer, and PoT alone is wrong."""
    (found,) = _outcomes([PROBLEM], [_path("pot", "timeout", None, False), _path("eot")])
    assert (False, True) == (found.choices["pot"].correct, found.choices["pot>eot"].correct)


def test_equal_answers_vote_together():
    """ "8" and "8.0" are one answer of two votes, by the solvers' equality for the problem's kind."""
    paths = [_path("pot"), _path("eot", answer="8.0"), _path("cot", answer="7", correct=False, logprob=-0.1)]
    (found,) = _outcomes([PROBLEM], paths)
    assert found.choices["majority"].correct is True


def test_steps_are_counted_from_the_rationale():
    """Two annotated calculations are two steps; a problem without rationale has no count."""
    bare = PROBLEM | {"problem_id": "d/test/1", "rationale": None}
    found = _outcomes([PROBLEM, bare], [_path("pot"), _path("pot", problem_id="d/test/1")])
    assert [2, None] == [outcome.steps for outcome in found]


def test_problems_without_gold_or_predictions_are_not_outcomes():
    """Only a decoded problem with a gold answer can be right or wrong."""
    no_gold = PROBLEM | {"problem_id": "d/test/1", "answer": None}
    not_decoded = PROBLEM | {"problem_id": "d/test/2"}
    paths = [_path("pot"), _path("pot", correct=None, problem_id="d/test/1")]
    found = _outcomes([PROBLEM, no_gold, not_decoded], paths)
    assert ["d/test/0"] == [outcome.problem_id for outcome in found]


def test_foreign_predictions_need_no_logprob():
    """A table without draw and logprob columns is read."""
    foreign = {name: value for name, value in _path("pot").items() if name not in ("draw", "logprob")}
    (found,) = _outcomes([PROBLEM], [foreign])
    assert found.choices["oracle"].correct is True


def test_headline_leaves_out_thoughts_that_were_not_decoded():
    """evaluation.select [pot, eot, cot] on a student of PoT and CoT is pot>cot."""
    found = _outcomes([PROBLEM], [_path("pot"), _path("cot")])
    assert headline_selection({"evaluation": {"select": ["pot", "eot", "cot"]}}, found) == "pot>cot"


def test_headline_without_configuration_is_some_selection():
    """A foreign run without a configuration still has a headline."""
    assert headline_selection({}, _outcomes([PROBLEM], [_path("label")])) == "label"
