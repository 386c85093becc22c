"""The same verdict whichever way it is found: in the server or in a child, alone or on a busy machine."""

import contextlib
import json
import random
import subprocess
import sys

import pytest

from pipelines.solvers import Sandbox, program
from pipelines.solvers.connection import Connection, Settings

NAMES = ("a", "b", "total_cost", "ans", "result", "_x")
NUMBERS = (
    "0",
    "1",
    "2",
    "3",
    "-7",
    "10",
    "0.1",
    "2.5",
    "-0.0",
    "1e9",
    "1e308",
    "5e-324",
    "123456789012",
    "1_000",
    "0x1F",
)
OPERATORS = ("+", "-", "*", "/", "//", "%", "**")
FUNCTIONS = ("abs", "int", "float", "round", "max", "min", "math.ceil", "math.floor", "math.sqrt")
ODD = (
    "x == 3", "not 1", "True", "'5'", "[1]", "(2,)", "1j", "None", "max([1, 2])", "round(2.5, ndigits=1)",
    "1 if a else 2",
    "sum(i for i in range(3))", "math.pi", "int('5')", "divmod(7, 2)[0]", "a if True else b", "~5", "1 << 3",
    "len('ab')",
    "float('inf')", "round(5, None)", "pow(2, 3)", "solution", "math", "print(1)", "max()", "abs(1, 2)", "(y := 4)",
)  # fmt: skip


class Writer:
    """Draws programs of the language that is computed without a process, and some beside it."""

    def __init__(self, seed: int) -> None:
        self._draw = random.Random(seed)
        self._known = list(NUMBERS[2:8])

    def expression(self, depth: int = 0) -> str:
        """An expression, now and then an odd one."""
        draw = self._draw
        kind = draw.random()
        if depth > 3 or kind < 0.35:
            if draw.random() < 0.5:
                return draw.choice(self._known if draw.random() < 0.99 else NAMES)
            return draw.choice(NUMBERS if draw.random() < 0.1 else NUMBERS[2:8])
        if kind < 0.78:
            return f"({self.expression(depth + 1)} {self._operator()} {self.expression(depth + 1)})"
        if kind < 0.83:
            return f"{draw.choice('+-')}{self.expression(depth + 1)}"
        if kind < 0.985:
            arguments = ", ".join(self.expression(depth + 1) for _ in range(1 if draw.random() < 0.9 else 2))
            return f"{draw.choice(FUNCTIONS)}({arguments})"
        return draw.choice(ODD)

    def _set(self) -> str:
        names = [name for name in self._known if name in NAMES]
        return self._draw.choice(names if names and self._draw.random() < 0.95 else NAMES)

    def _operator(self) -> str:
        return self._draw.choice(OPERATORS[:4] if self._draw.random() < 0.8 else OPERATORS)

    def statement(self) -> str:
        """One statement."""
        draw, kind = self._draw, self._draw.random()
        name = draw.choice(NAMES)
        if kind < 0.7:
            return f"{name} = {self.expression()}"
        if kind < 0.8:
            return f"{self._set()} {draw.choice(OPERATORS)}= {self.expression()}"
        if kind < 0.84:
            return f"{name} = {draw.choice(NAMES)} = {self.expression()}"
        if kind < 0.97:
            spec = draw.choice(("", ":.2f", ":,", ":,.1f", ":.0%", ":d", ":>9", "!r"))
            inside = f"f'{{{self._set()}{spec}}} left'" if draw.random() < 0.6 else self.expression()
            return f"print({inside})"
        return draw.choice(
            ("pass", "'words'", "import math", "import os", "max = 3", "math = 5", "print = 1", "global ans",
             "return 5",
             "a: int = 4", "a, b = 1, 2", "del a", "assert a", "ans = solution()", "from math import ceil", "exit()")
        )  # fmt: skip

    def program(self) -> str:
        """A straight program, or one with ``solution()``."""
        draw = self._draw
        start = ["import math"] if draw.random() < 0.9 else []
        names = [name for name in NAMES[:3] if draw.random() < 0.8]
        start += [f"{name} = {draw.choice(NUMBERS[2:8])}" for name in names]
        self._known += names * 4
        if draw.random() < 0.4:
            return "\n".join(
                [*start, *(self.statement() for _ in range(draw.randint(1, 6))), f"ans = {self.expression()}"]
            )
        body = [f"a = {self.expression()}", *(self.statement() for _ in range(draw.randint(0, 5)))]
        body.append(f"return {self.expression()}" if draw.random() < 0.9 else "pass")
        inside = "\n".join(f"    {line}" for line in body)
        end = draw.choice(("", "", "print(solution())", "ans = solution()", "result = solution() / 2", "solution()"))
        return "\n".join([*start, "def solution():", inside, end])


@contextlib.contextmanager
def server():
    connection = Connection(Settings(timeout_s=5, memory_mb=512))
    try:
        yield connection
    finally:
        connection.close()


def differences(sources: list[str]) -> tuple[list[tuple[str, object, object]], int]:
    """Programs whose reply depends on where they are run, and how many took the fast path."""
    found, plain = [], 0
    with server() as connection:
        for source in sources:
            request = {"task": "program", "text": source, "kind": "number"}
            here, child = (connection.ask(request | {"apart": apart}) for apart in (False, True))
            here.pop("elapsed_s"), child.pop("elapsed_s")
            if here != child:
                found.append((source, here, child))
            read = program.read(source, "number")
            plain += isinstance(read, program.Raw) and read.status == "solved"
    return found, plain


def test_generated_programs_have_one_verdict():
    """300 drawn programs: computed from the syntax tree or run in a child, the reply is the same."""
    found, plain = differences([Writer(seed).program() for seed in range(300)])
    assert [] == found
    assert plain > 50


@pytest.mark.slow
def test_ten_thousand_generated_programs_have_one_verdict():
    """The same for 10,000."""
    found, plain = differences([Writer(seed).program() for seed in range(1_000, 11_000)])
    assert [] == found
    assert plain > 1_500


def recorded(data, thought):
    lines = [
        line
        for file in sorted((data / "recorded").glob(f"*_{thought}.jsonl"))
        for line in file.read_text(encoding="utf-8").splitlines()
    ]
    return [json.loads(line)["completion"] for line in lines]


@pytest.mark.slow
def test_recorded_programs_have_one_verdict(data):
    """Every recorded program, both ways."""
    found, plain = differences(recorded(data, "pot"))
    assert [] == found
    assert plain > 1_000


@pytest.mark.slow
def test_verdicts_do_not_depend_on_load(data):
    """Three runs over the recorded programs and equations, the third while two cores are kept busy."""
    programs, systems = recorded(data, "pot"), recorded(data, "eot")
    programs += ["while True: pass", "ans = 10 ** 10 ** 10", "x = []\nwhile True: x.append(bytes(10**7))"]

    def verdicts():
        with Sandbox(timeout_s=2) as box:
            outcomes = [box.run_program(text) for text in programs] + [box.solve_equations(text) for text in systems]
        return [(outcome.status, outcome.answer, outcome.detail, outcome.flags) for outcome in outcomes]

    first, second = verdicts(), verdicts()
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2)]
    try:
        third = verdicts()
    finally:
        for process in busy:
            process.kill()
            process.wait()
    assert first == second == third
