"""Normal forms: two completions that say the same thing have the same one.

    normal_form("pot", "pens = 6 * 8  # boxes\\nans = pens")   -> "v0 = 6 * 8\\nans = v0"
    normal_form("eot", "% Let x be ...\\n6 * x + 4 = 52\\nans = x")  -> "6 * v0 + 4 = 52\\nans = v0"
    normal_form("cot", "Six times eight  is 48. ")             -> "six times eight is 48."

Programs and systems are compared up to consistent renaming of their own names, comments and white space; the
answer's names (``ans``, ``result``, ``solution``) stay. Statements keep their order, and nothing is evaluated.
"""

import ast
import itertools
import re
import textwrap
import warnings
from collections.abc import Callable, Sequence

from pipelines.solvers.statements import statements
from pipelines.solvers.tokens import NotationError, tokens

_ANSWER_NAMES = frozenset({"ans", "result", "solution"})
_FENCE = re.compile(r"^[ \t]*```\w*[ \t]*$", re.MULTILINE)
_TOKEN = re.compile(r"\d+(?:\.\d+)?|\w+|\S")


def normal_form(thought: str, completion: str) -> str:
    """The text by which completions of one question and thought are compared."""
    return _FORMS.get(thought, _prose)(completion)


def most_diverse(forms: Sequence[str], count: int) -> list[int]:
    """Which ``count`` of the texts differ most from each other, in their own order.

    Greedy, farthest first: the first text, then again and again the one whose nearest chosen text is farthest by the
    Jaccard distance of token pairs; of equals the earlier.
    """
    if len(forms) <= count:
        return list(range(len(forms)))
    pairs = [_token_pairs(form) for form in forms]
    chosen, nearest = [0], [_distance(pairs[0], other) for other in pairs]
    while len(chosen) < count:
        farthest = max((i for i in range(len(forms)) if i not in chosen), key=lambda i: (nearest[i], -i))
        chosen.append(farthest)
        nearest = [min(d, _distance(pairs[farthest], other)) for d, other in zip(nearest, pairs, strict=True)]
    return sorted(chosen)


def _token_pairs(text: str) -> frozenset[tuple[str, str]]:
    found = ["", *_TOKEN.findall(text), ""]
    return frozenset(itertools.pairwise(found))


def _distance(a: frozenset[tuple[str, str]], b: frozenset[tuple[str, str]]) -> float:
    return 1 - len(a & b) / len(a | b)


def _prose(text: str) -> str:
    return " ".join(text.split()).casefold()


def _program(text: str) -> str:
    """The program with its own names numbered; prose where it does not parse."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the program's style, which is not ours to judge
            tree = ast.parse(textwrap.dedent(_FENCE.sub("", text)))
        return ast.unparse(_Renamed(tree).visit(tree))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return _prose(text)


class _Renamed(ast.NodeTransformer):
    """Names that the program binds become v0, v1, ... as they are met; strings that stand alone are comments."""

    def __init__(self, tree: ast.AST) -> None:
        bound: set[str] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                bound.add(node.id)
            elif isinstance(node, ast.arg):
                bound.add(node.arg)
            elif isinstance(node, ast.FunctionDef):
                bound.add(node.name)
        self._bound = bound - _ANSWER_NAMES
        self._names: dict[str, str] = {}

    def _renamed(self, name: str) -> str:
        return self._names.setdefault(name, f"v{len(self._names)}") if name in self._bound else name

    def visit_Name(self, node: ast.Name) -> ast.AST:
        """A use or an assignment."""
        node.id = self._renamed(node.id)
        return node

    def visit_arg(self, node: ast.arg) -> ast.AST:
        """A parameter."""
        node.arg = self._renamed(node.arg)
        return self.generic_visit(node)

    def visit_keyword(self, node: ast.keyword) -> ast.AST:
        """An argument given by name."""
        node.arg = self._renamed(node.arg) if node.arg else node.arg
        return self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """A function of the program's own."""
        node.name = self._renamed(node.name)
        return self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        """A docstring says nothing; any other expression stays."""
        alone = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return None if alone else self.generic_visit(node)


def _equations(text: str) -> str:
    """The system with its unknowns numbered; prose where it does not parse."""
    names: dict[str, str] = {}
    lines: list[str] = []
    try:
        for number, statement in statements(text):
            found = tokens(statement, number)
            called = [token.kind == "(" for token in found[1:]] + [False]
            words = []
            for token, is_function in zip(found, called, strict=True):
                if token.kind == "name" and token.text not in _ANSWER_NAMES and not is_function:
                    words.append(names.setdefault(token.text, f"v{len(names)}"))
                else:
                    words.append(token.text.replace(",", "") if token.kind == "number" else token.text)
            lines.append(" ".join(words))
    except NotationError:
        return _prose(text)
    return "\n".join(lines)


_FORMS: dict[str, Callable[[str], str]] = {"pot": _program, "eot": _equations}
