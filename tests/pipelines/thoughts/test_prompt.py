"""The teacher's prompts: complete, in the right order, and their demonstrations right."""

from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.errors import ConfigError, DataError
from pipelines.solvers import Outcome, Sandbox, equal
from pipelines.thoughts import SAMPLED, THOUGHTS, check, judge, load_prompt, student_input


@pytest.mark.parametrize("name", SAMPLED)
def test_demonstrations_come_first_and_the_question_last(name: str) -> None:
    """Providers cache prefixes, so what changes stands last."""
    prompt = load_prompt(name, 8)
    messages = prompt.messages("How many pens?")
    assert ["system", *["user", "assistant"] * 8, "user"] == [message["role"] for message in messages]
    assert "Question: How many pens?" == messages[-1]["content"]
    assert messages[:-1] == prompt.messages("Another question?")[:-1]


@pytest.mark.parametrize("name", ["pot", "eot"])
def test_every_demonstration_solves_to_the_answer_that_the_prose_gives(name: str) -> None:
    """What we show the teacher must itself pass the proof."""
    prose = load_prompt("cot", 8).demonstrations
    shown = load_prompt(name, 8).demonstrations
    with Sandbox() as sandbox:
        answers = [THOUGHTS["cot"].solve(text, "number", sandbox).answer for _, text in prose]
        verdicts = [
            judge(THOUGHTS[name], text, "stop", gold, "number", sandbox)
            for (_, text), gold in zip(shown, answers, strict=True)
        ]
    assert [question for question, _ in prose] == [question for question, _ in shown]
    assert [("solved", True)] * 8 == [(verdict.status, verdict.correct) for verdict in verdicts]
    assert None not in answers and equal("38", str(answers[0]), "number")


def test_the_triggers_are_those_of_the_papers() -> None:
    """METHOD §1, verbatim."""
    assert {
        "cot": "Let's think step by step.",
        "pot": "Let's break down the code step by step",
        "eot": "System of linear equations: (Do not simplify)",
    } == {name: thought.trigger for name, thought in SAMPLED.items()}


def test_the_student_reads_the_question_and_then_the_trigger() -> None:
    """The input format of ETD's released code."""
    assert "Question: How many?\nLet's think step by step.\n" == student_input("How many?", THOUGHTS["cot"].trigger)


def test_own_prompts_replace_ours_and_change_the_digest(tmp_path: Path) -> None:
    """A folder of prompts is part of what was paid for."""
    (tmp_path / "pot.md").write_text("Write code.\n\n## Question\n\nQ?\n\n## Completion\n\nans = 1\n", encoding="utf-8")
    own = load_prompt("pot", 1, str(tmp_path))
    assert ("Write code.", (("Q?", "ans = 1"),)) == (own.instructions, own.demonstrations)
    assert own.digest() != load_prompt("pot", 1).digest()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("## Question\n\nQ?\n\n## Completion\n\nA\n", "no instructions"),
        ("Do it.\n\n## Question\n\nQ?\n", "must alternate"),
        ("Do it.\n", "0 demonstrations, but sampling.demonstrations is 2"),
    ],
)
def test_a_broken_prompt_file_is_named(tmp_path: Path, text: str, message: str) -> None:
    """The file and what is wrong with it."""
    (tmp_path / "pot.md").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        load_prompt("pot", 2, str(tmp_path))


def test_an_unknown_thought_names_the_nearest() -> None:
    """The field, the thought, and what was probably meant."""
    with pytest.raises(ConfigError, match=r"sampling\.thoughts: 'pott' is no thought.*did you mean 'pot'"):
        check(["pott"], "sampling.thoughts")


def test_a_cut_or_refused_completion_is_not_solved() -> None:
    """finish_reason decides, and what is not solved is not correct, whatever it says."""
    with Sandbox() as sandbox:
        verdicts = [
            judge(THOUGHTS["cot"], "The answer is 4.", reason, "4", "number", sandbox)
            for reason in ("length", "content_filter", "stop")
        ]
    assert [("truncated", False), ("refused", False), ("solved", True)] == [(v.status, v.correct) for v in verdicts]


def test_a_completion_with_which_the_judge_fails_has_no_answer() -> None:
    """It must not end every run that holds it."""

    def fails(*given: object) -> Outcome:
        raise RecursionError("too deep")

    thought = replace(THOUGHTS["cot"], solve=fails)
    with Sandbox() as sandbox:
        verdict = judge(thought, "The answer is 4.", "stop", "4", "number", sandbox)
    assert ("no_answer", False, "the judge failed: RecursionError('too deep')") == (
        verdict.status,
        verdict.correct,
        verdict.detail,
    )


def test_without_gold_nothing_is_called_correct() -> None:
    """correct is null, not false, where there is no gold answer."""
    with Sandbox() as sandbox:
        assert judge(THOUGHTS["cot"], "The answer is 4.", "stop", None, "number", sandbox).correct is None
