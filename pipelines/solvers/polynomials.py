"""Polynomials with rational coefficients, and expressions as quotients of two of them.

    x * (y + 2)   is   {(("x", 1), ("y", 1)): 1, (("x", 1),): 2}

A polynomial is a dictionary from monomials (name and exponent pairs, sorted by name) to coefficients, without
zeros. An irrational root of a known number is carried as a rational of 60 digits, so coefficients below 1e-40
count as zero. Everything is bounded: ``TooLarge`` is raised before a result could grow without limit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from decimal import Context, Decimal
from fractions import Fraction
from itertools import product

from pipelines.solvers.tree import Binary, Call, Name, Negative, Node, Number

Monomial = tuple[tuple[str, int], ...]
Polynomial = dict[Monomial, Fraction]

MAX_TERMS = 300
MAX_DEGREE = 24
MAX_BITS = 4096
MAX_COUNT = 100  # of what is permuted
NEGLIGIBLE = Fraction(1, 10**40)
_DECIMAL = Context(prec=60)


class TooLarge(ArithmeticError):  # noqa: N818 - says what the number is
    """A power, a number or a polynomial beyond the bounds above."""


class NotPolynomial(ArithmeticError):  # noqa: N818 - says what the expression is
    """A function or a power of something that is not yet known."""


class DivisionByZero(ArithmeticError):  # noqa: N818 - mathematics' own name
    """The denominator is zero whatever the unknowns are."""


class ReadsTwoWays(ArithmeticError):  # noqa: N818 - says what the expression does
    """``round`` of a number exactly half way (2 in Python, 3 at school), ``mod`` of a negative number."""


def constant(value: Fraction) -> Polynomial:
    """The polynomial of degree 0 (the empty one for 0)."""
    return {(): value} if abs(value) > NEGLIGIBLE else {}


def variable(name: str) -> Polynomial:
    """The polynomial that is one unknown."""
    return {((name, 1),): Fraction(1)}


def degree(polynomial: Polynomial) -> int:
    """Total degree; 0 for constants."""
    return max((sum(exponent for _, exponent in monomial) for monomial in polynomial), default=0)


def unknowns(polynomial: Polynomial) -> frozenset[str]:
    """The names in it."""
    return frozenset(name for monomial in polynomial for name, _ in monomial)


def as_constant(polynomial: Polynomial) -> Fraction | None:
    """Its value, or None where it has unknowns."""
    if not polynomial:
        return Fraction(0)
    return polynomial.get(()) if len(polynomial) == 1 else None


def add(a: Polynomial, b: Polynomial, factor: Fraction = Fraction(1)) -> Polynomial:
    """``a + factor * b``."""
    result = dict(a)
    for monomial, coefficient in b.items():
        value = result.get(monomial, Fraction(0)) + factor * coefficient
        if abs(value) > NEGLIGIBLE:
            result[monomial] = value
        else:
            result.pop(monomial, None)
    return _bounded(result)


def multiply(a: Polynomial, b: Polynomial) -> Polynomial:
    """``a * b``."""
    if len(a) * len(b) > MAX_TERMS**2:
        raise TooLarge("too many terms")
    result: Polynomial = {}
    for (left, x), (right, y) in product(a.items(), b.items()):
        exponents = dict(left)
        for name, exponent in right:
            exponents[name] = exponents.get(name, 0) + exponent
        monomial = tuple(sorted(exponents.items()))
        result[monomial] = result.get(monomial, Fraction(0)) + x * y
    return _bounded({monomial: value for monomial, value in result.items() if abs(value) > NEGLIGIBLE})


def substitute(polynomial: Polynomial, values: Mapping[str, Polynomial]) -> Polynomial:
    """The polynomial with each name in ``values`` replaced."""
    if not unknowns(polynomial) & values.keys():
        return polynomial
    result: Polynomial = {}
    for monomial, coefficient in polynomial.items():
        term = constant(coefficient)
        for name, exponent in monomial:
            factor = values.get(name, variable(name))
            for _ in range(exponent):
                term = multiply(term, factor)
        result = add(result, term)
    return result


def quotient(node: Node, values: Mapping[str, Polynomial]) -> tuple[Polynomial, Polynomial]:
    """An expression as numerator and denominator, known names replaced.

    Raises NotPolynomial where a function's argument or an exponent is not known yet, DivisionByZero, TooLarge,
    ReadsTwoWays.
    """
    match node:
        case Number(value):
            return constant(value), constant(Fraction(1))
        case Name(text):
            return values.get(text, variable(text)), constant(Fraction(1))
        case Negative(operand):
            top, bottom = quotient(operand, values)
            return multiply(top, constant(Fraction(-1))), bottom
        case Call(function, arguments):
            known = [_known(argument, values, function) for argument in arguments]
            return constant(_apply(function, known)), constant(Fraction(1))
        case Binary(operator, left, right):
            if operator == "^":
                return _raised(left, right, values)
            if operator == "//":
                by = _known(right, values, "//")
                if by == 0:
                    raise DivisionByZero("division by zero")
                return constant(Fraction(math.floor(_known(left, values, "//") / by))), constant(Fraction(1))
            return _combined(operator, quotient(left, values), quotient(right, values))


def _combined(
    operator: str, a: tuple[Polynomial, Polynomial], b: tuple[Polynomial, Polynomial]
) -> tuple[Polynomial, Polynomial]:
    if operator == "/":
        if not b[0]:
            raise DivisionByZero("division by zero")
        return _lowered(multiply(a[0], b[1]), multiply(a[1], b[0]))
    if operator == "*":
        return _lowered(multiply(a[0], b[0]), multiply(a[1], b[1]))
    sign = Fraction(1 if operator == "+" else -1)
    if a[1] == b[1]:
        return _lowered(add(a[0], b[0], sign), a[1])
    return _lowered(add(multiply(a[0], b[1]), multiply(b[0], a[1]), sign), multiply(a[1], b[1]))


def _lowered(top: Polynomial, bottom: Polynomial) -> tuple[Polynomial, Polynomial]:
    """A constant denominator becomes 1."""
    value = as_constant(bottom)
    if value is None or value == 1:
        return top, bottom
    return multiply(top, constant(1 / value)), constant(Fraction(1))


def _raised(base: Node, exponent: Node, values: Mapping[str, Polynomial]) -> tuple[Polynomial, Polynomial]:
    power = _known(exponent, values, "exponent")
    top, bottom = quotient(base, values)
    over, under = as_constant(top), as_constant(bottom)
    if over is not None and under is not None:
        return constant(number_power(over / under, power)), constant(Fraction(1))
    if power.denominator != 1:
        raise NotPolynomial("a root of an unknown")
    if abs(power) * max(degree(top), degree(bottom), 1) > MAX_DEGREE:
        raise TooLarge("the degree is too high")
    if power < 0:
        if not top:
            raise DivisionByZero("division by zero")
        top, bottom = bottom, top
    result = constant(Fraction(1)), constant(Fraction(1))
    for _ in range(abs(int(power))):
        result = multiply(result[0], top), multiply(result[1], bottom)
    return result


def number_power(base: Fraction, exponent: Fraction) -> Fraction:
    """``base ** exponent``, exact where it is rational, else of 60 digits."""
    if base == 0:
        if exponent <= 0:
            raise DivisionByZero("0 to the power of 0 or less")
        return Fraction(0)
    bits = max(base.numerator.bit_length(), base.denominator.bit_length())
    if bits * abs(exponent) > MAX_BITS:
        raise TooLarge("the power is too large")
    if exponent.denominator == 1:
        return base ** int(exponent)
    if base < 0:
        raise NotPolynomial("a root of a negative number")
    root, degree_ = base**exponent.numerator, exponent.denominator
    near = Fraction(
        _DECIMAL.power(_decimal(root), 1 / Decimal(degree_)) if degree_ != 2 else _DECIMAL.sqrt(_decimal(root))
    )
    for candidate in (Fraction(round(near)), near.limit_denominator(10**6)):
        if candidate > 0 and degree_ <= 64 and candidate**degree_ == root:
            return candidate
    if degree_ != 2:
        near = Fraction(_DECIMAL.power(_decimal(base), _decimal(exponent)))
    return near


def _known(node: Node, values: Mapping[str, Polynomial], what: str) -> Fraction:
    top, bottom = (as_constant(part) for part in quotient(node, values))
    if top is None or bottom is None:
        raise NotPolynomial(f"{what} of an unknown")
    return top / bottom


def _round(arguments: list[Fraction]) -> Fraction:
    value, places = arguments[0], arguments[1] if len(arguments) > 1 else Fraction(0)
    if places.denominator != 1 or abs(places) > 30:
        raise TooLarge("round to that many places")
    scaled = value * Fraction(10) ** int(places)
    if (scaled * 2).denominator == 1 and scaled.denominator == 2:
        raise ReadsTwoWays(f"round of {float(value):g}, exactly half way, reads two ways")
    return Fraction(round(scaled)) / Fraction(10) ** int(places)


_FUNCTIONS: dict[str, Callable[[list[Fraction]], Fraction]] = {
    "max": max,
    "min": min,
    "sum": lambda arguments: sum(arguments, Fraction(0)),
    "abs": lambda arguments: abs(arguments[0]),
    "floor": lambda arguments: Fraction(math.floor(_snapped(arguments[0]))),
    "ceil": lambda arguments: Fraction(math.ceil(_snapped(arguments[0]))),
    "int": lambda arguments: Fraction(math.trunc(_snapped(arguments[0]))),
    "sqrt": lambda arguments: number_power(arguments[0], Fraction(1, 2)) if arguments[0] else Fraction(0),
    "round": _round,
    "avg": lambda arguments: sum(arguments, Fraction(0)) / len(arguments),
    "mod": lambda arguments: _remainder(*arguments),
    "gcd": lambda arguments: Fraction(math.gcd(*_whole("gcd", arguments))),
    "lcm": lambda arguments: Fraction(math.lcm(*_whole("lcm", arguments))),
    "comb": lambda arguments: Fraction(math.comb(*_whole("comb", arguments))),
    "perm": lambda arguments: Fraction(math.perm(*_whole("perm", arguments))),
    "factorial": lambda arguments: Fraction(math.factorial(*_whole("factorial", arguments))),
}


def _remainder(value: Fraction, by: Fraction) -> Fraction:
    if by == 0:
        raise DivisionByZero("division by zero")
    if value < 0 or by < 0:
        raise ReadsTwoWays("mod of a negative number reads two ways")
    return value % by


def _whole(function: str, arguments: list[Fraction]) -> list[int]:
    """The arguments of a function of counts."""
    if any(value.denominator != 1 or value < 0 for value in arguments):
        raise ReadsTwoWays(f"{function} of what is not a whole number of at least 0")
    if max(arguments) > (MAX_COUNT if function in ("comb", "perm", "factorial") else 10**40):
        raise TooLarge(f"{function} of a number that large")
    return [int(value) for value in arguments]


def _snapped(value: Fraction) -> Fraction:
    """An integer that a root of 60 digits only nearly reached."""
    nearest = Fraction(round(value))
    return nearest if abs(value - nearest) < NEGLIGIBLE else value


def _apply(function: str, arguments: list[Fraction]) -> Fraction:
    return _FUNCTIONS[function](arguments)


def _decimal(value: Fraction) -> Decimal:
    return _DECIMAL.divide(Decimal(value.numerator), Decimal(value.denominator))


def _bounded(polynomial: Polynomial) -> Polynomial:
    if len(polynomial) > MAX_TERMS or degree(polynomial) > MAX_DEGREE:
        raise TooLarge("too many terms or too high a degree")
    for coefficient in polynomial.values():
        if coefficient.numerator.bit_length() + coefficient.denominator.bit_length() > 2 * MAX_BITS:
            raise TooLarge("a number is too large")
    return polynomial
