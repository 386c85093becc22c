"""metrics.json and the headline sentence."""

import json
from dataclasses import replace

import pyarrow as pa
import pytest

from pipelines.report.metrics import headline, measure
from pipelines.report.tables import RunTables


@pytest.fixture(scope="module")
def metrics(run):
    return measure(run)


def _find(records, **wanted):
    return next(record for record in records if wanted.items() <= record.items())


def test_accuracy_counts_the_correct_column(run, metrics):
    """PoT alone on a data set is the share of its correct greedy predictions, with n and the interval around it."""
    mine = [row for row in run.predictions.to_pylist() if (row["thought"], row["dataset"]) == ("pot", "generated")]
    found = _find(metrics["evaluation"], dataset="generated", selection="pot")
    correct = sum(row["correct"] for row in mine)
    assert (len(mine), correct, correct / len(mine)) == (found["n"], found["correct"], found["accuracy"])
    assert found["low"] < found["accuracy"] < found["high"]


def test_headline_is_marked_once_per_data_set(metrics):
    """evaluation.select is marked on both data sets and nothing else is."""
    marked = [(record["dataset"], record["selection"]) for record in metrics["evaluation"] if record["headline"]]
    assert [("generated", "pot>eot>cot"), ("generated_held_out", "pot>eot>cot")] == marked


def test_oracle_is_never_below_another_selection(metrics):
    """The upper bound is one."""
    for dataset in ("generated", "generated_held_out"):
        mine = [record for record in metrics["evaluation"] if record["dataset"] == dataset]
        assert _find(mine, selection="oracle")["correct"] == max(record["correct"] for record in mine)


@pytest.mark.parametrize("split", ["by_category", "by_steps"])
def test_groups_add_up_to_the_whole(metrics, split):
    """Counts of families, and of numbers of steps, sum to those of the data set."""
    whole = _find(metrics["evaluation"], dataset="generated", selection="pot>eot>cot")
    parts = [r for r in metrics[split] if (r["dataset"], r["selection"]) == ("generated", "pot>eot>cot")]
    assert (whole["n"], whole["correct"]) == (sum(r["n"] for r in parts), sum(r["correct"] for r in parts))


def test_venn_areas_add_up_to_n(metrics):
    """Every scored problem lies in exactly one area."""
    areas = [record for record in metrics["solved_by"] if record["dataset"] == "generated"]
    assert areas[0]["n"] == sum(record["problems"] for record in areas) == 130


def test_yield_counts_samples_verdicts_and_gold(run, metrics):
    """samples, solved and correct per thought; what solved is correct or wrong where there is gold."""
    for record in metrics["yield"]:
        assert record["samples"] == 300
        assert record["solved"] == record["correct"] + record["wrong"]
        assert record["solved"] == metrics["statuses"]["teacher"][record["thought"]]["solved"]


def test_yield_without_gold_is_neither_correct_nor_wrong():
    """A null in the correct column counts as solved only."""
    verdict = {"thought": "pot", "status": "solved", "correct": None}
    table = pa.Table.from_pylist(
        [verdict], schema=pa.schema([("thought", "string"), ("status", "string"), ("correct", "bool")])
    )
    (record,) = measure(RunTables(verdicts=table))["yield"]
    assert {"thought": "pot", "samples": 1, "solved": 1, "correct": 0, "wrong": 0} == record


def test_cost_is_the_sum_of_known_prices(run, metrics):
    """Dollars and tokens of all samples."""
    assert metrics["cost_usd"] == pytest.approx(sum(run.samples.column("cost_usd").to_pylist()))
    assert metrics["tokens"]["prompt"] == 900 * 900


def test_cost_is_unknown_when_one_price_is(run):
    """One null price makes the sum null, not smaller."""
    prices = [None, *run.samples.column("cost_usd").to_pylist()[1:]]
    index = run.samples.column_names.index("cost_usd")
    samples = run.samples.set_column(index, "cost_usd", pa.array(prices, pa.float64()))
    assert measure(replace(run, samples=samples))["cost_usd"] is None


def test_decoding_says_which_paths_a_selection_saw(run):
    """With sampled paths beside the greedy one, thoughts and orders are greedy and MD's vote sees the others."""
    sampled = [row | {"decoding": "sample", "draw": draw} for row in run.predictions.to_pylist() for draw in range(2)]
    predictions = pa.Table.from_pylist(run.predictions.to_pylist() + sampled)
    evaluation = measure(replace(run, predictions=predictions))["evaluation"]
    names = ("pot", "pot>eot>cot", "majority", "majority_with_greedy")
    said = {name: _find(evaluation, selection=name)["decoding"] for name in names}
    assert said == {
        "pot": "greedy",
        "pot>eot>cot": "greedy",
        "majority": "2 sampled per thought",
        "majority_with_greedy": "greedy and 2 sampled per thought",
    }


def test_failed_requests_and_counts(metrics):
    """Rows of all tables are counted, and every test problem is accounted for."""
    assert metrics["failed_requests"] == 1
    counts = metrics["counts"]
    assert counts["evaluation_problems"] == counts["scored"] + counts["without_gold"] + counts["not_decoded"] == 200


def test_training_ends_where_the_log_does(metrics):
    """Steps, epochs and dev losses are read from the log."""
    found = metrics["training"]
    assert (2440, 3, 0.2, 0.2) == (found["steps"], found["epochs"], found["final_dev_loss"], found["best_dev_loss"])


def test_loss_that_is_not_finite_is_counted_and_not_written(run):
    """NaN never reaches the JSON; the number of such steps does."""
    log = [{"step": 1, "epoch": 0.1, "loss": 2.0}, {"step": 2, "epoch": 0.2, "loss": float("nan")}]
    found = measure(replace(run, training_log=log))
    assert (1, [[1, 2.0]]) == (found["training"]["not_finite"], found["curves"]["loss"])
    json.dumps(found, allow_nan=False)


def test_metrics_are_json(metrics):
    """Everything survives a round trip through strict JSON."""
    assert json.loads(json.dumps(metrics, allow_nan=False)) == metrics


def test_headline_names_n_interval_selection_and_decoding():
    """The sentence says what the figure is, and whose."""
    record = {"dataset": "gsm8k", "selection": "pot>eot", "decoding": "greedy", "n": 1319, "correct": 443}
    record |= {"accuracy": 443 / 1319, "low": 0.3109, "high": 0.3618, "headline": True}
    sentence = headline({"evaluation": [record], "yield": [], "wall_s": {}}).replace("\N{NO-BREAK SPACE}", " ")
    assert sentence == (
        "The student solves 443 of 1,319 problems of gsm8k (33.6 %, 95 % interval 31.1–36.2) with PoT → EoT, greedy."
    )
    baseline = {"evaluation": [record], "yield": [], "wall_s": {"teacher_predictions": 0.1}}
    assert headline(baseline).startswith("The teacher solves 443 of 1,319 problems")


def test_headline_of_a_run_without_student_is_the_teachers_yield(run):
    """Sampling and verification alone are summed up too."""
    sentence = headline(measure(RunTables(samples=run.samples, verdicts=run.verdicts)))
    assert sentence == "797 of 900 of the teacher's thoughts (PoT, EoT, CoT) are proven right."


def test_headline_of_nothing():
    """An empty run is no error."""
    assert headline(measure(RunTables())) == "Nothing has been measured yet."
