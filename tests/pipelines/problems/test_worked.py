"""Equations of data sets, read and written as annotated solutions."""

from fractions import Fraction

import pytest

from pipelines.problems import annotation
from pipelines.problems.asdiv_formula import worked_formula
from pipelines.problems.expression import NotArithmetic, infix, linear, prefix, value, written
from pipelines.problems.worked import worked_expression


def steps(rationale: str | None) -> list[str]:
    """The calculations of a solution as ``name=expression=value``."""
    return [f"{step.name}={step.expression}={step.value}" for step in annotation.read(rationale or "").steps]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("( ( 4.0 - 2.0 ) + 3.0 )", "4 - 2 + 3"),
        ("4-(2+3)", "4 - (2 + 3)"),
        ("8-(3-2)", "8 - (3 - 2)"),
        ("12/(6/2)*3", "12 / (6 / 2) * 3"),
        ("2(6+W)", "2 * (6 + w)"),
        ("4m/7", "4 * m / 7"),
        ("(1/2)S+2", "1 / 2 * s + 2"),
        ("12%x", "12 / 100 * x"),
        ("(24/4)^2", "24 / 4 * 24 / 4"),
        ("-3+x", "(-3) + x"),
    ],
)
def test_infix_is_read_with_its_implied_products(text: str, expected: str) -> None:
    """Brackets only where they are needed, every product spelled out."""
    assert expected == written(infix(text))


@pytest.mark.parametrize("text", ["", "3+", "(3", "3 and 4", "100^(1/2)", "3)"])
def test_what_is_not_arithmetic_is_refused(text: str) -> None:
    """Never a guess."""
    with pytest.raises(NotArithmetic):
        infix(text)


def test_prefix_takes_its_operands_in_order() -> None:
    """``- number0 * number1 2.0`` is a difference whose right side is a product."""
    assert "8 - 3 * 2" == written(prefix("- number0 * number1 2.0", [Fraction(8), Fraction(3)]))


@pytest.mark.parametrize("text", ["+ number0", "+ number0 number5", "number0 number0", "+ number0 x"])
def test_malformed_prefix_is_refused(text: str) -> None:
    """Operands that are missing, unknown or left over."""
    with pytest.raises(NotArithmetic):
        prefix(text, [Fraction(1)])


def test_a_linear_side_gives_its_coefficients() -> None:
    """3 * (x + 2) - x / 2 is 5/2 x and 6."""
    assert {"x": Fraction(5, 2), "": Fraction(6)} == linear(infix("3(x+2)-x/2"))
    with pytest.raises(NotArithmetic, match="not linear"):
        linear(infix("x(x+1)"))


def test_division_by_zero_has_no_value() -> None:
    """It is refused like any other text without a value."""
    with pytest.raises(NotArithmetic, match="zero"):
        value(infix("3/(2-2)"))


def test_each_operation_is_a_step_over_earlier_results() -> None:
    """Sums and products are one step however many operands they have."""
    rationale = worked_expression(infix("(3+4+5)*2-4"), "20")
    assert ["total=3+4+5=12", "product=12*2=24", "difference=24-4=20"] == steps(rationale)


def test_a_result_without_a_short_text_stays_inside_its_step() -> None:
    """Thirds and negative numbers are never rounded and never a step of their own."""
    assert ["product=(2/3)*6=4"] == steps(worked_expression(infix("2/3*6"), "4"))
    assert ["total=(12-15)+14=11"] == steps(worked_expression(infix("12-15+14"), "11"))


def test_a_solution_that_misses_the_answer_is_not_written() -> None:
    """The data set's equation or its answer is wrong; neither is taught."""
    assert worked_expression(infix("7/4"), "1.75") is not None
    assert worked_expression(infix("7/4"), "2") is None


@pytest.mark.parametrize(
    ("formula", "answer", "expected"),
    [
        ("7+2=9", "9", ["total=7+2=9"]),
        ("3*4=12; 12-2=10; 3+12+10=25", "25", ["product=3*4=12", "difference=12-2=10", "total=3+12+10=25"]),
        ("2 (dime)*10 (cent/dime) = 20 (cent)", "20", ["product=2*10=20"]),
        ("119/9=13 r2", "13", ["quotient=119//9=13"]),
        ("119/9=13 r2", "14", ["quotient=119//9=13", "total=13+1=14"]),
        ("119/9=13 r2", "2", ["quotient=119//9=13", "product=9*13=117", "difference=119-117=2"]),
        ("2:3=12:18", "18", ["product=3*12=36", "quotient=36/2=18"]),
        ("2, 6, 18, 54", "54", ["product=2*3=6", "product_2=6*3=18", "product_3=18*3=54"]),
        ("5, 7, 10", "10", ["total=5+2=7", "total_2=7+3=10"]),
        ("GCD(12,18)=6", "6", ["difference=18-12=6", "difference_2=12-6=6"]),
        ("LCM[7,8]=56", "56", ["difference=8-7=1", "product=6*1=6", "difference_2=7-6=1", "product_2=7*8=56"]),
    ],
)
def test_asdiv_formulas_become_steps(formula: str, answer: str, expected: list[str]) -> None:
    """One case of each notation that its annotators use for a number."""
    assert expected == steps(worked_formula(formula, answer))


def test_an_unknown_is_stated_and_undone() -> None:
    """The equation as it is told, then its operations from the outside in."""
    solution = annotation.read(worked_formula("x:Amy's books; (x+18)-15=9", "6") or "")
    assert ("Let x be: amy's books.", ["x + 18 - 15 = 9"]) == (solution.lines[0], [e.text for e in solution.equations])
    assert ["24", "6"] == [step.value for step in solution.steps]


def test_an_unknown_on_both_sides_is_collected() -> None:
    """Both sides' terms together, then one division."""
    assert ["n=(-1)/3=-1/3"] == steps(worked_formula("n:The unknown number; 5n+7=2n+6", "-1/3"))


def test_two_unknowns_are_found_by_elimination() -> None:
    """The one that the answer is."""
    rationale = worked_formula("x:The boys; y:The girls; x+y=650; y-x=106", "272")
    assert "x=" in steps(rationale)[-1] and steps(rationale)[-1].endswith("=272")


@pytest.mark.parametrize(
    ("formula", "answer"),
    [
        ("100^(1/2)*4=40", "40"),
        ("x:One; y:Other; x+y=15; x=8", "87"),
        ("xy/(x+6)=y-8", "3"),
        ("12*8=96(Molly) > 15*6=90(Ted)", "90"),
        ("17/0=1 r2", "2"),
    ],
)
def test_formulas_that_do_not_end_at_the_answer_give_no_solution(formula: str, answer: str) -> None:
    """Roots, digits of a number, several unknowns in a product, comparisons, nonsense."""
    assert worked_formula(formula, answer) is None
