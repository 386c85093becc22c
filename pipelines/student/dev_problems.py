"""Dev accuracy by solving: after an epoch the student writes its thoughts for dev problems, and the proof judges them.

    solver = DevProblems(problems, thoughts=("pot", "eot", "cot"), select=("pot", "eot"), tokenizer=tokenizer,
                         sandbox=Sandbox(), max_input_tokens=192, max_tokens=120)
    solver.right(model, part=0, parts=1)   -> [81, 79, 75, 12]    of 100: by "pot>eot", then by pot, eot and cot

Greedy, one completion for each thought, decoded and judged by the code that evaluates the finished student. It says
nothing of what the figures decide (``pipelines.student.training``).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.inference import first_success
from pipelines.inference.decoding import Decoder
from pipelines.inference.solving import Asked, tried_greedily
from pipelines.problems import Problem
from pipelines.solvers import Sandbox

# Problems decoded at once: a fixed number, so that batches, and with them the last bits of their arithmetic, are the
# same for any number of workers.
_CHUNK = 64


@dataclass(frozen=True, kw_only=True)
class DevProblems:
    """Dev problems with gold answers, and how the student solves them.

    ``thoughts`` are those of the mixture; ``select`` orders those of them whose first success is the answer that
    counts. ``max_tokens`` bounds a completion.
    """

    problems: Sequence[Problem]
    thoughts: Sequence[str]
    select: Sequence[str]
    tokenizer: Any
    sandbox: Sandbox
    max_input_tokens: int
    max_tokens: int

    def right(self, model: Any, part: int, parts: int) -> list[int]:
        """How many problems are answered right by the selection, then by each thought, in the share of one worker.

        ``model`` is in evaluation mode. The shares of all workers sum to the same counts whatever their number.
        """
        ordered = sorted(self.problems, key=lambda problem: (len(problem.question), problem.problem_id))
        counts = [0] * (1 + len(self.thoughts))
        decoder = Decoder.of(model, self.tokenizer)
        for start in range(part * _CHUNK, len(ordered), parts * _CHUNK):
            chunk = [Asked(one.question, one.answer_kind, one.answer) for one in ordered[start : start + _CHUNK]]
            for tried in tried_greedily(
                chunk,
                decoder,
                self.thoughts,
                self.sandbox,
                max_tokens=self.max_tokens,
                max_input_tokens=self.max_input_tokens,
            ):
                answers = {path.thought: path for _, path in tried}
                choice = first_success([answers[thought] for thought in self.select])
                solved = [choice.correct, *(answers[name].correct for name in self.thoughts)]
                counts = [count + bool(right) for count, right in zip(counts, solved, strict=True)]
        return counts


def headline(select: Sequence[str], thoughts: Iterable[str]) -> list[str]:
    """The order of thoughts that counts: the selection's that were trained, or else the first thought that was."""
    names = sorted(thoughts)
    return [name for name in select if name in names] or names[:1]
