"""ASDiv in its original XML (Miao et al. 2020, "A Diverse Corpus for Evaluating and Developing English Math Word
Problem Solvers"): 2,305 problems of grades 1 to 6, one file, no split of its own.

    <Problem ID="nluds-0001" Grade="1" Source="http://www.k5learning.com">
        <Body>Seven red apples and two green apples are in the basket.</Body>
        <Question>How many apples are in the basket?</Question>
        <Solution-Type>Addition</Solution-Type>
        <Answer>9 (apples)</Answer>
        <Formula>7+2=9</Formula>
    </Problem>

All rows are kept, also the 90 with several answers (``32; 20``), the 43 ratios, the 18 times and the 61 answered by
yes, no or words. Units in brackets are dropped; so are the seconds and the day of the times that have them (two).
``category`` is "grade 1/Addition".

MD (arXiv 2312.10730) tests on 695 problems drawn by grade and does not say which. ``md_test`` is our draw of as many,
``md_train`` the other 1,610: each grade has its share, within a grade the lowest SHA-256 of the problem's own ID. The
IDs stand in ``asdiv_md_test.txt``. A problem keeps its number in the whole file: ``asdiv/md_test/12``.
"""

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files as resources
from xml.etree.ElementTree import Element

from pipelines.errors import DataError
from pipelines.problems.asdiv_formula import worked_formula
from pipelines.problems.gold import gold_answer
from pipelines.problems.original import xml_elements
from pipelines.problems.schema import AnswerKind, Problem

_UNIT = re.compile(r"\s*\([^()\d]*\)$")
_BRACKETED = re.compile(r"(-?)\((\d+/\d+)\)")
_TIME = re.compile(r"(\d{1,2}):(\d\d)(?::\d\d)?(?: ([ap])\.m\.)?(?: on .*)?")


def problems(files: list[str], name: str, split: str) -> Iterator[Problem]:
    """The problems of ASDiv.xml, in its order: a side of our draw for MD, or under any other split's name all of them.

    Raises:
        DataError: an element lacks its Question, Answer, Formula, Solution-Type or Grade.
    """
    for index, (where, element) in enumerate(xml_elements(files[0], "Problem")):
        if split.startswith("md_") and (element.get("ID") in md_test()) != (split == "md_test"):
            continue
        kind_of_solution = _text(element, "Solution-Type", where)
        answer, kind = asdiv_answer(_text(element, "Answer", where), kind_of_solution)
        body = " ".join((element.findtext("Body") or "").split())
        grade = element.get("Grade")
        if not grade:
            raise DataError(f"{where}: no attribute Grade")
        formula = _text(element, "Formula", where)
        yield Problem(
            problem_id=f"{name}/{split}/{index}",
            question=f"{body} {_text(element, 'Question', where)}".strip(),
            answer=answer,
            answer_kind=kind,
            rationale=worked_formula(formula, answer) if kind == "number" else None,
            dataset=name,
            split=split,
            category=f"grade {grade}/{kind_of_solution}",
        )


@cache
def md_test() -> frozenset[str]:
    """The IDs of the 695 problems that ``md_test`` holds."""
    listed = resources(__package__).joinpath("asdiv_md_test.txt").read_text("utf-8")
    return frozenset(line for line in listed.split() if line)


def asdiv_answer(text: str, kind_of_solution: str) -> tuple[str, AnswerKind]:
    """Canonical text and kind of an answer; ``5:6`` is a ratio in a problem about one, else a time."""
    text = "; ".join(_BRACKETED.sub(r"\1\2", _UNIT.sub("", part.strip())).strip() for part in text.split(";"))
    time = _TIME.fullmatch(text)
    if time and kind_of_solution != "Ratio":
        hour = int(time[1]) % 12 + (12 if time[3] == "p" else 0) if time[3] else int(time[1])
        return f"{hour:02d}:{time[2]}", "time"
    return gold_answer(text)


def _text(element: Element, tag: str, where: str) -> str:
    text = " ".join((element.findtext(tag) or "").split())
    if not text:
        raise DataError(f"{where}: no text in {tag}")
    return text
