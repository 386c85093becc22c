"""Comparisons on the same problems: selections within a run, and two runs, with paired intervals and tests.

    {"dataset": "gsm8k", "a": "pot>eot>cot", "b": "confidence", "n": 1319, "both": 430, "only_a": 13, "only_b": 31,
     "neither": 845, "difference": 0.0136, "low": 0.0037, "high": 0.0241, "p": 0.0096, "p_holm": 0.048}

``difference`` is b less a. ``p`` is McNemar's exact test of this pair alone; ``p_holm`` allows for all the pairs of
this data set (Holm).
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from pipelines.inference import ADAPTIVE, CONFIDENCE, MAJORITY, ORACLE, VOTES
from pipelines.report import palette
from pipelines.report.intervals import share, unpaired
from pipelines.report.outcomes import Outcome
from pipelines.report.paired import holm, pair
from pipelines.report.tables import Row


def within(found: Sequence[Outcome], headline: str | None, chosen_on_dev: str | None) -> list[Row]:
    """Selections of one run: the headline against each other main one, and confidence against those not yet compared.

    Main selections are each thought alone, the headline, the order chosen on dev, adaptive and the votes.
    """
    records = []
    for dataset, mine in _by_dataset(found).items():
        names = main_selections(mine, headline, chosen_on_dev)
        pairs = [(headline, name) for name in names if name != headline] if headline in names else []
        if CONFIDENCE in names:
            rivals = [name for name in (MAJORITY, chosen_on_dev) if name in names and name != headline]
            pairs += [(rival, CONFIDENCE) for rival in rivals]
        records += _adjusted([{"dataset": dataset, "a": a, "b": b, **_pair(mine, mine, a, b)} for a, b in pairs])
    return records


def main_selections(found: Iterable[Outcome], *orders: str | None) -> list[str]:
    """The selections that are worth comparing, of those there are: thoughts, the named orders, adaptive, votes."""
    there = {name for outcome in found for name in outcome.choices}
    thoughts = palette.ordered({name for name in there if ">" not in name} - {ADAPTIVE, ORACLE, *VOTES})
    return [name for name in dict.fromkeys((*thoughts, *orders, ADAPTIVE, *VOTES)) if name in there]


def side_by_side(found: Sequence[Outcome], selections: Iterable[str | None]) -> list[Row]:
    """The data sets in order, each with its difference from the first: other problems, so an unpaired interval."""
    by_dataset = _by_dataset(found)
    records = []
    for name in dict.fromkeys(selections):
        first = None
        for dataset, mine in by_dataset.items():
            right = [outcome.choices[name].correct is True for outcome in mine if name in outcome.choices]
            if not right or name is None:
                continue
            here = share(sum(right), len(right))
            against = asdict(unpaired(first[1], here)) if first else dict.fromkeys(("difference", "low", "high"))
            records.append(
                {"dataset": dataset, "selection": name, **asdict(here), "against": first[0] if first else None}
                | {f"difference_{key}" if key != "difference" else key: value for key, value in against.items()}
            )
            first = first or (dataset, here)
    return records


@dataclass(frozen=True)
class Side:
    """One of two runs: its outcomes, its problems' questions and gold answers by id, and its named orders."""

    found: Sequence[Outcome]
    problems: dict[str, tuple[str, str]]
    headline: str | None
    chosen_on_dev: str | None


def between(a: Side, b: Side) -> list[Row]:
    """Two runs on the problems that both have answered, by data set and selection.

    A problem is the same if its id, question and gold answer are. ``n_only_a`` and ``n_only_b`` count those that are
    not shared. The headline is compared by what it is in each run.
    """
    records = []
    sets = _by_dataset(a.found), _by_dataset(b.found)
    for dataset in dict.fromkeys((*sets[0], *sets[1])):
        mine, theirs = ({o.problem_id: o for o in found.get(dataset, [])} for found in sets)
        ids = [name for name in mine if name in theirs and a.problems[name] == b.problems[name]]
        left, right = [mine[name] for name in ids], [theirs[name] for name in ids]
        unshared = {"n_only_a": len(mine) - len(ids), "n_only_b": len(theirs) - len(ids)}
        orders = (a.headline, b.headline, a.chosen_on_dev, b.chosen_on_dev)
        names = [(name, name) for name in (*main_selections(left, *orders), ORACLE)]
        if a.headline != b.headline:
            names.append((str(a.headline), str(b.headline)))
        compared = [
            {"dataset": dataset, "a": x, "b": y, **unshared, **_pair(left, right, x, y)}
            for x, y in names
            if ids and all(x in o.choices for o in left) and all(y in o.choices for o in right)
        ]
        records += _adjusted(compared) or [{"dataset": dataset, "a": None, "b": None, **unshared, "n": 0}]
    return records


def _pair(left: Sequence[Outcome], right: Sequence[Outcome], a: str, b: str) -> Row:
    """The comparison, with both accuracies and what they cost: votes over more paths are another method."""
    one, other = ([o.choices[name].correct is True for o in side] for side, name in ((left, a), (right, b)))
    compared = pair(one, other)
    means = {"accuracy_a": sum(one) / len(one), "accuracy_b": sum(other) / len(other)}
    for side, name, key in ((left, a, "completions_a"), (right, b, "completions_b")):
        means[key] = sum(outcome.choices[name].completions for outcome in side) / len(side)
    return means | asdict(compared)


def _adjusted(records: list[Row]) -> list[Row]:
    adjusted = holm([record["p"] for record in records])
    return [record | {"p_holm": p} for record, p in zip(records, adjusted, strict=True)]


def _by_dataset(found: Iterable[Outcome]) -> dict[str, list[Outcome]]:
    groups: dict[str, list[Outcome]] = {}
    for outcome in found:
        groups.setdefault(outcome.dataset, []).append(outcome)
    return groups
