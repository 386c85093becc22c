"""The SVAMP paper's CSV files (Patel et al. 2021, arXiv 2103.07191; github.com/arkilpatel/SVAMP, folder data).

    Question,Numbers,Equation,Answer,...
    "Mary is baking a cake . The recipe wants number0 cups of flour . She already put in number1 cups . ...",
        8.0 2.0,- number0 number1,6,...

Three sets have this form: the cross-validation folds of MAWPS and of ASDiv-A, five each, and a pair whose training
part is both together (3,138 rows) and whose test part is SVAMP (1,000). The dev parts of MAWPS's folds hold 384 rows
each, 1,920 together; its training parts hold 1,537, one of which is in every training part and in no dev part.
ASDiv-A has 1,217. Numbers are put back into the question as the file gives them, except that ``8.0`` is written 8.
The wording stays as tokenised, with spaces before full stops. Equations stand in prefix form; where one does not give
the row's answer (12 of the 3,138), the row stays and has no rationale. ``category`` is the column Type where there is
one, with the Grade before it.
"""

import re
from collections.abc import Iterator
from fractions import Fraction

from pipelines.errors import DataError
from pipelines.problems.expression import NotArithmetic, prefix
from pipelines.problems.original import number_field, number_problems, text_field
from pipelines.problems.records import csv_rows
from pipelines.problems.schema import Problem
from pipelines.problems.worked import worked_expression

_PLACEHOLDER = re.compile(r"\bnumber(\d+)\b")


def problems(files: list[str], name: str, split: str) -> Iterator[Problem]:
    """The problems of one CSV file.

    Raises:
        DataError: a column is missing, a question names a number that the row does not have, or an equation is none.
    """
    return number_problems((_row(row, where) for where, row in csv_rows(files[0])), name, split)


def _row(row: dict[str, str], where: str) -> tuple[str, str, str | None, str | None]:
    numbers = text_field(row, "Numbers", where).split()
    answer = number_field(row, "Answer", where)
    try:
        question = _PLACEHOLDER.sub(
            lambda found: numbers[int(found[1])].removesuffix(".0"), text_field(row, "Question", where)
        )
        tree = prefix(text_field(row, "Equation", where), [Fraction(number) for number in numbers])
    except (IndexError, ValueError) as error:
        reason = error if isinstance(error, NotArithmetic) else "a number is missing or malformed"
        raise DataError(f"{where}: Numbers '{row['Numbers']}' do not fit Question and Equation ({reason})") from None
    grade, kind = row.get("Grade"), row.get("Type")
    category = f"grade {grade}/{kind}" if grade and kind else kind or None
    return question, answer, worked_expression(tree, answer), category
