"""Estimated tokens, and how responses correct them."""

import pytest

from pipelines.teacher import PromptTokens, estimate_tokens
from pipelines.thoughts import SAMPLED, load_prompt

# Counted with cl100k_base.
COUNTED = {
    "Natalia sold clips to 48 of her friends in April, and then she sold half as many clips in May.": 25,
    "48/2 = 24 clips in May.\n48+24 = 72 clips altogether.\nThe answer is 72.": 25,
    "per_box = (52 - 4) / 6\nans = per_box\n": 18,
}


@pytest.mark.parametrize("text", COUNTED)
def test_estimates_are_near_what_a_tokenizer_counts(text: str) -> None:
    """Within a tenth on prose, calculations and programs."""
    assert COUNTED[text] == pytest.approx(estimate_tokens(text), rel=0.1)


def test_responses_correct_the_estimate_thought_by_thought() -> None:
    """An endpoint that counts 1.5 times as many: after twenty answers the expectation is within 5 %."""
    fixed = {name: sum(estimate_tokens(m["content"]) for m in load_prompt(name, 8).messages("")) for name in SAMPLED}
    tokens = PromptTokens(fixed)
    before = tokens.expected("pot", "How many pens?")
    for _ in range(100):
        tokens.learn("cot", "How many pens?", round(1.5 * (fixed["cot"] + estimate_tokens("How many pens?"))))
    assert before == tokens.expected("pot", "How many pens?")
    assert 1.5 * (fixed["cot"] + 4) == pytest.approx(tokens.expected("cot", "How many pens?"), rel=0.05)
