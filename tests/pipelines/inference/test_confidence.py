"""The confidence model: features by hand, the fit against scipy."""

import random

import numpy as np
import pytest
from scipy.optimize import minimize

from pipelines.inference.confidence import LEAST, feature_names, features, fit, read
from pipelines.inference.selection import Path


def path(thought, *, right=False, draw=0, logprob=-1.0, tokens=4, solved=True):
    status = "solved" if solved else "timeout"
    return Path(
        thought=thought,
        decoding="sample",
        draw=draw,
        status=status,
        answer="1" if solved else None,
        correct=right,
        logprob=logprob,
        tokens=tokens,
    )


def problems(count, seed=0):
    """Per problem two draws of two thoughts; agreement and log-probability tell right from wrong, with noise."""
    rng = random.Random(seed)
    made = []
    for _ in range(count):
        gold = rng.randint(0, 3)
        paths, votes = [], []
        for thought, skill in (("cot", 0.4), ("pot", 0.8)):
            for draw in range(2):
                vote = None if rng.random() < 0.1 else gold if rng.random() < skill else rng.randint(0, 3)
                right = vote == gold
                logprob = -rng.random() * (2 if right else 4)
                paths.append(path(thought, right=right, draw=draw, logprob=logprob, tokens=rng.randint(5, 30)))
                votes.append(vote)
        made.append((paths, votes))
    return made


def test_features_by_hand():
    """Two PoT paths and one of two CoT paths say the same; the other CoT path failed; log(4) tokens of -2 in all."""
    paths = [path("cot", logprob=-2.0), path("cot", draw=1, solved=False), path("pot"), path("pot", draw=1)]
    row = dict(zip(feature_names(["cot", "pot"]), features(paths, [0, None, 0, 0], ["cot", "pot"])[0], strict=True))
    assert row == {
        "thought cot": 1,
        "thought pot": 0,
        "logprob": -2,
        "logprob per token": -0.5,
        "log tokens": np.log(4),
        "agreement cot": 0,
        "agreement pot": 1,
        "failed cot": 1,
        "failed pot": 0,
    }


def test_a_path_does_not_agree_with_itself():
    """One path alone has nobody to agree with."""
    agreement = features([path("pot")], [0], ["pot"])[0, feature_names(["pot"]).index("agreement pot")]
    assert 0 == agreement


def test_shares_do_not_grow_with_the_number_of_paths():
    """All of three or all of one other path: agreement 1."""
    few, many = (features([path("pot", draw=i) for i in range(n)], [0] * n, ["pot"])[0] for n in (2, 4))
    assert few.tolist() == many.tolist()


def test_fit_is_the_penalised_maximum_of_the_likelihood():
    """scipy's general minimiser finds no better coefficients for the same loss."""
    made = problems(60)
    model = fit(made)
    x, y, w = [], [], []
    for paths, votes in made:
        block = features(paths, votes, model.thoughts)
        for i, vote in enumerate(votes):
            if vote is not None:
                x.append((block[i] - model.mean) / model.scale)
                y.append(paths[i].correct)
                w.append(0.5)  # two draws of each thought share a weight of 1
    x, y, w = np.array(x), np.array(y, float), np.array(w)

    def loss(beta):
        z = x @ beta[:-1] + beta[-1]
        return w @ (np.logaddexp(0, z) - y * z) + beta[:-1] @ beta[:-1] / 2

    found = minimize(loss, np.zeros(x.shape[1] + 1), method="BFGS", options={"gtol": 1e-8})
    assert model.coefficients == pytest.approx(found.x, abs=1e-4)


def test_probabilities_are_of_the_right_path():
    """On other problems, right answers are called more probable than wrong ones; failed paths have 0."""
    model = fit(problems(150))
    said = {True: [], False: []}
    for paths, votes in problems(150, seed=1):
        for one, vote, probability in zip(paths, votes, model.probabilities(paths, votes), strict=True):
            if vote is None:
                assert 0.0 == probability
            else:
                said[one.correct].append(probability)
    assert np.mean(said[True]) > np.mean(said[False]) + 0.3


def test_the_same_paths_give_the_same_model():
    """No random start."""
    assert fit(problems(30)) == fit(problems(30))


def test_answers_that_one_feature_separates_are_no_obstacle():
    """The penalty keeps the weights finite: all PoT right, all CoT wrong."""
    made = [([path("cot"), path("pot", right=True)], [0, 1]) for _ in range(40)]
    right, wrong = fit(made).probabilities([path("pot"), path("cot")], [0, 1])
    assert 0.9 < right < 1 and 0 < wrong < 0.1


@pytest.mark.parametrize("right", [True, False])
def test_too_few_right_or_wrong_answers_give_no_model(right):
    """One short of the least, beside plenty of the others."""
    few = [([path("pot", right=right)], [0])] * (LEAST - 1) + [([path("pot", right=not right)], [0])] * 50
    assert None is fit(few)
    assert None is not fit([*few, few[0]])


def test_problems_without_gold_are_left_out():
    """Nothing is learnt where nothing is known."""
    unknown = [
        (
            [Path(thought="pot", decoding="greedy", draw=0, status="solved", answer="1", correct=None, logprob=-1.0)],
            [0],
        )
    ]
    assert 30 == fit(problems(30) + unknown).problems


def test_a_model_survives_its_file():
    """Equal to the last bit; what is no model is said to be none."""
    model = fit(problems(30))
    assert model == read(model.as_json())
    for broken in ("[]", "{", '{"thoughts": []}', model.as_json().replace('"constant"', "").replace("cot", 'c","t')):
        with pytest.raises(ValueError):
            read(broken)
