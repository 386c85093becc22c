"""Dev accuracy by solving."""

import pytest

from pipelines.inference.decoding import Decoded, Decoder
from pipelines.problems import Problem
from pipelines.solvers import Sandbox
from pipelines.student.dev_problems import DevProblems, headline
from pipelines.thoughts import THOUGHTS, student_input


def problem(number):
    return Problem(
        problem_id=f"x/{number}",
        question=f"Ann has {number} pens and gets 1 more. How many?",
        answer=str(number + 1),
        answer_kind="number",
        rationale=None,
        dataset="x",
        split="train",
    )


class Student:
    """Decodes from memory: PoT fails on every third problem, and EoT errs where the number is even."""

    def __init__(self, problems):
        self.batches = []
        self.written = {}
        for number, asked in enumerate(problems):
            pot = f"ans = {number} + 1" if number % 3 else "ans ="
            eot = f"ans = {number} + {1 + (number + 1) % 2}"
            for thought, text in (("pot", pot), ("eot", eot)):
                self.written[student_input(asked.question, THOUGHTS[thought].trigger)] = text

    def decode(self, inputs, *, max_tokens, max_input_tokens):
        self.batches.append(inputs)
        return [[Decoded(self.written[text], max_tokens, True, -1.0)] for text in inputs]


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as opened:
        yield opened


@pytest.fixture
def solver(sandbox, monkeypatch):
    problems = [problem(number) for number in range(70)]
    student = Student(problems)
    monkeypatch.setattr(Decoder, "of", lambda model, tokenizer: student)
    return DevProblems(
        problems=problems,
        thoughts=("eot", "pot"),
        select=("pot", "eot"),
        tokenizer=None,
        sandbox=sandbox,
        max_input_tokens=64,
        max_tokens=32,
    )


def test_problems_count_as_right_by_selection_and_by_thought(solver):
    """PoT's answer counts where it has one, EoT's where PoT fails."""
    pot = sum(number % 3 > 0 for number in range(70))
    eot = sum(number % 2 > 0 for number in range(70))
    rescued = sum(number % 3 == 0 and number % 2 > 0 for number in range(70))
    assert [pot + rescued, eot, pot] == solver.right(None, 0, 1)


@pytest.mark.parametrize("workers", [2, 3, 5])
def test_any_number_of_workers_decodes_the_same_batches(solver, workers):
    """The counts of all sum to those of one worker, from the same batches; a worker may have nothing to do."""
    student = Decoder.of(None, None)
    alone = solver.right(None, 0, 1)
    batches, student.batches = student.batches, []
    shares = [solver.right(None, part, workers) for part in range(workers)]
    assert alone == [sum(counts) for counts in zip(*shares, strict=True)]
    assert sorted(batches) == sorted(student.batches)


def test_headline_keeps_the_selections_thoughts_that_were_trained():
    """A mixture with none of them is measured by its own first thought."""
    assert ["pot", "cot"] == headline(["pot", "eot", "cot"], ["cot", "pot"])
    assert ["label"] == headline(["pot", "eot", "cot"], ["label"])
