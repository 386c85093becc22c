"""The values that a thought passes through, and whether new ones keep the character of the old.

    program_values("half = 48 / 2\\nans = 48 + half")   -> [24, 24, 72, 72], the last one the answer

Programs that are plain arithmetic in a straight line are computed here, in exact fractions, by walking their syntax
tree: nothing is executed. Of a system of equations the sandbox says what each name is worth.
"""

import ast
import math
import operator
import re
import textwrap
import warnings
from collections.abc import Callable, Sequence
from fractions import Fraction

from pipelines.mixture.perturbation.literals import Unreadable
from pipelines.solvers import Sandbox

_MOST_VALUES, _LARGEST, _FACTOR = 200, 10**12, 8
_ANSWERS = ("ans", "result")
_BINARY: dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction | int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_FUNCTIONS: dict[str, Callable[..., Fraction | int]] = {
    "int": math.trunc,
    "float": Fraction,
    "round": round,
    "abs": abs,
    "max": max,
    "min": min,
    "math.ceil": math.ceil,
    "math.floor": math.floor,
    "ceil": math.ceil,
    "floor": math.floor,
}
_NAME = re.compile(r"(?<![\w.])[A-Za-z_]\w*(?!\w*\s*\()")


def program_values(source: str) -> list[Fraction]:
    """The value of each operation and assignment, in their order; the answer is the last.

    Raises:
        Unreadable: not plain arithmetic in a straight line, or no value.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the program's style
            tree = ast.parse(textwrap.dedent(source))
        return _Straight().run(tree)
    except (SyntaxError, ValueError, ArithmeticError, TypeError, RecursionError, MemoryError):
        raise Unreadable("not_straight_arithmetic") from None


def system_values(text: str, sandbox: Sandbox) -> list[Fraction]:
    """What each name of a system is worth, in the order of their appearance; the answer is the last.

    Raises:
        Unreadable: a name has no value.
    """
    code = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith(("%", "#", "//")))
    renamed = re.sub(r"\bans\b", "answer_sought", code)
    names = [name for name in dict.fromkeys(_NAME.findall(code.partition("#")[0])) if name != "ans"]
    values = []
    for name in [*names[:30], "answer_sought"]:
        outcome = sandbox.solve_equations(f"{renamed}\nans = {name}")
        if outcome.status != "solved" or outcome.answer is None or outcome.flags:
            raise Unreadable("name_without_value")
        values.append(Fraction(outcome.answer))
    return values


def change_of_character(old: Sequence[Fraction], new: Sequence[Fraction]) -> str | None:
    """What the new values have lost, as a word for the card; None where they keep the old ones' character."""
    if len(old) != len(new):
        return "other_steps"
    for before, after in zip(old, new, strict=True):
        if (before > 0) - (before < 0) != (after > 0) - (after < 0):
            return "sign"
        if before.denominator == 1 and after.denominator != 1:
            return "fraction"
        if (abs(before) < 1) != (abs(after) < 1) or not abs(before) <= _FACTOR * abs(after) <= _FACTOR**2 * abs(before):
            return "size"
    places, allowed = _places(new[-1]), _places(old[-1])
    return None if places is not None and (allowed is None or places <= allowed) else "answer_decimals"


def _places(value: Fraction) -> int | None:
    """Decimals that a value has; None where they do not end."""
    return next((places for places in range(7) if (value * 10**places).denominator == 1), None)


class _Straight:
    def __init__(self) -> None:
        self._names: dict[str, Fraction] = {}
        self._values: list[Fraction] = []

    def run(self, tree: ast.Module) -> list[Fraction]:
        body = [node for node in tree.body if not _says_nothing(node)]
        if len(body) == 1 and isinstance(body[0], ast.FunctionDef) and body[0].name == "solution":
            if ast.unparse(body[0].args):
                raise ValueError
            body = [node for node in body[0].body if not _says_nothing(node)]
        for node in body:
            self._statement(node, is_last=node is body[-1])
        name = next((name for name in _ANSWERS if name in self._names), None)
        if not body or (name is None and not isinstance(body[-1], ast.Return)):
            raise ValueError
        if name is not None and not isinstance(body[-1], ast.Return):
            self._values.append(self._names[name])
        return self._values

    def _statement(self, node: ast.stmt, *, is_last: bool) -> None:
        match node:
            case ast.Assign([ast.Name(name)], value):
                self._names[name] = self._seen(self._value(value))
            case ast.AugAssign(ast.Name(name), operation, value) if type(operation) in _BINARY:
                self._names[name] = self._operated(operation, self._names[name], self._value(value))
            case ast.Return(ast.expr() as value) if is_last:
                self._seen(self._value(value))
            case _:
                raise ValueError

    def _operated(self, operation: ast.operator, left: Fraction, right: Fraction) -> Fraction:
        if isinstance(operation, ast.FloorDiv | ast.Mod):
            self._seen(left / right)  # what divides without a rest is to do so again
        return self._seen(Fraction(_BINARY[type(operation)](left, right)))

    def _seen(self, value: Fraction) -> Fraction:
        if len(self._values) >= _MOST_VALUES or max(abs(value.numerator), value.denominator) > _LARGEST:
            raise ValueError
        self._values.append(value)
        return value

    def _value(self, node: ast.expr) -> Fraction:
        match node:
            case ast.Constant(value) if type(value) in (int, float):
                return Fraction(str(value))
            case ast.Name(name) if name in self._names:
                return self._names[name]
            case ast.UnaryOp(ast.USub(), operand):
                return -self._value(operand)
            case ast.BinOp(left, operation, right) if type(operation) in _BINARY:
                return self._operated(operation, self._value(left), self._value(right))
            case ast.BinOp(left, ast.Pow(), ast.Constant(int(power))) if 0 <= power <= 4:
                return self._seen(self._value(left) ** power)
            case ast.Call(ast.Name() | ast.Attribute() as function, arguments, []) if arguments:
                called = _FUNCTIONS.get(ast.unparse(function))
                if called is None:
                    raise ValueError
                return self._seen(Fraction(called(*(self._value(argument) for argument in arguments))))
            case _:
                raise ValueError


def _says_nothing(node: ast.stmt) -> bool:
    return isinstance(node, ast.Import | ast.Pass) or (
        isinstance(node, ast.Expr) and (isinstance(node.value, ast.Constant) or _is_print(node.value))
    )


def _is_print(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
