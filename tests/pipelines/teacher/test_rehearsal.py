"""The rehearsal teacher: three thoughts from one annotated solution, and mistakes on purpose."""

from pathlib import Path

import pytest

from pipelines.config import MISTAKE_KINDS, ProblemSource, RehearsalConfig
from pipelines.problems import Problem, load
from pipelines.problems.annotation import read
from pipelines.problems.generated import FAMILIES
from pipelines.solvers import Sandbox
from pipelines.teacher.rehearsal import chain_of_thought, complete, equation_of_thought, program_of_thought
from pipelines.thoughts import SAMPLED, judge

PENS = """\
Let x be the number of pens in a box: <<?6 * per_box + 4 = 52>>6x + 4 = 52.
52 - 4 = <<in_boxes=52-4=48>>48 pens are in boxes.
48 / 6 = <<per_box=48/6=8>>8 pens are in a box.
#### 8"""
CLIPS = """\
Natalia sold 48/2 = <<48/2=24>>24 clips in May.
Natalia sold 48+24 = <<48+24=72>>72 clips altogether in April and May.
#### 72"""
PERFECT = RehearsalConfig(mistakes=0)


def right(problem: Problem, thought: str, config: RehearsalConfig, sandbox: Sandbox, seed: int = 0) -> bool:
    completion = complete(problem.rationale or "", thought, f"{problem.problem_id}/{thought}/0", seed, config)
    verdict = judge(SAMPLED[thought], completion.text, "stop", problem.answer, problem.answer_kind, sandbox)
    return bool(verdict.correct)


def test_results_are_used_by_name() -> None:
    """A number that an earlier step gave is written as that step's name."""
    assert "in_boxes = 52 - 4\nper_box = in_boxes / 6\nans = per_box" == program_of_thought(read(PENS))


def test_an_unknown_is_stated_as_an_equation() -> None:
    """A problem with a true unknown gives its own equations, not the steps that solve them."""
    assert "6 * per_box + 4 = 52\nans = per_box" == equation_of_thought(read(PENS))


def test_plain_gsm8k_steps_are_named_after_what_they_count() -> None:
    """GSM8K's annotations have no names; the word after the result serves."""
    assert "clips = 48 / 2\nclips_2 = 48 + clips\nans = clips_2" == program_of_thought(read(CLIPS))
    assert chain_of_thought(read(CLIPS)).endswith("May.\nThe answer is 72.")


def test_a_completion_depends_on_seed_and_sample_only() -> None:
    """A request that is repeated gets the same answer."""
    config = RehearsalConfig(mistakes=0.5)
    draws = [[complete(PENS, "pot", f"p/{n}/pot/0", seed, config).text for n in range(40)] for seed in (1, 1, 2)]
    assert draws[0] == draws[1] != draws[2]


@pytest.mark.parametrize("kind", MISTAKE_KINDS)
@pytest.mark.parametrize("thought", SAMPLED)
def test_each_kind_of_mistake_is_caught_by_the_proof(kind: str, thought: str) -> None:
    """A mistaken completion of the pens problem is never right."""
    problem = Problem(
        problem_id="p", question="?", answer="8", answer_kind="number", rationale=PENS, dataset="d", split="train"
    )
    config = RehearsalConfig(mistakes=1, mistake_kinds=[kind])
    with Sandbox() as sandbox:
        assert not any(right(problem, thought, config, sandbox, seed) for seed in range(5))


def test_generated_problems_are_right_in_all_three_thoughts() -> None:
    """Without mistakes fifty generated problems of every family are proved in every thought."""
    problems = load(ProblemSource(source="generated", count=50 * len(FAMILIES), families="all"), seed=3)
    with Sandbox() as sandbox:
        wrong = [(p.category, t) for p in problems for t in SAMPLED if not right(p, t, PERFECT, sandbox)]
    assert [] == wrong


@pytest.mark.parametrize(
    ("source", "path", "split", "least"),
    [
        ("svamp", "svamp", "all", 0.999),
        ("asdiv", "asdiv", "test", 0.89),
        ("multiarith", "multiarith", "test", 1),
        ("mawps_asdiv_a", "svamp/mawps-asdiv-a_svamp", "train", 0.996),
    ],
)
def test_equations_of_data_sets_can_be_rehearsed(data: Path, source: str, path: str, split: str, least: float) -> None:
    """Nearly all problems with a number for an answer have a solution, and every fourth one is right in all forms."""
    problems = load(ProblemSource(source=source, path=str(data / path), split=split), seed=0)
    solved = [problem for problem in problems if problem.rationale]
    assert len(solved) / len(problems) >= least
    with Sandbox() as sandbox:
        wrong = [(p.problem_id, t) for p in solved[::4] for t in SAMPLED if not right(p, t, PERFECT, sandbox)]
    assert [] == wrong


def test_large_numbers_are_not_taken_for_one_another() -> None:
    """Two results that agree in six digits keep their own names."""
    solution = "<<a=1234560+7=1234567>>\n<<b=1234561+7=1234568>>\n<<c=1234567+1=1234568>>\n#### 1234568"
    assert program_of_thought(read(solution)).endswith("c = a + 1\nans = c")


def test_most_of_gsm8k_can_be_rehearsed(data: Path) -> None:
    """At least nine in ten annotated solutions give a right thought of each form."""
    problems = load(ProblemSource(source="gsm8k", path=str(data / "gsm8k/train.jsonl"), limit=200), seed=0)
    with Sandbox() as sandbox:
        shares = {t: sum(right(p, t, PERFECT, sandbox) for p in problems) / len(problems) for t in SAMPLED}
    assert {} == {thought: share for thought, share in shares.items() if share < 0.9}
