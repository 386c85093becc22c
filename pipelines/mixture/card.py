"""The mixture card: what became of every row, by reason, thought and type; the numbers add up exactly.

    {"recipe": "md", "rows_in": 900, "copies": {"train": 41, "dev": 3}, "rows": {"train": 740, "dev": 40},
     "dropped": {"type_4": 160, "incorrect": 4},
     "counts": [{"thought": "pot", "type": "only_pot", "outcome": "train", "rows": 41, "copies": 41}, ...], ...}

rows_in = sum of dropped + (train + dev - copies); the same holds within each thought and type of ``counts``, whose
``outcome`` is train, dev or the reason for which the rows were dropped.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.config import MixtureConfig
from pipelines.mixture.shares import inside

COUNTED = ("problem_id", "thought", "type", "split", "reason", "copy", "rank", "tokens")
"""The columns of decided problems that the card is made from."""


def card(table: pa.Table, kept: Mapping[str, int] | None, config: MixtureConfig) -> dict[str, Any]:
    """The card of decided problems (columns ``COUNTED``) under the cuts of their shares."""
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
        "target_tokens": dict(sorted(tokens.items())),
        "problems_by_type": _problems_by_type(table),
        "counts": counts,
    }


def _total(counts: list[dict[str, Any]], split: str, *columns: str) -> int:
    return sum(count[column] for count in counts if count["outcome"] == split for column in columns)


def _sums(counts: list[dict[str, Any]], key: str, *columns: str) -> Counter[str]:
    sums: Counter[str] = Counter()
    for count in counts:
        sums[count[key]] += sum(count[column] for column in columns or ("rows",))
    return sums


def _problems_by_type(table: pa.Table) -> dict[str, int]:
    """Problems that have a row, by their type; problems left out whole among them."""
    pairs = table.group_by(["problem_id", "type"], use_threads=False).aggregate([])
    return dict(sorted(Counter(pairs["type"].to_pylist()).items()))
