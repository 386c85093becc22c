"""MultiArith, AddSub, SingleEq and SingleOp, in the two forms they are published in.

With equations, as MAWPS and its parts give them (one JSON list; Roy & Roth 2015, Koncel-Kedziorski et al. 2016):

    {"iIndex": 0, "lAlignments": [80, 120, 136], "lEquations": ["X=((32.0+42.0)-35.0)"], "lSolutions": [39.0],
     "sQuestion": " For Halloween Debby and her sister combined the candy they received. ... "}

and as the PAL repository copies them, GSM-Hard as well (JSONL; Gao et al. 2022, arXiv 2211.10435), without equations:

    {"input": "For Halloween Debby and her sister combined the candy they received. ...", "target": 39}

GSM-Hard's third field ``code`` is a program, not an annotated solution, and is not read. None of these has a split.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from pipelines.errors import DataError
from pipelines.problems.expression import infix
from pipelines.problems.gold import gold_answer
from pipelines.problems.original import json_rows, number_field, number_problems, text_field
from pipelines.problems.schema import Problem
from pipelines.problems.worked import Worked, solve
from pipelines.storage import read_jsonl


def problems(files: list[str], name: str, split: str) -> Iterator[Problem]:
    """The problems of one file: a JSON list with equations, or JSONL where the name ends in ``.jsonl``.

    Raises:
        DataError: a row lacks a field, or has several solutions.
    """
    if files[0].lower().endswith(".jsonl"):
        numbered = ((f"{files[0]}, line {number}", row) for number, row in read_jsonl(files[0]))
        return from_rows(numbered, name, split)
    return number_problems((_with_equation(row, where) for where, row in json_rows(files[0])), name, split)


def from_rows(rows: Iterable[tuple[str, dict[str, Any]]], name: str, split: str) -> Iterator[Problem]:
    """The problems of rows with the fields ``input`` and ``target``, from a file or from the hub."""
    return number_problems(
        ((text_field(row, "input", where), number_field(row, "target", where), None, None) for where, row in rows),
        name,
        split,
    )


def _with_equation(row: dict[str, Any], where: str) -> tuple[str, str, str | None, None]:
    solutions, equations = row.get("lSolutions"), row.get("lEquations")
    if not isinstance(solutions, list) or len(solutions) != 1 or not isinstance(equations, list):
        raise DataError(f"{where}: expected one number in 'lSolutions' and a list in 'lEquations'")
    answer, kind = gold_answer(str(solutions[0]))
    if kind != "number":
        raise DataError(f"{where}: 'lSolutions' holds {answer!r}, expected a number")
    return text_field(row, "sQuestion", where), answer, _rationale(equations, answer), None


def _rationale(equations: list[Any], answer: str) -> str | None:
    solution = Worked()
    try:
        sides = [tuple(infix(side) for side in str(text).split("=")) for text in equations]
        solve(solution, [(left, right) for left, right in sides], answer)
    except ValueError:  # not arithmetic, or not two sides
        return None
    return solution.rationale(answer)
