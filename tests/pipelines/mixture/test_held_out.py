"""Dev: whole groups of near questions."""

import os
from pathlib import Path

import pytest

from pipelines.config import ProblemSource
from pipelines.mixture import NearIndex, held_out, in_dev, words_of
from pipelines.problems import load

IDS = [f"d/train/{number:04}" for number in range(2000)]
DATA = Path(os.environ.get("THOUGHT_DISTILL_DATA", "nowhere"))


def near_of(questions: list[str]) -> list[list[int]]:
    words = [words_of(question) for question in questions]
    index = NearIndex(words)
    return [index.near(mine, before=number) for number, mine in enumerate(words)]


def test_problems_without_twins_fall_as_their_ids_say() -> None:
    expected = {name for name in IDS if in_dev(0, name, 0.1)}
    assert expected == held_out(IDS, [[] for _ in IDS], 0, 0.1)


@pytest.mark.parametrize("links", [[[], [0], [1], [2]], [[], [], [], [0, 1, 2]], [[], [0], [], [1, 2]]])
def test_a_group_stays_together(links: list[list[int]]) -> None:
    """A chain, a star and two pairs that a fourth joins: four by four, whichever ids they have."""
    near = [[other + start for other in each] for start in range(0, len(IDS), 4) for each in links]
    dev = held_out(IDS, near, 0, 0.1)
    groups = [IDS[start : start + 4] for start in range(0, len(IDS), 4)]
    assert all(len(dev & set(group)) in (0, 4) for group in groups)
    assert 0.06 < len(dev) / len(IDS) < 0.14
    assert dev != held_out(IDS, near, 1, 0.1)


def test_a_group_larger_than_dev_trains() -> None:
    """Half of all problems are one chain; dev comes from the others."""
    near = [[number - 1] if 0 < number < 1000 else [] for number in range(2000)]
    for seed in range(20):
        dev = held_out(IDS, near, seed, 0.1)
        assert dev and not dev & set(IDS[:1000])


def test_nothing_is_held_out_at_zero() -> None:
    assert not held_out(IDS, [[] for _ in IDS], 0, 0.0) and not held_out([], [], 0, 0.5)


@pytest.mark.skipif(not DATA.exists(), reason="no original files here (THOUGHT_DISTILL_DATA)")
@pytest.mark.parametrize(
    ("source", "folder", "split", "in_groups"),
    [("svamp", "svamp", "train", 180), ("mawps", "svamp/cv_mawps", "fold0/train", 597), ("asdiv", "asdiv", "all", 16)],
)
def test_no_dev_problem_is_near_a_training_question(source: str, folder: str, split: str, in_groups: int) -> None:
    problems = load(ProblemSource(source=source, path=str(DATA / folder), split=split), 0)
    ids, near = [one.problem_id for one in problems], near_of([one.question for one in problems])
    pairs = [(ids[number], ids[other]) for number, earlier in enumerate(near) for other in earlier]
    assert in_groups == len({name for pair in pairs for name in pair})
    for seed in range(3):
        dev = held_out(ids, near, seed, 0.05)
        assert not [pair for pair in pairs if (pair[0] in dev) != (pair[1] in dev)]
        assert 0.02 < len(dev) / len(ids) < 0.08
