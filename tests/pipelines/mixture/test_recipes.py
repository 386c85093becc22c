"""Recipes on hand-made problems."""

import pytest

from pipelines.config import MixtureConfig
from pipelines.mixture import RECIPES, Dropped, Example, Judged, decide
from pipelines.mixture.example import in_dev
from pipelines.problems import Problem

PROBLEM = Problem(
    problem_id="d/train/0",
    question="How many?",
    answer="8",
    answer_kind="number",
    rationale=None,
    dataset="d",
    split="train",
)


def judged(thought: str, draw: int, answer: str | None, text: str | None = None) -> Judged:
    return Judged(
        sample_id=f"d/train/0/{thought}/{draw}",
        thought=thought,
        draw=draw,
        completion=text or f"{thought} {draw} gives {answer}",
        status="solved" if answer else "runtime_error",
        answer=answer,
        correct=answer == "8",
    )


def mixed(recipe: str, samples: list[Judged], **settings: object) -> tuple[dict[str, float], list[tuple[str, str]]]:
    """Weights by example id, and what was dropped."""
    entries = RECIPES[recipe](PROBLEM, samples, MixtureConfig.model_validate({"recipe": recipe, **settings}))
    weights = {entry.example_id: entry.weight for entry in entries if isinstance(entry, Example)}
    return weights, [(entry.thought, entry.reason) for entry in entries if isinstance(entry, Dropped)]


SAMPLES = [judged("cot", 0, "8"), judged("cot", 1, "7"), judged("pot", 0, "8"), judged("eot", 0, None)]


def test_etd_is_the_union_of_the_correct_thoughts() -> None:
    """Every other row has its reason."""
    weights, dropped = mixed("etd", SAMPLES)
    assert {"d/train/0/cot/0": 1.0, "d/train/0/pot/0": 1.0} == weights
    assert [("cot", "incorrect"), ("eot", "runtime_error")] == dropped


@pytest.mark.parametrize(("keep", "count"), [("correct", 2), ("answered", 3), ("all", 4)])
def test_keep_says_how_much_proof_is_asked_for(keep: str, count: int) -> None:
    """correct | answered | all."""
    assert count == len(mixed("etd", SAMPLES, keep=keep)[0])


def test_md_weights_both_right_by_their_correct_counts() -> None:
    """λ = n2/(n1+n2): two correct CoT paths and one correct PoT path give 2/3 and 1/3."""
    samples = [judged("cot", 0, "8"), judged("cot", 1, "8"), judged("pot", 0, "8")]
    weights, _ = mixed("md", samples)
    assert {
        "d/train/0/cot/0": pytest.approx(2 / 3),
        "d/train/0/cot/1": pytest.approx(2 / 3),
        "d/train/0/pot/0": pytest.approx(1 / 3),
    } == weights


def test_md_upsamples_problems_that_one_thought_alone_solves() -> None:
    """Types 1 and 2; correct paths of a thought that lost its vote do not train."""
    samples = [judged("pot", 0, "8"), judged("cot", 0, "7"), judged("cot", 1, "7", "again 7"), judged("cot", 2, "8")]
    weights, dropped = mixed("md", samples, upsample=3)
    assert {"d/train/0/pot/0": 1.0, "d/train/0/pot/0#2": 1.0, "d/train/0/pot/0#3": 1.0} == weights
    assert ("cot", "other_type") in dropped


def test_md_counts_correct_paths_as_sampled() -> None:
    """A path written twice trains once with the weight of two, and counts twice in λ: 2/3 + 2/3 and 1/3."""
    samples = [judged("cot", 0, "8", "so 8"), judged("cot", 1, "8", "so 8"), judged("pot", 0, "8")]
    weights, dropped = mixed("md", samples)
    assert {"d/train/0/cot/0": pytest.approx(4 / 3), "d/train/0/pot/0": pytest.approx(1 / 3)} == weights
    assert [("cot", "duplicate")] == dropped


def test_three_thoughts_share_by_their_correct_counts() -> None:
    """Ours: two CoT, one PoT and one EoT path give 1/2, 1/4 and 1/4."""
    samples = [judged("cot", 0, "8"), judged("cot", 1, "8"), judged("pot", 0, "8"), judged("eot", 0, "8")]
    weights, _ = mixed("md", samples)
    assert [0.5, 0.5, 0.25, 0.25] == [weights[f"d/train/0/{name}"] for name in ("cot/0", "cot/1", "eot/0", "pot/0")]


def test_md_drops_problems_that_no_thought_solves() -> None:
    """Type 4."""
    assert ({}, [("cot", "type_4"), ("pot", "type_4")]) == mixed("md", [judged("cot", 0, "7"), judged("pot", 0, None)])


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"recipe": "md"}, "weigh"),
        ({"recipe": "md", "duplicates": "drop"}, "drop"),
        ({"recipe": "etd"}, "drop"),
        ({}, "drop"),
        ({"recipe": "etd", "duplicates": "weigh"}, "weigh"),
    ],
)
def test_what_happens_to_duplicates_unless_said(settings: dict[str, str], expected: str) -> None:
    """MD sums over paths as sampled; ETD is a union of sets."""
    config = MixtureConfig.model_validate(settings)
    assert expected == config.duplicates == MixtureConfig.model_validate(config.model_dump()).duplicates


def test_copies_train_and_are_not_in_dev() -> None:
    """A problem of type 1 in dev: each example once."""
    row = {"sample_id": "d/train/0/pot/0", "problem_id": "d/train/0", "thought": "pot", "draw": 0}
    sample, verdict = row | {"completion": "ans = 8"}, row | {"status": "solved", "answer": "8", "correct": True}
    for held_out, copies in ((False, [("train", 0), ("train", 1)]), (True, [("dev", 0)])):
        decided = decide("d/train/0", PROBLEM, None, [sample], [verdict], MixtureConfig(recipe="md"), 0, held_out)
        assert copies == [(one.split, one.example.copy) for one in decided if one.example]


def test_label_trains_on_the_answer_alone() -> None:
    """Question in, answer out."""
    entries = RECIPES["label"](PROBLEM, SAMPLES, MixtureConfig(recipe="label"))
    (example,) = entries
    assert isinstance(example, Example)
    assert ("Question: How many?\n", "8", "label") == (example.input, example.target, example.thought)


def test_dev_is_split_by_problem_and_seed() -> None:
    """About the asked share, the same for every thought of a problem."""
    names = [f"d/train/{n}" for n in range(2000)]
    share = sum(in_dev(0, name, 0.1) for name in names) / len(names)
    assert 0.1 == pytest.approx(share, abs=0.03)
    assert [in_dev(0, name, 0.1) for name in names] != [in_dev(1, name, 0.1) for name in names]
    assert [in_dev(0, name, 0.1) for name in names] == [in_dev(0, f"{name}~2", 0.1) for name in names]
