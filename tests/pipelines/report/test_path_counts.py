"""Accuracy against the number of paths; every expectation was worked out by hand."""

import pyarrow as pa
import pytest

from pipelines.report.path_counts import path_counts
from pipelines.report.tables import RunTables


def tables(*problems, greedy=()):
    """Problems with gold 8, each given as {thought: answers of its draws}."""
    rows = [
        {"problem_id": f"d/{number}", "thought": thought, "draw": draw, "decoding": decoding}
        | {"status": "solved" if answer else "no_answer", "answer": answer, "correct": answer == "8"}
        | {"logprob": -1.0 - draw, "tokens": 10}
        for number, paths in enumerate(problems)
        for thought, answers in paths.items()
        for decoding, some in (("sample", answers), ("greedy", greedy))
        for draw, answer in enumerate(some)
    ]
    asked = [
        {"problem_id": f"d/{number}", "dataset": "d", "answer": "8", "answer_kind": "number"}
        for number in range(len(problems))
    ]
    return RunTables(evaluation_problems=pa.Table.from_pylist(asked), predictions=pa.Table.from_pylist(rows))


def accuracy(records, selection, thoughts, draws):
    (found,) = [r for r in records if (r["selection"], r["thoughts"], r["draws"]) == (selection, thoughts, draws)]
    return found["accuracy"]


def test_one_path_is_the_mean_over_all_draws():
    """Right in 1 of 4 and 3 of 4 draws: (0.25 + 0.75) / 2, whatever the selection."""
    records = path_counts(tables({"pot": ["8", "1", "2", "3"]}, {"pot": ["8", "8", "8", "1"]}))
    assert [0.5, 0.5, 0.5] == [accuracy(records, name, ["pot"], 1) for name in ("majority", "weighted", "oracle")]


def test_blocks_of_draws_do_not_overlap():
    """Draws in pairs (8, 1), (1, 1): the oracle solves the first only; all four: majority is 1, the oracle is right."""
    records = path_counts(tables({"pot": ["8", "1", "1", "1"]}))
    assert [0.5, 1.0] == [accuracy(records, "oracle", ["pot"], draws) for draws in (2, 4)]
    assert [0.5, 0.0] == [accuracy(records, "majority", ["pot"], draws) for draws in (2, 4)]


def test_all_thoughts_take_as_many_draws_of_each():
    """Two draws of two thoughts are four paths; 8, 8 of CoT outvote 1, 2 of PoT."""
    records = path_counts(tables({"pot": ["1", "2"], "cot": ["8", "8"]}))
    (found,) = [
        r for r in records if r["selection"] == "majority" and r["thoughts"] == ["pot", "cot"] and r["draws"] == 2
    ]
    assert (4, 1, 1.0, 1.0) == (found["paths"], found["n"], found["expected_correct"], found["accuracy"])
    assert [0.0, 1.0] == [accuracy(records, "majority", [thought], 2) for thought in ("pot", "cot")]


def test_counts_double_and_end_with_all():
    """Of five draws: 1, 2, 4 and 5."""
    records = path_counts(tables({"pot": ["8"] * 5}))
    assert [1, 2, 4, 5] == [record["draws"] for record in records if record["selection"] == "majority"]


def test_greedy_paths_are_not_counted():
    """A wrong greedy path changes nothing."""
    given = {"pot": ["8", "8"]}
    assert path_counts(tables(given)) == path_counts(tables(given, greedy=["1"]))


def test_nothing_sampled_is_no_curve():
    """Greedy decoding alone."""
    assert [] == path_counts(tables({"pot": []}, greedy=["8"]))


def test_draws_that_lack_are_not_invented():
    """A thought with fewer draws somewhere limits all."""
    records = path_counts(tables({"pot": ["8", "8"]}, {"pot": ["8"]}))
    assert {1} == {record["draws"] for record in records}


def test_confidence_is_fitted_on_dev_paths_of_the_same_kind():
    """On dev a second draw that agrees means right; the same rule then chooses on test."""
    dev = [{"pot": ["8", "8"]}, {"pot": ["1", "2"]}] * 8
    test = tables({"pot": ["8", "8"]}, {"pot": ["1", "2"]})
    held = tables(*dev)
    records = path_counts(
        RunTables(
            evaluation_problems=test.evaluation_problems,
            predictions=test.predictions,
            problems=held.evaluation_problems,
            dev_predictions=held.predictions,
        )
    )
    assert 0.5 == accuracy(records, "confidence", ["pot"], 2)


def test_intervals_hold_the_accuracy():
    """Of fractional scores as well."""
    for record in path_counts(tables({"pot": ["8", "1", "2", "3"]}, {"pot": ["8", "8", "8", "1"]})):
        assert 0 <= record["low"] <= record["accuracy"] <= record["high"] <= 1
        assert record["expected_correct"] == pytest.approx(record["accuracy"] * record["n"])
