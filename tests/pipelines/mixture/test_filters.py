"""What is fit to train: proof, flags, duplicates, and caps that keep the most diverse."""

import pytest

from pipelines.config import MixtureConfig
from pipelines.mixture import Judged
from pipelines.mixture.filters import fit_to_train


def pot(draw: int, completion: str, *flags: str, status: str = "solved", correct: bool | None = True) -> Judged:
    return Judged(
        sample_id=f"d/0/pot/{draw}",
        thought="pot",
        draw=draw,
        completion=completion,
        status=status,
        answer="8",
        correct=correct,
        flags=flags,
    )


def kept(samples: list[Judged], **settings: object) -> tuple[list[int], list[str]]:
    """The draws that stay, and the reasons of the others."""
    fit, dropped = fit_to_train(samples, MixtureConfig.model_validate(settings))
    return [one.sample.draw for one in fit], [entry.reason for entry in dropped]


SAMPLES = [
    pot(0, "ans = 8"),
    pot(1, "ans = 9", correct=False),
    pot(2, "ans = 10", correct=None),
    pot(3, "ans = ", status="syntax_error", correct=False),
    pot(4, " ", status="no_answer", correct=False),
]


@pytest.mark.parametrize(
    ("keep", "draws", "reasons"),
    [
        ("correct", [0], ["incorrect", "no_gold", "syntax_error", "no_answer"]),
        ("answered", [0, 1, 2], ["syntax_error", "no_answer"]),
        ("all", [0, 1, 2, 3], ["empty"]),
    ],
)
def test_keep_says_how_much_proof_is_asked_for(keep: str, draws: list[int], reasons: list[str]) -> None:
    """correct | answered | all, each other row with its reason."""
    assert (draws, reasons) == kept(SAMPLES, keep=keep)


def test_flags_drop_on_request_only() -> None:
    """The first of the listed flags is the reason."""
    samples = [pot(0, "ans = 8", "constant"), pot(1, "ans = 4 + 4", "other")]
    assert ([0, 1], []) == kept(samples)
    assert ([1], ["flagged_constant"]) == kept(samples, drop_flags=["reassigned", "constant"])


def test_the_same_program_in_other_words_trains_once() -> None:
    """Names, comments and white space make no new program; another order of steps does."""
    samples = [
        pot(0, "a = 3\nb = 5\nans = a + b"),
        pot(1, "x = 3 # pens\ny = 5\nans = x+y"),
        pot(2, "b = 5\na = 3\nans = a + b"),
    ]
    assert ([0, 2], ["duplicate"]) == kept(samples)


@pytest.mark.parametrize(
    ("duplicates", "draws", "dropped"),
    [
        ("drop", [(0, 1), (2, 1)], ["duplicate"] * 2),
        ("weigh", [(0, 3), (2, 1)], ["duplicate"] * 2),
        ("keep", [(0, 1), (1, 1), (2, 1), (3, 1)], []),
    ],
)
def test_duplicates_are_dropped_weighed_or_kept(
    duplicates: str, draws: list[tuple[int, int]], dropped: list[str]
) -> None:
    """Draws 1 and 3 say what draw 0 says; a weighed one stands for all of its draws."""
    samples = [pot(0, "ans = 3 + 5"), pot(1, "ans = 3 + 5"), pot(2, "ans = 5 + 3"), pot(3, "ans =  3 + 5  # sum")]
    config = MixtureConfig.model_validate({"duplicates": duplicates})
    fit, gone = fit_to_train(samples, config)
    assert draws == [(one.sample.draw, one.draws) for one in fit]
    assert dropped == [entry.reason for entry in gone]


def test_a_cap_keeps_the_most_diverse() -> None:
    """Farthest first from the first draw: the near copy goes, whatever its place."""
    samples = [pot(0, "ans = 3 + 5"), pot(1, "ans = 5 + 3"), pot(2, "for i in range(8):\n    ans = i + 1")]
    assert ([0, 2], ["over_max_per_problem"]) == kept(samples, max_per_problem=2)


def test_the_order_of_the_rows_changes_nothing() -> None:
    """Draws decide, not the order in which rows arrive."""
    samples = [pot(draw, f"ans = {draw % 3} + 8 - {draw % 3}") for draw in range(6)]
    assert kept(samples, max_per_problem=2) == kept(samples[::-1], max_per_problem=2)
