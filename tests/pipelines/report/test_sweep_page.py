"""A sweep's table, findings, map, lines and page, on synthetic results."""

import json
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

from pipelines.config import RunConfig
from pipelines.report.intervals import share
from pipelines.report.over_seeds import Mean, over_seeds, t_95
from pipelines.report.sweep_findings import ablation, against_single, best
from pipelines.report.sweep_lines import lines
from pipelines.report.sweep_page import SweepTables, difference_text, mean_text, render_sweep, sentence
from pipelines.report.sweep_table import SweepTrial, as_table, flat, mix_of, points
from pipelines.report.sweep_ternary import ternary

THOUGHTS = ("cot", "pot", "eot")


def trial(point: dict[str, Any], seed: int, accuracies: dict[str, float], **changes: Any) -> SweepTrial:
    """A finished trial with these accuracies of 1,000 problems; the last selection is the headline."""
    tree: dict[str, Any] = {"run_dir": "runs/x", "seed": seed, "student": {"init": "random", "model": "tiny"}}
    for name, value in point.items():
        section, _, field = name.partition(".")
        tree.setdefault(section, {})[field] = value
    evaluation = []
    for dataset in ("gsm8k", "svamp"):
        for selection, accuracy in accuracies.items():
            counted = vars(share(round(1000 * accuracy), 1000))
            evaluation.append(
                {"dataset": dataset, "selection": selection, "headline": selection == list(accuracies)[-1], **counted}
            )
    given: dict[str, Any] = {
        "trial_id": f"{json.dumps(point)}_s{seed}",
        "status": "done",
        "reason": "",
        "point": point,
        "seed": seed,
        "config": RunConfig.model_validate(tree).model_dump(mode="json"),
        "sampling": "3f2a9c11",
        "student": {"parameters": 1_258_432, "examples": 900, "steps": 90, "loss": 0.2},
        "evaluation": evaluation,
        "score": next(reversed(accuracies.values()), None),
        "train_s": 12.0,
        "evaluate_s": 3.0,
    }
    return SweepTrial(**(given | changes))


def simplex(seeds: tuple[int, ...] = (0, 1, 2), **changes: Any) -> list[SweepTrial]:
    """The 15 mixtures of r = 4; PoT and EoT together are best, by 0.09 in every seed."""
    trials = []
    for cot in range(5):
        for pot in range(5 - cot):
            eot = 4 - cot - pot
            shares = {t: s for t, s in zip(THOUGHTS, (cot, pot, eot), strict=True) if s}
            accuracy = 0.3 + 0.15 * (pot + eot) / 4 + 0.09 * (pot == eot == 2)
            for seed in seeds:
                found = dict.fromkeys(shares, accuracy - 0.1) | {"first": accuracy + 0.01 * (seed - 1)}
                trials.append(trial({"mixture.ratios": shares}, seed, found, **changes))
    return trials


def test_a_mean_over_seeds_has_students_interval() -> None:
    """0.71, 0.74, 0.69: mean 0.7133, standard deviation 0.02517, t(2) 4.303."""
    found = over_seeds([0.71, 0.74, 0.69])
    assert (3, pytest.approx(0.7133, abs=1e-4)) == (found.n, found.mean)
    assert (pytest.approx(0.6508, abs=2e-4), pytest.approx(0.7759, abs=2e-4)) == (found.low, found.high)


def test_one_seed_has_no_interval() -> None:
    """One value says nothing of its spread."""
    assert Mean(1, 0.5, None, None) == over_seeds([0.5])


@pytest.mark.parametrize(("freedom", "quantile"), [(2, 4.303), (15, 2.131), (16, 2.120), (30, 2.042), (120, 1.980)])
def test_the_quantile_of_student(freedom: int, quantile: float) -> None:
    """As the tables print it, also where it is a series."""
    assert pytest.approx(quantile, abs=0.002) == t_95(freedom)


@pytest.mark.parametrize(
    ("mixture", "name"),
    [
        ({"ratios": {"pot": 1}}, "PoT"),
        ({"ratios": {"cot": 1, "pot": 3}}, "PoT + CoT"),
        ({"ratios": None}, "ETD (PoT + EoT + CoT)"),
        ({"recipe": "label"}, "Label"),
        ({"recipe": "md"}, "MD (PoT + EoT + CoT)"),
    ],
)
def test_a_mixture_has_the_papers_name(mixture: dict[str, Any], name: str) -> None:
    """Thought sets by their thoughts, recipes by theirs."""
    assert name == mix_of(RunConfig(run_dir="x", mixture=mixture).model_dump(mode="json")).name


def test_points_gather_their_seeds() -> None:
    """Three seeds of 15 mixtures are 15 points of three."""
    found = points(simplex())
    assert [3] * 15 == [len(point.trials) for point in found]
    assert {0: 0.53, 1: 0.54, 2: 0.55} == next(p for p in found if p.mix.shares == {"pot": 0.5, "eot": 0.5}).by_seed[
        "gsm8k"
    ]


def test_failed_and_stopped_trials_are_rows_and_no_results() -> None:
    """They stand in the table with their reasons, and no point counts them."""
    ended = [
        trial({"training.epochs": 3.0}, 0, {"pot": 0.9}, status="failed", reason="out of memory"),
        trial({"training.epochs": 4.0}, 0, {"pot": 0.9}, status="stopped", reason="by asha after epoch 1"),
        trial({"training.epochs": 5.0}, 0, {"pot": 0.4}),
    ]
    rows = flat(ended)
    assert [("failed", "out of memory", None), ("stopped", "by asha after epoch 1", None)] == [
        (row["status"], row["reason"], row["accuracy"]) for row in rows[:2]
    ]
    assert [{"training.epochs": 5.0}] == [point.point for point in points(ended)]
    assert 4 == as_table(ended).num_rows


def test_an_axis_of_numbers_and_words_is_a_column_of_words() -> None:
    """Parquet has one type for a column."""
    table = as_table([trial({"mixture.max_per_problem": value}, 0, {"pot": 0.4}) for value in (None, 2)])
    assert {None, 2} == set(table["mixture.max_per_problem"].to_pylist())
    mixed = [trial({"training.use_gpu": value}, 0, {"pot": 0.4}) for value in ("auto", True)]
    assert {"auto", "True"} == set(as_table(mixed)["training.use_gpu"].to_pylist())


def test_the_best_is_chosen_on_dev_where_dev_has_accuracies() -> None:
    """Else on the test set, which the page says."""
    by_test = points([trial({"training.epochs": e}, 0, {"pot": a}, score=None) for e, a in ((1.0, 0.5), (2.0, 0.4))])
    by_dev = points(
        [trial({"training.epochs": e}, 0, {"pot": a}, score=s) for e, a, s in ((1.0, 0.5, 0.3), (2.0, 0.4, 0.6))]
    )
    chosen = [best(found, "gsm8k") for found in (by_test, by_dev)]
    assert [1.0, 2.0] == [point.point["training.epochs"] for point in chosen if point]


def test_mixtures_against_the_best_single_thought_are_paired_by_seed() -> None:
    """0.09 better in every seed: the difference has no width, chosen on other seeds or not."""
    (found,) = against_single(points(simplex()), "gsm8k")
    assert {"pot": 0.5, "eot": 0.5} == found.mixture.mix.shares
    assert pytest.approx((0.09, 0.09, 0.09)) == (found.difference.mean, found.difference.low, found.difference.high)
    assert found.held_out is not None and pytest.approx(0.09) == found.held_out.mean


def test_who_is_measured_is_chosen_on_dev() -> None:
    """Dev says that CoT with PoT is the best mixture; the test figures, by which another is, choose nothing."""
    on_dev = {"cot": 0.2, "pot": 0.3, "eot": 0.3}
    dev = [
        replace(one, score=0.9 if set(one.point["mixture.ratios"].items()) == {("cot", 2), ("pot", 2)} else 0.1)
        if len(one.point["mixture.ratios"]) > 1
        else replace(one, score=on_dev[next(iter(one.point["mixture.ratios"]))])
        for one in simplex()
    ]
    (found,) = against_single(points(dev), "gsm8k")
    assert found.held_out is not None and pytest.approx(-0.075) == found.held_out.mean
    assert pytest.approx(0.09) == found.difference.mean
    (without,) = against_single(points([replace(one, score=None) for one in dev]), "gsm8k")
    assert without.held_out is None


def test_a_mixture_waits_for_its_thoughts_alone() -> None:
    """While EoT alone is not finished, nothing that holds EoT is said to beat the best single thought."""
    unfinished = [point for point in points(simplex()) if point.mix.thoughts != ("eot",)]
    (found,) = against_single(unfinished, "gsm8k")
    assert "eot" not in found.mixture.mix.thoughts
    assert [] == against_single([point for point in unfinished if "pot" not in point.mix.thoughts], "gsm8k")


def test_the_ablation_has_a_row_for_each_thought_set() -> None:
    """Seven sets of three thoughts; those without even shares are means of their mixtures."""
    (table,) = ablation(points(simplex()))
    assert 7 == len(table.rows)
    notes = {name: note for name, _, note in table.rows}
    assert ("", "", "mean of 3 mixtures") == (notes["PoT"], notes["PoT + EoT"], notes["ETD (PoT + EoT + CoT)"])
    assert [("gsm8k", ["pot", "eot", "cot", "headline"])] == table.columns[:1]


def test_the_map_covers_the_simplex() -> None:
    """15 dots, 16 small triangles between them, one best, and colours from 0 to 1."""
    (drawn,) = ternary(points(simplex()), "gsm8k")
    assert (15, 16) == (len(drawn.dots), len(drawn.cells))
    assert ["PoT 0.5, EoT 0.5"] == [dot.words for dot in drawn.dots if dot.is_best]
    assert (0, 1) == (min(dot.strength for dot in drawn.dots), max(dot.strength for dot in drawn.dots))
    corner = {c.thought: (c.x, c.y) for c in drawn.corners}["pot"]
    (alone,) = [dot for dot in drawn.dots if dot.words == "PoT 1"]
    assert corner == pytest.approx((alone.x, alone.y), abs=0.1)


def test_two_thoughts_have_no_map() -> None:
    """A map needs three corners."""
    pairs = [trial({"mixture.ratios": {"pot": s, "eot": 4 - s}}, 0, {"pot": 0.4}) for s in range(1, 4)]
    assert [] == ternary(points(pairs), "gsm8k")


def test_lines_of_one_axis_for_each_setting_of_the_others() -> None:
    """Two thought sets over three fractions: one chart of two lines, numbers in their places."""
    trials = [
        trial({"mixture.fraction": fraction, "mixture.ratios": ratios}, seed, {"pot": 0.2 + fraction / 4})
        for fraction in (0.25, 0.5, 1.0)
        for ratios in ({"pot": 1}, {"eot": 1})
        for seed in (0, 1)
    ]
    (chart,) = lines(points(trials), "gsm8k")
    assert ("mixture.fraction", {"PoT", "EoT"}) == (chart.axis, {one.name for one in chart.series})
    first, middle, last = (mark.x for mark in chart.series[0].marks)
    assert pytest.approx(2 * (middle - first), abs=0.2) == last - middle


class _Balance(HTMLParser):
    """Counts tags that are not closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag not in ("meta", "link", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        """A shape that closes itself."""

    def handle_endtag(self, tag: str) -> None:
        assert tag == self.open.pop()


def test_the_page_is_whole_and_fetches_nothing() -> None:
    """Every section, every tag closed, no script, no address."""
    hostile = trial({"mixture.ratios": {"pot": 7}}, 0, {}, status="failed", reason="<b>no room</b>")
    trials = [*simplex(), hostile]
    samplings = [{"sampling": "3f2a9c11", "samples": 9000, "cost_usd": None, "seconds": 20.0, "trials": 46}]
    page = render_sweep(SweepTables(name="mix", sweep={}, trials=trials, samplings=samplings), "run_dir: runs/w\n")
    parser = _Balance()
    parser.feed(page)
    assert [] == parser.open
    assert ("<script" not in page, "http://" not in page, "https://" not in page) == (True, True, True)
    assert "&lt;b&gt;no room&lt;/b&gt;" in page
    for section in ("map", "single", "ablation", "points", "cost", "winner"):
        assert f'<section id="{section}">' in page


def test_a_sweep_without_a_finished_trial_still_has_a_page() -> None:
    """It says so, and lists why."""
    trials = [trial({"training.epochs": 3.0}, 0, {}, status="failed", reason="no example is left", evaluation=[])]
    page = render_sweep(SweepTables(name="mix", sweep={}, trials=trials, samplings=[]), "")
    assert "No trial has finished yet." in page
    assert "no example is left" in page


def test_the_sentence_claims_no_more_than_the_interval() -> None:
    """A difference whose interval holds 0 is not decided."""
    decided = sentence(points(simplex()))
    assert "Mixtures beat the best single thought" in decided
    assert "is not decided" in sentence(points(simplex(seeds=(0, 1))))  # two seeds with the same difference
    noisy = [
        trial({"mixture.ratios": ratios}, seed, {"pot": accuracy})
        for ratios, accuracies in (
            ({"pot": 1}, (0.4, 0.5, 0.6)),
            ({"eot": 1}, (0.1, 0.1, 0.1)),
            ({"pot": 1, "eot": 1}, (0.5, 0.7, 0.4)),
        )
        for seed, accuracy in enumerate(accuracies)
    ]
    assert "is not decided" in sentence(points(noisy))


def test_answers_without_a_thought_are_no_mixture() -> None:
    """Recipe label, here the most accurate, is compared with nothing."""
    label = [trial({"mixture.recipe": "label"}, seed, {"first": 0.9}) for seed in (0, 1, 2)]
    [compared] = against_single(points([*simplex(), *label]), "gsm8k")
    assert "etd" == compared.mixture.mix.recipe


def test_students_that_learned_nothing_have_no_winner_on_the_page() -> None:
    """15 zeros: no dot is ringed, and the sentence names no best point."""
    zeros = points(
        [trial(one.point, one.seed, dict.fromkeys(one.point["mixture.ratios"], 0.0)) for one in simplex((0,))]
    )
    (drawn,) = ternary(zeros, "gsm8k")
    assert [] == [dot for dot in drawn.dots if dot.is_best]
    assert "None of 15 points solves a problem of gsm8k" in sentence(zeros)


def test_figures_in_words() -> None:
    """Means with and without intervals; differences with their sign."""
    assert "50.0\N{NO-BREAK SPACE}%" == mean_text(Mean(1, 0.5, None, None))
    assert "+2.0 points (-1.0 to +5.0)" == difference_text(Mean(3, 0.02, -0.01, 0.05))
