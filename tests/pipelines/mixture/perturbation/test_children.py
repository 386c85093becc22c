"""Children of a verified problem: proved, of the same character, a function of seed, problem, thought and number."""

from collections import Counter
from collections.abc import Iterator

import pytest

from pipelines.mixture import Judged, Tally, children, parent_id
from pipelines.problems import Problem
from pipelines.solvers import Sandbox
from pipelines.thoughts import THOUGHTS, judge

QUESTION = "Ann has 16 eggs and eats 3 of them. She sells the rest for $2 each. How much does she make?"
THOUGHTS_OF_IT = {
    "pot": "left = 16 - 3\nans = left * 2",
    "eot": "left + 3 = 16\nans = 2 * left",
    "cot": "She has 16 - 3 = 13 eggs left. They bring 13 * 2 = 26 dollars. The answer is 26.",
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(5, 512) as opened:
        yield opened


def problem(question: str = QUESTION, answer: str = "26") -> Problem:
    return Problem(
        problem_id="eggs/train/0",
        **{"question": question, "answer": answer, "answer_kind": "number", "rationale": "old"},
        **{"dataset": "eggs", "split": "train"},
    )


def proven(sandbox: Sandbox, texts: dict[str, str], of: Problem) -> list[Judged]:
    found = []
    for name, text in texts.items():
        verdict = judge(THOUGHTS[name], text, "stop", of.answer, "number", sandbox, of.question)
        sample = {"sample_id": f"{of.problem_id}/{name}/0", "thought": name, "draw": 0, "completion": text}
        found.append(
            Judged(**sample, status=verdict.status, answer=verdict.answer, correct=verdict.correct, flags=verdict.flags)
        )
    return found


def test_every_pair_is_proved_again(sandbox: Sandbox) -> None:
    """Question and thoughts hold the same new numbers, and every thought solves to the child's answer."""
    tally: Tally = Counter()
    made = children(problem(), proven(sandbox, THOUGHTS_OF_IT, problem()), 5, 0, sandbox, tally)
    assert 5 == len(made) == tally["children", "kept"]
    assert 5 == len({child.problem.question for child in made} - {QUESTION})
    for child in made:
        assert {"pot", "eot", "cot"} == set(child.thoughts)
        assert "eggs/train/0" == child.parent_id == parent_id(child.problem.problem_id)
        assert child.problem.rationale is None
        for name, (text, _) in child.thoughts.items():
            answer, question = child.problem.answer, child.problem.question
            verdict = judge(THOUGHTS[name], text, "stop", answer, "number", sandbox, question)
            assert ("solved", True, ()) == (verdict.status, verdict.correct, verdict.flags)


def test_a_two_that_may_be_the_thoughts_own_stays(sandbox: Sandbox) -> None:
    """There and back doubles whoever walks: with 3 dogs the 2 would still be 2."""
    walks = "Ann has 2 dogs and walks 3 miles to the park and back with them. How many miles in 6 days?"
    asked = problem(walks, "36")
    made = children(asked, proven(sandbox, {"pot": "ans = 3 * 2 * 6"}, asked), 5, 0, sandbox, Counter())
    assert 5 == len(made)
    assert all("has 2 dogs" in child.problem.question for child in made)


def test_children_depend_on_seed_problem_and_number_alone(sandbox: Sandbox) -> None:
    """More of them begin with the same ones; another seed gives others."""
    samples = proven(sandbox, THOUGHTS_OF_IT, problem())

    def questions(count: int, seed: int) -> list[str]:
        return [c.problem.question for c in children(problem(), samples, count, seed, sandbox, Counter())]

    assert questions(5, 0)[:3] == questions(3, 0)
    assert questions(5, 0) != questions(5, 1)


def test_thoughts_that_then_disagree_take_the_child_away(sandbox: Sandbox) -> None:
    """2 + 2 was 4 as 2 * 2 is; one of the two was right by accident."""
    asked = problem("Bob has 4 red pens and 2 blue pens. How many more red pens than blue ones?", "2")
    samples = proven(sandbox, {"pot": "ans = 4 - 2", "eot": "ans * 2 = 4"}, asked)
    tally: Tally = Counter()
    made = children(asked, samples, 8, 0, sandbox, tally)
    assert tally["rejected_children", "thoughts_disagree"] > 0
    assert all("4 -> 2" not in child.changed for child in made)


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        ({"pot": "ans = 26"}, None),
        ({"pot": "left = 13\nans = left * 2"}, "unexplained_number"),
        ({"pot": "ans = sum([16, -3]) * 2"}, "not_straight_arithmetic"),
    ],
)
def test_a_parent_that_cannot_be_followed_has_none(sandbox: Sandbox, texts: dict[str, str], reason: str | None) -> None:
    """And the tally says why."""
    tally: Tally = Counter()
    assert [] == children(problem(), proven(sandbox, texts, problem()), 3, 0, sandbox, tally)
    assert [("unusable_parents", reason or "flagged")] == [key for key in tally if key[0] == "unusable_parents"]


def test_only_verified_thoughts_have_children(sandbox: Sandbox) -> None:
    """Neither wrong ones, nor a chain of thought alone."""
    for texts in ({"pot": "ans = 16 * 3"}, {"cot": THOUGHTS_OF_IT["cot"]}):
        assert [] == children(problem(), proven(sandbox, texts, problem()), 3, 0, sandbox, Counter())
