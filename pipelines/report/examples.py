"""Solved and failed test problems to read: what was asked, what each thought wrote, what was chosen.

    Example(problem_id="gsm8k/test/3", dataset="gsm8k", category=None, question="James decides to run ...", gold="540",
            chosen="540", solved=True, attempts=(Attempt(thought="pot", status="solved", answer="540", ...), ...))

A few hundred of them, spread evenly over data sets and outcomes; the report says of how many. All text is as the data
set and the student wrote it: it is escaped where it is printed, not here.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from pipelines.report import palette
from pipelines.report.outcomes import Outcome
from pipelines.report.tables import Row, RunTables, rows

SHOWN = 300
CHARACTERS = 2000


@dataclass(frozen=True)
class Attempt:
    """One thought's completion: the greedy one, or the first sampled; ``right`` of ``paths`` paths were correct."""

    thought: str
    status: str
    answer: str | None
    correct: bool
    completion: str
    cut: int
    right: int
    paths: int


@dataclass(frozen=True)
class Example:
    """A problem, its gold answer, the headline selection's answer, and an attempt per thought."""

    problem_id: str
    dataset: str
    category: str | None
    question: str
    gold: str
    chosen: str | None
    solved: bool
    attempts: tuple[Attempt, ...]


@dataclass(frozen=True)
class Browser:
    """The examples shown, and how many solved and failed problems there are in all."""

    examples: tuple[Example, ...]
    solved: int
    failed: int


def browser(tables: RunTables, found: list[Outcome], selection: str | None, shown: int) -> Browser | None:
    """At most ``shown`` examples (the page: ``SHOWN``), failed ones first; None where nothing was evaluated."""
    judged = [outcome for outcome in found if selection in outcome.choices]
    if not judged or selection is None:
        return None
    failed = [outcome for outcome in judged if not _solved(outcome, selection)]
    picked = _spread(judged, selection, shown)
    problems = {row["problem_id"]: row for row in rows(tables.evaluation_problems, "problem_id", "question", "answer")}
    wanted = {outcome.problem_id for outcome in picked}
    paths: defaultdict[str, list[Row]] = defaultdict(list)
    columns = ("problem_id", "thought", "decoding", "draw", "status", "answer", "correct", "completion")
    for row in rows(tables.predictions, *columns):
        if row["problem_id"] in wanted:
            paths[row["problem_id"]].append(row)
    examples = [
        Example(
            problem_id=outcome.problem_id,
            dataset=outcome.dataset,
            category=outcome.category,
            question=problems[outcome.problem_id]["question"],
            gold=problems[outcome.problem_id]["answer"],
            chosen=outcome.choices[selection].answer,
            solved=_solved(outcome, selection),
            attempts=tuple(_attempts(paths[outcome.problem_id])),
        )
        for outcome in picked
    ]
    return Browser(tuple(examples), len(judged) - len(failed), len(failed))


def _solved(outcome: Outcome, selection: str) -> bool:
    return outcome.choices[selection].correct is True


def _spread(judged: list[Outcome], selection: str, shown: int) -> list[Outcome]:
    """Problems taken in turn from each (outcome, data set), in the data set's order; failed ones come first."""
    groups: defaultdict[tuple[bool, str], list[Outcome]] = defaultdict(list)
    for outcome in judged:
        groups[_solved(outcome, selection), outcome.dataset].append(outcome)
    room = shown
    quota = dict.fromkeys(groups, 0)
    while room and any(quota[key] < len(groups[key]) for key in groups):
        for key in groups:
            if room and quota[key] < len(groups[key]):
                quota[key] += 1
                room -= 1
    return [outcome for key in sorted(groups, key=lambda key: key[0]) for outcome in groups[key][: quota[key]]]


def _attempts(paths: list[Row]) -> Iterable[Attempt]:
    for thought in palette.ordered({path["thought"] for path in paths}):
        mine = sorted(
            (path for path in paths if path["thought"] == thought),
            key=lambda path: (path["decoding"] != "greedy", path["draw"] or 0),
        )
        completion = mine[0]["completion"] or ""
        yield Attempt(
            thought=thought,
            status=mine[0]["status"],
            answer=mine[0]["answer"],
            correct=mine[0]["correct"] is True,
            completion=completion[:CHARACTERS],
            cut=max(0, len(completion) - CHARACTERS),
            right=sum(path["correct"] is True for path in mine),
            paths=len(mine),
        )
