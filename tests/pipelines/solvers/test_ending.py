"""Where a program leaves its answer, when it names several things or none."""

import contextlib

import pytest

from pipelines.solvers import Sandbox
from pipelines.solvers.connection import Connection, Settings


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox(timeout_s=5) as box:
        yield box


SOLVER = "def solver():\n    pens = 3 * 5\n    return pens\n"
TWO = "def pens():\n    return 3 * 5\n\ndef cats():\n    return 6\n"


PLACES = [
    # a variable, and what is computed from it and shown last
    ("result = 3 * 5\ntotal = result + 5\nprint(total)", "20"),
    ("result = 3 * 5\ntotal = result + 5\nprint(result)\nprint(total)", "20"),
    ("result = 3 * 5\nprint(result + 5)", "20"),
    ("result = 3 * 5\nother = 20\nprint(other)", "20"),
    ("result = 3 * 5\ntotal = result + 5\ntotal", "20"),
    ("result = 3 * 5\ntotal = result + 5\nprint(f'{result} + 5 = {total}')", "20"),
    ("result = 3 * 5\ntotal = result + 5\nprint('Total:', total)\nprint('-' * 10)", "20"),
    ("result = [3, 5, 7]\nprint(sum(result))", "15"),
    ("result = 7.6\nprint(int(result))", "7"),
    ("import math\nresult = 7.2\nprint(math.ceil(result))", "8"),
    ("ans = 15\nfinal = ans + 5\nprint(f'The answer is {final}')", "20"),
    ("ans = 15\nhalf = ans / 2\nfinal = half + 5\nprint(final)", "12.5"),
    ("def f():\n    return 5\nresult = 3 * f()\nprint(result + f())", "20"),
    ("result = 15\nif __name__ == '__main__':\n    print(result + 5)", "20"),
    # the variable, where what is shown is the variable, or says no one number
    ("ans = 15\nprint(ans)", "15"),
    ("ans = 46 / 3\nprint(f'{ans:.1f}')", "15.333333333333334"),
    ("result = 46 / 3\nprint(round(result, 1))", "15.333333333333334"),
    ("result = 46 / 3\nprint('It is ' + str(result) + ' pens')", "15.333333333333334"),
    ("result = 46 / 3\nprint('It is %.1f' % result)", "15.333333333333334"),
    ("result = 46 / 3\nprint('It is {:.1f}'.format(result))", "15.333333333333334"),
    ("result = 46 / 3\nrounded = result\nprint(f'{rounded:.1f}')", "15.333333333333334"),
    ("ans = 15\nprint('done')", "15"),
    ("ans = 15\nprint('Step', 3)", "15"),
    ("x = 7\nans = 15\nprint(x)", "15"),
    ("print(7)\nans = 15", "15"),
    ("print(7)\nresult = 15", "15"),
    ("ans = 15\nprint(ans == 15)", "15"),
    ("result = 15\nprint(f'{result} pens and {result + 2} cats')", "15"),
    # variables by other names
    ("final_answer = 3 * 5", "15"),
    ("answer = 3 * 5", "15"),
    ("Answer = 3 * 5", "15"),
    ("ANS = 3 * 5", "15"),
    ("final_result = 3 * 5", "15"),
    ("result = 7\nfinal_answer = result + 8", "15"),
    ("answer = 7\nresult = answer + 8", "15"),
    ("ans = 7\nfinal_answer = ans + 8", "15"),
    ("result = 7\nans = 15", "15"),
    ("ans = 15\nresult = 7", "15"),
    ("ans = 15\nresult = ans == 15", "15"),
    ("answer = 15\nanswer += 0", "15"),
    ("for n in range(16):\n    answer = n", "15"),
    # functions
    (SOLVER, "15"),
    (SOLVER + "solver()", "15"),
    (SOLVER + "x = solver()", "15"),
    (SOLVER + "print(solver())", "15"),
    (SOLVER + "print(solver() + 5)", "20"),
    (SOLVER + "x = solver()\nprint(x * 2)", "30"),
    ("def solve():\n    return 15", "15"),
    ("def total_pens():\n    return 3 * 5", "15"),
    ("def pens(n=3):\n    return n * 5", "15"),
    ("def helper(n):\n    return n * 5\n\ndef total_pens():\n    return helper(3)", "15"),
    ("def main():\n    print(15)", "15"),
    ("def main():\n    print(15)\n    return 0\nmain()", "15"),
    ("def main():\n    print(15)\n\nif __name__ == '__main__':\n    main()", "15"),
    ("def solution():\n    print('The total is', 15)", "15"),
    ("def ans():\n    return 15", "15"),
    ("def answer():\n    print(15)", "15"),
    ("ans = lambda: 15", "15"),
    ("def solution():\n    return 15\nans = solution", "15"),
    ("async def solution():\n    return 15", "15"),
    ("import asyncio\nasync def f():\n    return 15\nasync def g():\n    await asyncio.sleep(0)\n"
     "    return await f()\nans = asyncio.run(g())", "15"),
    # a last expression
    ("total = 3 * 5\ntotal", "15"),
    ("3 * 5", "15"),
    ("pens = [3, 5, 7]\nsum(pens)", "15"),
    ("print('Step 1')\ntotal = 3 * 5\ntotal", "15"),
    ("x = 3\nround(x * 5.01)", "15"),
    ("import math\nmath.ceil(14.2)", "15"),
    ("total = 3 * 5\nf'{total} pens'", "15"),
    ("print(3 * 5)\n14", "15"),
    ("import sys\nsys.stdout.write('15')", "15"),
    ("x = []\nprint(15)\nx.append(3)", "15"),
    # what is printed last
    ("print(15)\nprint('-' * 10)", "15"),
    ("print(15)\nprint()\nprint('=====')", "15"),
    ("print(15)\nprint('Done.')", "15"),
    ("print(3)\nprint(15)", "15"),
    ("print('Each of the 3 gets', 5, 'so 15 in all')", "15"),
    ("print('3 * 5 =', 3 * 5)", "15"),
    ("print(f'The price of 3 pens is ${3 * 5}')", "15"),
    ("print('Total for 3 boxes:', 15)", "15"),
    ("print('2 + 3 = 5, 5 * 3 = 15')", "15"),
    # values
    ("ans = map(int, ['15'])", "15"),
    ("ans = filter(None, [0, 15])", "15"),
    ("ans = (n for n in [15])", "15"),
    ("ans = {'pens': 15}.values()", "15"),
    ("ans = range(15, 16)", "15"),
    ("ans = 'fifteen'", "15"),
    ("print('Fifteen')", "15"),
    ("ans = 'one hundred and five'", "105"),
    ("from sympy import symbols, solve\nx = symbols('x')\nans = solve(x**2 - 225, x)", "15"),
    ("from sympy import symbols, solve\nx = symbols('x')\nprint(solve(x - 15, x)[0])", "15"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "answer"), PLACES)
def test_the_answer_is_where_the_program_leaves_it(sandbox, source, answer):
    """Variables, functions, expressions and prints, as models mix them."""
    outcome = sandbox.run_program(source)
    assert ("solved", answer) == (outcome.status, outcome.answer), outcome


def test_plain_arithmetic_looks_in_the_same_places():
    """The server and a child say the same of each."""
    connection = Connection(Settings(timeout_s=5, memory_mb=512, libraries=("sympy",)))
    with contextlib.closing(connection):
        for source, _ in PLACES:
            request = {"task": "program", "text": source, "kind": "number"}
            here, child = (connection.ask(request | {"apart": apart}) for apart in (False, True))
            assert here | {"elapsed_s": 0} == child | {"elapsed_s": 0}, source


@pytest.mark.parametrize(
    ("source", "status"),
    [
        (TWO, "no_answer"),
        ("x = 15", "no_answer"),
        ("15", "no_answer"),
        ("def f(n):\n    return n", "no_answer"),
        ("print('5 is 3 more than 2')", "non_numeric"),
        ("print('Tom has 3, so Ann has 15 and Bob 4')", "non_numeric"),
        ("print('The first is 3, the second is 15')", "non_numeric"),
        ("print('fifteen or sixteen')", "non_numeric"),
        ("ans = [-3, 3]", "non_numeric"),
        ("ans = map(int, '12')", "non_numeric"),
        ("from itertools import count\nans = count()", "non_numeric"),
        ("import datetime\nans = datetime.timedelta(minutes=15)", "non_numeric"),
        ("from sympy import symbols, solve\nx = symbols('x')\nans = solve((x - 2) * (x - 3), x)", "non_numeric"),
        ("from sympy import symbols, solve\nx = symbols('x')\nans = solve((x + 2) * (x + 3), x)", "non_numeric"),
        ("import asyncio\nasync def f():\n    await asyncio.sleep(1)\nans = asyncio.run(f())", "runtime_error"),
    ],
)
def test_what_could_be_one_or_another_is_no_answer(sandbox, source, status):
    """Two functions, two numbers, a duration without its unit: no guess."""
    outcome = sandbox.run_program(source)
    assert (status, None) == (outcome.status, outcome.answer), outcome


@pytest.mark.parametrize(
    ("source", "kind", "answer"),
    [
        ("ans = 'Jim'\nprint('Ann')", "text", "jim"),
        ("print('Jim')\nprint('---')", "text", "jim"),
        ("result = 5 > 3\nprint(result)", "boolean", "yes"),
        ("ans = map(int, '35')", "numbers", "3; 5"),
        ("name = 'Jim'\nname", "text", "jim"),
    ],
)
def test_other_kinds_of_answers_have_their_places_too(sandbox, source, kind, answer):
    """Texts, yes and no, several numbers."""
    assert answer == sandbox.run_program(source, kind).answer
