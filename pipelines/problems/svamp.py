"""SVAMP in its original form (Patel et al. 2021, arXiv 2103.07191): one JSON list of 1,000 problems.

    {"ID": "chal-1", "Body": "Each pack of dvds costs 76 dollars. If there is a discount of 25 dollars on each pack",
     "Question": "How much do you have to pay to buy each pack?", "Equation": "( 76.0 - 25.0 )", "Answer": 51.0,
     "Type": "Subtraction"}

The original has no split. The usual one, 700 for training and 300 for testing, is that of ChilleD/SVAMP on the
Hugging Face hub; for the original file it is read from ``split_ids.json`` beside it ({"train_ids": ["chal-777", ...],
"test_ids": [...]}); split ``all`` reads all 1,000 without it. Rows stand in the order of the file, and SVAMP's own ID
is the last part of a problem id: "svamp/train/chal-2".
"""

from collections.abc import Iterable, Iterator
from typing import Any

from pipelines.errors import DataError
from pipelines.problems.expression import NotArithmetic, infix
from pipelines.problems.original import json_of, json_rows, number_field, text_field
from pipelines.problems.schema import Problem
from pipelines.problems.worked import worked_expression


def problems(files: list[str], name: str, split: str) -> Iterator[Problem]:
    """The problems of SVAMP.json that the split names.

    Raises:
        DataError: a field is missing, or the split names an ID that is not in the file.
    """
    rows = json_rows(files[0])
    if split == "all":
        yield from from_rows(rows, name, split)
        return
    ids = json_of(files[1])
    wanted = ids.get(f"{split}_ids") if isinstance(ids, dict) else None
    if not isinstance(wanted, list):
        raise DataError(
            f'{files[1]}: no list "{split}_ids"; expected {{"train_ids": ["chal-777", ...], "test_ids": ...}}'
        )
    missing = set(map(str, wanted))
    for problem in from_rows(rows, name, split):
        own = problem.problem_id.rsplit("/", 1)[1]
        if own in missing:
            missing.remove(own)
            yield problem
    if missing:
        raise DataError(f"{files[0]}: has no problem {min(missing)}, which {files[1]} names")


def from_rows(rows: Iterable[tuple[str, dict[str, Any]]], name: str, split: str) -> Iterator[Problem]:
    """The problems of rows with SVAMP's fields, from the original file or from the hub."""
    for where, row in rows:
        body = text_field(row, "Body", where).rstrip(" .")
        answer = number_field(row, "Answer", where)
        end = "" if body.endswith(("?", "!")) else "."
        yield Problem(
            problem_id=f"{name}/{split}/{text_field(row, 'ID', where)}",
            question=f"{body}{end} {text_field(row, 'Question', where)}",
            answer=answer,
            answer_kind="number",
            rationale=_rationale(text_field(row, "Equation", where), answer, where),
            dataset=name,
            split=split,
            category=text_field(row, "Type", where),
        )


def _rationale(equation: str, answer: str, where: str) -> str | None:
    try:
        return worked_expression(infix(equation), answer)
    except NotArithmetic as error:
        raise DataError(f"{where}: 'Equation' is not arithmetic ({error})") from None
