"""A degraded solver, for rehearsals: what does it cost when proofs are missed, or wrong thoughts pass for proven?

    degraded(verdict, "generated/train/7/pot/0", "pot", gold="8", config=VerificationConfig(missed_proofs=0.2), seed=0)
    -> Verdict(status="timeout", answer=None, correct=False, detail="a proof missed on purpose", ...)

A missed proof loses a right thought; a false proof lets a wrong one train under the gold answer. Which ones is a pure
function of seed and sample. Samples without a gold answer are left as they are. The student is never judged so.
"""

from dataclasses import replace
from random import Random

from pipelines.config import VerificationConfig
from pipelines.thoughts.verdict import Verdict

_MISSED = {"cot": "no_answer"}  # the other thoughts are solved, which can take too long


def degraded(
    verdict: Verdict, sample_id: str, thought: str, gold: str | None, config: VerificationConfig, seed: int
) -> Verdict:
    """The verdict that a solver with ``config.missed_proofs`` and ``config.false_proofs`` gives."""
    rate = config.missed_proofs if verdict.correct else config.false_proofs
    if gold is None or Random(f"{seed}/solver/{sample_id}").random() >= rate:
        return verdict
    if verdict.correct:
        status = _MISSED.get(thought, "timeout")
        return replace(verdict, status=status, answer=None, correct=False, detail="a proof missed on purpose")
    return replace(verdict, status="solved", answer=gold, correct=True, detail="a false proof on purpose")
