"""Any JSONL, CSV or Parquet file with a question column and, if there is one, an answer column.

    {"question": "Tom has 3 pens ...", "answer": "12"}

The answer may be null or the column absent: such problems can be sampled but not scored.
"""

from collections.abc import Iterable, Iterator
from pathlib import PurePath
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
from pyarrow import fs as pafs

from pipelines.config import ProblemSource
from pipelines.errors import DataError
from pipelines.problems.gold import gold_answer
from pipelines.problems.schema import AnswerKind, Problem
from pipelines.storage import locate, read_jsonl


def rows(path: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Row numbers (from 1) and rows of the file, by its ending.

    Raises:
        DataError: the file is missing, of another kind, or malformed.
    """
    ending = PurePath(path).suffix.lower()
    if ending in (".jsonl", ".json"):
        yield from read_jsonl(path)
        return
    filesystem, place = locate(path)
    if filesystem.get_file_info(place).type != pafs.FileType.File:
        raise DataError(f"{path}: no such file; expected a JSONL, CSV or Parquet file")
    try:
        if ending == ".csv":
            with filesystem.open_input_stream(place) as stream:
                table = pacsv.read_csv(stream)
        elif ending == ".parquet":
            table = pq.read_table(place, filesystem=filesystem)
        else:
            raise DataError(f"{path}: unknown ending '{ending}'; expected .jsonl, .csv or .parquet")
    except pa.ArrowInvalid as error:
        raise DataError(f"{path}: not a readable {ending[1:]} file ({error})") from None
    yield from enumerate(table.to_pylist(), start=1)


def problems(
    numbered: Iterable[tuple[int, dict[str, Any]]], where: str, source: ProblemSource, name: str
) -> Iterator[Problem]:
    """The problems of numbered rows.

    Raises:
        DataError: a row has no question, or no row has the answer column.
    """
    seen_columns: set[str] = set()
    for index, (number, row) in enumerate(numbered):
        seen_columns |= row.keys()
        question = row.get(source.question_column)
        if not isinstance(question, str) or not question.strip():
            raise DataError(
                f"{where}, row {number}: no text in column '{source.question_column}'; "
                f"columns here: {', '.join(map(str, row))}; set question_column"
            )
        gold = row.get(source.answer_column)
        answer: str | None = None
        kind: AnswerKind = "number"
        if gold is not None and str(gold).strip():
            answer, kind = gold_answer(str(gold))
        yield Problem(
            problem_id=f"{name}/{source.split}/{index}",
            question=question.strip(),
            answer=answer,
            answer_kind=kind,
            rationale=None,
            dataset=name,
            split=source.split,
        )
    if seen_columns and source.answer_column not in seen_columns and source.answer_column != "answer":
        raise DataError(f"{where}: no column '{source.answer_column}'; columns here: {', '.join(sorted(seen_columns))}")
