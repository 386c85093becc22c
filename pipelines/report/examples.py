"""Solved and failed test problems to read: what was asked, what each thought wrote, what was chosen.

    Example(problem_id="gsm8k/test/3", dataset="gsm8k", category=None, question="James decides to run ...", gold="540",
            chosen="540", solved=True, attempts=(Attempt(thought="pot", status="solved", answer="540", ...), ...))

A few hundred of them, spread evenly over data sets and over what became of each thought, so that rare failures are
among them; the report says of how many. All text is as the data set and the student wrote it: it is escaped where it
is printed, not here.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import zip_longest

from markupsafe import escape

from pipelines.report import palette
from pipelines.report.outcomes import Outcome
from pipelines.report.tables import Row, RunTables, rows
from pipelines.thoughts.suspicion import suspicions

SHOWN = 400
CHARACTERS = 2000  # of a question or completion
BYTES = 2_000_000  # of all examples together, so that the page stays below 3 MB whatever a student writes
_MARKUP = 2200  # bytes of one example without its texts, about
_COLUMNS = ("problem_id", "thought", "decoding", "draw", "status", "answer", "correct", "completion", "flags")


@dataclass(frozen=True)
class Answer:
    """One answer of a thought's paths: ``text`` is None where they gave none; ``count`` of them gave it."""

    text: str | None
    correct: bool
    count: int


@dataclass(frozen=True)
class Attempt:
    """One thought's completion, the greedy one or the first sampled; ``answers`` are those of all its paths."""

    thought: str
    status: str
    answer: str | None
    correct: bool | None
    flags: tuple[str, ...]
    completion: str
    cut: int
    paths: int
    answers: tuple[Answer, ...]

    @property
    def result(self) -> str:
        """Of an answer "right", "wrong" or "unjudged", else the status."""
        if self.status != "solved":
            return self.status
        return {True: "right", False: "wrong", None: "unjudged"}[self.correct]


@dataclass(frozen=True)
class Example:
    """A problem, its gold answer, the headline selection's answer, and an attempt per thought."""

    problem_id: str
    dataset: str
    category: str | None
    steps: int | None
    question: str
    cut: int
    gold: str
    chosen: str | None
    solved: bool
    attempts: tuple[Attempt, ...]

    @property
    def right(self) -> tuple[str, ...]:
        """The thoughts that are right, each alone."""
        return tuple(attempt.thought for attempt in self.attempts if attempt.result == "right")


@dataclass(frozen=True)
class Choices:
    """What the examples can be filtered by, each with how many examples there are."""

    datasets: dict[str, int]
    right: dict[tuple[str, ...], int]
    missed: int
    thoughts: tuple[str, ...]
    results: dict[str, int]
    flags: dict[str, int]


@dataclass(frozen=True)
class Browser:
    """The examples shown, and how many solved and failed problems there are in all."""

    examples: tuple[Example, ...]
    solved: int
    failed: int
    choices: Choices


def browser(tables: RunTables, found: list[Outcome], selection: str | None, shown: int) -> Browser | None:
    """At most ``shown`` examples (the page: ``SHOWN``); None where nothing was evaluated.

    First those where the chosen answer is wrong though a thought is right, then the other failures, then the solved.
    """
    judged = [outcome for outcome in found if selection in outcome.choices]
    if not judged or selection is None:
        return None
    solved = sum(outcome.choices[selection].correct is True for outcome in judged)
    problems = {row["problem_id"]: row for row in rows(tables.evaluation_problems, "problem_id", "question", "answer")}
    wanted = {outcome.problem_id for outcome in judged}
    paths: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows(tables.predictions, *_COLUMNS):
        if row["problem_id"] in wanted:
            paths[row["problem_id"]].append(row)
    examples: list[Example] = []
    left = BYTES
    for outcome in _spread(judged, selection, paths):
        example = _example(outcome, selection, problems[outcome.problem_id], paths[outcome.problem_id])
        texts = (example.question, *(attempt.completion for attempt in example.attempts))
        left -= _MARKUP + sum(len(escape(text).encode()) for text in texts)
        if len(examples) == shown or (left < 0 and examples):
            break
        examples.append(example)
    order = {outcome.problem_id: place for place, outcome in enumerate(judged)}
    examples.sort(key=lambda example: (example.solved, not example.right, order[example.problem_id]))
    return Browser(tuple(examples), solved, len(judged) - solved, _choices(examples))


def _example(outcome: Outcome, selection: str, problem: Row, paths: list[Row]) -> Example:
    question = problem["question"]
    return Example(
        problem_id=outcome.problem_id,
        dataset=outcome.dataset,
        category=outcome.category,
        steps=outcome.steps,
        question=question[:CHARACTERS],
        cut=max(0, len(question) - CHARACTERS),
        gold=problem["answer"],
        chosen=outcome.choices[selection].answer,
        solved=outcome.choices[selection].correct is True,
        attempts=tuple(_attempts(question, paths)),
    )


def _spread(judged: list[Outcome], selection: str, paths: dict[str, list[Row]]) -> Iterator[Outcome]:
    """All problems, in turn from each data set and outcome, and there in turn from what became of the thoughts."""
    groups: defaultdict[tuple[str, bool], defaultdict[object, list[Outcome]]] = defaultdict(lambda: defaultdict(list))
    for outcome in judged:
        became = tuple((row["thought"], row["status"], row["correct"]) for row in _firsts(paths[outcome.problem_id]))
        groups[outcome.dataset, outcome.choices[selection].correct is True][became].append(outcome)
    return _in_turn([list(_in_turn(kinds.values())) for kinds in groups.values()])


def _in_turn(groups: Iterable[list[Outcome]]) -> Iterator[Outcome]:
    """The first of each group, then the second of each."""
    for turn in zip_longest(*groups):
        yield from (outcome for outcome in turn if outcome is not None)


def _firsts(paths: list[Row]) -> list[Row]:
    """Each thought's greedy path, or else its first sampled one."""
    return [_mine(paths, thought)[0] for thought in palette.ordered({path["thought"] for path in paths})]


def _mine(paths: list[Row], thought: str) -> list[Row]:
    mine = (path for path in paths if path["thought"] == thought)
    return sorted(mine, key=lambda path: (path["decoding"] != "greedy", path["draw"] or 0))


def _attempts(question: str, paths: list[Row]) -> Iterator[Attempt]:
    for first in _firsts(paths):
        mine = _mine(paths, first["thought"])
        completion = first["completion"] or ""
        tally = Counter((path["answer"], path["correct"] is True) for path in mine)
        flags = first["flags"]
        if flags is None:  # predictions carry none; what a teacher's sample would be doubted for shows here too
            flags = _doubts(first, question, completion)
        yield Attempt(
            thought=first["thought"],
            status=first["status"],
            answer=first["answer"],
            correct=first["correct"],
            flags=tuple(flags),
            completion=completion[:CHARACTERS],
            cut=max(0, len(completion) - CHARACTERS),
            paths=len(mine),
            answers=tuple(Answer(text, correct, count) for (text, correct), count in tally.most_common()),
        )


def _doubts(path: Row, question: str, completion: str) -> tuple[str, ...]:
    if path["status"] != "solved" or path["answer"] is None:
        return ()
    return suspicions(path["thought"], question, completion, path["answer"])


def _choices(examples: list[Example]) -> Choices:
    attempts = [attempt for example in examples for attempt in example.attempts]
    return Choices(
        datasets=_counted(example.dataset for example in examples),
        right=dict(
            sorted(Counter(example.right for example in examples).items(), key=lambda item: (len(item[0]), item[0]))
        ),
        missed=sum(not example.solved and bool(example.right) for example in examples),
        thoughts=palette.ordered({attempt.thought for attempt in attempts}),
        results=_counted(attempt.result for attempt in attempts),
        flags=_counted(flag for attempt in attempts for flag in attempt.flags),
    )


def _counted(values: Iterable[str]) -> dict[str, int]:
    """Each value with how often it occurs, the most frequent first."""
    return dict(Counter(values).most_common())
