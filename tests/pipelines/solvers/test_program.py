"""Programs as chat models write them: what counts as the answer, in the sandbox and beside it."""

import pytest

from pipelines.solvers import Sandbox


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox(timeout_s=5) as box:
        yield box


FENCED = "To solve this we compute:\n\n```python\n{}\n```\n\nSo the answer is above."
MAIN = 'def main():\n    print(f"The answer is {6 * 8}")\n\nif __name__ == "__main__":\n    main()'
SHADOWED = "def solution():\n    ans = 3\n    return ans + 4\nans = solution()\nprint(f'Result: {ans} and 9')"
SOLVE = "from sympy import *\nx, y = symbols('x y')\n"


@pytest.mark.parametrize(
    ("source", "answer"),
    [
        (FENCED.format("ans = 48"), "48"),
        (FENCED.format("def solution():\n    return 48\n\nprint(solution())"), "48"),
        ("```py\nans = 48\n```", "48"),
        ("~~~\nans = 48\n~~~", "48"),
        ("```python\nans = 48", "48"),
        ("```python\nx = 6\n```\nand then\n```python\nans = x * 8\n```", "48"),
        ("```python\nans = 48\n```\nThis prints\n```\nThe answer is 48\n```", "48"),
        ("def solution():\n    x = 6\n    return x * 8\n\nprint(solution())", "48"),
        ("def solution():\n    x = 6\n    print(x * 8)\n\nsolution()", "48"),
        ("def solution(n):\n    return n * 8\n\nprint(solution(6))", "48"),
        ("def solution(n=6):\n    return n * 8", "48"),
        ("def solution(*, n=6):\n    return n * 8", "48"),
        ("    x = 6\n    return x * 8", "48"),
        (MAIN, "48"),
        (SHADOWED, "7"),
        ("print('The answer is 48')", "48"),
        ("print('The answer is', 48, 'pens')", "48"),
        ("print(f'She has ${48.5:.2f} left.')", "48.5"),
        ("print('Total:', 48)", "48"),
        ("print('**48**')", "48"),
        ("x = 6\nprint(x)\nprint(x * 8)\nprint()", "48"),
        ("ans = '48 pens'", "48"),
        ("ans = '1,048'", "1048"),
        ("ans: int = 48", "48"),
        ("global ans\nans = 48", "48"),
        ("def f():\n    global ans\n    ans = 48\nf()", "48"),
        ("ans = None\nresult = 48", "48"),
        ("ans = (48,)", "48"),
        ("ans = {48}", "48"),
        ("ans = {'pens': 48}", "48"),
        ("ans = Fraction(96, 2)\n".replace("F", "fractions.F"), "48"),
        ("ans = decimal.Decimal('48.00')", "48"),
        ("ans = decimal.Decimal(1) / 3", "0.33333333333333333"),
        ("ans = statistics.mean([40, 56])", "48"),
        ("ans = (datetime.date(2024, 3, 1) - datetime.date(2024, 1, 13)).days", "48"),
        ("ans = max(itertools.accumulate([40, 8]))", "48"),
        ("ans = collections.Counter('aab')['a'] + 46", "48"),
        ("from math import *\nans = ceil(47.2)", "48"),
        (SOLVE + "ans = solve(x - 48, x)", "48"),
        (SOLVE + "ans = solve([x + y - 50, x - y - 46], [x, y])[x]", "48"),
        (SOLVE + "ans = solve([2 * x - 96], [x])", "48"),
        (SOLVE + "ans = solve(x - 48, x, dict=True)", "48"),
        (SOLVE + "ans = solveset(x - 48, x)", "48"),
        (SOLVE + "ans = Rational(96, 2)", "48"),
        (SOLVE + "ans = Float('48.0')", "48"),
        (SOLVE + "ans = sqrt(48) ** 2", "48"),
        (SOLVE + "ans = N(sqrt(2))", "1.4142135623730951"),
        ("try:\n    import pandas\nexcept ImportError:\n    ans = 48", "48"),
        ("n = 48\ndef f(): return n\nans = [f() for _ in range(2)][0]", "48"),
        ("class A:\n    n = 48\nans = A().n", "48"),
        ("import sys\nsys.setrecursionlimit(5000)\nf = lambda n: 0 if n == 0 else 1 + f(n - 1)\nans = f(2000)", "2000"),
        ("ans = 48  # ‘quotes’ – and dashes", "48"),
        ("\tx = 6\n\tans = x * 8", "48"),
        ("ans = 48\r\n", "48"),
        ("assert 1 == 1\nans = 1e3", "1000"),
    ],
)
def test_a_program_as_models_write_it_gives_its_answer(sandbox, source, answer):
    """Fences, prose, functions, prints, SymPy's results and one value in a container."""
    outcome = sandbox.run_program(source)
    assert ("solved", answer) == (outcome.status, outcome.answer), outcome


@pytest.mark.parametrize(
    ("source", "status"),
    [
        ("import pandas as pd\nans = pd.Series([1]).sum()", "forbidden"),
        ("from scipy.optimize import *\nans = 1", "forbidden"),
        ("ans = input('How many? ')", "runtime_error"),
        ("def solution(n):\n    return n", "no_answer"),
        ("def solution():\n    pass", "no_answer"),
        ("print('12 boys and 3 girls')", "non_numeric"),
        ("print(3, 4)", "non_numeric"),
        ("ans = {'a': 1, 'b': 2}", "non_numeric"),
        ("ans = {}", "non_numeric"),
        ("ans = []", "non_numeric"),
        ("ans = lambda n: n", "non_numeric"),
        ("import math\nans = math", "non_numeric"),
        ("ans = fractions.Fraction(10**400)", "non_numeric"),
        ("ans = decimal.Decimal('NaN')", "non_numeric"),
        ("ans = decimal.Decimal('1e999')", "non_numeric"),
        (SOLVE + "ans = solve((x - 2) * (x - 3), x)", "non_numeric"),
        (SOLVE + "ans = solve(x**2 + 1, x)[0]", "non_numeric"),
        (SOLVE + "ans = Eq(x, 5)", "non_numeric"),
        (SOLVE + "ans = oo", "non_numeric"),
        (SOLVE + "ans = nan", "non_numeric"),
        (SOLVE + "ans = x + 1", "non_numeric"),
        ("The answer is 48.", "no_answer"),
        ("ans = 4 8", "syntax_error"),
        ("assert 1 == 2\nans = 1", "runtime_error"),
    ],
)
def test_a_program_without_one_number_has_no_answer(sandbox, source, status):
    """Two numbers, no number, text, symbols, what is not offered: a status each, never a guess."""
    outcome = sandbox.run_program(source)
    assert (status, None) == (outcome.status, outcome.answer), outcome


def test_detail_says_what_is_not_offered(sandbox):
    """A reader sees that the module, not the program, is at fault."""
    source = "import pandas\nans = pandas.Series([1]).sum()"
    assert "Unavailable: pandas is not available in the sandbox (line 1)" == sandbox.run_program(source).detail


def test_detail_of_input_says_that_there_is_none(sandbox):
    """input() meets the end of a file at once."""
    assert "EOFError: EOF when reading a line (line 1)" == sandbox.run_program("ans = input()").detail


def test_sympy_by_a_built_name_is_found_too(sandbox):
    """A text that does not name SymPy runs in the small server, which imports it when asked."""
    assert "5" == sandbox.run_program("m = __import__('sym' + 'py')\nans = m.Integer(5)").answer


def test_the_whole_standard_library_is_offered(sandbox):
    """Modules that are linked with the system's libraries too, in the small server and in the other."""
    modules = "bz2, csv, ctypes, decimal, hashlib, json, lzma, random, re, sqlite3, ssl, string, zlib"
    for also in ("", "import sympy\n"):
        assert "48" == sandbox.run_program(f"{also}import {modules}\nans = 48").answer


def test_detail_is_the_same_in_every_run(sandbox):
    """No addresses in memory."""
    assert "function <function f>" == sandbox.run_program("def f(): pass\nans = f").detail
