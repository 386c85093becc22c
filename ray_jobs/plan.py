"""The plan of a sampling: every sample that is wanted, and the requests for those that the journal lacks.

    Plan(wanted=["gsm8k/train/0/cot/0", ...], missing=[Request(..., thought="cot", draw=0, draws=4), ...], ...)

Draws that are missing side by side are one request with ``n``; the teacher's client splits it where the endpoint
takes no ``n``. Local teachers are asked only what they have an answer to.
"""

import itertools
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, replace
from typing import Any

from pipelines.config import RunConfig
from pipelines.errors import DataError
from pipelines.mixture import Screened
from pipelines.mixture.example import in_fraction
from pipelines.problems import Problem
from pipelines.teacher import Recordings, Request, recorded_files
from pipelines.thoughts import SAMPLED
from ray_jobs import paid
from ray_jobs.journal import read_journal
from ray_jobs.run_directory import RunDirectory

_NOTHING_TO_SAY = {
    "rehearsal": "teacher.kind: rehearsal writes its thoughts from worked solutions, and none of the {count:,} "
    "problems has one; give solutions in GSM8K's notation with problems.source=gsm8k (docs/extending.md), or use "
    "another kind of teacher",
    "recorded": "teacher.recorded_path: holds no completion of any of the {count:,} problems (first: {first}) in "
    "sampling.thoughts; check problem_id and thought of its lines",
}

_EVERYTHING = Screened()


@dataclass
class Seen:
    """What the journal's answers to one thought have used."""

    samples: int = 0
    first_draws: int = 0
    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    dollars: float = 0.0

    def add(self, row: Mapping[str, Any]) -> None:
        """Count a sample; those of one request share its tokens and cost, which stand in the first row."""
        prompt_tokens = row.get("prompt_tokens") or 0
        self.samples += 1
        self.first_draws += row["draw"] == 0
        self.requests += prompt_tokens > 0
        self.prompt_tokens += prompt_tokens
        self.completion_tokens += row.get("completion_tokens") or 0
        self.dollars += row.get("cost_usd") or 0.0


@dataclass(frozen=True)
class Plan:
    """What is wanted, in order, what is still to be asked, and what the answers so far have used, by thought."""

    offered: list[list[Request]]  # by problem and thought, a request for each draw that the teacher can answer
    wanted: list[str]
    missing: list[Request]
    without_recording: int
    spent_usd: float
    seen: dict[str, Seen]

    @property
    def samples_missing(self) -> int:
        """How many completions are still to come."""
        return sum(request.draws for request in self.missing)


def make_plan(
    config: RunConfig, run_dir: RunDirectory, problems: list[Problem], screened: Screened = _EVERYTHING
) -> Plan:
    """All samples, in the order of problems, thoughts and draws, and requests for those still to be answered.

    What ``screened`` says is not worth a request is wanted only where it was answered before.

    Raises:
        PaidRowsError: a problem that was sampled has another question now.
        DataError: a local teacher has nothing to say to any of the problems, or ``sampling.fraction`` of them is none.
    """
    answered: set[str] = set()
    seen = {thought: Seen() for thought in SAMPLED}
    spent = 0.0
    shas = {problem.problem_id: paid.question_sha(problem.question) for problem in problems}
    for row in read_journal(run_dir):
        paid.check_question(run_dir, row["problem_id"], row["question_sha"], shas)
        spent += row.get("cost_usd") or 0.0  # a failure's answers that could not be used may have cost as well
        if row["kind"] == "sample":
            answered.add(row["sample_id"])
            seen[row["thought"]].add(row)
    share = config.sampling.fraction
    asked = [problem for problem in problems if in_fraction(config.seed, problem.problem_id, share)]
    if problems and not asked:
        raise DataError(f"sampling.fraction: {share:g} of {len(problems):,} problems is none of them; raise it")
    offered = _offered(config, asked, screened, answered)
    wanted = [single for group in offered for single in group]
    draws = config.sampling.draws
    worth = len(config.sampling.thoughts) * sum(screened.draws(problem.problem_id, draws) for problem in asked)
    if worth and not wanted:
        raise DataError(_NOTHING_TO_SAY[config.teacher.kind].format(count=len(asked), first=asked[0].problem_id))
    missing = [
        request
        for group in offered
        for request in as_requests([single for single in group if single.sample_ids[0] not in answered])
    ]
    return Plan(
        offered=offered,
        wanted=[single.sample_ids[0] for single in wanted],
        missing=missing,
        without_recording=max(0, worth - len(wanted)),
        spent_usd=spent,
        seen=seen,
    )


def _offered(config: RunConfig, problems: list[Problem], screened: Screened, answered: Set[str]) -> list[list[Request]]:
    """For each problem and thought, a request for each draw that is worth one and that the teacher can answer."""
    recordings = None
    if config.teacher.kind == "recorded":
        recordings = Recordings(recorded_files(config.teacher.recorded_path or []))
    groups = []
    for problem, thought in itertools.product(problems, config.sampling.thoughts):
        if config.teacher.kind == "rehearsal" and not problem.rationale:
            continue
        group = [
            Request(problem_id=problem.problem_id, thought=thought, draw=draw, question=problem.question)
            for draw in range(config.sampling.draws)
        ]
        worth = screened.draws(problem.problem_id, config.sampling.draws)
        group = [one for one in group if one.draw < worth or one.sample_ids[0] in answered]
        if recordings is not None:
            group = [r for r in group if recordings.find(r.problem_id, r.thought, r.draw, r.question) is not None]
        groups.append(group)
    return groups


def as_requests(singles: list[Request]) -> Iterator[Request]:
    """Neighbouring draws as one request."""
    for _, run in itertools.groupby(enumerate(singles), lambda pair: pair[1].draw - pair[0]):
        members = [single for _, single in run]
        yield replace(members[0], draws=len(members))
