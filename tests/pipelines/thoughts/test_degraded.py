"""A degraded solver: which verdicts it spoils, and that it spoils the same ones again."""

import pytest

from pipelines.config import RunConfig, VerificationConfig
from pipelines.thoughts import Verdict
from pipelines.thoughts.degraded import degraded

RIGHT = Verdict(status="solved", answer="8", correct=True, flags=(), detail="", elapsed_s=0.0)
WRONG = Verdict(status="solved", answer="9", correct=False, flags=(), detail="", elapsed_s=0.0)
BROKEN = Verdict(status="syntax_error", answer=None, correct=False, flags=(), detail="", elapsed_s=0.0)


def spoilt(verdict: Verdict, thought: str = "pot", gold: str | None = "8", **rates: float) -> list[Verdict]:
    """The verdicts of 1,000 samples that all had this one."""
    config = VerificationConfig(**rates)
    return [degraded(verdict, f"d/train/{i}/{thought}/0", thought, gold, config, seed=3) for i in range(1000)]


def test_a_good_solver_spoils_nothing() -> None:
    """With both rates at 0 every verdict is its own."""
    assert {RIGHT} == set(spoilt(RIGHT)) and {WRONG} == set(spoilt(WRONG))


@pytest.mark.parametrize(("thought", "status"), [("pot", "timeout"), ("eot", "timeout"), ("cot", "no_answer")])
def test_missed_proofs_fail_right_thoughts(thought: str, status: str) -> None:
    """About the share that was asked for, and wrong thoughts stay wrong."""
    found = spoilt(RIGHT, thought, missed_proofs=0.3)
    missed = [verdict for verdict in found if not verdict.correct]
    assert 250 < len(missed) < 350
    assert {(status, None, False)} == {(verdict.status, verdict.answer, verdict.correct) for verdict in missed}
    assert {WRONG} == set(spoilt(WRONG, thought, missed_proofs=0.3))


@pytest.mark.parametrize("verdict", [WRONG, BROKEN])
def test_false_proofs_pass_other_thoughts_under_the_gold_answer(verdict: Verdict) -> None:
    """Wrong ones and broken ones alike; right thoughts stay right."""
    found = {(one.status, one.answer, one.correct) for one in spoilt(verdict, false_proofs=1.0)}
    assert {("solved", "8", True)} == found
    assert {RIGHT} == set(spoilt(RIGHT, false_proofs=1.0))


def test_without_a_gold_answer_nothing_is_spoilt() -> None:
    """There is no right and wrong to mistake."""
    unknown = Verdict(status="solved", answer="8", correct=None, flags=(), detail="", elapsed_s=0.0)
    assert {unknown} == set(spoilt(unknown, gold=None, missed_proofs=1.0, false_proofs=1.0))


def test_a_higher_rate_spoils_what_a_lower_one_does_and_more() -> None:
    """The draw belongs to the sample, so that rates can be compared."""
    few, many = ([v.correct for v in spoilt(RIGHT, missed_proofs=rate)] for rate in (0.2, 0.6))
    assert all(not later for earlier, later in zip(few, many, strict=True) if not earlier)
    assert few.count(False) < many.count(False)


def test_only_a_rehearsal_has_a_degraded_solver() -> None:
    """Real completions are not thrown away on purpose."""
    with pytest.raises(ValueError, match="a degraded solver is for rehearsals"):
        RunConfig(run_dir="x", verification={"missed_proofs": 0.1}, teacher={"model": "m"})
