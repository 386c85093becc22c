"""``sweep.html``: a sweep on one self-contained page, in the style of a run's report.

    render_sweep(SweepTables(name="mix_ratios", sweep={...}, trials=[...], samplings=[...], winner="run_dir: ..."))
    → "<!doctype html>..."

No script, nothing fetched, light and dark by the reader's screen. Sections that the sweep has no points for are left
out: no map without three thoughts on a simplex, no line without an axis beside the mixture.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.report import palette
from pipelines.report.over_seeds import Mean
from pipelines.report.page import environment
from pipelines.report.sweep_findings import (
    Comparison,
    ablation,
    against_single,
    best,
    chosen_on_dev,
    datasets,
)
from pipelines.report.sweep_lines import lines
from pipelines.report.sweep_table import ETD, HEADLINE, SweepPoint, SweepTrial, points, text
from pipelines.report.sweep_ternary import ternary
from pipelines.report.tables import Row


@dataclass(frozen=True, kw_only=True)
class SweepTables:
    """What the page is made from.

    ``sweep`` is the file as it was resolved. ``samplings`` have the teacher's part, which trials share: ``sampling``,
    ``samples``, ``cost_usd`` (None: price unknown), ``seconds``, ``trials``.
    """

    name: str
    sweep: Row
    trials: list[SweepTrial]
    samplings: list[Row]


@dataclass(frozen=True)
class _Place:
    """A point in the ranking of all."""

    words: str
    point: SweepPoint
    mean: Mean
    is_best: bool


def render_sweep(tables: SweepTables, winner_yaml: str) -> str:
    """The page; ``winner_yaml`` is the best point as a run's configuration, empty where nothing finished."""
    found = points(tables.trials)
    sets = datasets(found)
    main = sets[0] if sets else ""
    winner = best(found, main)
    environment_ = environment(ETD)
    environment_.filters["mean"] = mean_text
    environment_.filters["cell"] = lambda value: text(value)
    return environment_.get_template("sweep.html.j2").render(
        name=tables.name,
        sentence=sentence(found),
        counts=Counter(trial.status for trial in tables.trials),
        seeds=sorted({trial.seed for trial in tables.trials}),
        axes=list(tables.trials[0].point) if tables.trials else [],
        points_count=len({tuple(sorted((k, str(v)) for k, v in trial.point.items())) for trial in tables.trials}),
        maps=[one for dataset in sets for one in ternary(found, dataset)],
        comparisons=[(dataset, one) for dataset in sets for one in against_single(found, dataset)],
        charts=[one for dataset in sets for one in lines(found, dataset)],
        tables=ablation(found),
        places=_places(found, main, winner),
        main=main,
        others=sets[1:],
        on_dev=chosen_on_dev(found) if found else False,
        trials=tables.trials,
        samplings=tables.samplings,
        seconds=sum((trial.train_s or 0) + (trial.evaluate_s or 0) for trial in tables.trials),
        winner=winner,
        winner_words=_words(winner) if winner else "",
        winner_yaml=winner_yaml,
        thoughts=ETD,
        head=HEADLINE,
        has_intervals=any(len(point.trials) > 1 for point in found),
        difference=difference_text,
    )


def winner_of(trials: Sequence[SweepTrial]) -> SweepPoint | None:
    """The best point of a sweep on its first test set."""
    found = points(trials)
    sets = datasets(found)
    return best(found, sets[0]) if sets else None


def sentence(found: Sequence[SweepPoint]) -> str:
    """The sweep in plain words: the best point, and whether a mixture beat the best single thought."""
    main = next(iter(datasets(found)), "")
    winner = best(found, main)
    if winner is None:
        return "No trial has finished yet."
    if not any(point.accuracy[main][HEADLINE].mean for point in found if HEADLINE in point.accuracy.get(main, {})):
        return f"None of {len(found):,} points solves a problem of {main}: the students have not learned yet."
    said = (
        f"The best of {len(found):,} points on {main} is {_words(winner)}: "
        f"{mean_text(winner.accuracy[main][HEADLINE])}, "
        f"chosen by {'dev accuracy' if chosen_on_dev(found) else 'this same test set'}."
    )
    compared = against_single(found, main)
    if len(compared) == 1:
        said += f" {_verdict(compared[0])}"
    return said.replace("–", "–\N{WORD JOINER}")


def mean_text(mean: Mean | None) -> str:
    """ "71.3 % (65.1–77.6)" with an interval over seeds, else the mean alone."""
    if mean is None:
        return "–"
    words = f"{100 * mean.mean:.1f}\N{NO-BREAK SPACE}%"
    if mean.low is None or mean.high is None:
        return words
    return f"{words} ({100 * max(0, mean.low):.1f}–{100 * min(1, mean.high):.1f})"  # few seeds give intervals beyond


def difference_text(mean: Mean | None) -> str:
    """ "+2.1 points (-0.4 to +4.6)"."""
    if mean is None:
        return "–"
    words = f"{100 * mean.mean:+.1f} points"
    return (
        words if mean.low is None or mean.high is None else f"{words} ({100 * mean.low:+.1f} to {100 * mean.high:+.1f})"
    )


def _verdict(compared: Comparison) -> str:
    single = palette.label(compared.single.mix.thoughts[0])
    held_out = compared.held_out
    if held_out is None or held_out.low is None or held_out.high is None:
        return f"The best mixture differs from {single} alone by {difference_text(compared.difference)}."
    words = difference_text(held_out)
    agree = held_out.n == 2 and held_out.low == held_out.high  # two seeds may by chance: that is no spread of 0
    if held_out.low > 0 and not agree:
        return f"Mixtures beat the best single thought, {single}, by {words}, chosen on dev of other seeds."
    if held_out.high < 0 and not agree:
        return f"The best single thought, {single}, beats mixtures: {words}, chosen on dev of other seeds."
    return f"Whether a mixture beats the best single thought, {single}, is not decided: {words} over these seeds."


def _words(point: SweepPoint) -> str:
    """A point in words: its mixture's shares and the values of the other axes."""
    parts = []
    for name, value in point.point.items():
        if name == "mixture.ratios" and point.mix.shares:
            parts.append(", ".join(f"{palette.label(t)} {share:.2g}" for t, share in point.mix.shares.items()))
        elif name == "mixture.ratios":
            parts.append("the union of all thoughts")
        else:
            parts.append(f"{name.split('.')[-1].replace('_', ' ')} {text(value)}")
    return "; ".join(parts)


def _places(found: Sequence[SweepPoint], dataset: str, winner: SweepPoint | None) -> list[_Place]:
    measured = [point for point in found if HEADLINE in point.accuracy.get(dataset, {})]
    ranked = sorted(measured, key=lambda point: -point.accuracy[dataset][HEADLINE].mean)
    return [_Place(_words(p), p, p.accuracy[dataset][HEADLINE], p is winner) for p in ranked]
