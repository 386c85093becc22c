"""How probable it is that a path's answer is right: a logistic model fitted on the student's dev predictions.

    model = fit([(paths, votes), ...])          # per dev problem its paths in order, and their ballots
    model.probabilities(paths, votes)           -> [0.97, 0.97, 0.08], a number per path
    model.weights                               -> {"thought cot": -1.1, ..., "agreement pot": 1.9, ...}
    read(model.as_json()) == model              # student/confidence.json, which ``ray_jobs.solve`` reads

Features of a path that solved the problem: its thought; its log-probability, the same per token, and the logarithm of
its tokens; per thought, the share of the problem's *other* paths that give the same answer, and the share that
failed. Nothing here sees a gold answer except ``fit``, and nothing decides: ``selection.most_probable`` does.
"""

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.inference.selection import Path, Votes

Floats = NDArray[np.float64]
Problem = tuple[Sequence[Path], Votes]

FILE = "confidence.json"
"""Beside a student, the model for its greedy paths."""
LEAST = 5
"""So many right and so many wrong dev paths there must be, for a model to be fitted."""
_PENALTY = 1.0  # of half the squared weights of standardised features (a normal prior of variance 1)
_STEPS, _CONVERGED = 50, 1e-10


@dataclass(frozen=True)
class Calibration:
    """A fitted model.

    ``mean`` and ``scale`` standardise the features, ``coefficients`` weigh them (one more for the constant, at the
    end). ``problems``, ``right`` and ``wrong`` count what it was fitted on: problems, and paths with an answer.
    """

    thoughts: tuple[str, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    coefficients: tuple[float, ...]
    problems: int
    right: int
    wrong: int

    def probabilities(self, paths: Sequence[Path], votes: Votes) -> list[float]:
        """Per path the probability that its answer is right; 0 for a path without an answer."""
        answered = [index for index, number in enumerate(votes) if number is not None]
        found = [0.0] * len(paths)
        if answered:
            x = (features(paths, votes, self.thoughts)[answered] - self.mean) / self.scale
            z = x @ np.array(self.coefficients[:-1]) + self.coefficients[-1]
            for index, value in zip(answered, _sigmoid(z), strict=True):
                found[index] = float(value)
        return found

    @property
    def weights(self) -> dict[str, float]:
        """The coefficient of each standardised feature, and of the constant."""
        return dict(zip((*feature_names(self.thoughts), "constant"), self.coefficients, strict=True))

    def as_json(self) -> str:
        """All of it, for ``read``."""
        return json.dumps(asdict(self), indent=2)


def read(text: str) -> Calibration:
    """The model that ``as_json`` wrote.

    Raises:
        ValueError: it is none.
    """
    try:
        model = Calibration(**json.loads(text, object_hook=_with_tuples))
        count = len(feature_names(model.thoughts))
        sizes = [len(model.mean), len(model.scale), len(model.coefficients)]
    except (TypeError, AttributeError) as error:
        raise ValueError(f"no confidence model ({error})") from None
    if sizes != [count, count, count + 1]:
        raise ValueError(f"no confidence model (coefficients for other than its {count} features)")
    return model


def _with_tuples(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(each) if isinstance(each, list) else each for name, each in fields.items()}


def feature_names(thoughts: Sequence[str]) -> list[str]:
    """What the columns of ``features`` are."""
    return [
        *(f"thought {thought}" for thought in thoughts),
        "logprob",
        "logprob per token",
        "log tokens",
        *(f"agreement {thought}" for thought in thoughts),
        *(f"failed {thought}" for thought in thoughts),
    ]


def features(paths: Sequence[Path], votes: Votes, thoughts: Sequence[str]) -> Floats:
    """The features of each path, shape (paths, 3 x thoughts + 3); of a path without an answer they mean nothing.

    Shares of no paths at all are 0. Thoughts that ``thoughts`` does not name are left out of all shares.
    """
    number = np.array([-1 if vote is None else vote for vote in votes])
    thought = np.array([thoughts.index(path.thought) if path.thought in thoughts else -1 for path in paths])
    one_hot = (thought[:, None] == np.arange(len(thoughts))).astype(np.float64)  # paths x thoughts
    others = one_hot.sum(0) - one_hot  # other paths of each thought
    same = ((number[:, None] == number[None, :]) & (number >= 0)[:, None]).astype(np.float64) @ one_hot
    failed = (number < 0).astype(np.float64)
    agreement = (same - one_hot * (number >= 0)[:, None]) / np.maximum(others, 1)
    failures = (failed @ one_hot - one_hot * failed[:, None]) / np.maximum(others, 1)
    written = [
        (path.logprob, path.logprob / path.tokens, math.log(path.tokens)) if path.tokens else (path.logprob, 0.0, 0.0)
        for path in paths
    ]
    return np.hstack([one_hot, np.array(written), agreement, failures])


def fit(problems: Iterable[Problem]) -> Calibration | None:
    """The model that makes the paths' correctness most probable, less the penalty; None where there are too few.

    Maximises the log-likelihood less half the sum of squared weights (ridge) by Newton's method from zero, so the
    same paths give the same model. The constant is not penalised. The draws of one thought for one problem share a
    weight of 1: they are not independent evidence. Paths without an answer or without gold are left out, and with
    fewer than ``LEAST`` right or wrong ones there is no model.
    """
    kept = [(paths, votes) for paths, votes in problems if any(path.correct is not None for path in paths)]
    thoughts = tuple(sorted({path.thought for paths, _ in kept for path in paths}))
    blocks: list[Floats] = []
    labels: list[float] = []
    weights: list[float] = []
    for paths, votes in kept:
        usable = [i for i, path in enumerate(paths) if votes[i] is not None and path.correct is not None]
        if not usable:
            continue
        blocks.append(features(paths, votes, thoughts)[usable])
        draws = {thought: sum(path.thought == thought for path in paths) for thought in thoughts}
        labels += [float(bool(paths[i].correct)) for i in usable]
        weights += [1 / draws[paths[i].thought] for i in usable]
    right = int(sum(labels))
    if min(right, len(labels) - right) < LEAST:
        return None
    x = np.vstack(blocks)
    mean, scale = x.mean(0), x.std(0)
    scale[scale < 1e-12] = 1.0
    coefficients = _newton((x - mean) / scale, np.array(labels), np.array(weights))
    return Calibration(
        thoughts,
        tuple(mean.tolist()),
        tuple(scale.tolist()),
        tuple(coefficients.tolist()),
        len(kept),
        right,
        len(labels) - right,
    )


def _newton(x: Floats, y: Floats, weights: Floats) -> Floats:
    x = np.hstack([x, np.ones((len(x), 1))])
    penalty = np.append(np.full(x.shape[1] - 1, _PENALTY), 0.0)
    beta = np.zeros(x.shape[1])

    def loss(beta: Floats) -> float:
        z = x @ beta
        return float(weights @ (np.logaddexp(0, z) - y * z) + penalty @ beta**2 / 2)

    for _ in range(_STEPS):
        p = _sigmoid(x @ beta)
        gradient = x.T @ (weights * (p - y)) + penalty * beta
        hessian = (x * (weights * p * (1 - p))[:, None]).T @ x + np.diag(penalty)
        step = np.linalg.lstsq(hessian, gradient, rcond=None)[0]
        length = 1.0
        while loss(beta - length * step) > loss(beta) and length > 1e-6:  # never uphill: separable paths are common
            length /= 2
        beta = beta - length * step
        if float(np.abs(length * step).max()) < _CONVERGED:
            break
    return beta


def _sigmoid(z: Floats) -> Floats:
    return np.asarray(np.exp(-np.logaddexp(0, -z)))
