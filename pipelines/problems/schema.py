"""A problem, and the one table schema all data sets are read into.

Problem(problem_id="gsm8k/train/12", question="Natalia sold clips to ...", answer="72",
        answer_kind="number", rationale="Natalia sold 48/2 = <<48/2=24>>24 clips ...",
        dataset="gsm8k", split="train", category=None)
"""

from dataclasses import asdict, dataclass
from typing import Any, Literal, cast, get_args

import pyarrow as pa

AnswerKind = Literal["number", "numbers", "ratio", "time", "boolean", "text"]
ANSWER_KINDS: tuple[AnswerKind, ...] = get_args(AnswerKind)

PROBLEM_SCHEMA = pa.schema(
    [
        pa.field("problem_id", pa.string(), nullable=False),
        pa.field("question", pa.string(), nullable=False),
        pa.field("answer", pa.string()),
        pa.field("answer_kind", pa.string(), nullable=False),
        pa.field("rationale", pa.string()),
        pa.field("dataset", pa.string(), nullable=False),
        pa.field("split", pa.string(), nullable=False),
        pa.field("category", pa.string()),
    ]
)


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One row of ``problems/`` or ``evaluation_problems/``.

    ``answer`` is the canonical text of the gold answer, or None where there is none.
    ``rationale`` is the annotated solution (``pipelines.problems.annotation``), or None.
    ``category`` is the generator's family or whatever kind the data set says, or None.
    """

    problem_id: str
    question: str
    answer: str | None
    answer_kind: AnswerKind
    rationale: str | None
    dataset: str
    split: str
    category: str | None = None


def to_table(problems: list[Problem]) -> pa.Table:
    """The problems as a table of ``PROBLEM_SCHEMA``, in the same order."""
    return pa.Table.from_pylist([asdict(problem) for problem in problems], schema=PROBLEM_SCHEMA)


def from_rows(rows: list[dict[str, object]]) -> list[Problem]:
    """The inverse of ``to_table``; columns that are absent (foreign Parquet) become None."""
    names = PROBLEM_SCHEMA.names
    return [Problem(**cast(Any, {name: row.get(name) for name in names})) for row in rows]
