"""Over an epoch each target token pulls as hard as its row's weight says, whatever the thought, rows and workers.

The student here is a vector with a place for each thought; a token's "cross-entropy" is its thought's place. So the
gradient of a place is what all tokens of that thought pulled, and no step moves anything.
"""

import numpy as np
import pytest
import torch

from pipelines.config import MixtureConfig, TrainingConfig
from pipelines.mixture import RECIPES, Example, Judged
from pipelines.problems import Problem
from pipelines.student import worker as worker_module
from pipelines.student.batches import Order
from pipelines.student.examples import TokenisedMixture

THOUGHTS = ("cot", "pot", "eot")
TOKENS = {"cot": (40, 60), "pot": (12, 24), "eot": (70, 120)}


class Pulls(torch.nn.Module):
    """``input_ids`` hold the row's thought, ``labels`` its tokens."""

    def __init__(self):
        super().__init__()
        self.places = torch.nn.Parameter(torch.zeros(len(THOUGHTS), dtype=torch.float64))
        self.device = torch.device("cpu")

    def forward(self, input_ids, labels, weight):
        return ((labels >= 0).sum(1) * weight.double() * self.places[input_ids[:, 0]]).sum()


def mixture(rows):
    """Rows of (thought, tokens, weight) as a tokenised mixture."""
    lengths = [tokens for _, tokens, _ in rows]
    return TokenisedMixture(
        input_tokens=np.array([THOUGHTS.index(thought) for thought, _, _ in rows]),
        input_offsets=np.arange(len(rows) + 1),
        target_tokens=np.zeros(sum(lengths), np.int64),
        target_offsets=np.cumsum([0, *lengths]),
        weights=np.array([weight for _, _, weight in rows]),
        dropped=0,
    )


def pulled(data, workers, batch_size=16):
    """Gradient by thought, summed over the steps of an epoch and meant over the workers, as all-reduce does."""
    order = Order(data.input_lengths, data.target_lengths, batch_size, 1, 0)
    found = torch.zeros(len(THOUGHTS), dtype=torch.float64)
    for rank in range(workers):
        model = Pulls()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(worker_module, "recomputes", lambda *_: False)
            patch.setattr(worker_module, "WeightedCrossEntropy", lambda model, recompute: model)
            patch.setattr(worker_module, "token_budget", lambda *_: 700)
            patch.setattr(worker_module.distributed, "all_reduce", lambda *_: None)
            patch.setattr(worker_module, "DistributedDataParallel", lambda model, **_: model)
            model.num_parameters = lambda: 3
            model.no_sync = worker_module.contextlib.nullcontext
            config = TrainingConfig(precision="fp32", batch_size=batch_size)
            one = worker_module.Worker(model, data, config, seed=0, rank=rank, world_size=workers)
            one.prepare(order, None)
            for step in range(order.total):
                one._accumulate(order.examples(step), step)
        found += model.places.grad / workers
    return dict(zip(THOUGHTS, found.tolist(), strict=True))


def token_weights(data, workers):
    """What one token of each thought pulled, on average, as a multiple of PoT's."""
    thoughts = data.input_tokens
    gradient = pulled(data, workers)
    of = {name: data.target_lengths[thoughts == number].sum() for number, name in enumerate(THOUGHTS)}
    per_token = {name: gradient[name] / of[name] for name in THOUGHTS if of[name]}
    return {name: value / per_token["pot"] for name, value in per_token.items()}


def drawn(thoughts, weights, count=400):
    random = np.random.default_rng(0)
    return mixture(
        [
            (thought, int(random.integers(*TOKENS[thought])), weights[thought])
            for _ in range(count)
            for thought in thoughts
        ]
    )


@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize(
    ("thoughts", "weights"),
    [
        (THOUGHTS, {"cot": 1.0, "pot": 1.0, "eot": 1.0}),  # ETD
        (("cot", "pot"), {"cot": 0.4, "pot": 0.6}),  # MD's type 3 with lambda 0.6
        (THOUGHTS, {"pot": 0.6, "cot": 0.3, "eot": 0.1}),  # three thoughts
    ],
)
def test_a_token_weighs_what_its_row_says(thoughts, weights, workers):
    found = token_weights(drawn(thoughts, weights), workers)
    assert found == pytest.approx({name: weights[name] / weights["pot"] for name in thoughts}, rel=1e-2)


def test_an_epoch_pulls_as_hard_as_its_steps():
    """All tokens of an epoch together pull by the number of steps: each step divides by the same mean."""
    mixed = drawn(THOUGHTS, dict.fromkeys(THOUGHTS, 1.0), count=100)
    assert np.ceil(300 / 16) == pytest.approx(sum(pulled(mixed, 1).values()))


@pytest.mark.parametrize("workers", [1, 2])
def test_negative_weights_push_as_hard(workers):
    """C counts |w|: half of the tokens pushing away leave the other half their pull."""
    mixed = mixture([("cot", 10, -1.0), ("pot", 10, 1.0)] * 32)
    assert pulled(mixed, workers) == pytest.approx({"cot": -2.0, "pot": 2.0, "eot": 0.0})


def judged(thought, draw, completion):
    return Judged(
        sample_id=f"q/{thought}/{draw}",
        thought=thought,
        draw=draw,
        completion=completion,
        status="solved",
        answer="8",
        correct=True,
    )


@pytest.mark.parametrize(
    ("duplicates", "expected"),
    [("weigh", {"cot": 10.0, "pot": 10.0}), ("drop", {"cot": 10.0, "pot": 0.5}), ("keep", {"cot": 10.0, "pot": 10.0})],
)
def test_md_weighs_a_program_as_often_as_it_was_drawn(duplicates, expected):
    """Twenty right CoT and one program drawn twenty times: equations 3-4 give each thought (1/2) x 20 = 10."""
    samples = [judged("cot", draw, f"Way {draw}. The answer is 8.") for draw in range(20)]
    samples += [judged("pot", draw, "ans = 2 * 4") for draw in range(20)]
    problem = Problem(
        problem_id="q", question="2 x 4?", answer="8", answer_kind="number", rationale=None, dataset="d", split="train"
    )
    entries = RECIPES["md"](problem, samples, MixtureConfig(recipe="md", duplicates=duplicates))
    mass = dict.fromkeys(expected, 0.0)
    for entry in entries:
        if isinstance(entry, Example):
            mass[entry.thought] += entry.weight
    assert expected == pytest.approx(mass)
    assert 40 == len(entries)
