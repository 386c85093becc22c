"""What is chosen on dev problems before the test problems are looked at: an order of thoughts, and a confidence model.

    dev(tables).order        -> "pot>eot>cot"
    dev(tables).calibration  -> Calibration(thoughts=("cot", "eot", "pot"), problems=200, right=352, wrong=214, ...)
    greedy_calibration(tables)                   the same fitted on greedy paths alone, which is what ``solve`` writes

Dev problems never trained the student; they are no test data, and nothing here is measured on test data.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from pipelines.inference import Calibration, fit
from pipelines.inference.confidence import Problem
from pipelines.inference.selection import choose
from pipelines.report.intervals import Share, share
from pipelines.report.judged import Judged, judged
from pipelines.report.tables import RunTables


@dataclass(frozen=True)
class Dev:
    """``orders`` holds each order of all thoughts with its accuracy on dev, ``order`` the best of them.

    Without dev predictions there is no order and no calibration; ``note`` says so, or why there is no calibration.
    """

    problems: list[Judged] = field(default_factory=list)
    orders: dict[str, Share] = field(default_factory=dict)
    order: str | None = None
    calibration: Calibration | None = None
    note: str | None = "no dev predictions: no confidence selection, and no order chosen on dev"


@lru_cache(maxsize=1)
def dev(tables: RunTables) -> Dev:
    """Choose on the run's dev predictions.

    Only orders of all thoughts are compared: one that stops earlier answers the same or nothing, so it is never better.
    Equally good orders: the configured one (``evaluation.select``), else the first by name.
    """
    problems = judged(tables.problems, tables.dev_predictions)
    if not problems:
        return Dev()
    thoughts = {path.thought for each in problems for path in each.paths}
    correct: Counter[str] = Counter()
    n: Counter[str] = Counter()
    for each in problems:
        for name, choice in choose(each.paths, each.votes).items():
            if set(name.split(">")) == thoughts:
                correct[name] += choice.correct is True
                n[name] += 1
    orders = {name: share(correct[name], len(problems)) for name in sorted(n)}
    configured = ">".join(t for t in tables.config.get("evaluation", {}).get("select", []) if t in thoughts)
    order = max(orders, key=lambda name: (orders[name].correct, name == configured), default=None)
    calibration = fit((each.paths, each.votes) for each in problems)
    few = None if calibration else "too few right or wrong answers on dev: no confidence selection"
    return Dev(problems, orders, order, calibration, few)


def greedy_calibration(tables: RunTables) -> Calibration | None:
    """The confidence model of a student that writes one greedy path of each thought: shares among sampled paths would
    mean something else there."""
    return fit(_greedy(dev(tables).problems))


def _greedy(problems: list[Judged]) -> Iterator[Problem]:
    for each in problems:
        kept = [index for index, path in enumerate(each.paths) if path.decoding == "greedy"]
        yield [each.paths[index] for index in kept], [each.votes[index] for index in kept]
