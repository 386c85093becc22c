"""Arithmetic as data sets write it: infix with implied products, or prefix over numbered numbers.

    infix("( 76.0 - 25.0 )")                       -> Operation("-", 76, 25)
    infix("2(6+w)")                                -> Operation("*", 2, Operation("+", 6, "w"))
    prefix("- number0 * number1 number2", [...])   -> Operation("-", 25000, Operation("*", 1500, 8))

For the clean formulas of published data sets, in exact rationals. What a model writes is read in
``pipelines.solvers``; a program's text is never evaluated here.
"""

import operator
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from pipelines.problems.gold import number_text

_TOKEN = re.compile(r"\s*(\d+(?:\.\d+)?|\.\d+|[A-Za-z]{3,}|[A-Za-z]|[-+*/()%^]|\S)")
_APPLY: dict[str, Callable[[Fraction, Fraction], Fraction]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}
_RANK = {"+": 1, "-": 1, "*": 2, "/": 2}


class NotArithmetic(ValueError):  # noqa: N818 - what it says
    """The text is not arithmetic in this notation, or has no value."""


@dataclass(frozen=True)
class Operation:
    """``left operator right``; the operator is one of ``+ - * /``."""

    operator: str
    left: "Node"
    right: "Node"


Node = Fraction | str | Operation
"""A number, the name of an unknown (lower case), or an operation."""


def infix(text: str) -> Node:
    """The tree of ordinary notation; ``3x``, ``2(6+w)``, ``12%x`` and ``n^2`` are products. Raises NotArithmetic."""
    return _Infix(text).whole()


def prefix(text: str, numbers: Sequence[Fraction]) -> Node:
    """The tree of prefix notation, where ``number2`` is ``numbers[2]``. Raises NotArithmetic."""
    tokens = iter(text.split())
    node = _prefix(tokens, numbers)
    if next(tokens, None) is not None:
        raise NotArithmetic(f"{text!r}: more operands than operators take")
    return node


def _prefix(tokens: Iterator[str], numbers: Sequence[Fraction]) -> Node:
    token = next(tokens, None)
    if token is None:
        raise NotArithmetic("an operand is missing")
    if token in _APPLY:
        left = _prefix(tokens, numbers)
        return Operation(token, left, _prefix(tokens, numbers))
    named = re.fullmatch(r"number(\d+)", token)
    try:
        return numbers[int(named[1])] if named else Fraction(token)
    except (IndexError, ValueError):
        raise NotArithmetic(f"{token!r} is no number") from None


def names(node: Node) -> list[str]:
    """The unknowns in the order of their appearance, each as often as it appears."""
    if isinstance(node, Operation):
        return names(node.left) + names(node.right)
    return [node] if isinstance(node, str) else []


def value(node: Node) -> Fraction:
    """The exact value. Raises NotArithmetic for an unknown and for a division by zero."""
    if isinstance(node, str):
        raise NotArithmetic(f"{node} is unknown")
    if isinstance(node, Fraction):
        return node
    left, right = value(node.left), value(node.right)
    if node.operator == "/" and right == 0:
        raise NotArithmetic("division by zero")
    return _APPLY[node.operator](left, right)


def linear(node: Node) -> dict[str, Fraction]:
    """The coefficients of the unknowns, and the constant under "". Raises NotArithmetic where it is not linear."""
    if isinstance(node, str):
        return {node: Fraction(1), "": Fraction(0)}
    if isinstance(node, Fraction):
        return {"": node}
    left, right = linear(node.left), linear(node.right)
    if node.operator in "+-":
        return {
            name: _APPLY[node.operator](left.get(name, Fraction(0)), right.get(name, Fraction(0)))
            for name in {**left, **right}
        }
    if node.operator == "*" and len(left) == 1:
        left, right = right, left
    if len(right) > 1 or (node.operator == "/" and right[""] == 0):
        raise NotArithmetic("not linear")
    return {name: _APPLY[node.operator](coefficient, right[""]) for name, coefficient in left.items()}


def written(node: Node) -> str:
    """Infix notation with all products spelled out: ``2 * (6 + w)``."""
    if isinstance(node, Fraction):
        return written_number(node)
    if isinstance(node, str):
        return node
    left, right = written(node.left), written(node.right)
    rank = _RANK[node.operator]
    if isinstance(node.left, Operation) and _RANK[node.left.operator] < rank:
        left = f"({left})"
    if isinstance(node.right, Operation) and (
        _RANK[node.right.operator] < rank or (_RANK[node.right.operator] == rank and node.operator in "-/")
    ):
        right = f"({right})"
    return f"{left} {node.operator} {right}"


def written_number(number: Fraction) -> str:
    """A number as an operand: negative ones and fractions without a decimal form stand in brackets."""
    text = number_text(number)
    return f"({text})" if number < 0 or "/" in text else text


class _Infix:
    """sum: product {+- product}; product: sign* atom {[*/] atom}; an atom next to an atom is a product."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = [match[1] for match in _TOKEN.finditer(text.strip())]
        self._at = 0

    def whole(self) -> Node:
        node = self._sum()
        if self._peek():
            raise NotArithmetic(f"{self._text!r}: {self._peek()!r} is not arithmetic")
        return node

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _take(self) -> str:
        token = self._peek()
        self._at += 1
        return token

    def _sum(self) -> Node:
        node = self._product()
        while self._peek() in ("+", "-"):
            node = Operation(self._take(), node, self._product())
        return node

    def _product(self) -> Node:
        if self._peek() == "-":
            self._take()
            inner = self._product()
            return -inner if isinstance(inner, Fraction) else Operation("-", Fraction(0), inner)
        node = self._atom()
        while token := self._peek():
            if token in ("*", "/"):
                node = Operation(self._take(), node, self._atom())
            elif token == "(" or token.isalnum():
                node = Operation("*", node, self._atom())
            else:
                break
        return node

    def _atom(self) -> Node:
        token = self._take()
        if token == "(":
            node = self._sum()
            if self._take() != ")":
                raise NotArithmetic(f"{self._text!r}: a bracket is not closed")
        elif re.fullmatch(r"[A-Za-z]", token):
            node = token.lower()
        elif re.fullmatch(r"[\d.]+", token):
            node = Fraction(token)
        else:
            raise NotArithmetic(f"{self._text!r}: {token or 'its end'!r} where a number was expected")
        if self._peek() == "%":
            self._take()
            node = Operation("/", node, Fraction(100))
        if self._peek() == "^":
            self._take()
            if self._take() != "2":
                raise NotArithmetic(f"{self._text!r}: only squares are read")
            node = Operation("*", node, node)
        return node
