"""What of a completion is read: no thinking, no control tokens, no next question."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.thoughts import SAMPLED
from pipelines.thoughts.completion_text import answer_text

COT = "3 * 5 = 15. The answer is 15."
POT = "pens = 3 * 5\nans = pens"
EOT = "pens = 3 * 5\nans = pens"
WHOLE = {"cot": COT, "pot": POT, "eot": EOT}


def read(text: str, thought: str = "cot") -> str:
    return answer_text(text, SAMPLED[thought])


@pytest.mark.parametrize("thought", ["cot", "pot", "eot"])
@pytest.mark.parametrize(
    "around",
    [
        "{}",
        "{}<|im_end|>",
        "{}<|im_end|>\n<|im_start|>user\nAnn has 2 cats.<|im_end|>\n<|im_start|>assistant\nans = 2",
        "{}<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nThe answer is 6.",
        "{}</s>",
        "{}<eos>",
        "{}<|endoftext|>Ann has 2 cats. The answer is 2.",
        "{} [INST] Ann has 2 cats. [/INST] The answer is 2.",
        "{}<end_of_turn>\n<start_of_turn>user\nAnn has 2 cats.",
        "{}<｜end▁of▁sentence｜>",
        "<｜Assistant｜>{}<｜end▁of▁sentence｜><｜User｜>Ann has 2 cats.",
        "<s> [INST] Tom has 3 boxes. [/INST] {} </s>",
        "<|im_start|>assistant\n{}<|im_end|>",
        "<|im_start|>user\nTom has 3 boxes. The answer is 2.<|im_end|>\n<|im_start|>assistant\n{}<|im_end|>",
        "<|start_header_id|>assistant<|end_header_id|>\n\n{}",
        "<|python_tag|>{}<|eom_id|>",
        "assistant\n{}",
        "<|channel|>analysis<|message|>ans = 8<|end|><|start|>assistant<|channel|>final<|message|>{}<|return|>",
        "analysisWe try ans = 8.assistantfinal{}",
        "<|channel>thought\nThe answer is 8.\n<channel|>{}",
        "<think>\nThe answer is 8.\nans = 8\n</think>\n\n{}",
        "<thinking>ans = 8</thinking>{}",
        "<thought>\nans = 8\n</thought>\n{}",
        "<reasoning>\nThe answer is 8.\n</reasoning>\n{}",
        "[THINK]ans = 8[/THINK]{}",
        "◁think▷The answer is 8.◁/think▷{}",
        "ans = 8. The answer is 8.\n</think>\n{}",
        "<think></think>{}",
        "<|begin_of_thought|>ans = 8<|end_of_thought|>\n<|begin_of_solution|>{}<|end_of_solution|>",
        "\ufeff{}\u200b",
        "{}\n\nQuestion: Ann has 2 cats and gets 4 more.\nans = 2 + 4\nThe answer is 6.",
        "{}\n\nQ: Ann has 2 cats.\nA: The answer is 2.\nans = 2",
        "{}\nHuman: Ann has 2 cats.\nAssistant: The answer is 2.",
        "{}\n\nUser: thanks!\nThe answer is 2.",
        "{}\n\n### Instruction:\nAnn has 2 cats.\n\n### Response:\nans = 2\nThe answer is 2.",
        "{}\n\n## Question\n\nAnn has 2 cats.\n\n## Completion\n\nans = 2\n\nThe answer is 2.",
        "{}\n\n**Question 2:** Ann has 2 cats.\nans = 2",
        "{}\n\nProblem 2. Ann has 2 cats.\nans = 2",
        "{}\n\nNext question: Ann has 2 cats.\nans = 2",
    ],
)
def test_what_stands_around_an_answer_is_left_out(around: str, thought: str) -> None:
    """Thinking, control tokens, other turns, and the next question are no part of the answer."""
    assert WHOLE[thought] == read(around.replace("{}", WHOLE[thought]), thought).strip()


@pytest.mark.parametrize(
    ("thought", "text"),
    [
        ("cot", "Question: Tom has 3 boxes of 5. How many pens has he?\nAnswer: 3 * 5 = 15. The answer is 15."),
        ("cot", "Problem: Tom has 3 boxes.\n\n3 * 5 = 15\n#### 15"),
        ("cot", "**Question:** 3 boxes of 5?\n**Solution:** 15"),
        ("cot", "There are 3 boxes.\nQuestion: how many pens are in 3 boxes?\n3 * 5 = 15. The answer is 15."),
        ("cot", "The question: how many? The user pays 5. The answer is 15."),
        ("cot", "The answer is 15.\n\nThe problem said that 3 are left."),
        ("cot", "3 < 5, so 15 [pens]. The answer is 15."),
        ("pot", "# Question: Tom has 3 boxes.\nboxes = 3\nans = boxes * 5"),
        ("pot", 'def solution():\n    """\n    Question: Tom has 3 boxes.\n    """\n    return 15'),
        ("pot", "def pens():\n    return 5\n\n# Question: how many in 3 boxes?\nans = 3 * pens()"),
        ("pot", "result = 3 * 5\n# Question: how many are left of them?\nans = result - 2"),
        ("pot", "ans = 15\n# Question: how many pens has Tom?\nprint(ans)"),
        ("pot", "ans = 15\n# Problem: none"),
        ("pot", "print('3 boxes. Question: how many pens?')\nans = 15"),
        ("pot", "q: int = 3\nans = q * 5"),
        ("eot", "% Question: how many pens has Tom?\npens = 3 * 5\nans = pens"),
        ("eot", "ans = pens\n% Question: Tom has 3 boxes of 5.\npens = 3 * 5"),
        ("eot", "% Let q be the pens:\nq = 3 * 5\n% Problem: how many?\nans = q"),
    ],
)
def test_a_valid_thought_is_read_whole(thought: str, text: str) -> None:
    """A quoted question in front of the answer, in a comment or a docstring is no run-on."""
    assert text == read(text, thought)


@pytest.mark.parametrize(
    ("thought", "text", "expected"),
    [
        ("cot", "5 * 3 = 15.\n\nQ: Ann has 2 cats.\nA: 2 + 4 = 6. The answer is 6.", "5 * 3 = 15."),
        ("cot", "The answer is 15. Question: Ann has 2 cats. The answer is 2.", "The answer is 15."),
        ("cot", "<think>3 * 5 = 15</think>", "3 * 5 = 15"),
        ("cot", "<think>3 * 5 = 15. The answer is 15.", "3 * 5 = 15. The answer is 15."),
        ("pot", "ans = 15\n\n# Question: Ann has 2 cats.\ncats = 2\nans = cats", "ans = 15"),
        (
            "pot",
            "def solution():\n    return 15\n\n# Question: cats?\n\ndef solution():\n    return 6",
            "def solution():\n    return 15",
        ),
        ("pot", "x\u00a0= 20 − 5\r\nans = x", "x = 20 - 5\nans = x"),
        ("pot", "name = “Tom’s”\nans = 3 × 5 ÷ 1", 'name = "Tom\'s"\nans = 3 * 5 / 1'),
        ("pot", 'print("He said “hi”")\nans = 15', 'print("He said “hi”")\nans = 15'),
        ("eot", "x = 15\nans = x\n% Question: cats?\ncats = 6\nans = cats", "x = 15\nans = x"),
        ("eot", "ans = 10 － 3", "ans = 10 - 3"),
        ("eot", "x = 5\rans = x", "x = 5\nans = x"),
        ("cot", "１５ pens", "15 pens"),
    ],
)
def test_a_run_on_and_typographic_signs(thought: str, text: str, expected: str) -> None:
    """A next question in a comment is a run-on where an answer follows that needs nothing from before."""
    assert expected == read(text, thought)


@given(st.text(max_size=300), st.sampled_from(sorted(SAMPLED)))
def test_any_text_is_cleaned_without_an_error(text: str, thought: str) -> None:
    """Cleaning ends, and what is plain prose without a colon or a sign stays as it is."""
    read(text, thought)
    plain = "".join(sign for sign in text if sign.isascii() and (sign.isalnum() or sign in " .\n"))
    assert "".join(read(plain, thought).split()) in "".join(plain.split())
