"""Real solutions of the equations that stay non-linear, by SymPy.

    x * (x + 3) = 40   ->  [{"x": 5}, {"x": -8}]

SymPy is handed objects built node by node, never text. It is imported on first use and may take all the time it is
given: only inside the sandbox.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from pipelines.solvers.polynomials import (
    NotPolynomial,
    Polynomial,
    as_constant,
    constant,
    quotient,
    substitute,
    unknowns,
)
from pipelines.solvers.tree import Binary, Call, Name, Negative, Node, Number, names

_DIGITS = 50
_NEARLY_ZERO = Fraction(1, 10**20)
_OPERATORS = frozenset("+-*/^")


class Unsolved(ArithmeticError):  # noqa: N818 - the status it becomes
    """SymPy has no method for it, or a function of an unknown stands in it."""


def real_points(
    equations: Sequence[tuple[Node, Node]], values: Mapping[str, Polynomial], denominators: Sequence[Polynomial]
) -> list[dict[str, Fraction]]:
    """The real points at which all equations hold and no denominator is zero; roots have 50 digits.

    ``values`` are the names already expressed in others. A name without a value in a point is free there.
    Raises Unsolved.
    """
    polynomials: list[Polynomial] = []
    bottoms = list(denominators)
    others: list[tuple[Node, Node]] = []
    for left, right in equations:
        try:
            top, bottom = quotient(Binary("-", left, right), values)
        except NotPolynomial:
            others.append((left, right))
            continue
        polynomials.append(top)
        bottoms.append(bottom)
    if others:
        raw = _solve_any(others, polynomials, values)
    elif len(frozenset().union(*(unknowns(each) for each in polynomials))) == 1:
        raw = _roots(polynomials)
    else:
        raw = _solve_polynomials(polynomials)
    points: list[dict[str, Fraction]] = []
    for solution in raw:
        real = {name: _real(value) for name, value in solution.items() if not value.free_symbols}
        point = {name: value for name, value in real.items() if value is not None}
        if len(point) == len(real) and _holds(point, polynomials, bottoms) and point not in points:
            points.append(point)
    return points


def _roots(polynomials: Sequence[Polynomial]) -> list[dict[str, Any]]:
    """All real roots common to polynomials in one unknown, exactly isolated."""
    import sympy

    (name,) = frozenset().union(*(unknowns(each) for each in polynomials))
    symbol = sympy.Symbol("v0")
    common = sympy.Poly(0, symbol, domain="QQ")
    for polynomial in polynomials:
        common = sympy.gcd(common, sympy.Poly(_sum(polynomial, {name: symbol}), symbol, domain="QQ"))
    return [{name: root} for root in dict.fromkeys(sympy.real_roots(common))] if common.degree() > 0 else []


def _solve_polynomials(polynomials: Sequence[Polynomial]) -> list[dict[str, Any]]:
    import sympy

    symbols = {name: sympy.Symbol(f"v{index}") for index, name in enumerate(_ordered(polynomials))}
    return _solve([_sum(each, symbols) for each in polynomials], symbols)


def _solve_any(
    others: Sequence[tuple[Node, Node]], polynomials: Sequence[Polynomial], values: Mapping[str, Polynomial]
) -> list[dict[str, Any]]:
    """Equations with roots or powers of unknowns; an empty result of SymPy proves nothing here."""
    import sympy

    free = {name for side in others for node in side for name in _free(node, values)} | set(_ordered(polynomials))
    symbols = {name: sympy.Symbol(f"v{index}", real=True) for index, name in enumerate(sorted(free))}
    known = {name: _sum(value, symbols) for name, value in values.items() if unknowns(value) <= free}
    system = [_built(left, known | symbols) - _built(right, known | symbols) for left, right in others]
    solutions = _solve(system + [_sum(each, symbols) for each in polynomials], symbols)
    if not solutions:
        raise Unsolved("no solution found")
    return solutions


def _solve(system: list[Any], symbols: Mapping[str, Any]) -> list[dict[str, Any]]:
    import sympy

    try:
        solutions = sympy.solve(system, list(symbols.values()), dict=True)
    except (NotImplementedError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise Unsolved(f"SymPy: {type(error).__name__}") from error
    back = {symbol: name for name, symbol in symbols.items()}
    return [{back[symbol]: value for symbol, value in solution.items() if symbol in back} for solution in solutions]


def _built(node: Node, symbols: Mapping[str, Any]) -> Any:
    import sympy

    match node:
        case Number(value):
            return sympy.Rational(value.numerator, value.denominator)
        case Name(text):
            return symbols[text]
        case Negative(operand):
            return -_built(operand, symbols)
        case Binary(operator, left, right) if operator in _OPERATORS:
            a, b = _built(left, symbols), _built(right, symbols)
            match operator:
                case "+":
                    return a + b
                case "-":
                    return a - b
                case "*":
                    return a * b
                case "/":
                    return a / b
            if a.is_number and b.is_number and abs(sympy.N(b)) > 1000:
                raise Unsolved("the power is too large")
            return a**b
        case Call("sqrt", (argument,)):
            return sympy.sqrt(_built(argument, symbols))
        case Call(function, arguments):
            built = [_built(argument, symbols) for argument in arguments]
            if any(argument.free_symbols for argument in built):
                raise Unsolved(f"{function} of an unknown")
            return _number(
                quotient(
                    node,
                    {
                        name: constant(Fraction(value.p, value.q))
                        for name, value in symbols.items()
                        if value.is_Rational
                    },
                )
            )
        case _:
            raise Unsolved("// of an unknown")


def _number(parts: tuple[Polynomial, Polynomial]) -> Any:
    import sympy

    value = as_constant(parts[0])
    if value is None:
        raise Unsolved("a function of an unknown")
    return sympy.Rational(value.numerator, value.denominator)


def _sum(polynomial: Polynomial, symbols: Mapping[str, Any]) -> Any:
    import sympy

    return sympy.Add(
        *(
            sympy.Mul(
                sympy.Rational(value.numerator, value.denominator),
                *(symbols[name] ** power for name, power in monomial),
            )
            for monomial, value in polynomial.items()
        )
    )


def _free(node: Node, values: Mapping[str, Polynomial]) -> set[str]:
    return {free for name in names(node) for free in (unknowns(values[name]) if name in values else {name})}


def _ordered(polynomials: Sequence[Polynomial]) -> list[str]:
    return sorted(frozenset[str]().union(*(unknowns(each) for each in polynomials)))


def _real(value: Any) -> Fraction | None:
    """A SymPy number as a rational; None where it is not real or not finite."""
    import sympy

    if value.is_Rational:
        return Fraction(int(value.p), int(value.q))
    near = sympy.N(value, _DIGITS)
    real, imaginary = near.as_real_imag()
    if not (real.is_Float or real.is_Rational) or not real.is_finite or abs(imaginary) > _NEARLY_ZERO:
        return None
    return Fraction(str(real))


def _holds(
    point: Mapping[str, Fraction], polynomials: Sequence[Polynomial], denominators: Sequence[Polynomial]
) -> bool:
    known = {name: constant(value) for name, value in point.items()}
    for polynomial in polynomials:
        rest = as_constant(substitute(polynomial, known))
        scale = max((abs(value) for value in polynomial.values()), default=Fraction(1))
        if rest is not None and abs(rest) > scale * _NEARLY_ZERO:
            return False
    for denominator in denominators:
        rest = as_constant(substitute(denominator, known))
        if rest is not None and abs(rest) < _NEARLY_ZERO:
            return False
    return True
