"""What is chosen on dev: an order, and a confidence model; and what a run without dev says."""

from dataclasses import replace

import pyarrow as pa
import pytest

from pipelines.report.dev import dev, greedy_calibration
from pipelines.report.metrics import measure
from pipelines.report.outcomes import outcomes
from pipelines.report.tables import RunTables


def problem(number):
    row = {"problem_id": f"d/train/{number}", "question": "?", "answer": "8", "answer_kind": "number"}
    return row | {"rationale": None, "dataset": "d", "split": "train"}


def prediction(number, thought, answer, logprob=-1.0):
    return {
        "problem_id": f"d/train/{number}",
        "dataset": "d",
        "split": "train",
        "thought": thought,
        "draw": 0,
        "decoding": "greedy",
        "completion": "",
        "tokens": 10,
        "status": "no_answer" if answer is None else "solved",
        "answer": answer,
        "correct": answer == "8",
        "logprob": logprob,
    }


def tables(*answers, select=("pot", "cot")):
    """Dev problems with (PoT, CoT) answers."""
    rows = [
        prediction(number, thought, answer)
        for number, pair in enumerate(answers)
        for thought, answer in zip(("pot", "cot"), pair, strict=True)
    ]
    return RunTables(
        config={"evaluation": {"select": list(select)}},
        problems=pa.Table.from_pylist([problem(number) for number in range(len(answers))]),
        dev_predictions=pa.Table.from_pylist(rows),
    )


def test_the_order_that_solves_most_is_chosen():
    """CoT first: 3 of 3; PoT first: 1 of 3, since its wrong answers stand."""
    found = dev(tables(("8", "8"), ("7", "8"), ("6", "8")))
    assert ("cot>pot", 3, 1) == (found.order, found.orders["cot>pot"].correct, found.orders["pot>cot"].correct)


def test_equally_good_orders_leave_the_configured_one():
    """Then the first by name."""
    same = ("8", "8"), (None, "8")
    assert "pot>cot" == dev(tables(*same)).order
    assert "cot>pot" == dev(tables(*same, select=("eot",))).order


def test_orders_on_dev_hold_every_thought():
    """A shorter one is never better."""
    assert {"cot>pot", "pot>cot"} == set(dev(tables(("8", "8"))).orders)


def test_few_dev_answers_give_an_order_and_no_confidence():
    """And the reason."""
    found = dev(tables(("8", "8"), ("7", "8")))
    assert (None, "too few right or wrong answers on dev: no confidence selection") == (found.calibration, found.note)


@pytest.fixture(scope="module")
def with_dev(run):
    """The synthetic run with 60 of its test problems as if they had been dev problems."""
    ids = set(run.evaluation_problems["problem_id"].to_pylist()[:60])
    rows = [row for row in run.predictions.to_pylist() if row["problem_id"] in ids]
    problems = [row for row in run.evaluation_problems.to_pylist() if row["problem_id"] in ids]
    return replace(run, problems=pa.Table.from_pylist(problems), dev_predictions=pa.Table.from_pylist(rows))


def test_confidence_is_a_selection_where_dev_has_calibrated_it(with_dev):
    """Every problem has the choice, with a probability where it has an answer."""
    choices = [outcome.choices["confidence"] for outcome in outcomes(with_dev)]
    assert 200 == len(choices)
    assert all(0 < choice.confidence < 1 for choice in choices if choice.answer is not None)


def test_the_greedy_model_sees_no_sampled_path(with_dev):
    """It is the one that is fitted where nothing was sampled."""
    rows = [row for row in with_dev.dev_predictions.to_pylist() if row["decoding"] == "greedy"]
    alone = replace(with_dev, dev_predictions=pa.Table.from_pylist(rows))
    assert greedy_calibration(with_dev) == dev(alone).calibration
    assert greedy_calibration(with_dev) is not None


def test_metrics_mark_the_order_and_show_the_model(with_dev):
    """One order per data set; the model's weights by name; reliability over all answered problems."""
    metrics = measure(with_dev)
    marked = [(record["dataset"], record["selection"]) for record in metrics["evaluation"] if record["chosen_on_dev"]]
    order = metrics["dev"]["chosen"]
    assert [("generated", order), ("generated_held_out", order)] == marked
    assert {"agreement pot", "logprob per token", "constant"} <= set(metrics["dev"]["confidence"]["weights"])
    answered = sum(outcome.choices["confidence"].answer is not None for outcome in outcomes(with_dev))
    assert answered == sum(record["n"] for record in metrics["reliability"])


def test_dev_predictions_are_never_counted(run, with_dev):
    """The same accuracies of every selection that needs no dev."""
    without = {(r["dataset"], r["selection"]): r["correct"] for r in measure(run)["evaluation"]}
    having = {(r["dataset"], r["selection"]): r["correct"] for r in measure(with_dev)["evaluation"]}
    assert without == {key: having[key] for key in without}
    assert {"confidence"} == {selection for _, selection in set(having) - set(without)}


def test_a_run_without_dev_says_so(run):
    """No order, no confidence, and a note."""
    metrics = measure(run)
    assert not [record for record in metrics["evaluation"] if record["chosen_on_dev"]]
    assert "no dev predictions: no confidence selection, and no order chosen on dev" == metrics["dev"]["note"]
