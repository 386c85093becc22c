"""MD's types on draws with known error rates, against what probability says they must be.

Tolerance: each type's count lies within four standard deviations of its binomial expectation. Seeds are fixed.
"""

import itertools
import math
import random
from collections.abc import Mapping, Sequence
from math import comb, prod
from typing import Any

import pytest

from pipelines.config import MistakeKind, MixtureConfig, ProblemSource, RehearsalConfig
from pipelines.problems import Problem, load
from pipelines.solvers import Sandbox
from pipelines.teacher.rehearsal import complete
from pipelines.thoughts import THOUGHTS, judge

MD = MixtureConfig(recipe="md", decontaminate=None)


def majority_is_right(draws: Sequence[int]) -> bool:
    """Whether 0, the right answer, is the most frequent; of equally frequent answers the one drawn first wins."""
    most = max(draws.count(answer) for answer in draws)
    return next(answer for answer in draws if draws.count(answer) == most) == 0


def share_right(draws: int, answers: Sequence[float]) -> float:
    """The probability of a right majority; ``answers``: of the right answer, then of each wrong one."""
    outcomes = itertools.product(range(len(answers)), repeat=draws)
    return sum(prod(answers[answer] for answer in drawn) for drawn in outcomes if majority_is_right(drawn))


def expected_types(right: Mapping[str, float]) -> dict[str, float]:
    """The probability of each type where thoughts err independently."""
    none = prod(1 - p for p in right.values())
    only = {f"only_{thought}": none * p / (1 - p) for thought, p in right.items()}
    return {"none": none, **only, "several": 1 - none - sum(only.values())}


def assert_as_expected(counts: Mapping[str, int], right: Mapping[str, float], problems: int) -> None:
    assert problems == sum(counts.values())
    for kind, p in expected_types(right).items():
        assert problems * p == pytest.approx(counts.get(kind, 0), abs=4 * math.sqrt(problems * p * (1 - p))), kind


def test_the_majority_of_two_answers_is_binomial() -> None:
    """The enumeration that the other tests rest on, against the closed form: ties go half and half."""
    five = sum(comb(5, k) * 0.6**k * 0.4 ** (5 - k) for k in (3, 4, 5))
    four = sum(comb(4, k) * 0.6**k * 0.4 ** (4 - k) for k in (3, 4)) + comb(4, 2) * 0.6**2 * 0.4**2 / 2
    assert (five, four) == pytest.approx((share_right(5, [0.6, 0.4]), share_right(4, [0.6, 0.4])))


@pytest.mark.parametrize("draws", [4, 5])
def test_types_of_draws_that_all_err_alike(mix: Any, draws: int) -> None:
    """3,000 problems, CoT wrong in 40 %, PoT in 30 %: the binomial majority vote."""
    rng = random.Random(11)
    wrong = {"cot": 0.4, "pot": 0.3}
    problems = [problem(number) for number in range(3000)]
    samples, verdicts = [], []
    for asked, (thought, rate), draw in itertools.product(problems, wrong.items(), range(draws)):
        answer = "7" if rng.random() < rate else "8"
        row = {"sample_id": f"{asked.problem_id}/{thought}/{draw}", "problem_id": asked.problem_id}
        samples.append({**row, "thought": thought, "draw": draw, "completion": f"ans = {answer}"})
        verdicts.append({**row, "status": "solved", "answer": answer, "correct": answer == "8"})
    card = mix(problems, samples, verdicts, MD)
    right = {thought: share_right(draws, [1 - rate, rate]) for thought, rate in wrong.items()}
    assert_as_expected(card["problems_by_type"], right, 3000)


def test_types_of_rehearsal_draws(mix: Any) -> None:
    """The rehearsal teacher's own completions, judged: CoT miscalculates in 40 % to one of three wrong answers,
    PoT does not parse in 65 %, EoT does not parse in 55 %, and what has no answer does not vote."""
    rates: dict[str, tuple[MistakeKind, float]] = {
        "cot": ("arithmetic", 0.4),
        "pot": ("broken_code", 0.65),
        "eot": ("broken_code", 0.55),
    }
    draws = 3
    problems = load(ProblemSource(source="generated", count=300), 0)
    samples, verdicts = [], []
    with Sandbox(5, 512) as sandbox:
        for asked, (thought, (kind, rate)), draw in itertools.product(problems, rates.items(), range(draws)):
            row = {"sample_id": f"{asked.problem_id}/{thought}/{draw}", "problem_id": asked.problem_id}
            config = RehearsalConfig(mistakes=rate, mistake_kinds=[kind])
            text = complete(asked.rationale or "", thought, row["sample_id"], 0, config).text
            verdict = judge(THOUGHTS[thought], text, "stop", asked.answer, asked.answer_kind, sandbox)
            samples.append({**row, "thought": thought, "draw": draw, "completion": text})
            verdicts.append({**row, **vars(verdict)})
    card = mix(problems, samples, verdicts, MD)
    right = {
        "cot": share_right(draws, [0.6, 0.4 / 3, 0.4 / 3, 0.4 / 3]),
        "pot": 1 - 0.65**draws,
        "eot": 1 - 0.55**draws,
    }
    assert_as_expected(card["problems_by_type"], right, 300)


def problem(number: int) -> Problem:
    return Problem(
        problem_id=f"d/train/{number}",
        question=f"How many are {number}?",
        answer="8",
        answer_kind="number",
        rationale=None,
        dataset="d",
        split="train",
    )
