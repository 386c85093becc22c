"""``metrics.json``: every number of the report, as flat records that a table library reads as they are.

    {"evaluation": [{"dataset": "gsm8k", "selection": "pot>eot>cot", "decoding": "greedy", "n": 1319, "correct": 443,
                     "accuracy": 0.3359, "low": 0.3109, "high": 0.3618, "headline": true, "chosen_on_dev": true,
                     "completions": 1.21}, ...],
     "paired": [{"dataset": "gsm8k", "a": "pot>eot>cot", "b": "confidence", "difference": 0.0136, ...}, ...],
     "paths": [{"dataset": "gsm8k", "selection": "majority", "draws": 4, "paths": 12, "accuracy": 0.41, ...}, ...],
     "yield": [{"thought": "pot", "samples": 29892, "solved": 29301, "correct": 23610}, ...],
     "cost_usd": 41.7, "wall_s": {"sample": 5230.1, ...}, ...}

Accuracies are fractions with 95 % Wilson intervals, over the problems that were decoded and have a gold answer;
``completions`` is how many a problem needed, on average. A part whose stage did not run is absent or empty, never zero.
This module prints and draws nothing.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import asdict
from typing import Any

from pipelines.inference.selection import MAJORITY, ORACLE, VOTES, choose
from pipelines.report import palette
from pipelines.report.comparison import main_selections, side_by_side, within
from pipelines.report.dev import Dev, dev
from pipelines.report.intervals import share
from pipelines.report.outcomes import Outcome, headline_selection, outcomes
from pipelines.report.path_counts import path_counts
from pipelines.report.reliability import reliability
from pipelines.report.tables import Row, RunTables, rows

Metrics = dict[str, Any]
_TEACHER = "teacher_predictions"  # the stage of a baseline run whose predictions are the teacher's
_SHARED = "fewer than 50 problems are held out, so the same ones chose the exported epoch and this order"
WHOLE = (*VOTES, ORACLE)  # selections over many paths


def measure(tables: RunTables) -> Metrics:
    """All metrics of the run, JSON-ready (no NaN, no infinity)."""
    found, on_dev = outcomes(tables), dev(tables)
    chosen = headline_selection(tables.config, found)
    thoughts = palette.ordered({row["thought"] for row in rows(tables.predictions, "thought")})
    shown = [*thoughts, *([chosen] if chosen and chosen not in thoughts else [])]
    return {
        "evaluation": _evaluation(tables, found, chosen, on_dev.order),
        "evaluation_without_overlap": _without_overlap(found, shown, tables.overlapping),
        "paired": within(found, chosen, on_dev.order),
        "side_by_side": side_by_side(found, main_selections(found, chosen, on_dev.order)),
        "paths": path_counts(tables),
        "dev": _dev(tables, on_dev, chosen) if found else None,
        "reliability": reliability(found),
        "by_category": _split(found, shown, "category", lambda outcome: outcome.category),
        "by_steps": _split(found, shown, "steps", lambda outcome: outcome.steps),
        "solved_by": _solved_by(found, thoughts),
        "yield": _yields(tables),
        "student_yield": _student_yields(tables, thoughts),
        "statuses": {"teacher": _statuses(tables.verdicts), "student": _statuses(tables.predictions)},
        **_spending(tables),
        "wall_s": {stage: round(seconds, 3) for stage, seconds in tables.wall_s.items()},
        "mixture": tables.mixture_card,
        "student": tables.student or None,
        "training": _training(tables.training_log),
        "curves": _curves(tables.training_log),
        "counts": _counts(tables, found),
    }


def headline(metrics: Metrics) -> str:
    """The run in one plain sentence, from the headline selection on every data set, or from the teacher's yields."""
    marked = [record for record in metrics["evaluation"] if record["headline"] and record["n"]]
    if marked:
        first, *others = marked
        who = "teacher" if _TEACHER in metrics["wall_s"] else "student"
        sentence = (
            f"The {who} solves {first['correct']:,} of {first['n']:,} problems of {first['dataset']} "
            f"({_percent(first)}, 95 % interval {100 * first['low']:.1f}–{100 * first['high']:.1f}) "
            f"with {palette.label(first['selection'])}, {first['decoding']}"
        )
        rest = [
            f"on {other['dataset']} {other['correct']:,} of {other['n']:,} "
            f"({_percent(other)}, {100 * other['low']:.1f}–{100 * other['high']:.1f})"
            for other in others
        ]
        return "; ".join([sentence, *rest]) + "."
    if metrics["yield"]:
        samples, correct = (sum(record[key] for record in metrics["yield"]) for key in ("samples", "correct"))
        names = ", ".join(palette.label(record["thought"]) for record in metrics["yield"])
        return f"{correct:,} of {samples:,} of the teacher's thoughts ({names}) are proven right."
    return "Nothing has been measured yet."


def _percent(record: Row) -> str:
    return f"{100 * record['accuracy']:.1f} %"


def _evaluation(tables: RunTables, found: list[Outcome], chosen: str | None, chosen_on_dev: str | None) -> list[Row]:
    decoding = _decoding(tables)
    records = []
    for dataset in dict.fromkeys(outcome.dataset for outcome in found):
        mine = [outcome for outcome in found if outcome.dataset == dataset]
        tally = _tally(mine)
        written = Counter[str]()
        for outcome in mine:
            written.update({name: choice.completions for name, choice in outcome.choices.items()})
        for selection, (correct, n) in tally.items():
            records.append(
                {
                    "dataset": dataset,
                    "selection": selection,
                    "decoding": decoding[dataset][2 if selection == MAJORITY else selection in WHOLE],
                    **asdict(share(correct, n)),
                    "headline": selection == chosen,
                    "chosen_on_dev": selection == chosen_on_dev,
                    "completions": written[selection] / n,
                }
            )
    return records


def _without_overlap(found: list[Outcome], selections: list[str], overlapping: frozenset[str]) -> list[Row]:
    """Accuracies on the test problems that no training question overlaps; none where none does."""
    if not overlapping:
        return []
    records = []
    for dataset in dict.fromkeys(outcome.dataset for outcome in found):
        mine = [one for one in found if one.dataset == dataset and one.problem_id not in overlapping]
        tally = _tally(mine)
        records += [
            {"dataset": dataset, "selection": name, **asdict(share(*tally[name]))}
            for name in selections
            if name in tally
        ]
    return records


def _dev(tables: RunTables, on_dev: Dev, headline: str | None) -> Row:
    """What was chosen on dev: accuracies of the orders there and of the headline, and the confidence model."""
    picks = [choose(each.paths, each.votes).get(headline or "") for each in on_dev.problems]
    right = sum(pick is not None and pick.correct is True for pick in picks)
    model = on_dev.calibration
    fitted = asdict(model) | {"weights": model.weights} if model else None
    return {
        "problems": len(on_dev.problems),
        "chosen": on_dev.order,
        "headline": {"selection": headline, **asdict(share(right, len(picks)))} if picks else None,
        "orders": [{"selection": name, **asdict(here)} for name, here in on_dev.orders.items()],
        "confidence": fitted,
        "note": on_dev.note or (_SHARED if tables.dev_chose_epoch else None),
    }


def _tally(found: Iterable[Outcome]) -> dict[str, tuple[int, int]]:
    """Per selection how many are correct, of how many."""
    n: Counter[str] = Counter()
    correct: Counter[str] = Counter()
    for outcome in found:
        for selection, choice in outcome.choices.items():
            n[selection] += 1
            correct[selection] += choice.correct is True
    return {selection: (correct[selection], n[selection]) for selection in n}


def _split(
    found: list[Outcome], selections: list[str], name: str, key: Callable[[Outcome], Hashable | None]
) -> list[Row]:
    """Accuracy within each value of ``key``, for the thoughts alone and the headline; numeric keys in order."""
    groups: defaultdict[tuple[str, Any], list[Outcome]] = defaultdict(list)
    for outcome in found:
        if (value := key(outcome)) is not None:
            groups[outcome.dataset, value].append(outcome)
    datasets = list(dict.fromkeys(outcome.dataset for outcome in found))
    records = []
    for dataset, value in sorted(groups, key=lambda group: (datasets.index(group[0]), group[1])):
        tally = _tally(groups[dataset, value])
        for selection in selections:
            if selection in tally:
                correct, n = tally[selection]
                records.append({"dataset": dataset, name: value, "selection": selection, **asdict(share(correct, n))})
    return records


def _solved_by(found: list[Outcome], thoughts: tuple[str, ...]) -> list[Row]:
    """How many problems exactly these thoughts solve, each alone: the areas of a Venn diagram (MD, figure 1)."""
    areas: Counter[tuple[str, tuple[str, ...]]] = Counter()
    n: Counter[str] = Counter()
    for outcome in found:
        solvers = tuple(t for t in thoughts if t in outcome.choices and outcome.choices[t].correct is True)
        areas[outcome.dataset, solvers] += 1
        n[outcome.dataset] += 1
    return [
        {"dataset": dataset, "thoughts": list(solvers), "problems": problems, "n": n[dataset]}
        for (dataset, solvers), problems in areas.most_common()
    ]


def _yields(tables: RunTables) -> list[Row]:
    """Teacher samples per thought, how many solved, how many of those are correct or wrong (neither: no gold)."""
    if tables.verdicts is None:
        return []
    verdicts = rows(tables.verdicts, "thought", "status", "correct")
    sampled = rows(tables.samples, "thought") if tables.samples is not None else verdicts
    samples = Counter(row["thought"] for row in sampled)
    return [{"thought": t, "samples": samples[t], **_proven(verdicts, t)} for t in palette.ordered(set(samples))]


def _student_yields(tables: RunTables, thoughts: tuple[str, ...]) -> list[Row]:
    """The same of the student's completions."""
    predictions = rows(tables.predictions, "thought", "status", "correct")
    samples = Counter(row["thought"] for row in predictions)
    return [{"thought": t, "samples": samples[t], **_proven(predictions, t)} for t in thoughts]


def _proven(judged: list[Row], thought: str) -> Row:
    mine = [row for row in judged if row["thought"] == thought]
    return {
        "solved": sum(row["status"] == "solved" for row in mine),
        "correct": sum(row["correct"] is True for row in mine),
        "wrong": sum(row["status"] == "solved" and row["correct"] is False for row in mine),
    }


def _statuses(table: Any) -> dict[str, dict[str, int]]:
    """Per thought how often each status occurs, the most frequent first."""
    tally: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for row in rows(table, "thought", "status"):
        tally[row["thought"]][row["status"]] += 1
    return {thought: dict(tally[thought].most_common()) for thought in palette.ordered(set(tally))}


def _spending(tables: RunTables) -> Row:
    """Cost and tokens of the teacher; the cost is None as soon as the price of one request is unknown."""
    if tables.samples is None:
        return {"cost_usd": None, "tokens": None, "failed_requests": None}
    spent = rows(tables.samples, "cost_usd", "prompt_tokens", "completion_tokens")
    prices = [row["cost_usd"] for row in spent]
    known = [price for price in prices if price is not None]
    return {
        "cost_usd": math.fsum(known) if len(known) == len(prices) else None,
        "tokens": {
            "prompt": sum(row["prompt_tokens"] or 0 for row in spent),
            "completion": sum(row["completion_tokens"] or 0 for row in spent),
        },
        "failed_requests": tables.samples_failed.num_rows if tables.samples_failed is not None else 0,
    }


def _curves(log: list[Row]) -> dict[str, list[list[float]]]:
    """Losses, dev accuracies and rates as ``[step, value]`` pairs; a value that is not finite is left out."""
    accuracies = sorted({name for record in log for name in record if name.split("/")[0] == "dev_accuracy"})
    return {
        name: [[record["step"], record[name]] for record in log if _finite(record.get(name))]
        for name in ("loss", "dev_loss", *accuracies, "lr", "tokens_per_s")
    }


def _training(log: list[Row]) -> Row | None:
    """Where training ended."""
    if not log:
        return None
    curves = _curves(log)
    speeds = sorted(speed for _, speed in curves["tokens_per_s"])
    return {
        "steps": max(record["step"] for record in log),
        "epochs": max((record["epoch"] for record in log if "epoch" in record), default=None),
        "final_loss": curves["loss"][-1][1] if curves["loss"] else None,
        "final_dev_loss": curves["dev_loss"][-1][1] if curves["dev_loss"] else None,
        "best_dev_loss": min((value for _, value in curves["dev_loss"]), default=None),
        "median_tokens_per_s": speeds[len(speeds) // 2] if speeds else None,
        "not_finite": sum("loss" in record and not _finite(record["loss"]) for record in log),
    }


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _decoding(tables: RunTables) -> dict[str, tuple[str, str, str]]:
    """Per data set how the paths were decoded that a thought or an order uses, all paths, and those of ``majority``.

    A thought's own path is its greedy one, or else its first sample; ``majority`` sees samples alone where there are
    any, the other votes and the oracle every path.
    """
    kinds: defaultdict[str, set[str]] = defaultdict(set)
    draws: defaultdict[str, set[int]] = defaultdict(set)
    for row in rows(tables.predictions, "dataset", "decoding", "draw"):
        kinds[row["dataset"]].add(row["decoding"])
        if row["decoding"] == "sample":
            draws[row["dataset"]].add(row["draw"])
    words = {}
    for dataset, decodings in kinds.items():
        greedy, sampled = ["greedy"] * ("greedy" in decodings), len(draws[dataset])
        samples = [f"{sampled} sampled per thought"] * bool(sampled)
        first = greedy or ["1 sampled per thought"] * bool(sampled)
        kinds_of = (first, greedy + samples, samples or greedy)
        own, every, voting = (" and ".join(used) or "decoding unknown" for used in kinds_of)
        words[dataset] = own, every, voting
    return words


def _counts(tables: RunTables, found: list[Outcome]) -> dict[str, int]:
    """Rows of every table that was there, and what the accuracies do not cover."""
    named = ("problems", "evaluation_problems", "samples", "samples_failed", "verdicts", "predictions")
    counts = {name: table.num_rows for name in named if (table := getattr(tables, name)) is not None}
    card = tables.mixture_card or {}
    if "problems_by_type" in card:  # those with a thought of anybody's, without those that got other numbers
        children = card.get("perturbation", {}).get("children", {}).get("kept", 0)
        counts["mixed_problems"] = sum(card["problems_by_type"].values()) - children
    if tables.predictions is not None and tables.evaluation_problems is not None:
        gold = [row["answer"] for row in rows(tables.evaluation_problems, "answer")]
        counts["scored"] = len(found)
        counts["without_gold"] = gold.count(None)
        counts["not_decoded"] = len(gold) - gold.count(None) - len(found)
    return counts
