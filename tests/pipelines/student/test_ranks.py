"""Several ranks train as one worker does; this file is also the script that each of them runs."""

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import distributed
from transformers import T5ForConditionalGeneration

from pipelines.config import TrainingConfig
from pipelines.student import training
from pipelines.student.batches import shard
from pipelines.student.examples import open_tokenised
from pipelines.student.loss import WeightedCrossEntropy, target_weight
from pipelines.student.training import train
from pipelines.student.worker import Worker

# 50 rows in steps of 7: the short step has one row, for one of two ranks.
CONFIG = TrainingConfig(epochs=2, batch_size=7, learning_rate=5e-3, warmup_steps=5, precision="fp32")
WORLD_SIZE = 2


def losses_of(model, data, dev, **ranks):
    """Train; the loss and, after an epoch, the dev loss of each step."""
    records = []
    train(model, data, dev, CONFIG, seed=1, device="cpu", checkpoints=None, on_log=records.append, **ranks)
    return np.array([(record["loss"], record.get("dev_loss", math.nan)) for record in records])


@pytest.fixture(scope="module")
def ranks(student, data, dev, tmp_path_factory):
    """What two processes of gloo came to: by mode, each rank's losses and weights."""
    folder = tmp_path_factory.mktemp("ranks")
    student().save_pretrained(folder)
    folders = [str(Path(table.weights.filename).parent) for table in (data, dev)]
    processes = [
        subprocess.Popen([sys.executable, __file__, str(rank), str(folder), *folders]) for rank in range(WORLD_SIZE)
    ]
    assert [0] * WORLD_SIZE == [process.wait(timeout=200) for process in processes]
    return [torch.load(folder / f"{rank}.pt", weights_only=False) for rank in range(WORLD_SIZE)]


@pytest.fixture(scope="module")
def alone(student, data, dev):
    """One worker's losses and weights."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "LOG_EVERY", 1)
        model = student()
        return losses_of(model, data, dev), [parameter.data for parameter in model.parameters()]


def check_equal(weights, expected):
    for mine, other in zip(weights, expected, strict=True):
        torch.testing.assert_close(mine, other, rtol=0, atol=1e-4)


@pytest.mark.parametrize("mode", ["ours", "out_of_memory"])
def test_two_ranks_train_as_one_worker(ranks, alone, mode):
    """Unequal token counts and a step with a row for one rank only: one worker's losses and weights to 1e-4.

    Also where one rank runs out of memory in its last pass of a step and makes its passes anew.
    """
    losses, weights = alone
    for rank in ranks:
        np.testing.assert_allclose(rank[mode][0], losses, rtol=1e-4)
        check_equal(rank[mode][1], weights)


def test_the_plain_mean_of_gradients_is_another_training(ranks, alone):
    """What DistributedDataParallel does to means over each rank's own tokens fails the same comparison."""
    for rank in ranks:
        with pytest.raises(AssertionError):
            check_equal(rank["plain_mean"][1], alone[1])


def _rank(rank, folder, *folders):
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"file://{folder}/ranks", rank=rank, world_size=WORLD_SIZE)
    training.LOG_EVERY = 1
    data, dev = map(open_tokenised, folders)
    results = {}
    accumulate = Worker._accumulate
    for mode in ("ours", "plain_mean", "out_of_memory"):
        Worker._accumulate = _own_mean(accumulate, rank) if mode == "plain_mean" else accumulate
        if mode == "out_of_memory" and rank == 1:
            WeightedCrossEntropy.forward = _full_once(WeightedCrossEntropy.forward)
        model = T5ForConditionalGeneration.from_pretrained(folder)
        losses = losses_of(model, data, dev, rank=rank, world_size=WORLD_SIZE)
        results[mode] = losses, [parameter.data for parameter in model.parameters()]
    torch.save(results, f"{folder}/{rank}.pt")
    distributed.destroy_process_group()


def _own_mean(accumulate, rank):
    """Each rank divides by its own weighted tokens, the ranks are averaged, and the step counts as it should."""

    def own_mean(self, rows, step):
        constant = self._constant
        own = target_weight(self._data, shard(rows, rank, WORLD_SIZE))
        self._constant = constant * WORLD_SIZE * own / target_weight(self._data, rows)
        counted = accumulate(self, rows, step)
        self._constant = constant
        return counted

    return own_mean


def _full_once(forward):
    """A forward pass whose fourth call finds no memory."""
    calls = 0

    def full_once(*arguments):
        nonlocal calls
        calls += 1
        if calls == 4:
            raise torch.OutOfMemoryError
        return forward(*arguments)

    return full_once


if __name__ == "__main__":
    _rank(int(sys.argv[1]), *sys.argv[2:])
