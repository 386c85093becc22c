"""Every annotated solution is arithmetic that holds: checked with an evaluator of the test's own."""

import ast
import re
from fractions import Fraction
from operator import add, floordiv, mul, sub, truediv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.problems import annotation
from pipelines.problems.generated import FAMILIES, generate
from pipelines.problems.generated.story import calculate, equation, number_text

_OPERATIONS = {ast.Add: add, ast.Sub: sub, ast.Mult: mul, ast.Div: truediv, ast.FloorDiv: floordiv}
_WORDS = {"half": 2, "twice": 2, "two": 2, "third": 3, "quarter": 4, "percent": 100}


def _evaluate(text: str, values: dict[str, Fraction]) -> Fraction:
    def visit(node: ast.expr) -> Fraction:
        match node:
            case ast.BinOp():
                return Fraction(_OPERATIONS[type(node.op)](visit(node.left), visit(node.right)))
            case ast.Name():
                return values[node.id]
            case ast.Constant():
                return Fraction(str(node.value))
        raise AssertionError(f"{ast.dump(node)} in {text!r}")

    return visit(ast.parse(text.strip(), mode="eval").body)


def _numbers(text: str) -> set[Fraction]:
    return {Fraction(number) for number in re.findall(r"\d+(?:\.\d+)?", text)}


@pytest.fixture(scope="module", params=FAMILIES)
def family(request):
    """A family with 40 of its problems, each with its solution as read."""
    problems = generate(name="words", split="train", count=40, families=[request.param], seed=3)
    return FAMILIES[request.param], [(problem, annotation.read(problem.rationale)) for problem in problems]


def test_every_step_is_right_and_the_last_one_is_the_answer(family):
    """Expressions evaluate to their values exactly; the last value, the last line and the answer agree."""
    for problem, solution in family[1]:
        for step in solution.steps:
            assert _evaluate(step.expression, {}) == Fraction(step.value), problem.rationale
        assert problem.answer == solution.answer == solution.steps[-1].value


def test_equations_hold_for_the_named_steps(family):
    """A family has equations if and only if it has a true unknown, and its steps solve them."""
    for problem, solution in family[1]:
        values = {step.name: Fraction(step.value) for step in solution.steps}
        assert bool(solution.equations) == family[0].unknown
        for stated in solution.equations:
            left, right = stated.text.split("=")
            assert _evaluate(left, values) == _evaluate(right, values), problem.rationale


def test_an_unknown_of_an_equation_is_found_by_a_step(family):
    """No equation speaks of a name that the solution never computes, and one name is the answer's."""
    for problem, solution in family[1]:
        unknowns = {name for stated in solution.equations for name in re.findall(r"[a-z_]+", stated.text)}
        assert unknowns <= {step.name for step in solution.steps}, problem.rationale
        assert not unknowns or solution.steps[-1].name in unknowns


def test_every_number_comes_from_the_question_or_an_earlier_step(family):
    """As digits, as a word such as twice, as the 100 of a percentage, or as a constant of the family."""
    for problem, solution in family[1]:
        words = problem.question.lower().replace("%", " percent ")
        known = _numbers(problem.question) | {Fraction(_WORDS[w]) for w in re.findall(r"[a-z]+", words) if w in _WORDS}
        known |= {Fraction(constant) for constant in family[0].constants}
        for step in solution.steps:
            assert _numbers(step.expression) <= known, problem
            known.add(Fraction(step.value))


def test_values_are_positive_and_of_everyday_size(family):
    """Whole numbers below 10,000; only an average, and what is paid in cents, may have decimals."""
    for problem, solution in family[1]:
        for step in solution.steps:
            value = Fraction(step.value)
            assert 0 < value < 10_000, problem.rationale
            assert value.denominator == 1 or family[0].name in ("average", "cents"), problem.rationale


def test_an_intermediate_result_cannot_be_mistaken(family):
    """It equals no number of the question and no other intermediate result."""
    for problem, solution in family[1]:
        between = [Fraction(step.value) for step in solution.steps[:-1]]
        assert len(between) == len(set(between)), problem
        assert not _numbers(problem.question) & set(between), problem


def test_solutions_have_the_steps_their_family_says(family):
    """The number of steps is a property of the family; each has its own name and its own sentence."""
    for problem, solution in family[1]:
        names = [step.name for step in solution.steps]
        assert (family[0].steps, len(names)) == (len(names), len(set(names)))
        assert len({step.prose for step in solution.steps}) == len(names)
        assert all(step.expression in step.prose.replace(" ", "") for step in solution.steps), problem.rationale


def test_a_family_has_at_least_three_phrasings(family):
    """Words without names and numbers: more than two patterns for one family."""
    nouns = re.compile(r"\b[A-Z][a-z]+\b|\d+")
    assert len({nouns.sub("", problem.question) for problem, _ in family[1]}) >= 3


def test_a_calculation_is_written_as_prose_with_its_annotation():
    """Operands are written as values, also where they are results."""
    inside = calculate("in_boxes", 6, "*", 8)
    total = calculate("total", inside, "+", 4)
    assert str(inside) == "6 * 8 = <<in_boxes=6*8=48>>48"
    assert str(total) == "48 + 4 = <<total=48+4=52>>52"


def test_an_equation_leaves_no_trace_in_the_prose():
    """It annotates the sentence before it."""
    solution = annotation.read(f"6 boxes make 48 pens.{equation('6 * x = 48')}\n#### 8")
    assert (annotation.Equation("6 * x = 48", "6 boxes make 48 pens."),) == solution.equations


@given(st.integers(-9999, 9999), st.sampled_from([1, 2, 4, 5, 10, 20, 100]))
def test_number_text_is_canonical_and_exact(numerator, denominator):
    """The text reads back as the number, without trailing zeros or point."""
    value = Fraction(numerator, denominator)
    text = number_text(value)
    assert value == Fraction(text)
    assert re.fullmatch(r"0|-?(0|[1-9]\d*)(\.\d?[1-9])?", text)


def test_a_number_without_an_exact_short_text_is_refused():
    """A third is never rounded silently."""
    with pytest.raises(ValueError, match="no exact text"):
        number_text(Fraction(1, 3))
