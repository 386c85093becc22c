"""Recipes: which of a problem's judged thoughts train the student, and with what weight.

    ETD (arXiv 2401.11864): every kept thought, weight 1.
    MD (arXiv 2312.10730): a majority vote per thought against gold gives the problem's type.
        only one thought right (types 1 and 2): its correct paths, upsampled
        several right (type 3): weights (1-λ) for CoT and λ for PoT, λ = n2/(n1+n2)    (equations 2-4)
        none right (type 4): dropped
        With three thoughts (ours): each thought's weight is its share of the correct paths.
    label: the question and its answer, without a thought (MD's baseline).

Each recipe sees one problem at a time. Shares over the whole mixture are ``pipelines.mixture.shares``.
"""

from collections import Counter
from collections.abc import Callable, Sequence

from pipelines.config import MixtureConfig
from pipelines.mixture.example import Dropped, Example, Judged
from pipelines.problems import Problem
from pipelines.solvers import equal
from pipelines.thoughts import THOUGHTS, student_input

Mixed = list[Example | Dropped]
"""One entry for each row that came in, and one for each further copy of an upsampled example."""


def etd(problem: Problem, judged: Sequence[Judged], config: MixtureConfig) -> Mixed:
    """The union of the thoughts that pass the filters."""
    kept, mixed = _filtered(judged, config)
    return [*mixed, *(_example(problem, sample, 1.0) for sample in kept)]


def md(problem: Problem, judged: Sequence[Judged], config: MixtureConfig) -> Mixed:
    """Correct paths by the problem's type, weighted."""
    thoughts = {sample.thought for sample in judged}
    right = {thought for thought in thoughts if _vote_is_right(problem, judged, thought)}
    if not right:
        return [Dropped(sample.thought, "type_4") for sample in judged]
    kept, mixed = _filtered(judged, config)
    if len(right) == 1:
        mixed += [Dropped(sample.thought, "other_type") for sample in kept if sample.thought not in right]
        chosen = [sample for sample in kept if sample.thought in right]
        return [
            *mixed,
            *(_example(problem, sample, 1.0, copy) for sample in chosen for copy in range(config.upsample)),
        ]
    counts = Counter(sample.thought for sample in judged if sample.correct and sample.status == "solved")
    total = sum(counts.values())
    return [*mixed, *(_example(problem, sample, counts[sample.thought] / total) for sample in kept)]


def label(problem: Problem, judged: Sequence[Judged], config: MixtureConfig) -> Mixed:
    """The question and its gold answer; the teacher's samples are not used."""
    mixed: Mixed = [Dropped(sample.thought, "not_used") for sample in judged]
    if problem.answer is not None:
        mixed.append(
            Example(
                example_id=f"{problem.problem_id}/label/0",
                problem_id=problem.problem_id,
                thought="label",
                input=student_input(problem.question, THOUGHTS["label"].trigger),
                target=problem.answer,
                weight=1.0,
            )
        )
    return mixed


RECIPES: dict[str, Callable[[Problem, Sequence[Judged], MixtureConfig], Mixed]] = {"etd": etd, "md": md, "label": label}


def _filtered(judged: Sequence[Judged], config: MixtureConfig) -> tuple[list[Judged], Mixed]:
    """The samples that pass ``keep``, are no duplicates and fit under the cap; and the others, with reasons."""
    kept: list[Judged] = []
    dropped: Mixed = []
    seen: set[tuple[str, str]] = set()
    per_thought: Counter[str] = Counter()
    for sample in sorted(judged, key=lambda sample: (sample.thought, sample.draw)):
        reason = _unfit(sample, config)
        text = (sample.thought, " ".join(sample.completion.split()))
        if reason is None and text in seen:
            reason = "duplicate"
        if reason is None and config.max_per_problem and per_thought[sample.thought] >= config.max_per_problem:
            reason = "over_max_per_problem"
        if reason is None:
            seen.add(text)
            per_thought[sample.thought] += 1
            kept.append(sample)
        else:
            dropped.append(Dropped(sample.thought, reason))
    return kept, dropped


def _unfit(sample: Judged, config: MixtureConfig) -> str | None:
    if config.keep == "all":
        return None if sample.completion.strip() else "empty"
    if sample.status != "solved":
        return sample.status
    if config.keep == "answered":
        return None
    if sample.correct is None:
        return "no_gold"
    return None if sample.correct else "incorrect"


def _vote_is_right(problem: Problem, judged: Sequence[Judged], thought: str) -> bool:
    """Whether the majority answer of a thought's paths is the gold answer; a tie goes to the earlier answer."""
    if problem.answer is None:
        return False
    groups: list[tuple[str, int]] = []
    for sample in judged:
        if sample.thought != thought or sample.status != "solved" or sample.answer is None:
            continue
        for index, (answer, votes) in enumerate(groups):
            if equal(answer, sample.answer, problem.answer_kind):
                groups[index] = (answer, votes + 1)
                break
        else:
            groups.append((sample.answer, 1))
    if not groups:
        return False
    winner, _ = max(groups, key=lambda group: group[1])
    return equal(winner, problem.answer, problem.answer_kind)


def _example(problem: Problem, sample: Judged, weight: float, copy: int = 0) -> Example:
    return Example(
        example_id=f"{sample.sample_id}#{copy + 1}" if copy else sample.sample_id,
        problem_id=problem.problem_id,
        thought=sample.thought,
        input=student_input(problem.question, THOUGHTS[sample.thought].trigger),
        target=sample.completion.strip(),
        weight=weight,
    )
