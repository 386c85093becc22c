"""Shares counted by hand."""

from collections.abc import Mapping

import pytest

from pipelines.config import MixtureConfig
from pipelines.errors import RunStopped
from pipelines.mixture import cuts
from pipelines.mixture.shares import Ranked, target_tokens

RANKED = {"cot": [(5, 10), (1, 10), (9, 10), (7, 10)], "pot": [(2, 5), (4, 5)]}


@pytest.mark.parametrize(
    ("ratios", "size", "budget", "expected"),
    [
        ({"pot": 1}, "full", None, {"cot": -1, "pot": 4}),  # all of PoT, nothing else
        ({"cot": 1, "pot": 1}, "full", None, {"cot": 5, "pot": 4}),  # two of each: PoT has no more
        ({"cot": 1}, "equal_examples", None, {"cot": 5, "pot": -1}),  # as many as PoT alone would have
        ({"cot": 1, "pot": 1}, "equal_examples", None, {"cot": 1, "pot": 2}),
        ({"cot": 1}, "equal_tokens", None, {"cot": 1, "pot": -1}),  # PoT alone has 10 tokens: one CoT example
        ({"cot": 1, "pot": 1}, "equal_examples", 4, {"cot": 5, "pot": 4}),
        ({"cot": 1}, "equal_tokens", 29, {"cot": 5, "pot": -1}),  # two examples; the third would be one token too long
        (None, "equal_examples", 3, {"cot": 5, "pot": 2}),  # as the union has them: 2 of 4 and 1 of 2
    ],
)
def test_shares_are_cut_along_the_ranks(
    ratios: dict[str, float] | None, size: str, budget: int | None, expected: dict[str, int]
) -> None:
    """By examples or tokens, at full or equal size."""
    config = MixtureConfig.model_validate({"ratios": ratios, "size": size, "budget": budget})
    assert expected == cuts(RANKED, config)


def many(**counts: int) -> Mapping[str, Ranked]:
    return {thought: [(rank, 7) for rank in range(count)] for thought, count in counts.items()}


@pytest.mark.parametrize("budget", range(1, 40))
def test_equal_examples_are_equal_to_the_example(budget: int) -> None:
    """Thirds of any number: the remainders go round, and the sum is exact."""
    config = MixtureConfig(ratios={"cot": 1, "pot": 1, "eot": 1}, size="equal_examples", budget=budget)
    kept = cuts(many(cot=40, pot=40, eot=40), config)
    assert budget == sum(limit + 1 for limit in kept.values())


def test_equal_tokens_stop_short_by_less_than_a_target() -> None:
    """100 tokens in three thirds of targets of 7: four of each, 84."""
    config = MixtureConfig(ratios={"cot": 1, "pot": 1, "eot": 1}, size="equal_tokens", budget=100)
    assert {"cot": 3, "pot": 3, "eot": 3} == cuts(many(cot=40, pot=40, eot=40), config)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"ratios": {"eot": 1}}, "mixture.ratios asks for eot, of which no example is left"),
        (
            {"ratios": {"pot": 1}, "size": "equal_examples", "budget": 3},
            "mixture.budget 3 asks for 3 examples of pot, which has 2; lower the budget",
        ),
    ],
)
def test_what_is_not_there_stops_the_run(settings: dict[str, object], message: str) -> None:
    """Never a smaller mixture under the name of an equal one."""
    with pytest.raises(RunStopped, match=message):
        cuts(RANKED, MixtureConfig.model_validate(settings))


def test_target_tokens_are_words_digits_and_signs() -> None:
    """Whatever the tokenizer."""
    assert 9 == target_tokens("ans_a = 48 / 2.")
