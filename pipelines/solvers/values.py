"""A value that a program computed, as plain text.

    text(Fraction(1, 3), "number")           ->  "1/3"
    text(numpy.array([15.0]), "number")      ->  "15.0"
    text([3, 5], "numbers")                  ->  "3; 5"

The text names the value exactly, or to the digits of its float type. Runs in the confined child; ``sandbox`` checks and
canonicalises the text on the other side.
"""

from __future__ import annotations

import datetime
import math
import sys
from collections import deque
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from itertools import islice
from types import GeneratorType
from typing import Any

MAX_TEXT = 2_000
_MOST_PARTS = 100
_HUGE = 10**310  # beyond every float
_SERIES: Any = (
    map,
    filter,
    zip,
    range,
    reversed,
    deque,
    GeneratorType,
    type({}.values()),
    type({}.keys()),
)


def text(value: Any, kind: str) -> str | None:
    """The answer's plain text, or None where it is not of the kind. One value in a container is that value."""
    if type(value) is dict and len(value) == 1:  # what sympy.solve gives for one unknown
        value = next(iter(value.values()))
    if type(value).__name__ in ("FiniteSet", "Tuple") and "sympy" in sys.modules:
        value = tuple(value)
    elif isinstance(value, _SERIES):
        value = list(islice(value, _MOST_PARTS + 1))
    elif "numpy" in sys.modules:
        value = _without_numpy(value)
    if type(value) in (list, tuple, set, frozenset) and kind != "numbers":
        if len(value) == 1:
            return text(next(iter(value)), kind)
        if kind == "number" and (root := _only_positive(value)) is not None:
            value = root
    if isinstance(value, bool) or type(value).__name__ in ("BooleanTrue", "BooleanFalse"):
        return ("yes" if value else "no") if kind in ("boolean", "text") else None
    if isinstance(value, str):
        return str.__str__(value)[:MAX_TEXT]
    if kind == "time" and isinstance(value, datetime.time | datetime.datetime):
        return value.strftime("%H:%M")
    if isinstance(value, list | tuple) and kind in ("numbers", "ratio"):
        parts = [_number(part) for part in value[:_MOST_PARTS]]
        return (
            (":" if kind == "ratio" else "; ").join(part for part in parts if part is not None) if all(parts) else None
        )
    return _number(value)


def shown(value: Any) -> str:
    """Type and beginning of a value, for a reader."""
    return f"{type(value).__name__} {repr(value)[:80]}"


def _without_numpy(value: Any) -> Any:
    """A NumPy array as lists, a scalar as Python's own number; anything else as it is."""
    import numpy

    if not isinstance(value, numpy.ndarray):
        return _python_number(value)
    return _python_number(value.reshape(-1)[0]) if value.size == 1 else value[: _MOST_PARTS + 1].tolist()


def _only_positive(values: Iterable[Any]) -> Any:
    """Of SymPy's solutions for one unknown the only positive one, as with equations; None where there is none."""
    if "sympy" not in sys.modules:
        return None
    import sympy

    if not all(isinstance(value, sympy.Expr) and value.is_number for value in values):
        return None
    positive = [value for value in values if value.is_positive]
    return positive[0] if len(positive) == 1 else None


def _number(value: Any) -> str | None:
    """A finite real number as text that names it; None for anything else."""
    if "numpy" in sys.modules:
        value = _python_number(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return int.__repr__(value) if -_HUGE < value < _HUGE else None
    if isinstance(value, float):
        return float.__repr__(value) if math.isfinite(value) else None
    if isinstance(value, Fraction):
        return (
            f"{value.numerator}/{value.denominator}" if max(abs(value.numerator), value.denominator) < _HUGE else None
        )
    if isinstance(value, Decimal):
        return f"{value:.17g}" if value.is_finite() and -310 < value.adjusted() < 310 else None
    if "sympy" not in sys.modules:
        return None
    import sympy

    if isinstance(value, sympy.Expr) and value.is_number and value.is_real and value.is_finite:
        if value.is_Rational:
            return _number(Fraction(int(value.p), int(value.q)))
        return float.__repr__(float(value.evalf(20)))
    return None


def _python_number(value: Any) -> Any:
    """A NumPy integer or float as Python's; a short float has the digits that it prints, not those of its bits."""
    import numpy

    if isinstance(value, numpy.bool_):
        return bool(value)
    if isinstance(value, numpy.integer):
        return int(value)
    if isinstance(value, float):  # float64 is one
        return value
    return float(str(value)) if isinstance(value, numpy.floating) else value
