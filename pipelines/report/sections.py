"""What each section of the page shows: metrics grouped and ordered for reading, nothing computed anew.

    accuracy(metrics)[0]  →  Panel(dataset="gsm8k", decoding="greedy", n=1319, main=[...], ...)

Layout is the template's work, numbers are `metrics`'.
"""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from pipelines.inference.selection import ADAPTIVE, ORACLE
from pipelines.inference.selection import VOTES as OVER_PATHS
from pipelines.report import palette
from pipelines.report.metrics import WHOLE, Metrics
from pipelines.report.published import Published, nearest, published
from pipelines.report.tables import Row

VOTES = (*OVER_PATHS, ADAPTIVE)  # selections with a name of their own
PUBLISHED_DRAWN = 4


@dataclass(frozen=True)
class Panel:
    """One data set's selections: those drawn, the upper bound, all of them for the full table, and what papers report.

    ``nearest`` are the few published figures that are drawn, of students nearest in size to ours.
    """

    dataset: str
    decoding: str
    n: int
    main: list[Row]
    bounds: list[Row]
    every: list[Row]
    nearest: list[Published]
    published: list[Published]


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


def thoughts(metrics: Metrics) -> tuple[str, ...]:
    """Every thought that the run names anywhere, in the order of every figure."""
    named = {record["thought"] for record in metrics["yield"] + metrics["student_yield"]}
    return palette.ordered(named | set((metrics["mixture"] or {}).get("by_thought") or {}))


def accuracy(metrics: Metrics) -> list[Panel]:
    """Per data set: thoughts, then the headline and the order chosen on dev, then votes; the oracle apart."""
    panels = []
    size = (metrics["student"] or {}).get("parameters")
    for dataset in dict.fromkeys(record["dataset"] for record in metrics["evaluation"]):
        mine = {record["selection"]: record for record in metrics["evaluation"] if record["dataset"] == dataset}
        alone = palette.ordered({name for name in mine if ">" not in name} - {ORACLE, *VOTES})
        chosen = [
            name
            for name, record in mine.items()
            if (record["headline"] or record.get("chosen_on_dev")) and name not in (*alone, *VOTES)
        ]
        drawn = [name for name in (*alone, *chosen, *VOTES) if name in mine]
        theirs = published(dataset)
        panels.append(
            Panel(
                dataset,
                _decodings(list(mine.values())),
                max(record["n"] for record in mine.values()),
                [mine[name] for name in drawn],
                [mine[ORACLE]] if ORACLE in mine else [],
                sorted(mine.values(), key=lambda record: -(record["accuracy"] or 0)),
                nearest(theirs, size, PUBLISHED_DRAWN),
                theirs,
            )
        )
    return panels


def _decodings(records: list[Row]) -> str:
    """How all of them were decoded; where that differs, votes and the oracle apart."""
    alone = next((record["decoding"] for record in records if record["selection"] not in WHOLE), None)
    whole = next((record["decoding"] for record in records if record["selection"] == ORACLE), alone)
    return str(whole) if alone in (whole, None) else f"{alone}; votes and oracle: {whole}"


def breakdowns(records: list[Row], key: str, metrics: Metrics) -> list[Breakdown]:
    """Records of ``by_category`` or ``by_steps`` per data set and group; a data set with one group is left out.

    Families stand hardest first; grades and numbers of steps in their order.
    """
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
        if not all(group.name.isdigit() for group in built):
            built.sort(key=lambda group: (group.headline["accuracy"] or 0) if group.headline else 0)
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
