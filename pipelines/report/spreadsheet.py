"""The numbers as tables for pandas, R or a spreadsheet, beside ``metrics.json``.

    evaluation.csv   dataset,selection,decoding,n,correct,accuracy,low,high,headline,chosen_on_dev,completions
    outcomes.csv     problem_id,dataset,category,steps,selection,answer,correct,completions,confidence,thought,logprob

``outcomes.csv`` has a row per problem and selection, so that a pivot gives a problem-by-selection table of right and
wrong: ``pandas.read_csv("outcomes.csv").pivot(index="problem_id", columns="selection", values="correct")``.
"""

from collections.abc import Iterator, Sequence
from typing import IO, Any

import pyarrow as pa
from pyarrow import csv

from pipelines.report.outcomes import Outcome
from pipelines.report.tables import Row

_OUTCOME_SCHEMA = pa.schema(
    [
        ("problem_id", pa.string()),
        ("dataset", pa.string()),
        ("category", pa.string()),
        ("steps", pa.int64()),
        ("selection", pa.string()),
        ("answer", pa.string()),
        ("correct", pa.bool_()),
        ("completions", pa.int64()),
        ("confidence", pa.float64()),
        ("thought", pa.string()),
        ("logprob", pa.float64()),
    ]
)
_PROBLEMS_PER_BATCH = 1_000


def write_records(records: Sequence[Row], stream: IO[bytes] | Any) -> None:
    """Flat records of ``metrics.json`` as CSV; nothing but an empty file for none."""
    if records:
        csv.write_csv(pa.Table.from_pylist(list(records)), stream)


def write_outcomes(found: Sequence[Outcome], stream: IO[bytes] | Any) -> None:
    """All choices as CSV, some problems at a time."""
    with csv.CSVWriter(stream, _OUTCOME_SCHEMA) as writer:
        for start in range(0, len(found), _PROBLEMS_PER_BATCH):
            rows = [row for outcome in found[start : start + _PROBLEMS_PER_BATCH] for row in _rows(outcome)]
            writer.write_table(pa.Table.from_pylist(rows, schema=_OUTCOME_SCHEMA))


def _rows(outcome: Outcome) -> Iterator[Row]:
    for selection, choice in outcome.choices.items():
        yield {
            "problem_id": outcome.problem_id,
            "dataset": outcome.dataset,
            "category": outcome.category,
            "steps": outcome.steps,
            "selection": selection,
            "answer": choice.answer,
            "correct": choice.correct,
            "completions": choice.completions,
            "confidence": choice.confidence,
            "thought": choice.path.thought if choice.path else None,
            "logprob": choice.path.logprob if choice.path else None,
        }
