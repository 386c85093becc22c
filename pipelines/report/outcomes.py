"""What became of each test problem under every selection: the one thing all accuracies are counted from.

    Outcome(problem_id="gsm8k/test/3", dataset="gsm8k", category=None, steps=3,
            choices={"cot": Choice(answer="540", correct=True, ...), "pot>eot>cot": Choice(...), "oracle": Choice(...)})

Choosing is `pipelines.inference.selection`'s work and equality is `pipelines.solvers`'; there is no scorer here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from pipelines.inference import Choice, choose
from pipelines.problems import annotation
from pipelines.report.dev import dev
from pipelines.report.judged import tested
from pipelines.report.tables import Row, RunTables


@dataclass(frozen=True)
class Outcome:
    """One problem with its choices by selection; ``steps`` counts annotated steps, None where there is no rationale."""

    problem_id: str
    dataset: str
    category: str | None
    steps: int | None
    choices: dict[str, Choice]


@lru_cache(maxsize=1)
def outcomes(tables: RunTables) -> list[Outcome]:
    """The outcomes of all decoded problems that have a gold answer, in the order of ``evaluation_problems``.

    ``confidence`` is among the choices where dev predictions have calibrated it.
    """
    calibration = dev(tables).calibration
    found = []
    for each in tested(tables):
        choices = choose(each.paths, each.votes, calibration.probabilities if calibration else None)
        problem = each.problem
        found.append(Outcome(problem["problem_id"], problem["dataset"], problem["category"], _steps(problem), choices))
    return found


def headline_selection(config: Row, found: Iterable[Outcome]) -> str | None:
    """The selection that ``evaluation.select`` names, or the nearest one that was decoded; None without outcomes."""
    names = {name for outcome in found for name in outcome.choices}
    wanted = config.get("evaluation", {}).get("select", [])
    order = ">".join(thought for thought in wanted if thought in names)
    if order in names:
        return order
    return next((name for name in (*wanted, *sorted(names)) if name in names), None)


def _steps(problem: Row) -> int | None:
    if not problem["rationale"]:
        return None
    return len(annotation.read(problem["rationale"]).steps) or None
