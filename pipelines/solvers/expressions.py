"""The notation of EoT: text to a list of equations over a small expression tree.

    % Six boxes and 4 loose pens make 52 pens:
    6 * pens_per_box + 4 = 52
    ans = pens_per_box

No text of a model is ever evaluated. What could be read in two ways (``1/2x``, ``price + 10%``, ``52 pens`` where
``pens`` is also an unknown) is refused, never guessed.

This module reads only; solving is ``equations``.
"""

from __future__ import annotations

import itertools
from fractions import Fraction

from pipelines.solvers.percentages import in_percent, is_percent, shown
from pipelines.solvers.quantities import Quantities, Quantity, last_converted, rate_of
from pipelines.solvers.statements import defined_in_words, statements
from pipelines.solvers.tokens import NotationError, Token, glued_names, ordinary_names, tokens
from pipelines.solvers.tree import ARITY, FUNCTIONS, Binary, Call, Equation, Name, Negative, Node, Number
from pipelines.solvers.units import COUNTS, FAMILY, PER

ANSWER = "ans"

MAX_CHARACTERS = 20_000
MAX_EQUATIONS = 400
MAX_DEPTH = 40
MAX_DIGITS = 40
MAX_TOKENS = 400  # of one statement; it bounds the depth of a tree

_CHANGES = frozenset({"+=", "-=", "*=", "/=", "//=", "^="})
_EQUALS = _CHANGES | frozenset("=<>≤≥≠")
_SEPARATORS = str.maketrans("", "", ",_' ")
_UNIT_LETTERS = frozenset("gmlLhsCFWV")


def parse(text: str) -> list[Equation]:
    """The equations of a completion, in order of statement.

    Lines that hold no ``=`` and read as prose are skipped. Raises NotationError.
    """
    if len(text) > MAX_CHARACTERS:
        raise NotationError(f"longer than {MAX_CHARACTERS} characters")
    stated = list(statements(text))
    defined = {part: words for _, part in stated if (words := defined_in_words(part)) and words[0] != ANSWER}
    parts = [(line, tokens(part, line)) for line, part in stated if part not in defined]
    ordinary = frozenset(name for _, row in parts for name in ordinary_names(row))
    letters = {name for _, row in parts for name in glued_names(row)} & _UNIT_LETTERS
    if letters & ordinary:  # 2l + 3m = 12 and l + 2m = 7: m is no metre
        ordinary |= letters
    for line, part in stated:
        if part in defined and defined[part][1] & ordinary:  # x = y z: a sign is missing
            parts.append((line, tokens(part, line)))
    parts = _with_answer([(line, last_converted(_with_times(row, ordinary))) for line, row in parts], ordinary)
    ordinary |= {token.text for _, row in parts for token in row if token.text == ANSWER}
    quantities = Quantities([row for _, row in parts])
    percentages = shown([row for _, row in parts], ANSWER) if "%" in text or "percent" in text else frozenset()
    equations: list[Equation] = []
    for line, row in parts:
        if len(row) > MAX_TOKENS:
            raise NotationError(f"line {line}: more than {MAX_TOKENS} signs")
        equations += _Parser(row, ordinary, line, quantities, percentages).equations()
        if len(equations) > MAX_EQUATIONS:
            raise NotationError(f"more than {MAX_EQUATIONS} equations")
    return equations


def _with_times(row: list[Token], ordinary: frozenset[str]) -> list[Token]:
    """``5 x 3`` with a sign of multiplication, where ``x`` is no unknown."""
    if not any(token.text in ("x", "X") for token in row):
        return row
    for at in range(1, len(row) - 1):
        before, token, after = row[at - 1 : at + 2]
        if (
            token.text in ("x", "X")
            and token.spaced
            and after.spaced
            and token.text not in ordinary
            and before.kind in ("number", ")")
            and after.kind in ("number", "(")
        ):
            row[at] = Token("*", "*", True)
    return row


def _with_answer(parts: list[tuple[int, list[Token]]], ordinary: frozenset[str]) -> list[tuple[int, list[Token]]]:
    """``Ans``, ``ANS`` or ``answer`` is the answer where nothing is called ``ans``."""
    found = [name for name in ordinary if name.lower() in (ANSWER, "answer")]
    if len(found) != 1 or found[0] == ANSWER:
        return parts
    alias, name = found[0], Token("name", ANSWER, True)
    return [(line, [name if token.text == alias else token for token in row]) for line, row in parts]


class _Parser:
    """sum: product {+- product}; product: factor {*/ factor}; factor: sign* power {power}; power: atom [^ power]."""

    def __init__(
        self, tokens: list[Token], ordinary: frozenset[str], line: int, quantities: Quantities, shown: frozenset[str]
    ) -> None:
        self._tokens, self._ordinary, self._line = tokens, ordinary, line
        self._quantities, self._shown = quantities, shown
        self._operators = ("*", "/", "//", "of") if "mod" in ordinary else ("*", "/", "//", "of", "mod")
        self._at = 0
        self._depth = 0
        self._in_call = 0
        self._units: list[Quantity] = []  # those dropped

    def equations(self) -> list[Equation]:
        """One for each sign between two expressions; there is at least one."""
        sides, signs = [self._sum()], []
        while (token := self._peek()) is not None and token.kind in _EQUALS:
            self._at += 1
            signs.append(token.kind)
            sides.append(self._sum())
        if self._at < len(self._tokens):
            raise self._error(f"{self._tokens[self._at].text!r} was not expected here")
        if not signs:
            raise self._error("no '='")
        if not set(signs).isdisjoint(_CHANGES):
            name, change = sides[0], signs[0][:-1]
            if len(signs) > 1 or not isinstance(name, Name):
                raise self._error(f"'{signs[0]}' behind what is not one name")
            return [Equation(name, Binary(change, name, sides[1]), self._line, assigns=True)]
        if any(token.kind == "%" for token in self._tokens):
            sides = in_percent(sides, self._shown)
        pairs = zip(itertools.pairwise(sides), signs, strict=False)
        return [Equation(left, right, self._line, sign) for (left, right), sign in pairs]

    def _sum(self) -> Node:
        start = len(self._units)
        node = self._product()
        first = self._units[start:]
        percents = is_percent(node)
        one = isinstance(node, Number) and node.value == 1
        while operator := self._take("+", "-"):
            start = len(self._units)
            right = self._product()
            if self._units or self._quantities:
                self._add_up((node, first), (right, self._units[start:]))
            if is_percent(right) != percents:
                if not one:  # 1 - 20% and 100% - share are read in one way
                    raise self._error("a percentage added to a quantity reads two ways")
                percents = False
            node = Binary(operator, node, right)
        return node

    def _add_up(self, *terms: tuple[Node, list[Quantity]]) -> None:
        read = [units[0] if len(units) == 1 else self._quantity(node, units) for node, units in terms]
        self._refuse(self._quantities.added(*read))

    def _quantity(self, node: Node, units: list[Quantity]) -> Quantity | None:
        """The unit of a name, or of a number that was read with it."""
        if isinstance(node, Name):
            return self._quantities.of(node.text)
        return units[0] if len(units) == 1 and isinstance(node, Number) else None

    def _refuse(self, why: str | None) -> None:
        if why is not None:
            raise self._error(why)

    def _product(self) -> Node:
        start = len(self._units)
        node, _ = self._factor()
        first, units, factors = node, self._units[start:], 1
        while operator := self._take(*self._operators):
            start = len(self._units)
            right, juxtaposed = self._factor()
            if juxtaposed and operator in ("/", "//", "of", "mod"):
                raise self._error("a division by a product without a sign (1/2x) reads two ways")
            factors += 1
            if operator == "mod":
                node = Call("mod", (node, right))
            else:
                node = Binary("*" if operator == "of" else operator, node, right)
            if factors == 2 and operator == "*" and (self._units or self._quantities) and not self._goes_on():
                one, other = self._quantity(first, units), self._quantity(right, self._units[start:])
                self._refuse(self._quantities.unconverted(one, other))
        return node

    def _goes_on(self) -> bool:
        """Whether another factor follows."""
        following = self._peek()
        return following is not None and (following.kind in self._operators or following.text in self._operators)

    def _factor(self) -> tuple[Node, bool]:
        """A signed power, with what is multiplied to it without a sign; True where there is such."""
        with_sign = self._take("+", "-")
        if with_sign:
            self._deeper()
            node, juxtaposed = self._factor()
            self._depth -= 1
            return (Negative(node) if with_sign == "-" else node), juxtaposed
        start = self._at
        node = self._power()
        juxtaposed = False
        while (following := self._peek()) is not None and following.kind in ("name", "(", "number"):
            before = self._tokens[self._at - 1]
            if following.text == "mod" and "mod" not in self._ordinary:
                break
            if following.text == "of":
                if before.kind == "name":
                    raise self._error(f"'{before.text} of' may be a share or a phrase")
                break
            if self._skip_unit() or self._skip_remark():
                continue
            if following.kind == "number" or before.kind == "%" or (before.kind == "name" and following.kind == "name"):
                raise self._error(f"{before.text!r} beside {following.text!r} reads two ways")
            if any(token.kind == "^" for token in self._tokens[start : self._at]):
                raise self._error("a power beside a factor without a sign reads two ways")
            if before.kind == "name" and before.text not in self._ordinary:
                raise self._error(f"{before.text!r} is no known function")
            node = Binary("*", node, self._power())
            juxtaposed = True
        return node, juxtaposed

    def _skip_unit(self) -> bool:
        """Passes over the unit behind a quantity ("52 pens", "60 km/h", "x years"); refuses one that is an unknown."""
        before, token = self._tokens[self._at - 1], self._tokens[self._at]
        if token.kind != "name" or token.text == ANSWER:
            return False
        if before.kind not in ("number", ")") and not (
            before.kind == "name" and token.text in FAMILY and token.text not in self._ordinary
        ):
            return False
        following = self._tokens[self._at + 1] if self._at + 1 < len(self._tokens) else None
        if token.text in FUNCTIONS and following is not None and following.kind == "(":
            return False
        if token.text in self._ordinary:
            if len(token.text) >= 3 and token.text.isalpha() and token.spaced:
                raise self._error(f"'{before.text} {token.text}': {token.text} may be a unit or an unknown")
            return False
        if token.text in COUNTS:
            raise self._error(f"'{before.text} {token.text}' is a number in words")
        is_glued = before.kind == "number" and not token.spaced and token.text not in FAMILY
        if is_glued or not token.text.isalpha() or (len(token.text) == 1 and token.text not in _UNIT_LETTERS):
            return False  # 2x, 3v0, 2apples: an unknown, free unless another line fixes it
        self._at += 1
        start = self._at - 1
        while (word := self._peek()) is not None and word.kind == "name" and word.text not in self._ordinary | {"of"}:
            self._at += 1
        self._skip_behind_unit()
        rate = rate_of(self._tokens[start : self._at])
        if rate is not None:
            self._units.append(rate)
        elif token.text in FAMILY:
            self._units.append(Quantity(*FAMILY[token.text]))
        return True

    def _skip_behind_unit(self) -> None:
        """Passes over the "/h" of km/h and the "^2" of ft^2."""
        following = self._tokens[self._at : self._at + 2]
        if len(following) < 2:
            return
        sign, word = following
        if (sign.kind == "/" and word.text in PER and word.text not in self._ordinary) or (
            sign.kind == "^" and not sign.spaced and word.text in ("2", "3")
        ):
            self._at += 2

    def _skip_remark(self) -> bool:
        """Passes over "(five pens)" or "(dollars)" behind a number."""
        if self._tokens[self._at].kind != "(" or self._tokens[self._at - 1].kind != "number":
            return False
        end = self._at + 1
        while end < len(self._tokens) and self._tokens[end].kind == "name":
            end += 1
        words = [token.text for token in self._tokens[self._at + 1 : end]]
        if end >= len(self._tokens) or self._tokens[end].kind != ")" or self._ordinary.intersection(words):
            return False
        if len(words) < 2 and words[:1] not in ([word] for word in FAMILY):
            return False
        self._at = end + 1
        return True

    def _power(self) -> Node:
        base = self._atom()
        while self._take("!"):
            base = Call("factorial", (base,))
        if not self._take("^"):
            return base
        self._deeper()
        sign = self._take("+", "-")
        exponent = self._power()
        self._depth -= 1
        return Binary("^", base, Negative(exponent) if sign == "-" else exponent)

    def _atom(self) -> Node:
        token = self._peek()
        if token is None:
            raise self._error("the line ends where a value was expected")
        self._at += 1
        if token.kind == "number":
            return self._number(token)
        if token.kind == "(":
            return self._bracket()[0]
        if token.kind == "|":
            return self._absolute()
        if token.kind != "name":
            raise self._error(f"{token.text!r} stands where a value was expected")
        following = self._peek()
        if token.text in FUNCTIONS and following is not None and following.kind == "(":
            if token.text not in self._ordinary:
                self._at += 1
                function = FUNCTIONS[token.text]
                return Call(function, self._bracket(call=function))
            if len(token.text) > 1:
                raise self._error(f"{token.text!r} is both an unknown and a function")
        if token.text in ("solve", "Solve") and token.text not in self._ordinary:
            return self._solved()
        return Name(token.text)

    def _absolute(self) -> Node:
        self._deeper()
        inside = self._sum()
        if not self._take("|"):
            raise self._error("a bar of | | is not closed")
        self._depth -= 1
        return Call("abs", (inside,))

    def _solved(self) -> Node:
        """``solve(x)`` of one unknown is its value."""
        ahead = self._tokens[self._at : self._at + 3]
        if [token.kind for token in ahead] != ["(", "name", ")"]:
            raise self._error("'solve' is no known function")
        self._at += 3
        return Name(ahead[1].text)

    def _bracket(self, call: str | None = None) -> tuple[Node, ...]:
        self._deeper()
        fewest, most = ARITY.get(call or "", (1, 1))
        outer, self._in_call = self._in_call, most > 1
        inside = [self._sum()]
        while call is not None and self._take(","):
            before, after = self._tokens[self._at - 2], self._peek()
            if before.kind == "number" and after is not None and not after.spaced and after.text[:3].isdigit():
                raise self._error(f"{before.text},{after.text} may be one number or several")
            inside.append(self._sum())
        if not self._take(")"):
            raise self._error("a bracket is not closed")
        self._in_call = outer
        self._depth -= 1
        if not fewest <= len(inside) <= most:
            raise self._error(f"{call} takes {'fewer' if len(inside) > most else 'more'} arguments")
        return tuple(inside)

    def _number(self, token: Token) -> Node:
        if self._in_call and "," in token.text:
            raise self._error(f"{token.text} may be one number or several")
        value = _literal(token.text)
        if value is None:
            raise self._error(f"{token.text[:20]} is too large")
        ahead = self._tokens[self._at : self._at + 3]
        if len(ahead) == 3 and token.text.isdigit() and ahead[0].spaced and ahead[1].kind == "/":
            top, bottom = ahead[0].text, ahead[2].text
            if top.isdigit() and bottom.isdigit() and 0 < int(top[:9]) < int(bottom[:9]):
                self._at += 3  # a mixed number, 1 1/2
                return Number(value + Fraction(int(top[:9]), int(bottom[:9])))
        percent = self._peek()
        if percent is not None and percent.kind == "%":
            if percent.spaced and not self._ends_percentage():
                raise self._error("'%' behind a space may be a percentage, a remainder or a comment")
            self._at += 1
            return Number(value / 100, percent=True)
        return Number(value)

    def _ends_percentage(self) -> bool:
        """Whether what follows a spaced "%" leaves no other reading: the end, ``*``, ``)``, ``of`` a number."""
        ahead = self._tokens[self._at + 1 : self._at + 3]
        if not ahead or ahead[0].kind in ("*", "/", ")", "="):
            return True
        return (
            len(ahead) == 2 and ahead[0].text == "of" and (ahead[1].kind != "name" or ahead[1].text in self._ordinary)
        )

    def _peek(self) -> Token | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _take(self, *texts: str) -> str | None:
        token = self._peek()
        if token is None or (token.kind not in texts and token.text not in texts):
            return None
        self._at += 1
        return token.kind if token.kind in texts else token.text

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._error(f"nested more than {MAX_DEPTH} deep")

    def _error(self, why: str) -> NotationError:
        return NotationError(f"line {self._line}: {why}")


def _literal(text: str) -> Fraction | None:
    if text.isdecimal() and len(text) <= MAX_DIGITS:
        return Fraction(int(text))
    mantissa, _, exponent = text.lower().translate(_SEPARATORS).partition("e")
    if len(mantissa) > MAX_DIGITS or abs(int(exponent[:4] or 0)) > 30:
        return None
    return Fraction(mantissa) * Fraction(10) ** int(exponent or 0)
