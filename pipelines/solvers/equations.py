"""Solving a system of equations for ``ans``.

    total = 560
    total = 6 * shoe + 4 * jersey
    jersey = shoe / 4
    ans = shoe                       ->  solved, 80

Equations are statements, not assignments: order is free and a name may stand on the left twice. Linear systems,
and those that become linear once something is known or a denominator is multiplied out, are solved exactly in
rationals without SymPy; the rest goes to ``nonlinear``. Runs on model text, so only inside the sandbox (it evaluates
nothing, but it may be asked for much work). The gold answer is not an argument.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction

from pipelines.solvers import nonlinear
from pipelines.solvers.expressions import ANSWER, parse
from pipelines.solvers.numerals import number_text
from pipelines.solvers.outcome import Outcome
from pipelines.solvers.polynomials import (
    DivisionByZero,
    NotPolynomial,
    Polynomial,
    ReadsTwoWays,
    TooLarge,
    add,
    as_constant,
    constant,
    degree,
    quotient,
    substitute,
    unknowns,
    variable,
)
from pipelines.solvers.tokens import NotationError
from pipelines.solvers.tree import Binary, Equation, Name, names

_RELATIONS: dict[str, Callable[[Fraction, int], bool]] = {
    **{"<": operator.lt, ">": operator.gt, "≤": operator.le, "≥": operator.ge, "≠": operator.ne},
}


class _Contradiction(ArithmeticError):  # noqa: N818 - mathematics' own name
    """The system cannot hold; the message says which lines."""


class _NeedsSymPy(Exception):  # noqa: N818 - what it says
    """Something non-linear stands between the system and its answer."""


def solve(text: str) -> Outcome:
    """The outcome for one EoT completion: solved, no_answer, unparsable, underdetermined, inconsistent or unsolved."""
    return _outcome(text, _nonlinear)


def solve_rationally(text: str) -> Outcome | None:
    """The same outcome where exact rationals are enough, else None; needs no SymPy."""
    try:
        return _outcome(text, _refused)
    except _NeedsSymPy:
        return None


def _outcome(text: str, rest: _Rest) -> Outcome:
    try:
        stated = parse(text)
    except NotationError as error:
        return Outcome("unparsable", detail=str(error))
    equations = [each for each in stated if each.relation == "="]
    conditions = [each for each in stated if each.relation != "="]
    if not equations:
        return Outcome("no_answer", detail="no equations")
    if all(ANSWER not in names(side) for equation in equations for side in (equation.left, equation.right)):
        return Outcome("no_answer", detail=f"no equation names {ANSWER}")
    try:
        if any(each.assigns for each in equations):
            return _in_order(equations, conditions)
        return _solved(equations, conditions, rest)
    except ReadsTwoWays as error:
        return Outcome("unparsable", detail=str(error))
    except TooLarge as error:
        return Outcome("unsolved", detail=str(error))
    except _Contradiction as error:
        value = None if conditions else _read_in_order(equations)
        if value is None:
            return Outcome("inconsistent", detail=str(error))
        return _answered(value, flags=("reassigned",))


def _in_order(equations: Sequence[Equation], conditions: Sequence[Equation]) -> Outcome:
    """The outcome of lines of which one is ``x -= 4``: a program, or nothing."""
    value = None if conditions else _read_in_order(equations)
    if value is None:
        line = next(each.line for each in equations if each.assigns)
        return Outcome("unparsable", detail=f"line {line}: changes a name, but the lines cannot be read in order")
    return _answered(value, flags=("reassigned",))


def _solved(equations: Sequence[Equation], conditions: Sequence[Equation], rest: _Rest) -> Outcome:
    system, pending, denominators = _reduced(equations)
    for bottom, line in denominators:
        if as_constant(substitute(bottom, system.values)) == 0:
            raise _Contradiction(f"line {line}: division by zero")
    answer = system.values.get(ANSWER, variable(ANSWER))
    value = as_constant(answer)
    if value is not None:
        broken = _broken(conditions, system.values)
        if broken is not None:
            raise _Contradiction(f"line {broken.line} does not hold")
        return _answered(value)
    related = _related(pending, unknowns(answer), system.values)
    if not related:
        return Outcome("underdetermined", detail=f"free: {_listed(unknowns(answer))}")
    return rest(related, system, [bottom for bottom, _ in denominators], conditions)


def _reduced(equations: Sequence[Equation]) -> tuple[_LinearSystem, list[Equation], list[tuple[Polynomial, int]]]:
    """What is linear, reduced; the equations that are not; and the denominators that must not be zero, with lines."""
    system = _LinearSystem(equations)
    pending = list(equations)
    denominators: list[tuple[Polynomial, int]] = []
    while pending:
        waiting = []
        for equation in pending:
            try:
                top, bottom = quotient(Binary("-", equation.left, equation.right), system.values)
            except NotPolynomial:
                waiting.append(equation)
                continue
            except DivisionByZero as error:
                raise _Contradiction(f"line {equation.line}: {error}") from error
            if degree(top) > 1:
                waiting.append(equation)
                continue
            system.insert(top, equation)
            if as_constant(bottom) is None:
                denominators.append((bottom, equation.line))
        if len(waiting) == len(pending):
            break
        pending = waiting
    return system, pending, denominators


def _broken(conditions: Sequence[Equation], values: Mapping[str, Polynomial]) -> Equation | None:
    """The first condition (``x > 0``) that the values do not satisfy; one with an unknown is not judged."""
    for each in conditions:
        try:
            top, bottom = (as_constant(part) for part in quotient(Binary("-", each.left, each.right), values))
        except (NotPolynomial, DivisionByZero):
            continue
        if top is not None and bottom is not None and not _RELATIONS[each.relation](top / bottom, 0):
            return each
    return None


def _refused(
    related: list[Equation], system: _LinearSystem, denominators: list[Polynomial], conditions: Sequence[Equation]
) -> Outcome:
    raise _NeedsSymPy


def _nonlinear(
    related: list[Equation], system: _LinearSystem, denominators: list[Polynomial], conditions: Sequence[Equation]
) -> Outcome:
    try:
        points = nonlinear.real_points([(each.left, each.right) for each in related], system.values, denominators)
    except nonlinear.Unsolved as error:
        return Outcome("unsolved", detail=f"{_lines(each.line for each in related)}: {error}")
    if not points:
        raise _Contradiction(f"{_lines(each.line for each in related)}: no real solution")
    points = [point for point in points if _broken(conditions, _at(point, system)) is None]
    if not points:
        raise _Contradiction(f"{_lines(each.line for each in conditions)}: holds for no solution")
    found: dict[Fraction, bool] = {}
    for point in points:
        known = {name: constant(value) for name, value in point.items()}
        value = as_constant(substitute(system.values.get(ANSWER, variable(ANSWER)), known))
        if value is None:
            free = unknowns(substitute(system.values.get(ANSWER, variable(ANSWER)), known))
            asked = free.union(*(names(side) for each in related for side in (each.left, each.right))) - {
                ANSWER,
                *known,
            }
            free = (asked - system.values.keys()) or free
            return Outcome("underdetermined", detail=f"free: {_listed(free)}")
        others = (as_constant(substitute(polynomial, known)) for polynomial in system.values.values())
        nonnegative = all(other is None or other >= 0 for other in (*point.values(), *others))
        found[value] = found.get(value, False) or nonnegative
    if len(found) == 1:
        return _answered(next(iter(found)))
    candidates = [value for value, nonnegative in found.items() if nonnegative]
    if len(candidates) == 1:
        return _answered(candidates[0])
    shown = ", ".join(number_text(value) for value in sorted(found)[:4])
    return Outcome("underdetermined", detail=f"{len(found)} solutions: {shown}")


def _at(point: Mapping[str, Fraction], system: _LinearSystem) -> dict[str, Polynomial]:
    """All names that are known at a solution of what is not linear."""
    known = {name: constant(value) for name, value in point.items()}
    return known | {name: substitute(value, known) for name, value in system.values.items()}


def _answered(value: Fraction, flags: tuple[str, ...] = ()) -> Outcome:
    try:
        return Outcome("solved", number_text(value), flags=flags)
    except ValueError:  # more digits than Python writes
        return Outcome("unsolved", detail="the answer has too many digits")


class _LinearSystem:
    """A linear system kept in reduced form: ``values`` maps each pivot to an affine polynomial in the free names."""

    def __init__(self, equations: Iterable[Equation]) -> None:
        self.values: dict[str, Polynomial] = {}
        self._origins: dict[str, frozenset[int]] = {}
        self._defined: dict[str, list[int]] = {}
        for each in equations:
            if isinstance(each.left, Name):
                self._defined.setdefault(each.left.text, []).append(each.line)

    def insert(self, polynomial: Polynomial, equation: Equation) -> None:
        """Adds ``polynomial = 0``, the affine and already reduced form of ``equation``. Raises _Contradiction."""
        if not polynomial:
            return
        free = unknowns(polynomial)
        lines = frozenset({equation.line}).union(
            *(self._origins.get(name, frozenset()) for name in names(equation.left) | names(equation.right))
        )
        if not free:
            raise _Contradiction(self._clash(equation, lines - {equation.line}))
        pivot = min(free, key=lambda name: (name != ANSWER, name not in self._defined, name))
        coefficient = polynomial[((pivot, 1),)]
        rest = {monomial: value for monomial, value in polynomial.items() if monomial != ((pivot, 1),)}
        solution = add({}, rest, -1 / coefficient)
        for name, value in self.values.items():
            if pivot in unknowns(value):
                self.values[name] = substitute(value, {pivot: solution})
                self._origins[name] |= lines
        self.values[pivot] = solution
        self._origins[pivot] = lines

    def _clash(self, equation: Equation, others: frozenset[int]) -> str:
        """Names the two lines that contradict: this one, and one that gives the same name a value, else the latest."""
        if not others or _cannot_hold(equation):
            return f"line {equation.line} cannot hold"
        same = self._defined.get(equation.left.text, []) if isinstance(equation.left, Name) else []
        other = max(others & set(same), default=max(others))
        given = others - {other}
        text = f"{_lines((other, equation.line))} contradict each other"
        return f"{text}, given {_lines(given)}" if given else text


_Rest = Callable[
    [list[Equation], _LinearSystem, list[Polynomial], Sequence[Equation]], Outcome
]  # what solves what is not linear


def _read_in_order(equations: Sequence[Equation]) -> Fraction | None:
    """``ans`` of a system that was meant as a program, ``total = total - 1``; None where it is not one.

    Only called for systems that contradict themselves. Lines that no value satisfies because the name cancels out must
    be the only contradiction, and every line must assign a name from names that have a value by then.
    """
    habits = [each for each in equations if each.assigns or _cancels(each)]
    others = [each for each in equations if each not in habits]
    try:
        known = _reduced(others)[0].values
        if not habits or any(as_constant(_difference(each, known)) in (None, 0) for each in habits if not each.assigns):
            return None
        values: dict[str, Polynomial] = {}
        for equation in equations:
            top, bottom = quotient(equation.right, values)
            if not isinstance(equation.left, Name) or as_constant(top) is None or as_constant(bottom) is None:
                return None
            values[equation.left.text] = top
    except ArithmeticError:
        return None
    return as_constant(values[ANSWER]) if ANSWER in values else None


def _cancels(equation: Equation) -> bool:
    """Whether it is ``total = total - cost``: a name on both sides, and gone from the difference of the sides."""
    name = equation.left.text if isinstance(equation.left, Name) else None
    try:
        return name in names(equation.right) and name not in unknowns(_difference(equation, {}))
    except ArithmeticError:
        return False


def _cannot_hold(equation: Equation) -> bool:
    """Whether no values of its names satisfy it, whatever the other lines say."""
    try:
        return as_constant(_difference(equation, {})) not in (None, 0)
    except ArithmeticError:
        return False


def _difference(equation: Equation, values: Mapping[str, Polynomial]) -> Polynomial:
    return quotient(Binary("-", equation.left, equation.right), values)[0]


def _related(pending: Iterable[Equation], free: frozenset[str], values: dict[str, Polynomial]) -> list[Equation]:
    """The equations that reach the free names of the answer, directly or through shared unknowns."""
    waiting = [
        (
            each,
            frozenset[str]().union(
                *(unknowns(values.get(name, variable(name))) for name in names(each.left) | names(each.right))
            ),
        )
        for each in pending
    ]
    found: list[Equation] = []
    reached = free
    while touching := [(each, free_names) for each, free_names in waiting if free_names & reached]:
        found += [each for each, _ in touching]
        reached = reached.union(*(free_names for _, free_names in touching))
        waiting = [entry for entry in waiting if entry not in touching]
    return found


def _lines(numbers: Iterable[int]) -> str:
    ordered = sorted(set(numbers))
    if len(ordered) == 1:
        return f"line {ordered[0]}"
    return f"lines {', '.join(map(str, ordered[:-1][:6]))} and {ordered[-1]}"


def _listed(free: Iterable[str]) -> str:
    return ", ".join(sorted(free)[:5])[:120]
