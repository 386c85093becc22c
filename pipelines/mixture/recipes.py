"""Recipes: which of a problem's judged thoughts train the student, and with what weight.

    ETD (arXiv 2401.11864): every kept thought, weight 1.
    MD (arXiv 2312.10730): a majority vote per thought against gold gives the problem's type.
        only one thought right (types 1 and 2): its correct paths, upsampled
        several right (type 3): weights (1-λ) for CoT and λ for PoT, λ = n2/(n1+n2)    (equations 2-4)
        none right (type 4): dropped
        n1, n2 count the question's correct paths as sampled, before duplicates and caps. Equations 3-4 sum over
        paths as sampled too: a repeated path trains once with the weight of all its draws (``duplicates: weigh``).
        With three thoughts (ours): each thought's weight is its share of the correct paths.
    label: the question and its answer, without a thought (MD's baseline).

With the loss of ``pipelines.student.loss`` MD's weights give L₁,₂ + L₃ of the paper up to a constant.
Each recipe sees one problem at a time. Shares over the whole mixture are ``pipelines.mixture.shares``.
"""

from collections import Counter
from collections.abc import Callable, Sequence

from pipelines.config import MixtureConfig
from pipelines.mixture.example import Dropped, Example, Judged
from pipelines.mixture.filters import Fit, fit_to_train
from pipelines.mixture.votes import right_thoughts
from pipelines.problems import Problem
from pipelines.thoughts import THOUGHTS, student_input

Mixed = list[Example | Dropped]
"""One entry for each row that came in, and one for each further copy of an upsampled example."""


def etd(problem: Problem, judged: Sequence[Judged], config: MixtureConfig) -> Mixed:
    """The union of the thoughts that pass the filters."""
    kept, dropped = fit_to_train(judged, config)
    return [*dropped, *(_of(problem, fit, 1.0) for fit in kept)]


def md(problem: Problem, judged: Sequence[Judged], config: MixtureConfig) -> Mixed:
    """Correct paths by the problem's type, weighted."""
    right = right_thoughts(problem, judged)
    if not right:
        return [Dropped(sample.thought, "type_4") for sample in judged]
    kept, dropped = fit_to_train(judged, config)
    if len(right) == 1:
        chosen = [fit for fit in kept if fit.sample.thought in right]
        return [
            *dropped,
            *(Dropped(fit.sample.thought, "other_type") for fit in kept if fit.sample.thought not in right),
            *(_of(problem, fit, 1.0, copy) for fit in chosen for copy in range(config.upsample)),
        ]
    counts = Counter(sample.thought for sample in judged if sample.correct and sample.status == "solved")
    total = sum(counts.values())
    return [*dropped, *(_of(problem, fit, counts[fit.sample.thought] / total) for fit in kept)]


def label(problem: Problem, judged: Sequence[Judged], config: MixtureConfig) -> Mixed:
    """The question and its gold answer; the teacher's samples are neither used nor counted."""
    if problem.answer is None:
        return [Dropped("label", "no_gold")]
    return [_example(problem, f"{problem.problem_id}/label/0", "label", problem.answer, 1.0)]


RECIPES: dict[str, Callable[[Problem, Sequence[Judged], MixtureConfig], Mixed]] = {"etd": etd, "md": md, "label": label}


def _of(problem: Problem, fit: Fit, weight: float, copy: int = 0) -> Example:
    """``weight`` is that of one draw."""
    sample, weight = fit.sample, weight * fit.draws
    name = f"{sample.sample_id}#{copy + 1}" if copy else sample.sample_id
    return _example(problem, name, sample.thought, sample.completion.strip(), weight, copy)


def _example(problem: Problem, name: str, thought: str, target: str, weight: float, copy: int = 0) -> Example:
    return Example(
        example_id=name,
        problem_id=problem.problem_id,
        thought=thought,
        input=student_input(problem.question, THOUGHTS[thought].trigger),
        target=target,
        weight=weight,
        copy=copy,
    )
