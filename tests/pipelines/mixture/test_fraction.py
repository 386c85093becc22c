"""A share of the training problems, for learning curves from one sampling."""

from pipelines.config import MixtureConfig
from pipelines.mixture import decide
from pipelines.problems import Problem


def problem(number: int) -> Problem:
    return Problem(
        problem_id=f"d/train/{number}",
        question=f"What is {number} + 1?",
        answer=str(number + 1),
        answer_kind="number",
        rationale=None,
        dataset="d",
        split="train",
    )


def training(fraction: float) -> tuple[set[str], set[str], list[str]]:
    """Problems that train and those of dev, of 400 with one right PoT each, and why the others do not."""
    config = MixtureConfig(fraction=fraction)
    splits: dict[str, set[str]] = {"train": set(), "dev": set(), "dropped": set()}
    reasons = []
    for number in range(400):
        name = f"d/train/{number}"
        key = {"sample_id": f"{name}/pot/0", "problem_id": name, "thought": "pot", "draw": 0}
        sample = {**key, "completion": f"ans = {number} + 1"}
        verdict = {**key, "status": "solved", "answer": str(number + 1), "correct": True, "flags": []}
        (row,) = decide(name, problem(number), None, [sample], [verdict], config, 0)
        splits[row.split].add(name)
        reasons += [row.reason] if row.reason else []
    return splits["train"], splits["dev"], reasons


def test_a_fraction_takes_its_share_and_larger_ones_hold_the_smaller() -> None:
    """A tenth is in the half, the half in the whole; dev is the same for all."""
    tenth, half, whole = (training(fraction) for fraction in (0.1, 0.5, 1.0))
    assert tenth[0] < half[0] < whole[0]
    assert 20 < len(tenth[0]) < 60 and 150 < len(half[0]) < 240
    assert tenth[1] == half[1] == whole[1]
    assert ({"outside_fraction"}, []) == (set(half[2]), whole[2])
