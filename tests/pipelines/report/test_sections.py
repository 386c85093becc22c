"""Metrics grouped for the page."""

from pipelines.report import sections
from pipelines.report.metrics import measure


def test_panel_puts_thoughts_headline_votes_then_the_bound(run):
    """What is drawn, in its order; every selection is listed, the best first."""
    panel = sections.accuracy(measure(run))[0]
    assert ["pot", "eot", "cot", "pot>eot>cot", "majority", "weighted", "adaptive"] == [
        record["selection"] for record in panel.main
    ]
    assert ["oracle"] == [record["selection"] for record in panel.bounds]
    accuracies = [record["accuracy"] for record in panel.every]
    assert sorted(accuracies, reverse=True) == accuracies
    assert len(panel.every) > len(panel.main) + len(panel.bounds)


def test_panel_names_votes_and_the_order_chosen_on_dev():
    """Weighted, confidence and adaptive are selections, not thoughts; one order may be marked."""
    names = ("adaptive", "confidence", "cot", "cot>pot", "majority", "oracle", "pot", "pot>cot", "weighted")
    records = [
        {
            "dataset": "d",
            "selection": name,
            "decoding": "greedy",
            "n": 9,
            "accuracy": 0.5,
            "headline": name == "pot>cot",
        }
        | ({"chosen_on_dev": True} if name == "cot>pot" else {})
        for name in names
    ]
    (panel,) = sections.accuracy({"evaluation": records, "student": None})
    drawn = [record["selection"] for record in panel.main]
    assert ["pot", "cot", "cot>pot", "pot>cot", "majority", "weighted", "confidence", "adaptive"] == drawn


def test_panel_has_the_published_figures_of_its_data_set(run):
    """A generated data set has none; of GSM8K's those nearest in size are drawn, all are listed."""
    metrics = measure(run)
    assert [] == sections.accuracy(metrics)[0].published
    for record in metrics["evaluation"]:
        record["dataset"] = "gsm8k"
    panel = sections.accuracy(metrics | {"student": {"parameters": 60_000_000}})[0]
    assert "ETD, CodeT5-small" in [figure.system for figure in panel.nearest]
    assert len(panel.nearest) < len(panel.published)


def test_breakdown_has_a_headline_and_thoughts_per_group(run):
    """Each family of each data set, known and held out apart."""
    metrics = measure(run)
    known, held_out = sections.breakdowns(metrics["by_category"], "category", metrics)
    assert ("generated", "generated_held_out") == (known.dataset, held_out.dataset)
    assert {"ages", "mixtures", "two_unknowns"} == {group.name for group in held_out.groups}
    accuracies = [group.headline["accuracy"] for group in known.groups]
    assert sorted(accuracies) == accuracies, "hardest first"
    assert all(group.headline["selection"] == "pot>eot>cot" and len(group.thoughts) == 3 for group in known.groups)


def test_a_single_group_is_no_breakdown():
    """One family says no more than the whole."""
    record = {"dataset": "d", "category": "only", "selection": "pot", "n": 3}
    assert sections.breakdowns([record], "category", {"evaluation": []}) == []


def test_status_table_leaves_out_solved_and_sorts_by_frequency():
    """The most frequent failure of all thoughts together comes first."""
    table = sections.status_table({"pot": {"solved": 9, "timeout": 1}, "eot": {"unparsable": 4, "timeout": 1}})
    assert [("unparsable", {"pot": 0, "eot": 4}), ("timeout", {"pot": 1, "eot": 1})] == table


def test_waterfall_ends_at_the_rows_out():
    """Rows in, less what was dropped, is what is left, per thought."""
    card = {"rows_in": 100, "rows": {"train": 70, "dev": 10}, "by_thought": {"cot": 30, "pot": 50}}
    steps = sections.waterfall(card | {"dropped": {"incorrect": 15, "duplicate": 5}})
    assert [100, -15, -5, 80, 50, 30] == [step.rows for step in steps]
    assert (80.0, 5.0) == (steps[2].start, steps[2].width)


def test_waterfall_says_what_copies_added():
    """MD's upsampling yields more rows than were left."""
    card = {"rows_in": 10, "rows": {"train": 12}, "by_thought": {"pot": 12}, "dropped": {"incorrect": 2}}
    assert ("copies (upsampling)", 4) in [(step.label, step.rows) for step in sections.waterfall(card)]


def test_mixture_table_adds_up_down_each_column(run):
    """Rows in, less what was dropped, plus copies, is train and dev: in all, by thought and by type."""
    copies = {"thought": "pot", "type": "only_pot", "outcome": "train", "rows": 3, "copies": 6}
    lines = sections.tallies({"counts": [*run.mixture_card["counts"], copies]})
    assert [
        "rows in", "incorrect", "duplicate", "overlaps evaluation", "copies (upsampling)", "train", "dev"
    ] == [line.label for line in lines]  # fmt: skip
    signs = [1, -1, -1, -1, 1, -1, -1]
    assert 903 == lines[0].rows
    assert 0 == sum(sign * line.rows for sign, line in zip(signs, lines, strict=True))
    for column in ("cot", "pot", "eot"):
        assert 0 == sum(sign * line.by_thought.get(column, 0) for sign, line in zip(signs, lines, strict=True))
    for column in ("several", "only_pot"):
        assert 0 == sum(sign * line.by_type.get(column, 0) for sign, line in zip(signs, lines, strict=True))


def test_types_stand_in_the_order_of_how_many_thoughts_are_right():
    """Several, one, none, and what could not be said."""
    kinds = ["none", "unknown", "only_pot", "several", "only_cot"]
    card = {"counts": [{"type": kind} for kind in kinds]}
    assert ["several", "only_cot", "only_pot", "none", "unknown"] == sections.types(card)


def test_no_mixture_is_no_waterfall():
    """A run without that stage."""
    assert sections.waterfall(None) == []
    assert sections.tallies({"rows_in": 5}) == []
