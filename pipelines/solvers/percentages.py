"""Percentages: 20% is 1/5 where it is calculated with, and 25 is the answer of part / whole * 100%.

``part / whole * 100%`` says that the share is shown as a percentage, and so does "= 25%" behind ``* 100``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction

from pipelines.solvers.tokens import Token
from pipelines.solvers.tree import Binary, Name, Node, Number


def is_percent(node: Node) -> bool:
    """Whether it is a percentage: 20%, or a sum of such."""
    match node:
        case Number(_, percent):
            return percent
        case Binary("+" | "-", left, right):
            return is_percent(left) and is_percent(right)
        case _:
            return False


def shown(rows: Sequence[Sequence[Token]], answer: str) -> frozenset[str]:
    """The answer and the name that is only stated to be it: nothing is calculated with these."""
    counts = Counter(token.text for row in rows for token in row if token.kind == "name")
    same = {
        name
        for row in rows
        if len(row) == 3 and row[1].kind == "=" and answer in (row[0].text, row[2].text)
        for name in (row[0].text, row[2].text)
        if row[0].kind == row[2].kind == "name"
    }
    return frozenset({answer, *(name for name in same if counts[name] == 2)} if counts[answer] == 1 else ())


def in_percent(sides: list[Node], shown: frozenset[str]) -> list[Node]:
    """The sides of an equation; where it shows a share as a percentage, 100% is 100 and 25% is 25."""
    hundred = [_hundredfold(side) for side in sides]
    percent = any(isinstance(side, Name) and side.text in shown for side in sides) and any(hundred)
    if not percent and not any(_times_hundred(side) for side in sides):
        return sides
    return [
        found if found and percent else Number(side.value * 100) if isinstance(side, Number) and side.percent else side
        for side, found in zip(sides, hundred, strict=True)
    ]


def _hundredfold(node: Node) -> Node | None:
    """``a / b * 100%`` with 100 for 100%; None where it is no share times 100%."""
    match node:
        case Binary("*", Binary("/") as share, Number(value, True)) if value == 1:
            return Binary("*", share, Number(Fraction(100)))
        case Binary("*", Number(value, True), Binary("/") as share) if value == 1:
            return Binary("*", Number(Fraction(100)), share)
        case Binary("/", Binary("*", Number(value, True), part), whole) if value == 1:
            return Binary("/", Binary("*", Number(Fraction(100)), part), whole)
        case _:
            return None


def _times_hundred(node: Node) -> bool:
    match node:
        case Binary("*", Binary("/"), Number(value, False)) | Binary("*", Number(value, False), Binary("/")):
            return value == 100
        case _:
            return False
