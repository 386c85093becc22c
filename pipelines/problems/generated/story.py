"""What a family of generated problems is made of: a story, its calculations and its equations.

    in_boxes = calculate("in_boxes", 6, "*", 8)
    f"There are {in_boxes} pens in the boxes."
        -> "There are 6 * 8 = <<in_boxes=6*8=48>>48 pens in the boxes."
    equation("6 * per_box + 4 = 52")
        -> "<<?6 * per_box + 4 = 52>>"

The notation is that of ``pipelines.problems.annotation``. This module knows no words and no family.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from random import Random
from typing import Literal


@dataclass(frozen=True)
class Calculation:
    """One named step; as text ``6 * 8 = <<in_boxes=6*8=48>>48``."""

    name: str
    expression: str
    value: Fraction

    def __str__(self) -> str:
        value = number_text(self.value)
        return f"{self.expression} = <<{self.name}={self.expression.replace(' ', '')}={value}>>{value}"


Operand = int | Fraction | Calculation


def calculate(name: str, first: Operand, *rest: Operand | str) -> Calculation:
    """The step ``first op operand op operand ...``, computed from left to right.

    Operators are ``+ - * / //`` (``//`` rounds down); a step mixes only those of one precedence, so that
    Python reads it the same way. An operand that is itself a calculation is written as its value.
    """
    value = _value(first)
    expression = number_text(value)
    for operator, operand in zip(rest[::2], rest[1::2], strict=True):
        assert not isinstance(operand, str)
        number = _value(operand)
        expression += f" {operator} {number_text(number)}"
        match operator:
            case "+":
                value += number
            case "-":
                value -= number
            case "*":
                value *= number
            case "/":
                value /= number
            case "//":
                value = Fraction(value // number)
            case _:
                raise ValueError(f"operator {operator!r} is not one of + - * / //")
    return Calculation(name, expression, value)


def _value(operand: Operand) -> Fraction:
    return operand.value if isinstance(operand, Calculation) else Fraction(operand)


def equation(text: str) -> str:
    """The annotation that states an equation; it stands right after the sentence that says it in words."""
    return f"<<?{text}>>"


def number_text(value: Fraction) -> str:
    """Canonical text: ``48``, ``2.5``. Raises ValueError where two decimals do not suffice."""
    if (value * 100).denominator != 1:
        raise ValueError(f"{value} has no exact text of at most two decimals")
    return f"{float(value):.2f}".rstrip("0").rstrip(".")


Aside = tuple[str, int, int]
"""A sentence nobody needs, with ``{who}`` and ``{n}``, and the least and greatest n."""


@dataclass(frozen=True)
class Story:
    """One problem as its family tells it: whole sentences, the last one asks.

    ``question`` has no sentence that leans on a noun of the one before ("of them", "it"), because an
    aside may come between; a pronoun for ``who`` is safe. The last calculation of ``solution`` is the
    answer. ``who`` is the person an aside may speak of, or None.
    """

    question: str
    solution: tuple[str, ...]
    answer: Calculation
    who: str | None

    @property
    def rationale(self) -> str:
        """The annotated solution, with ``#### answer`` as its last line."""
        return "\n".join((*self.solution, f"#### {number_text(self.answer.value)}"))


Group = Literal["known", "held_out", "wide", "wide_held_out"]


@dataclass(frozen=True, kw_only=True)
class Family:
    """A kind of problem: all its problems are solved by the same steps.

    ``group``: which selections it is part of (``pipelines.problems.generated``). ``unknown``: the natural form is
    an equation to solve. ``steps``: calculations in the solution. ``asides``: sentences with a number that is not
    needed. ``constants``: numbers that the steps use and everybody knows, such as the 60 minutes of an hour.
    """

    name: str
    steps: int
    make: Callable[[Random], Story]
    asides: tuple[Aside, ...]
    unknown: bool = False
    group: Group = "known"
    constants: tuple[int, ...] = ()
