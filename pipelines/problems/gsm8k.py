r"""GSM8K in its original form (Cobbe et al. 2021, arXiv 2110.14168): one JSON object a line.

{"question": "Natalia sold clips to 48 of her friends ...",
 "answer": "Natalia sold 48/2 = <<48/2=24>>24 clips in May.\n...\n#### 72"}
"""

from collections.abc import Iterable, Iterator
from typing import Any

from pipelines.errors import DataError
from pipelines.problems import records
from pipelines.problems.annotation import read
from pipelines.problems.gold import gold_answer
from pipelines.problems.schema import Problem


def problems(files: list[str], name: str, split: str) -> Iterator[Problem]:
    """The problems of one JSONL, CSV or Parquet file.

    Raises:
        DataError: a row lacks ``question``, ``answer`` or the ``####`` line.
    """
    return from_rows(records.rows(files[0]), name, split)


def from_rows(rows: Iterable[tuple[str, dict[str, Any]]], name: str, split: str) -> Iterator[Problem]:
    """The problems of rows with GSM8K's fields, each with where it stands, from a file or from the hub."""
    for index, (where, row) in enumerate(rows):
        question, solution = row.get("question"), row.get("answer")
        if not isinstance(question, str) or not isinstance(solution, str):
            raise DataError(f"{where}: expected GSM8K's fields 'question' and 'answer' as text")
        answer = read(solution).answer
        if answer is None:
            raise DataError(f"{where}: 'answer' has no line '#### NUMBER'")
        text, kind = gold_answer(answer)
        yield Problem(
            problem_id=f"{name}/{split}/{index}",
            question=question.strip(),
            answer=text,
            answer_kind=kind,
            rationale=solution,
            dataset=name,
            split=split,
        )
