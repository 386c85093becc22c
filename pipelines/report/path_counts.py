"""Accuracy against the number of sampled paths (MD, table 3), over all thoughts and for each alone.

    {"dataset": "gsm8k", "selection": "majority", "thoughts": ["cot", "pot"], "draws": 4, "paths": 8, "n": 1319,
     "expected_correct": 611.5, "accuracy": 0.4636, "low": 0.4368, "high": 0.4906}

``draws`` is of each thought, ``paths`` of all of them. Sampled paths only: the greedy one is not like the others.
A point for k of K draws is the mean over disjoint blocks of k successive draws (at most ``BLOCKS``), so its
expectation is that of k fresh draws, whichever they are. ``confidence`` is fitted anew for each point, on the same
kind of paths of the dev problems.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cache, partial

from pipelines.inference import CONFIDENCE, MAJORITY, ORACLE, WEIGHTED, Calibration, Path, fit
from pipelines.inference.selection import Votes, most_probable, vote, weight
from pipelines.report import palette
from pipelines.report.dev import dev
from pipelines.report.intervals import mean_of
from pipelines.report.judged import Judged, tested
from pipelines.report.tables import Row, RunTables

BLOCKS = 4
Block = tuple[list[Path], list[int | None]]


def path_counts(tables: RunTables) -> list[Row]:
    """A record per data set, set of thoughts, number of draws and selection; none where nothing was sampled."""
    by_dataset: defaultdict[str, list[Judged]] = defaultdict(list)
    for each in tested(tables):
        by_dataset[each.problem["dataset"]].append(each)
    records: list[Row] = []
    calibration = cache(partial(_calibration, dev(tables).problems))
    for dataset, problems in by_dataset.items():
        sampled = {path.thought for each in problems for path in each.paths if path.decoding == "sample"}
        thoughts = palette.ordered(sampled)
        for some in [thoughts, *((thought,) for thought in thoughts if len(thoughts) > 1)]:
            most = min((_draws(each, some) for each in problems), default=0) if some else 0
            for draws in _counts(most):
                scores = _scores(problems, some, draws, calibration(some, draws))
                trials = min(most // draws, BLOCKS)
                records += [_record(dataset, name, some, draws, mine, trials) for name, mine in scores.items()]
    return records


def _record(dataset: str, selection: str, thoughts: Sequence[str], draws: int, scores: list[float], trials: int) -> Row:
    n, correct = len(scores), sum(scores)
    low, high = mean_of(scores, trials)
    return {
        "dataset": dataset,
        "selection": selection,
        "thoughts": list(thoughts),
        "draws": draws,
        "paths": draws * len(thoughts),
        "n": n,
        "expected_correct": correct,
        "accuracy": correct / n,
        "low": low,
        "high": high,
    }


def _counts(most: int) -> list[int]:
    """1, 2, 4, ... and ``most``."""
    return sorted({2**power for power in range(most.bit_length())} | {most}) if most else []


def _draws(each: Judged, thoughts: Sequence[str]) -> int:
    """How many sampled paths each of the thoughts has at least."""
    return min(sum(p.thought == t and p.decoding == "sample" for p in each.paths) for t in thoughts)


def _blocks(each: Judged, thoughts: Sequence[str], draws: int) -> Iterator[Block]:
    """The problem's paths of successive draws of each thought, with their ballots."""
    sampled: dict[str, list[int]] = {thought: [] for thought in thoughts}
    for index, path in enumerate(each.paths):
        if path.decoding == "sample" and path.thought in sampled:
            sampled[path.thought].append(index)
    whole = min(len(indices) for indices in sampled.values()) // draws
    for start in range(0, min(whole, BLOCKS) * draws, draws):
        chosen = [index for indices in sampled.values() for index in indices[start : start + draws]]
        yield [each.paths[index] for index in chosen], [each.votes[index] for index in chosen]


def _calibration(problems: list[Judged], thoughts: Sequence[str], draws: int) -> Calibration | None:
    return fit(block for each in problems for block in _blocks(each, thoughts, draws))


def _scores(
    problems: list[Judged], thoughts: Sequence[str], draws: int, calibration: Calibration | None
) -> dict[str, list[float]]:
    """Per selection each problem's share of blocks that it solves."""
    rules = {MAJORITY: _majority, WEIGHTED: _weighted}
    if calibration is not None:
        rules[CONFIDENCE] = partial(_confidence, calibration)
    scores: dict[str, list[float]] = {name: [] for name in (*rules, ORACLE)}
    for each in problems:
        right = dict.fromkeys(scores, 0)
        blocks = list(_blocks(each, thoughts, draws))
        for paths, votes in blocks:
            right[ORACLE] += any(path.correct for path in paths)
            there_is_a_choice = len(set(votes) - {None}) > 1
            majority = _majority(paths, votes)
            for name, rule in rules.items():
                right[name] += rule(paths, votes) if there_is_a_choice and name != MAJORITY else majority
        for name, count in right.items():
            scores[name].append(count / len(blocks))
    return scores


def _majority(paths: Sequence[Path], votes: Votes) -> bool:
    return vote(paths, votes, [1.0] * len(paths)).correct is True


def _weighted(paths: Sequence[Path], votes: Votes) -> bool:
    return vote(paths, votes, [weight(path) for path in paths]).correct is True


def _confidence(calibration: Calibration, paths: Sequence[Path], votes: Votes) -> bool:
    return most_probable(paths, votes, calibration.probabilities(paths, votes)).correct is True
