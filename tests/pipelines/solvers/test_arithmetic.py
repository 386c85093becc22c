"""Plain arithmetic: what is computed without a process, and what is left to one."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.solvers import arithmetic


def value(source: str) -> int | float | None:
    return arithmetic.answer(ast.parse(source))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("pens = 6 * 8\nans = pens + 4", 52),
        ("result = 7 / 2", 3.5),
        ('def solution():\n    """Doc."""\n    x = 7\n    x += 2\n    return x // 2', 4),
        ("x = 2\ndef solution():\n    y = x ** 3\n    return y", 8),
        ("import math\nans = math.ceil(2.1) + round(2.567, 1)", 5.6),
        ("a = b = -3\nans = abs(a) % 2 + max(a, 5)", 6),
        ("def solution():\n    return 5\nans = solution() + 1", 6),
        ("ans = 1\nresult = 2", 1),
        ("ans = 0.1 + 0.2", 0.1 + 0.2),
    ],
)
def test_plain_programs_have_pythons_own_value(source, expected):
    """The same int or float that Python gives, ans before result before solution()."""
    assert (type(expected), expected) == (type(value(source)), value(source))


@pytest.mark.parametrize(
    "source",
    [
        "",
        "x = 5",
        "ans = y",
        "ans = 1 / 0",
        "ans = True",
        "ans = 'x'",
        "ans = [1]",
        "ans = 1e308 * 10",
        "ans = 10 ** 10 ** 10",
        "ans = (-8) ** 0.5",
        "import os\nans = 1",
        "print(5)",
        "for i in range(3): ans = i",
        "ans = 1 if True else 2",
        "max = 3\nans = max(1, 2)",
        "ans = ().__class__",
        "ans = eval('1')",
        "ans = 1\ndel ans",
        "def solution(n=1):\n    return n",
        "def solution():\n    x = 1",
        "x = 1\ndef solution():\n    x = x + 1\n    return x",
        "def solution():\n    return solution()",
        "def a():\n    return b()\ndef b():\n    return a()\nans = a()",
        "def solution():\n    global ans\n    ans = 3\n    return ans",
    ],
)
def test_everything_else_is_left_to_a_child(source):
    """Errors, other types, other statements and large numbers are not decided here."""
    assert value(source) is None


@given(
    st.recursive(
        st.sampled_from(["a", "b", "2", "3.5", "7"]),
        lambda inner: st.tuples(inner, st.sampled_from("+-*/%"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        max_leaves=8,
    )
)
def test_an_expression_has_pythons_value_or_none(expression):
    """Compared with Python's own evaluation of the same trusted expression."""
    try:
        expected = eval(expression, {"a": 5, "b": -2})
    except ZeroDivisionError:
        expected = None
    assert expected == value(f"a = 5\nb = -2\nans = {expression}")
