"""What each section of the page shows: metrics grouped and ordered for reading, nothing computed anew.

    accuracy(metrics)[0]  →  Panel(dataset="gsm8k", decoding="greedy", n=1319, main=[...], ...)

Layout is the template's work, numbers are `metrics`'.
"""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from pipelines.inference.selection import MAJORITY, ORACLE
from pipelines.report import palette
from pipelines.report.metrics import WHOLE, Metrics
from pipelines.report.tables import Row

VOTES = (MAJORITY, "weighted", "confidence", "adaptive")  # selections with a name of their own


@dataclass(frozen=True)
class Panel:
    """One data set's selections: those drawn, the upper bound, and all the rest for the full table."""

    dataset: str
    decoding: str
    n: int
    main: list[Row]
    bounds: list[Row]
    others: list[Row]


@dataclass(frozen=True)
class Group:
    """Accuracy within one family, grade or number of steps: the headline record and one record per thought."""

    name: str
    headline: Row | None
    thoughts: list[Row]


@dataclass(frozen=True)
class Breakdown:
    """All groups of one data set."""

    dataset: str
    groups: list[Group]


@dataclass(frozen=True)
class Step:
    """One bar of the mixture's waterfall, in percent of its width; ``thought`` is set where the rows are of one."""

    label: str
    rows: int
    start: float
    width: float
    kind: str
    thought: str | None = None


@dataclass(frozen=True)
class Tally:
    """One line of the mixture's table: rows with one outcome in all, per thought, and per type of problem."""

    label: str
    rows: int
    by_thought: dict[str, int]
    by_type: dict[str, int]


@dataclass(frozen=True)
class Overlap:
    """Problems that exactly these thoughts solve: per data set how many, of how many."""

    thoughts: tuple[str, ...]
    cells: list[tuple[int, int]]


@dataclass(frozen=True)
class Overlaps:
    """The areas of a Venn diagram as a table: data sets across, sets of thoughts down."""

    datasets: list[str]
    lines: list[Overlap]


def thoughts(metrics: Metrics) -> tuple[str, ...]:
    """Every thought that the run names anywhere, in the order of every figure."""
    named = {record["thought"] for record in metrics["yield"] + metrics["student_yield"]}
    return palette.ordered(named | set((metrics["mixture"] or {}).get("by_thought") or {}))


def accuracy(metrics: Metrics) -> list[Panel]:
    """Per data set: thoughts, then the headline order, then votes; oracle apart; every other order listed only."""
    panels = []
    for dataset in dict.fromkeys(record["dataset"] for record in metrics["evaluation"]):
        mine = {record["selection"]: record for record in metrics["evaluation"] if record["dataset"] == dataset}
        alone = palette.ordered({name for name in mine if ">" not in name} - {ORACLE, *VOTES})
        chosen = [name for name, record in mine.items() if record["headline"] and name not in alone]
        drawn = [name for name in (*alone, *chosen, *VOTES) if name in mine]
        bounds = [mine[ORACLE]] if ORACLE in mine else []
        panels.append(
            Panel(
                dataset,
                _decodings(list(mine.values())),
                max(record["n"] for record in mine.values()),
                [mine[name] for name in drawn],
                bounds,
                [record for name, record in mine.items() if name not in drawn and name != ORACLE],
            )
        )
    return panels


def _decodings(records: list[Row]) -> str:
    """How all of them were decoded; where that differs, votes and the oracle apart."""
    alone = next((record["decoding"] for record in records if record["selection"] not in WHOLE), None)
    whole = next((record["decoding"] for record in records if record["selection"] in WHOLE), alone)
    return str(whole) if alone in (whole, None) else f"{alone}; majority and oracle: {whole}"


def breakdowns(records: list[Row], key: str, metrics: Metrics) -> list[Breakdown]:
    """Records of ``by_category`` or ``by_steps`` per data set and group; a data set with one group is left out."""
    chosen = {record["selection"] for record in metrics["evaluation"] if record["headline"]}
    grouped: defaultdict[str, defaultdict[Any, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for record in records:
        grouped[record["dataset"]][record[key]].append(record)
    found = []
    for dataset, groups in grouped.items():
        if len(groups) < 2:
            continue
        built = [
            Group(
                str(name),
                next((record for record in mine if record["selection"] in chosen), None),
                [record for record in mine if ">" not in record["selection"]],
            )
            for name, mine in groups.items()
        ]
        found.append(Breakdown(dataset, built))
    return found


def status_table(statuses: dict[str, dict[str, int]]) -> list[tuple[str, dict[str, int]]]:
    """Each status but ``solved`` with its count per thought, the most frequent first."""
    names = {status for counts in statuses.values() for status in counts} - {"solved"}
    table = [(name, {thought: counts.get(name, 0) for thought, counts in statuses.items()}) for name in names]
    return sorted(table, key=lambda line: (-sum(line[1].values()), line[0]))


def waterfall(card: Row | None) -> list[Step]:
    """The mixture from rows in to rows out: what was dropped and why, then what is left per thought.

    Where copies or shares change the number of rows beyond what was dropped, a step says so.
    """
    if not card:
        return []
    rows_in, out = card.get("rows_in") or 0, sum((card.get("rows") or {}).values())
    scale = 100 / (max(rows_in, out) or 1)
    steps = [Step("rows in", rows_in, 0.0, rows_in * scale, "total")]
    left = rows_in
    for reason, dropped in sorted((card.get("dropped") or {}).items(), key=lambda item: -item[1]):
        left -= dropped
        if dropped:
            steps.append(Step(reason.replace("_", " "), -dropped, left * scale, dropped * scale, "dropped"))
    if left != out:
        label = "copies (upsampling)" if out > left else "left out by shares or size"
        steps.append(Step(label, out - left, min(left, out) * scale, abs(out - left) * scale, "changed"))
    steps.append(Step("rows out", out, 0.0, out * scale, "total"))
    start = 0.0
    by_thought = card.get("by_thought") or {}
    for thought in palette.ordered(set(by_thought)):
        width = by_thought[thought] * scale
        steps.append(Step(palette.label(thought), by_thought[thought], start, width, "thought", thought))
        start += width
    return steps


def tallies(card: Row | None) -> list[Tally]:
    """Every row in and what became of it: rows in, each reason for which rows were dropped, copies, train and dev.

    Down each column rows in, less what was dropped, plus copies, is train and dev.
    """
    counts = (card or {}).get("counts") or []
    outcomes = ("train", "dev")
    dropped: dict[str, int] = {}
    for count in counts:
        if count["outcome"] not in outcomes:
            dropped[count["outcome"]] = dropped.get(count["outcome"], 0) + count["rows"]
    reasons = sorted(dropped, key=lambda reason: (-dropped[reason], reason))
    copied = [count for count in counts if count["copies"]]
    lines = [
        _tally("rows in", counts, "rows"),
        *(
            _tally(reason.replace("_", " "), [c for c in counts if c["outcome"] == reason], "rows")
            for reason in reasons
        ),
        *([_tally("copies (upsampling)", copied, "copies")] if copied else []),
        *(_tally(split, [c for c in counts if c["outcome"] == split], "rows", "copies") for split in outcomes),
    ]
    return lines if counts else []


def _tally(label: str, counts: list[Row], *columns: str) -> Tally:
    sums: tuple[dict[str, int], dict[str, int]] = {}, {}
    for key, by in zip(("thought", "type"), sums, strict=True):
        for count in counts:
            by[count[key]] = by.get(count[key], 0) + sum(count[column] for column in columns)
    return Tally(label, sum(sums[0].values()), *sums)


def types(card: Row | None) -> list[str]:
    """The types of problems that the card names: several thoughts right by majority, one, none, and the rest."""
    named = {count["type"] for count in (card or {}).get("counts") or []}
    return sorted(named, key=lambda kind: (kind != "several", not kind.startswith("only_"), kind != "none", kind))


def overlaps(metrics: Metrics) -> Overlaps | None:
    """Which thoughts solve a problem, each alone: one thought only first, then two, all, none."""
    datasets = list(dict.fromkeys(record["dataset"] for record in metrics["solved_by"]))
    solved: dict[tuple[str, ...], dict[str, int]] = {}
    n: dict[str, int] = {}
    for record in metrics["solved_by"]:
        solved.setdefault(tuple(record["thoughts"]), {})[record["dataset"]] = record["problems"]
        n[record["dataset"]] = record["n"]
    if not any(len(solvers) > 1 for solvers in solved):
        return None
    order = sorted(solved, key=lambda solvers: (not solvers, len(solvers), -sum(solved[solvers].values())))
    lines = [Overlap(solvers, [(solved[solvers].get(name, 0), n[name]) for name in datasets]) for solvers in order]
    return Overlaps(datasets, lines)
