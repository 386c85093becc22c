"""ASDiv's formulas: the notation of its annotators, turned into annotated solutions.

    "7+2=9"                                          arithmetic with its value
    "3*4=12; 12-2=10; 3+12+10=25"                    several steps
    "119/9=13 r2"                                    division with remainder (the answer is 13, 2 or 14)
    "GCD(15,9,18)=3", "LCM[5,10]=10; (10/5)+(10/10)=3"
    "5, 7, 10, 14, 19, 25"                           a sequence
    "2:3=12:18"                                      a proportion
    "x:Amy's books; (x+18)-15=9"                     unknowns with what they stand for, and equations

Formulas of comparisons, times, sets and several answers are not read: what cannot be turned into one number
gives None, never a guess.
"""

import itertools
import re
from fractions import Fraction

from pipelines.problems.expression import Node, NotArithmetic, Operation, infix, names
from pipelines.problems.gold import number_text
from pipelines.problems.worked import Equation, Worked, solve

_DEFINITION = re.compile(r"([A-Za-z]):\s*([A-Z][A-Za-z].*)")
_COMMON = re.compile(r"(GCD|LCM)\s*[\[(]\s*(\d+(?:\s*,\s*\d+)+)\s*[\])]")
_REMAINDER = re.compile(r"(.+?)=\s*\d+\s*r\s*\d+")
_PROPORTION = re.compile(r"([\d.]+):([\d.]+)\s*=\s*([\d.]+):([\d.]+)")
_UNIT = re.compile(r"\(\s*[A-Za-z][A-Za-z ./]*\)")
_TRAILING = re.compile(r"(?<=[\d)])\s+[A-Za-z][A-Za-z .]*$")


def worked_formula(formula: str, answer: str) -> str | None:
    """The annotated solution of a formula, or None where it is not arithmetic that ends at ``answer``."""
    solution = Worked()
    parts = [part.strip() for part in formula.split(";") if part.strip()]
    try:
        definitions = [found for found in map(_DEFINITION.fullmatch, parts) if found]
        for found in definitions:
            solution.say(f"Let {found[1].lower()} be: {found[2][0].lower()}{found[2][1:]}.")
        defined = {found[1].lower() for found in definitions}
        equations: list[Equation] = []
        rest = [part for part in parts if not _DEFINITION.fullmatch(part)]
        for number, part in enumerate(rest):
            equations += _read(solution, part, answer, defined, last=number == len(rest) - 1)
        if equations:
            solve(solution, equations, answer)
        return solution.rationale(answer)
    except ValueError:  # not arithmetic, or a number miswritten
        return None


def _read(solution: Worked, part: str, answer: str, defined: set[str], last: bool) -> list[Equation]:
    """Write the steps of one part; equations are returned, to be solved together."""
    proportion = _PROPORTION.fullmatch(part)
    if proportion:
        _proportion(solution, [Fraction(number) for number in proportion.groups()], Fraction(answer))
        return []
    if part.count(",") >= 2 and re.fullmatch(r"[\d., ]+", part):
        _sequence(solution, [Fraction(number) for number in re.split(r"[,.]\s+|,", part.strip(" ,."))])
        return []
    part = _UNIT.sub(lambda unit: unit[0] if unit[0].strip("() ").lower() in defined else "", part)
    if _COMMON.search(part):
        part = _COMMON.sub(lambda found: number_text(_common(solution, found)), part)
        if re.fullmatch(r"\d+", part.split("=")[0].strip()):
            return []
    remainder = _REMAINDER.fullmatch(part)
    if remainder:
        _divide(solution, infix(remainder[1]), Fraction(answer) if last else None)
        return []
    sides: list[Node] = [infix(_TRAILING.sub("", side.strip())) for side in part.split("=")]
    if any(names(side) for side in sides):
        if len(sides) != 2:
            raise NotArithmetic(f"{part!r}: not one equation")
        return [(sides[0], sides[1])]
    if isinstance(sides[0], Operation):
        solution.calculate(sides[0])
    return []


def _divide(solution: Worked, node: Node, answer: Fraction | None) -> None:
    """A division with remainder; the last one ends at the quotient, the remainder or the next whole number."""
    if not isinstance(node, Operation) or node.operator != "/":
        raise NotArithmetic("not a division")
    whole, part = solution.calculate(node.left), solution.calculate(node.right)
    quotient, rest = solution.divide(whole, part)
    if answer is None or answer == rest != quotient:
        solution.calculate(Operation("-", whole, Operation("*", part, quotient)))
    elif answer == quotient + 1:
        solution.calculate(Operation("+", quotient, Fraction(1)))


def _common(solution: Worked, found: re.Match[str]) -> Fraction:
    """The greatest common divisor, or the least common multiple, of whole numbers, by Euclid's algorithm."""
    first, *others = (Fraction(number) for number in found[2].split(","))
    for other in others:
        divisor = _divisor(solution, first, other)
        first = divisor if found[1] == "GCD" else _multiple(solution, first, other, divisor)
    solution.last = first
    return first


def _divisor(solution: Worked, one: Fraction, other: Fraction) -> Fraction:
    small, large = sorted((one, other))
    if small <= 0:
        raise NotArithmetic("the numbers must be above zero")
    while small != large:
        times = Fraction(large // small)
        if large % small == 0:  # stop one short, so that the last difference is the divisor itself
            times -= 1
        rest = large - times * small
        solution.calculate(Operation("-", large, Operation("*", times, small) if times > 1 else small))
        small, large = sorted((small, rest))
    return small


def _multiple(solution: Worked, one: Fraction, other: Fraction, divisor: Fraction) -> Fraction:
    product = Operation("*", one, other)
    return solution.calculate(product if divisor == 1 else Operation("/", product, divisor))


def _sequence(solution: Worked, terms: list[Fraction]) -> None:
    """Each term from the one before: by the same factor where there is one, else by what is added."""
    factors = {after / before for before, after in itertools.pairwise(terms) if before}
    for before, after in itertools.pairwise(terms):
        if len(factors) == 1 and factors != {Fraction(1)}:
            solution.calculate(Operation("*", before, after / before))
        else:
            solution.calculate(Operation("+", before, after - before))


def _proportion(solution: Worked, terms: list[Fraction], answer: Fraction) -> None:
    """``a:b = c:d`` for the term that is the answer."""
    a, b, c, d = terms
    for wanted, one, two, under in ((d, b, c, a), (c, a, d, b), (b, a, d, c), (a, b, c, d)):
        if wanted == answer and under:
            solution.calculate(Operation("/", Operation("*", one, two), under))
            return
    raise NotArithmetic("the answer is not a term of the proportion")
