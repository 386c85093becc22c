"""The training loop: its steps, its records and its restart."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from pipelines.config import TrainingConfig
from pipelines.errors import DataError, ThoughtDistillError
from pipelines.student import training
from pipelines.student.checkpoints import CheckpointStore
from pipelines.student.loss import WeightedCrossEntropy
from pipelines.student.training import learning_rate, train
from pipelines.student.worker import Worker

CONFIG = TrainingConfig(epochs=2, batch_size=7, learning_rate=5e-3, warmup_steps=5, precision="fp32")


def run(model, data, dev, config=CONFIG, checkpoints=None, on_log=lambda record: None, **ranks):
    return train(model, data, dev, config, seed=1, device="cpu", checkpoints=checkpoints, on_log=on_log, **ranks)


@pytest.fixture(autouse=True)
def log_every_step(monkeypatch):
    monkeypatch.setattr(training, "LOG_EVERY", 1)


class KilledError(Exception):
    """Stands for a worker that dies."""


@pytest.mark.parametrize("dropout", [0.0, 0.1])
def test_resumed_training_ends_with_the_same_bits(student, data, dev, tmp_path, dropout):
    """Killed after step 6 of 16 and started again: weights, losses and dev losses of an undisturbed run."""
    config = CONFIG.model_copy(update={"checkpoint_every_s": 1e-9})
    undisturbed, straight = student(dropout=dropout), []
    whole = run(undisturbed, data, dev, config, CheckpointStore(str(tmp_path / "undisturbed")), straight.append)

    def die(record):
        if record["step"] == 7:
            raise KilledError

    store = CheckpointStore(str(tmp_path / "killed"))
    with pytest.raises(KilledError):
        run(student(dropout=dropout), data, dev, config, store, die)
    resumed, later = student(dropout=dropout), []
    again = run(resumed, data, dev, config, store, later.append)
    assert list(range(7, 17)) == [record["step"] for record in later]
    assert [record["loss"] for record in straight[6:]] == [record["loss"] for record in later]
    assert replace(whole, elapsed_s=0) == replace(again, elapsed_s=0)
    for mine, other in zip(resumed.parameters(), undisturbed.parameters(), strict=True):
        assert torch.equal(mine, other)


def test_steps_take_the_place_of_epochs(student, data, dev, monkeypatch):
    """16 steps are two epochs; 36 are four and a half, of which dev is measured after the second and fourth alone."""
    monkeypatch.setattr(training, "MOST_DEV", 3)
    records = []
    result = run(student(), data, dev, CONFIG.model_copy(update={"steps": 36}), on_log=records.append)
    assert (36, 36) == (result.steps, result.planned_steps)
    assert [16, 32, 36] == [record["step"] for record in records if "dev_loss" in record]


def test_finished_training_does_nothing_again(student, data, dev, tmp_path):
    """The last step is checkpointed; another call returns the same result and weights."""
    store = CheckpointStore(str(tmp_path))
    model = student()
    first = run(model, data, dev, checkpoints=store)
    records, again = [], student()
    second = run(again, data, dev, checkpoints=store, on_log=records.append)
    assert ([], replace(first, elapsed_s=0)) == (records, replace(second, elapsed_s=0))
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))


def test_micro_batches_do_not_change_the_step(student, data, dev, monkeypatch):
    """Accumulating over small passes gives the losses of one pass."""
    whole, parts = [], []
    run(student(), data, dev, on_log=whole.append)
    monkeypatch.setattr("pipelines.student.worker.token_budget", lambda *_: 150.0)
    run(student(), data, dev, on_log=parts.append)
    np.testing.assert_allclose([r["loss"] for r in whole], [r["loss"] for r in parts], rtol=1e-4)


def test_a_pass_that_runs_out_of_memory_is_made_anew(student, data, dev, monkeypatch):
    """A step whose passes stop fitting is cut finer from then on; its loss stays what it was."""
    whole, parts = [], []
    run(student(), data, dev, on_log=whole.append)
    forward, tokens = WeightedCrossEntropy.forward, []

    def small(self, input_ids, labels, weight):
        tokens.append(input_ids.numel() + labels.numel())
        if len(tokens) > 20 and tokens[-1] > 400:
            raise torch.OutOfMemoryError
        return forward(self, input_ids, labels, weight)

    monkeypatch.setattr(WeightedCrossEntropy, "forward", small)
    run(student(), data, dev, on_log=parts.append)
    np.testing.assert_allclose([r["loss"] for r in whole], [r["loss"] for r in parts], rtol=1e-4)
    assert max(tokens[:20]) > 400


def test_memory_that_runs_out_while_others_wait_is_remembered(student, data, dev, monkeypatch, tmp_path):
    """A rank cannot make such a pass anew alone: the next attempt makes smaller ones, to the same losses."""
    whole, parts, sizes = [], [], []
    run(student(), data, dev, on_log=whole.append)
    store, accumulate, forward = CheckpointStore(str(tmp_path)), Worker._accumulate, WeightedCrossEntropy.forward

    def full(self, *arguments):
        self.budget = 150.0
        raise torch.OutOfMemoryError

    def measured(self, input_ids, labels, weight):
        sizes.append(input_ids.numel() + labels.numel())
        return forward(self, input_ids, labels, weight)

    monkeypatch.setattr(Worker, "_accumulate", full)
    with pytest.raises(torch.OutOfMemoryError):
        run(student(), data, dev, checkpoints=store)
    monkeypatch.setattr(Worker, "_accumulate", accumulate)
    monkeypatch.setattr(WeightedCrossEntropy, "forward", measured)
    run(student(), data, dev, checkpoints=store, on_log=parts.append)
    np.testing.assert_allclose([r["loss"] for r in whole], [r["loss"] for r in parts], rtol=1e-4)
    assert max(sizes) <= 150


def test_one_example_that_never_fits_ends_the_training(student, data, dev, monkeypatch):
    """The message says what does help."""

    def full(*arguments):
        raise torch.OutOfMemoryError

    monkeypatch.setattr(WeightedCrossEntropy, "forward", full)
    with pytest.raises(ThoughtDistillError, match=r"one example of .* tokens does not fit .*max_input_tokens"):
        run(student(), data, dev)


def test_records_say_where_training_stands(student, data, dev):
    """Step, rate, padding and, at the end of each epoch, the dev loss."""
    records = []
    result = run(student(), data, dev, on_log=records.append)
    assert [8, 16] == [record["step"] for record in records if "dev_loss" in record]
    assert (16, 16, 2.0) == tuple(records[-1][name] for name in ("step", "steps", "epoch"))
    assert records[-1]["dev_loss"] == result.dev_loss
    assert 2 * int(data.target_lengths.sum()) == result.tokens
    assert all(0 <= record["padding"] < 1 and record["tokens_per_s"] > 0 for record in records)


def test_loss_falls(student, data, dev):
    """Twenty epochs on fifty examples learn them by and large."""
    result = run(student(), data, dev, CONFIG.model_copy(update={"epochs": 20}))
    assert result.loss < 1.0


def test_dropout_of_the_configuration_replaces_the_models(student, data, dev):
    """training.dropout reaches every layer and the exported configuration."""
    model = student(dropout=0.3)
    run(model, data, dev, CONFIG.model_copy(update={"dropout": 0.0, "epochs": 0.2}))
    assert {0.0} == {module.p for module in model.modules() if isinstance(module, torch.nn.Dropout)}
    assert 0.0 == model.config.dropout_rate == model.encoder.block[0].layer[0].SelfAttention.dropout


def test_learning_rate_warms_up_and_decays():
    """At most a tenth of the steps warm up; the last step's rate is above 0."""
    config = TrainingConfig(learning_rate=1.0, warmup_steps=200)
    rates = [learning_rate(step, 100, config) for step in range(100)]
    assert [0.1, 0.5, 1.0, 1.0] == [rates[0], rates[4], rates[9], rates[10]]
    assert math.isclose(1 / 90, rates[99])


def test_nan_stops_the_training(student, data, dev):
    """A loss that is not finite ends the run in one line that says what to do."""
    with pytest.raises(ThoughtDistillError, match=r"lower training\.learning_rate"):
        run(student(), data, dev, CONFIG.model_copy(update={"learning_rate": 1e30}))


def test_empty_mixture_is_refused(student, data, dev):
    """No row within the limits: bad input, not a crash."""
    empty = replace(data, weights=data.weights[:0], input_offsets=data.input_offsets[:1], dropped=4)
    with pytest.raises(DataError, match=r"nothing to train on.*4 were too long"):
        run(student(), empty, dev)


def test_bf16_trains(student, data, dev):
    """Autocast in bf16 keeps fp32 weights and follows the fp32 losses."""
    model, bf16, fp32 = student(), [], []
    result = run(model, data, dev, CONFIG.model_copy(update={"precision": "bf16"}), on_log=bf16.append)
    run(student(), data, dev, on_log=fp32.append)
    assert ("bf16", torch.float32) == (result.precision, next(model.parameters()).dtype)
    np.testing.assert_allclose([r["loss"] for r in bf16], [r["loss"] for r in fp32], rtol=0.05)
