"""The decision on one problem: each of its rows trains, is held out for dev, or is dropped for a reason.

    decide("d/train/0", problem, None, samples, verdicts, MixtureConfig(recipe="md"), seed=0)
    -> [Decided(thought="pot", type="only_pot", split="train", reason="", rank=281.., tokens=14, example=Example(...)),
        Decided(thought="cot", type="only_pot", split="dropped", reason="incorrect", rank=0, tokens=0, example=None)]

Every row that comes in comes out once; further copies of an upsampled training example come on top. What shares leave
out is decided over the whole mixture, later (``pipelines.mixture.shares``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from pipelines.config import MixtureConfig
from pipelines.mixture.example import (
    MIXTURE_SCHEMA,
    Dropped,
    Example,
    Judged,
    in_fraction,
    rank,
)
from pipelines.mixture.recipes import RECIPES
from pipelines.mixture.shares import target_tokens
from pipelines.mixture.votes import problem_type
from pipelines.problems import Problem

Row = Mapping[str, Any]

DECIDED_SCHEMA = pa.schema(
    [
        *MIXTURE_SCHEMA,
        pa.field("copy", pa.int64()),
        pa.field("type", pa.string()),
        pa.field("split", pa.string()),
        pa.field("reason", pa.string()),
        pa.field("rank", pa.int64()),
        pa.field("tokens", pa.int64()),
    ]
)


@dataclass(frozen=True, kw_only=True)
class Decided:
    """One row in, or one further copy: ``split`` is train, dev or dropped, ``type`` the problem's by its votes."""

    problem_id: str
    thought: str
    type: str
    split: str
    reason: str
    rank: int
    tokens: int
    example: Example | None


def decide(
    problem_id: str,
    problem: Problem | None,
    left_out: str | None,
    samples: Sequence[Row],
    verdicts: Sequence[Row],
    config: MixtureConfig,
    seed: int,
    held_out: bool = False,
) -> list[Decided]:
    """What becomes of a problem's rows, whatever order they come in.

    ``problem`` is None where samples name one that is not there; ``left_out`` is why the whole problem does not train,
    ``held_out`` whether it belongs to dev (``pipelines.mixture.held_out``).
    """
    proofs, dropped = judged(samples, verdicts)
    kind = problem_type(problem, proofs) if problem is not None else "unknown"
    if config.recipe == "label":
        dropped = []
        candidates = ["label"] if problem is not None else []
    else:
        candidates = [sample.thought for sample in proofs]
    split = "dev" if problem is not None and held_out else "train"
    if left_out is None and split == "train" and not in_fraction(seed, problem_id, config.fraction):
        left_out = "outside_fraction"
    if problem is None or left_out is not None:
        reason = left_out or "unknown_problem"
        return [
            _dropped(problem_id, entry, kind)
            for entry in [*dropped, *(Dropped(thought, reason) for thought in candidates)]
        ]
    decided = [_dropped(problem_id, entry, kind) for entry in dropped]
    for entry in RECIPES[config.recipe](problem, proofs, config):
        if isinstance(entry, Dropped):
            decided.append(_dropped(problem_id, entry, kind))
        elif split == "train" or not entry.copy:  # dev measures each example once
            decided.append(_kept(entry, kind, split, seed))
    return decided


def to_table(decided: Sequence[Decided]) -> pa.Table:
    """The rows under ``DECIDED_SCHEMA``; the columns of an example are empty where there is none."""
    empty = {"example_id": "", "input": "", "target": "", "weight": 0.0, "copy": 0}
    rows = [(vars(row.example) if row.example else empty) | vars(row) for row in decided]
    return pa.Table.from_pylist(rows, schema=DECIDED_SCHEMA)


def judged(samples: Sequence[Row], verdicts: Sequence[Row]) -> tuple[list[Judged], list[Dropped]]:
    """Samples with their verdicts, by thought and draw; those without one, and repeated ids, are dropped."""
    ordered = sorted(verdicts, key=lambda row: (row["sample_id"], row["status"], row["answer"] or ""))
    verdict_of = {row["sample_id"]: row for row in ordered}
    judged: dict[str, Judged] = {}
    dropped: list[Dropped] = []
    for row in sorted(samples, key=lambda row: (row["thought"], row["draw"], row["sample_id"], row["completion"])):
        verdict = verdict_of.get(row["sample_id"])
        if row["sample_id"] in judged:
            dropped.append(Dropped(row["thought"], "repeated_id"))
        elif verdict is None:
            dropped.append(Dropped(row["thought"], "unverified"))
        else:
            judged[row["sample_id"]] = Judged(
                sample_id=row["sample_id"],
                thought=row["thought"],
                draw=row["draw"],
                completion=row["completion"],
                status=verdict["status"],
                answer=verdict["answer"],
                correct=verdict["correct"],
                flags=tuple(verdict.get("flags") or ()),
            )
    return list(judged.values()), dropped


def _dropped(problem_id: str, entry: Dropped, kind: str) -> Decided:
    return Decided(
        problem_id=problem_id,
        thought=entry.thought,
        type=kind,
        split="dropped",
        reason=entry.reason,
        rank=0,
        tokens=0,
        example=None,
    )


def _kept(example: Example, kind: str, split: str, seed: int) -> Decided:
    return Decided(
        problem_id=example.problem_id,
        thought=example.thought,
        type=kind,
        split=split,
        reason="",
        rank=rank(seed, example.example_id),
        tokens=target_tokens(example.target),
        example=example,
    )
