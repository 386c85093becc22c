"""Equations as trees: five kinds of nodes and nothing else.

    6 * pens + 4 = 52   ->  Equation(Binary("+", Binary("*", Number(6), Name("pens")), Number(4)), Number(52), line=2)

``expressions`` builds them from text, ``polynomials`` and ``nonlinear`` calculate with them.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

ARITY = dict.fromkeys(("max", "min", "sum", "gcd", "lcm", "avg"), (1, 100)) | {
    **dict.fromkeys(("abs", "floor", "ceil", "sqrt", "int", "factorial"), (1, 1)),
    **dict.fromkeys(("mod", "comb", "perm"), (2, 2)),
    "round": (1, 2),
}
"""Each function with the fewest and the most arguments that it takes."""

FUNCTIONS = {name: name for name in ARITY} | {
    **{"mean": "avg", "average": "avg", "ceiling": "ceil", "hcf": "gcd", "binom": "comb", "binomial": "comb"},
    **{"nCr": "comb", "C": "comb", "nPr": "perm", "P": "perm", "GCD": "gcd", "LCM": "lcm", "HCF": "gcd"},
    **{"Max": "max", "Min": "min", "MAX": "max", "MIN": "min"},
}
"""What a function is called to the function."""


@dataclass(frozen=True)
class Number:
    """A number; ``percent`` marks one written with a percent sign (its value is already a hundredth)."""

    value: Fraction
    percent: bool = False


@dataclass(frozen=True)
class Name:
    """An unknown, whatever its spelling."""

    text: str


@dataclass(frozen=True)
class Negative:
    """Minus the operand."""

    operand: Node


@dataclass(frozen=True)
class Binary:
    """``operator`` is one of ``+ - * / // ^``."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True)
class Call:
    """One of ``FUNCTIONS`` applied to its arguments."""

    function: str
    arguments: tuple[Node, ...]


Node = Number | Name | Negative | Binary | Call


@dataclass(frozen=True)
class Equation:
    """``left`` = ``right``, with the number of its line (from 1).

    ``relation`` is another sign (``< > ≤ ≥ ≠``) where the line only bounds a value; ``assigns`` marks ``x -= 4``, whose
    right side is then ``x - 4``.
    """

    left: Node
    right: Node
    line: int
    relation: str = "="
    assigns: bool = False


def names(node: Node) -> frozenset[str]:
    """The names in an expression."""
    match node:
        case Number():
            return frozenset()
        case Name(text):
            return frozenset({text})
        case Negative(operand):
            return names(operand)
        case Binary(_, left, right):
            return names(left) | names(right)
        case Call(_, arguments):
            return frozenset[str]().union(*(names(argument) for argument in arguments))
