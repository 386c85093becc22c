"""Worked solutions: the equation of a data set turned into an annotated solution, step by step.

    76 - 25 = <<difference=76-25=51>>51.          from SVAMP's "( 76.0 - 25.0 )"
    #### 51

    x + 18 - 15 = 9.<<?x + 18 - 15 = 9>>          from ASDiv's "(x+18)-15=9"
    9 + 15 = <<total=9+15=24>>24.
    24 - 18 = <<x=24-18=6>>6.
    #### 6

The notation is that of ``annotation``. There is no prose beyond the steps, because these data sets have none. A
solution whose result is not the data set's own answer is not written (``rationale`` gives None).
"""

from collections.abc import Sequence
from fractions import Fraction

from pipelines.problems.expression import Node, NotArithmetic, Operation, linear, names, value, written, written_number
from pipelines.problems.gold import number_text

_TOLERANCE = Fraction(1, 1000)  # METHOD section 4, as in pipelines.solvers.answers
_NAMES = {"+": "total", "-": "difference", "*": "product", "/": "quotient", "//": "quotient"}
_INVERSE = {"+": "-", "-": "+", "*": "/", "/": "*"}
_MOST_DECIMALS = 6

Equation = tuple[Node, Node]


class Worked:
    """An annotated solution as it is written; ``last`` is the value of its latest step."""

    def __init__(self) -> None:
        self.last: Fraction | None = None
        self._lines: list[str] = []
        self._taken: set[str] = set()

    def say(self, line: str) -> None:
        """A line of prose."""
        self._lines.append(line)

    def calculate(self, node: Node, name: str | None = None) -> Fraction:
        """The steps that compute ``node``, the last one called ``name``; a number alone takes no step.

        Raises NotArithmetic where it has no value.
        """
        self.last = value(node)
        if isinstance(node, Operation):
            self._step(self._expression(node), self.last, name or _NAMES[node.operator])
        elif name is not None:
            self._step(written_number(self.last), self.last, name)
        return self.last

    def divide(self, whole: Fraction, part: Fraction) -> tuple[Fraction, Fraction]:
        """The step of a division with remainder; returns quotient and remainder."""
        if part <= 0:
            raise NotArithmetic("division by zero")
        quotient = Fraction(whole // part)
        rest = whole - part * quotient
        expression = f"{written_number(whole)} // {written_number(part)}"
        self._step(expression, quotient, "quotient", f" with a remainder of {number_text(rest)}")
        self.last = quotient
        return quotient, rest

    def state(self, left: Node, right: Node) -> None:
        """A line that states an equation."""
        text = f"{written(left)} = {written(right)}"
        self._lines.append(f"{text}.<<?{text}>>")
        self._taken |= {*names(left), *names(right)}

    def rationale(self, answer: str) -> str | None:
        """The annotated solution, or None where it does not end at ``answer`` (a canonical number)."""
        if self.last is None or abs(self.last - Fraction(answer)) >= _TOLERANCE:
            return None
        return "\n".join((*self._lines, f"#### {answer}"))

    def _step(self, expression: str, result: Fraction, name: str, tail: str = "") -> None:
        unknown = len(name) == 1
        free, number = name, 1
        while free in self._taken and not unknown:
            number += 1
            free = f"{name}_{number}"
        self._taken.add(free)
        text = number_text(result)
        self._lines.append(f"{expression} = <<{free}={expression.replace(' ', '')}={text}>>{text}{tail}.")

    def _expression(self, node: Operation) -> str:
        """The operation over its operands' values, after the steps that give them; sums and products in one step."""
        return f" {node.operator} ".join(self._operand(each) for each in _operands(node))

    def _operand(self, node: Node) -> str:
        if not isinstance(node, Operation):
            return written_number(value(node))
        result, expression = value(node), self._expression(node)
        if result < 0 or (result * 10**_MOST_DECIMALS).denominator != 1:  # no short text: stays where it is used
            return f"({expression})"
        self._step(expression, result, _NAMES[node.operator])
        return number_text(result)


def _operands(node: Operation) -> list[Node]:
    left = node.left
    if node.operator in "+*" and isinstance(left, Operation) and left.operator == node.operator:
        return [*_operands(left), node.right]
    return [left, node.right]


def worked_expression(node: Node, answer: str) -> str | None:
    """The annotated solution of an expression; None where it has no value, or not the answer's."""
    solution = Worked()
    try:
        solution.calculate(node, None if isinstance(node, Operation) else "result")
    except NotArithmetic:
        return None
    return solution.rationale(answer)


def solve(solution: Worked, equations: Sequence[Equation], answer: str) -> None:
    """State the equations, unless one only gives an expression a name, and find the unknown that is ``answer``.

    For one unknown in one equation, or two in two linear ones. Raises NotArithmetic where there is no such unknown.
    """
    unknowns = list(dict.fromkeys(name for sides in equations for side in sides for name in names(side)))
    if len(equations) == 1 and len(unknowns) == 1:
        (left, right), unknown = equations[0], unknowns[0]
        if left == unknown and not names(right):
            solution.calculate(right, None if isinstance(right, Operation) else "result")
            return
        solution.state(left, right)
        _find_one(solution, left, right, unknown)
    elif len(equations) == len(unknowns) == 2:
        for left, right in equations:
            solution.state(left, right)
        _find_among_two(solution, equations, unknowns, Fraction(answer))
    else:
        raise NotArithmetic(f"{len(equations)} equations for {len(unknowns)} unknowns")


def _find_one(solution: Worked, left: Node, right: Node, unknown: str) -> None:
    if [*names(left), *names(right)] == [unknown]:
        solution.calculate(_undone(left, right) if names(left) else _undone(right, left), unknown)
        return
    collected = linear(Operation("-", left, right))
    factor, constant = collected[unknown], -collected[""]
    if factor == 0:
        raise NotArithmetic(f"{unknown} drops out")
    solution.say(f"Together, {written_number(factor)} * {unknown} = {written_number(constant)}.")
    solution.calculate(Operation("/", constant, factor), unknown)


def _undone(side: Node, other: Node) -> Node:
    """What the one unknown of ``side`` is, given that ``side`` = ``other``: operations undone from the outside in."""
    if not isinstance(side, Operation):
        return other
    if names(side.left):
        return _undone(side.left, Operation(_INVERSE[side.operator], other, side.right))
    if side.operator in "+*":
        return _undone(side.right, Operation(_INVERSE[side.operator], other, side.left))
    return _undone(side.right, Operation(side.operator, side.left, other))


def _find_among_two(solution: Worked, equations: Sequence[Equation], unknowns: list[str], answer: Fraction) -> None:
    """Cramer's rule for the unknown whose value is the answer."""
    rows = [linear(Operation("-", left, right)) for left, right in equations]
    for wanted, other in (unknowns, unknowns[::-1]):
        (a, b, c), (d, e, f) = ((row.get(wanted, Fraction(0)), row.get(other, Fraction(0)), -row[""]) for row in rows)
        bottom = a * e - d * b
        if bottom != 0 and abs((c * e - f * b) / bottom - answer) < _TOLERANCE:
            solution.say(f"Without {other}, {written_number(bottom)} * {wanted} is the difference of two products.")
            top = Operation("-", Operation("*", c, e), Operation("*", f, b))
            solution.calculate(Operation("/", top, bottom), wanted)
            return
    raise NotArithmetic("no unknown has the answer's value")
