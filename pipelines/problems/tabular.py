"""Problems from any rows with a question column and, if there is one, an answer column.

    {"question": "Tom has 3 pens ...", "answer": "12"}

Rows of a file come from ``records``, those of the hub from ``hub``. An answer may be null: such a problem can be
sampled but not scored. Where none is meant to have one, ``answer_column: null`` says so.
"""

import logging
from collections.abc import Iterable, Iterator
from typing import Any

from pipelines.config import ProblemSource
from pipelines.errors import DataError
from pipelines.problems.chat import exchange
from pipelines.problems.foreign_gold import NO_GOLD, foreign_gold
from pipelines.problems.schema import Problem

_LOG = logging.getLogger(__name__)
_QUESTIONS = ("question", "problem", "prompt", "query", "instruction", "input", "text", "task")
_ANSWERS = (
    *("answer", "answers", "final_answer", "final answer", "gold", "gold_answer", "ground_truth", "target", "label"),
    *("expected_answer", "expected", "correct_answer", "solution", "result", "output", "response", "completion"),
)
_EXAMPLES, _EXAMPLE_LENGTH = 3, 40


def problems(rows: Iterable[tuple[str, dict[str, Any]]], source: ProblemSource, name: str) -> Iterator[Problem]:
    """The problems of rows that each come with where they stand.

    Logs how many have no gold answer, and how many answers are odd, with examples.

    Raises:
        DataError: a row has no question, no row has the answer column, or more than the share
            ``source.odd_answers`` of the answers is odd.
    """
    columns: dict[str, None] = {}
    odd: list[str] = []
    where, count, without_gold, has_answers = "", 0, 0, source.answer_column is None
    for index, (where, row) in enumerate(rows):
        if row.keys() != columns.keys():
            columns |= dict.fromkeys(row)
        question, answer = _cells(row, where, source)
        has_answers = has_answers or source.answer_column in row or answer is not None
        gold = NO_GOLD if source.answer_column is None else foreign_gold(answer)
        count, without_gold = index + 1, without_gold + (gold.answer is None)
        if gold.is_odd:
            odd.append(f"{where.rpartition(', ')[2]}: {_clipped(answer)}")
        yield Problem(
            problem_id=f"{name}/{source.split}/{index}",
            question=question,
            answer=gold.answer,
            answer_kind=gold.kind,
            rationale=None,
            dataset=name,
            split=source.split,
        )
    file = where.rpartition(", ")[0]
    if count and not has_answers and set(columns) != {source.question_column}:
        raise DataError(
            f"{file}: no column '{source.answer_column}'; columns here: {', '.join(columns)}; "
            f"set answer_column{_likely(columns, _ANSWERS)}, or answer_column: null where questions have no answers"
        )
    if without_gold and source.answer_column is not None:
        _LOG.warning(
            f"{file}: {without_gold:,} of {count:,} problems have no gold answer, so their samples are not scored"
        )
    if odd:
        _report(odd, count, file, source)


def _cells(row: dict[str, Any], where: str, source: ProblemSource) -> tuple[str, Any]:
    """The question and the answer of a row, as the file has them."""
    question = row.get(source.question_column)
    answer = row.get(source.answer_column) if source.answer_column else None
    if isinstance(question, (int, float)) and not isinstance(question, bool) and question == question:
        question = str(question)
    if question is None and (said := exchange(row, where)):
        question, answer = said[0], answer if source.answer_column in row else said[1]
    if isinstance(question, str) and question.strip():
        return question.strip(), answer
    raise DataError(
        f"{where}: no text in column '{source.question_column}'; columns here: {', '.join(map(str, row))}; "
        f"set question_column{'' if source.question_column in row else _likely(row, _QUESTIONS)}"
    )


def _report(odd: list[str], count: int, file: str, source: ProblemSource) -> None:
    said = (
        f"{file}: {len(odd):,} of {count:,} answers are neither a number nor a name that can be compared "
        f"({'; '.join(odd[:_EXAMPLES])}{'; ...' if len(odd) > _EXAMPLES else ''})"
    )
    if len(odd) > source.odd_answers * count:
        raise DataError(f"{said}; correct them, or raise odd_answers, the share to accept (now {source.odd_answers})")
    _LOG.warning(f"{said}; only the same text counts as right")


def _likely(columns: Iterable[str], names: tuple[str, ...]) -> str:
    """The column that is probably meant: ": Answer", or nothing."""
    by_name = {str(column).strip().casefold(): column for column in columns}
    return next((f": {by_name[name]}" for name in names if name in by_name), "")


def _clipped(answer: Any) -> str:
    text = " ".join(str(answer).split())
    return repr(text if len(text) <= _EXAMPLE_LENGTH else f"{text[:_EXAMPLE_LENGTH]}...")
