"""The order of training and its micro-batches."""

import numpy as np
import pytest

from pipelines.student.batches import Order, collate, micro_batches, shard


def lengths(count, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(5, 90, count), rng.integers(3, 60, count)


def order(count=100, batch_size=8, epochs=2.0, seed=0):
    return Order(*lengths(count), batch_size=batch_size, epochs=epochs, seed=seed)


def test_every_row_trains_once_an_epoch():
    """Each pass is a permutation; the short step is somewhere in it."""
    plan = order()
    for epoch in range(2):
        steps = [plan.examples(epoch * plan.per_epoch + i) for i in range(plan.per_epoch)]
        assert list(range(100)) == sorted(np.concatenate(steps).tolist())
        assert [4] + [8] * 12 == sorted(map(len, steps))


def test_order_is_a_function_of_seed_and_step_alone():
    """Asking out of order, or again, gives the same rows."""
    forward = [order().examples(step).tolist() for step in range(order().total)]
    plan = order()
    backward = [plan.examples(step).tolist() for step in reversed(range(plan.total))]
    assert forward == backward[::-1]


def test_epochs_and_seeds_differ():
    """No epoch repeats another one's steps."""
    plan = order()
    assert plan.examples(0).tolist() != plan.examples(plan.per_epoch).tolist()
    assert plan.examples(0).tolist() != order(seed=1).examples(0).tolist()


@pytest.mark.parametrize(("epochs", "total"), [(1, 13), (2.5, 32), (0.01, 1)])
def test_total_counts_fractions_of_epochs(epochs, total):
    """Epochs may be fractions; there is at least one step."""
    assert total == order(epochs=epochs).total


def test_workers_share_a_step():
    """The shards of a step are its rows, their sizes differ by one at most."""
    rows = order(batch_size=7).examples(3)
    shards = [shard(rows, rank, 3) for rank in range(3)]
    assert sorted(rows.tolist()) == sorted(np.concatenate(shards).tolist())
    assert [2, 2, 3] == sorted(map(len, shards))


def test_micro_batches_keep_the_budget_and_the_rows():
    """Padded tokens of a micro-batch never exceed the budget unless one row does."""
    inputs, targets = lengths(40)
    rows = np.argsort(inputs + targets)
    parts = list(micro_batches(rows, inputs, targets, 300))
    assert rows.tolist() == np.concatenate(parts).tolist()
    assert all(len(part) * (inputs[part].max() + targets[part].max()) <= 300 or len(part) == 1 for part in parts)


def test_row_longer_than_the_budget_goes_alone():
    """Nothing is dropped here."""
    parts = [part.tolist() for part in micro_batches(np.arange(3), np.array([9, 9, 9]), np.array([9, 9, 9]), 10)]
    assert [[0], [1], [2]] == parts


def test_windows_cut_padding():
    """Sorted windows waste clearly less than random batches, even where inputs and targets are unrelated."""
    inputs, targets = lengths(2000)
    plan = Order(inputs, targets, batch_size=32, epochs=1, seed=0)

    def waste(steps):
        padded = sum(len(rows) * (inputs[rows].max() + targets[rows].max()) for rows in steps)
        return padded / (inputs.sum() + targets.sum()) - 1

    shuffled = np.array_split(np.random.default_rng(0).permutation(2000), 2000 // 32)
    assert waste([plan.examples(step) for step in range(plan.total)]) < 0.75 * waste(shuffled)


def test_collate_pads_with_minus_one(data):
    """Rows end in -1 up to the longest."""
    batch = collate(data, np.array([0, 1, 2]))
    for row in range(3):
        assert data.input(row).tolist() == [token for token in batch.input[row].tolist() if token >= 0]
        assert data.target(row).tolist() == [token for token in batch.target[row].tolist() if token >= 0]
    assert batch.real == int((batch.input >= 0).sum() + (batch.target >= 0).sum())
