"""The mixture card: what became of every row, by reason, thought and type; the numbers add up exactly.

    {"recipe": "md", "rows_in": 900, "copies": {"train": 41, "dev": 3}, "rows": {"train": 740, "dev": 40},
     "dropped": {"type_4": 160, "incorrect": 4},
     "counts": [{"thought": "pot", "type": "only_pot", "outcome": "train", "rows": 41, "copies": 41}, ...], ...}

rows_in = sum of dropped + (train + dev - copies); the same holds within each thought and type of ``counts``, whose
``outcome`` is train, dev or the reason for which the rows were dropped.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.config import MixtureConfig
from pipelines.mixture.shares import inside


@dataclass(frozen=True)
class Counted:
    """Some problems' rows, counted: ``rows`` and ``copies`` by (thought, type, outcome), ``tokens`` of training
    targets by thought, and ``problems`` by type (problems left out whole among them)."""

    rows: Counter[tuple[str, str, str]]
    copies: Counter[tuple[str, str, str]]
    tokens: Counter[str]
    problems: Counter[str]

    def __add__(self, other: "Counted") -> "Counted":
        return Counted(
            self.rows + other.rows,
            self.copies + other.copies,
            self.tokens + other.tokens,
            self.problems + other.problems,
        )


NOTHING = Counted(Counter(), Counter(), Counter(), Counter())


def tally(table: pa.Table, kept: Mapping[str, int] | None) -> Counted:
    """Count decided problems, all rows of each, under the cuts of their shares."""
    outcome = pc.if_else(
        inside(table, kept),
        table["split"],
        pc.if_else(pc.equal(table["split"], "dropped"), table["reason"], "share"),
    )
    grouped = table.append_column("outcome", outcome).append_column("is_copy", pc.greater(table["copy"], 0))
    # One thread: with more, pyarrow 26 was seen to fail now and then ("thread index 11 is out of range [0, 11)").
    by_fate = grouped.group_by(["thought", "type", "outcome", "is_copy"], use_threads=False)
    sums = by_fate.aggregate([("tokens", "sum"), ([], "count_all")])
    rows: Counter[tuple[str, str, str]] = Counter()
    copies: Counter[tuple[str, str, str]] = Counter()
    tokens: Counter[str] = Counter()
    for group in sums.to_pylist():
        key = (group["thought"], group["type"], group["outcome"])
        if not group["is_copy"]:
            rows[key] += group["count_all"]
        elif group["outcome"] in ("train", "dev"):  # a copy that the shares leave out was not a row
            copies[key] += group["count_all"]
        if group["outcome"] == "train":
            tokens[group["thought"]] += group["tokens_sum"]
    problems = table.group_by(["problem_id", "type"], use_threads=False).aggregate([])
    return Counted(rows, copies, tokens, Counter(problems["type"].to_pylist()))


def card(counted: Counted, config: MixtureConfig) -> dict[str, Any]:
    """The card of all problems."""
    rows, copies = counted.rows, counted.copies
    counts = [
        {"thought": thought, "type": kind, "outcome": result, "rows": rows[key], "copies": copies[key]}
        for key in sorted(rows | copies)
        for thought, kind, result in [key]
    ]
    out = [count for count in counts if count["outcome"] in ("train", "dev")]
    dropped = _sums([count for count in counts if count["outcome"] not in ("train", "dev")], "outcome")
    return {
        "recipe": config.recipe,
        "settings": config.model_dump(mode="json"),
        "rows_in": sum(rows.values()),
        "copies": {split: _total(out, split, "copies") for split in ("train", "dev")},
        "rows": {split: _total(out, split, "rows", "copies") for split in ("train", "dev")},
        "by_thought": dict(sorted(_sums(out, "thought", "rows", "copies").items())),
        "by_type": dict(sorted(_sums(out, "type", "rows", "copies").items())),
        "dropped": dict(sorted(dropped.items(), key=lambda item: (-item[1], item[0]))),
        "target_tokens": dict(sorted(counted.tokens.items())),
        "problems_by_type": dict(sorted(counted.problems.items())),
        "counts": counts,
    }


def _total(counts: list[dict[str, Any]], split: str, *columns: str) -> int:
    return sum(count[column] for count in counts if count["outcome"] == split for column in columns)


def _sums(counts: list[dict[str, Any]], key: str, *columns: str) -> Counter[str]:
    sums: Counter[str] = Counter()
    for count in counts:
        sums[count[key]] += sum(count[column] for column in columns or ("rows",))
    return sums
