"""A problem with the student's judged paths: what every selection, curve and model of the report starts from.

    Judged(problem={"problem_id": "gsm8k/test/3", "answer": "540", ...},
           paths=[Path(thought="cot", decoding="greedy", draw=0, ...), ...], votes=[0, 0, None, 1])

Only problems that have both a gold answer and predictions are here, in the order of their table.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

import pyarrow as pa

from pipelines.inference import Path, ballots
from pipelines.inference.selection import Votes, in_order
from pipelines.report.tables import Row, RunTables, rows
from pipelines.solvers import equal

_PATH_COLUMNS = ("thought", "draw", "decoding", "status", "answer", "correct", "logprob", "tokens")
_PROBLEM_COLUMNS = ("problem_id", "dataset", "category", "answer", "answer_kind", "rationale")


@dataclass(frozen=True)
class Judged:
    """``paths`` in their order, with their ballots; equality of answers is `pipelines.solvers`'."""

    problem: Row
    paths: Sequence[Path]
    votes: Votes


@lru_cache(maxsize=1)
def tested(tables: RunTables) -> list[Judged]:
    """The run's test problems."""
    return judged(tables.evaluation_problems, tables.predictions)


def judged(problems: pa.Table | None, predictions: pa.Table | None) -> list[Judged]:
    """The problems that were decoded and have a gold answer."""
    paths: defaultdict[str, list[Path]] = defaultdict(list)
    for row in rows(predictions, "problem_id", *_PATH_COLUMNS):
        foreign = {name: 0 for name in ("draw", "logprob") if row[name] is None}  # no ties broken without them
        paths[row.pop("problem_id")].append(Path(**row | foreign))
    found = []
    for problem in rows(problems, *_PROBLEM_COLUMNS):
        tried = in_order(paths.get(problem["problem_id"], []))
        if tried and problem["answer"] is not None:
            same = partial(equal, kind=problem["answer_kind"] or "number")
            found.append(Judged(problem, tried, ballots(tried, same)))
    return found
