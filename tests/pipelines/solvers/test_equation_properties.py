"""Random systems whose solution is known, and random text: an answer is never wrong, and reading always ends."""

import random
from fractions import Fraction

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from pipelines.solvers import extract
from pipelines.solvers.equations import solve_rationally
from pipelines.solvers.numerals import number_text
from pipelines.solvers.outcome import STATUSES

NAMES = ("x", "apples_left", "lambda", "S", "E", "price2", "max", "größe")
COMMENTS = ("% Let x be 3 of the pens:", "# total = 12", "The next line says it all:", "", "z = the number of pens")


class System:
    """A regular linear system with its solution, written in many ways."""

    def __init__(self, source: random.Random, size: int) -> None:
        self.source = source
        self.names = source.sample(NAMES, size)
        self.values = [Fraction(source.randint(-20, 20), source.choice([1, 1, 1, 2, 3])) for _ in range(size)]
        self.extra: list[str] = []
        rows: list[list[int]] = []
        for index in range(size):  # unit lower triangular, then mixed: always regular
            weights = [source.randint(-4, 4) if other < index else int(other == index) for other in range(size)]
            if rows and source.random() < 0.5:
                weights = [a + source.choice([1, 2]) * b for a, b in zip(weights, rows[-1], strict=True)]
            rows.append(weights)
        self.lines = [self.equation(weights) for weights in rows]

    def random_equation(self) -> str:
        """An equation that holds."""
        return self.equation([self.source.randint(-3, 3) for _ in self.names])

    def equation(self, weights: list[int], off: int = 0) -> str:
        """sum(weights * names) = its value + off: terms on either side, scaled, chained, with a name put in."""
        sides: tuple[list[str], list[str]] = ([], [])
        worth = [Fraction(0), Fraction(off)]
        for name, weight, value in zip(self.names, weights, self.values, strict=True):
            side = int(self.source.random() < 0.3)
            signed = -weight if side else weight
            sides[side].append(self.term(signed, name))
            worth[side] += signed * value
        total = sum((weight * value for weight, value in zip(weights, self.values, strict=True)), Fraction(off))
        sides[1].append(f"({total.numerator}) / {total.denominator}")
        left, right = (" + ".join(side) or "0" for side in sides)
        match self.source.randrange(6):
            case 0:
                factor = self.source.choice(["3", "0.5", "(2/3)", "50%", "-1"])
                left, right = f"{factor} * ({left})", f"({right}) * {factor}"
            case 1:
                name = f"part{len(self.extra)}"
                self.extra.append(f"{name} = {left}")
                left = name
            case 2 if not off:
                left = f"{left} = {number_text(worth[0])}" if worth[0].denominator == 1 else left
            case 3:
                left = f"{left} - ({right})"
                right = "0"
        if self.source.random() < 0.5 and " = " not in left:
            left, right = right, left
        return f"{left} {self.source.choice(['=', '=', '=='])} {right}" + self.source.choice(
            ["", "", "  # as the text says", " % it says so"]
        )

    def term(self, weight: int, name: str) -> str:
        """Weight times name, written in one of many ways."""
        styles = [
            "({w}) * {n}",
            "{n} * ({w})",
            "({w}) × {n}",
            "({p}% * {n})",
            "({w}{n})",
            "({w}({n}))",
            "({n} / (1/({w})))",
        ]
        if weight == 0:
            styles = styles[:2]
        style = self.source.choice(styles if name != "max" else [each for each in styles if "({n})" not in each])
        return style.format(w=weight, n=name, p=100 * weight)

    def text(self, more: list[str]) -> tuple[str, Fraction]:
        """All lines, shuffled, with ``more`` of them and comments; and what ``ans`` is."""
        wanted = self.source.randrange(len(self.names))
        lines = [*self.lines, *self.extra, *more, f"ans = {self.names[wanted]}"]
        self.source.shuffle(lines)
        for _ in range(2):
            lines.insert(self.source.randrange(len(lines) + 1), self.source.choice(COMMENTS))
        return "\n".join(lines), self.values[wanted]


DISTRACTORS = [
    "spare0 = 3 * spare1",
    "spare1 + spare2 = 10",
    "spare1 * spare2 = 24",
    "spare3 = spare4^2 - 1",
    "spare5 = ceil(spare6)",
    "spare7 = 7",
    "spare8 / spare9 = 2",
]


@settings(max_examples=200, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(1, 6), st.integers(0, 4))
def test_a_determined_system_is_solved_rightly(source: random.Random, size: int, extra: int) -> None:
    """Shuffled, rewritten, with redundant lines and lines about other unknowns, a system keeps its solution."""
    system = System(source, size)
    more = [system.random_equation() for _ in range(source.randrange(3))] + source.sample(DISTRACTORS, extra)
    text, value = system.text(more)
    outcome = solve_rationally(text)
    assert outcome is not None
    assert ("solved", number_text(value)) == (outcome.status, outcome.answer), text


@settings(max_examples=200, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(2, 6))
def test_a_system_that_lacks_a_line_is_never_solved_wrongly(source: random.Random, size: int) -> None:
    """Without one of its equations the answer is either still fixed, and right, or a symbol is free."""
    system = System(source, size)
    system.lines.pop(source.randrange(size))
    text, value = system.text([])
    outcome = solve_rationally(text)
    assert outcome is not None
    event(outcome.status)
    if outcome.status == "solved":
        assert number_text(value) == outcome.answer, text
    else:
        assert "underdetermined" == outcome.status, text
        assert set(outcome.detail.removeprefix("free: ").split(", ")) <= {*system.names, "ans"}


@settings(max_examples=200, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(1, 5))
def test_a_contradiction_is_never_solved(source: random.Random, size: int) -> None:
    """One equation more that is off by a number makes the system inconsistent, and the lines are named."""
    system = System(source, size)
    weights = [source.randint(1, 3) for _ in range(size)]
    text, _ = system.text([system.equation(weights, off=source.choice([-7, 1, 2]))])
    outcome = solve_rationally(text)
    assert outcome is not None
    assert "inconsistent" == outcome.status, text
    assert outcome.detail.startswith("line")


PIECES = st.sampled_from(
    [
        *"abxnsE=+-*/^()%,.;:$#&|<>!?'\"[]{}\\_ \t\n\x00é½²−×÷≈°¢€",
        *("ans", "ans = ", "x = ", "2x", "1/2", "1,234", "1e9", "**", "//", "==", "max(", "sqrt(", "round(", "sum(1, "),
        *(" of ", " pens", " hours", " per ", "if ", "for ", "\n% ", "\n- ", "(1) ", " (2)", "let ", "so, ", "10:30"),
        *("\\frac{1}{2}", "\\text{a b}", "\\[", "\\\\", "answer is ", "#### ", "\\boxed{", "twelve", "million"),
        *("negative ", "10^", "9" * 50, "lambda", "__import__('os')", "().__class__", "3 dozen"),
    ]
)


@settings(max_examples=500, deadline=None)
@given(st.lists(PIECES, max_size=40).map("".join) | st.text(max_size=120))
def test_any_text_has_an_outcome_as_equations(text: str) -> None:
    """The parser and the rational solver end with one of the statuses whatever they read."""
    outcome = solve_rationally(text)
    if outcome is not None:
        event(outcome.status)
        assert outcome.status in STATUSES
        assert (outcome.answer is not None) == (outcome.status == "solved")


@settings(max_examples=500, deadline=None)
@given(
    st.lists(PIECES, max_size=40).map("".join),
    st.sampled_from(["number", "numbers", "ratio", "time", "boolean", "text"]),
)
def test_any_text_is_read_for_its_answer(text: str, kind: str) -> None:
    """An answer or none; a number found is canonical and finite."""
    found = extract(text, kind)
    if found is not None and kind == "number":
        assert found.answer == number_text(Fraction(found.answer))


REPEATED = [
    *("(", "$", "1", "a", "_", "1 ", "one hundred ", "\\text{", "= ", "1=1 ", "answer is 1", "####", "\\boxed{", "-"),
    *(
        "- ",
        "**",
        "% a ",
        "'''",
        "x = y z ",
        "\n",
        "½",
        "1 1/2 ",
        "(1) ",
        "a:",
        "so ",
        "(1 + ",
        "1,",
        "\\\\",
        "$ cents ",
    ),
]


@pytest.mark.parametrize("piece", REPEATED)
def test_long_repetition_is_read_to_its_end(piece: str) -> None:
    """20,000 characters of one thing have an outcome and no error; what they take grows with their length only."""
    text = (piece * 20_000)[:19_900]
    outcome = solve_rationally(text + "\nans = 1")
    assert outcome is not None and outcome.status in STATUSES
    extract(text)
