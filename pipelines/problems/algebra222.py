"""Algebra-222 in its original form (He-Yueya et al. 2023, arXiv 2304.09102): one CSV of 222 algebra word problems.

    question,final_answer,section,source
    "Suppose that the value of x is −4. What is the value of the expression (3x − 5) + x?",-21,"Expressions, ...",

There is no split, and no equation: many problems have real unknowns, which is what the set is for.
``category`` is the section of the textbook.
"""

from collections.abc import Iterator

from pipelines.problems.original import number_field, number_problems, text_field
from pipelines.problems.records import csv_rows
from pipelines.problems.schema import Problem


def problems(files: list[str], name: str, split: str) -> Iterator[Problem]:
    """The problems of algebra222.csv.

    Raises:
        DataError: a row lacks a field, or its answer is no number.
    """
    rows = (
        (text_field(row, "question", where), number_field(row, "final_answer", where), None, row.get("section") or None)
        for where, row in csv_rows(files[0])
    )
    return number_problems(rows, name, split)
