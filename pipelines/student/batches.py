"""The order of training: which examples make up each optimizer step, and how they are cut into tensors.

    order = Order(input_lengths, target_lengths, batch_size=32, epochs=3, seed=0)
    order.total                                              -> 2440 optimizer steps
    order.examples(17)                                       -> row numbers of step 17, short inputs first
    shard(order.examples(17), rank=0, world_size=2)          -> every second of them
    list(micro_batches(rows, lengths, token_budget=8192))    -> row numbers, one array for each forward pass

The examples of a step are a pure function of seed, epoch and step (promise 5): neither the number of workers nor
their memory changes them. An epoch is a permutation of all rows; within windows of ``WINDOW`` steps rows are sorted
by length, so that a step's rows are about equally long, and the steps of a window are shuffled again.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.student.examples import TokenisedMixture

Rows = NDArray[np.int64]

WINDOW = 8  # steps: chosen on measurement, wider windows save little more padding and make steps less varied


@dataclass
class Order:
    """The steps of a whole training. The last step of an epoch is short where the rows do not divide evenly.

    Args:
        input_lengths: tokens of each row's input.
        target_lengths: tokens of each row's target.
        batch_size: rows of a step, over all workers.
        epochs: passes over the rows; a fraction ends inside an epoch.
        seed: of the permutations.
        steps: all steps, in place of ``epochs``.
    """

    input_lengths: Rows
    target_lengths: Rows
    batch_size: int
    epochs: float
    seed: int
    steps: int | None = None
    _epoch: int = field(default=-1, init=False)
    _steps: list[Rows] = field(default_factory=list, init=False)

    @property
    def per_epoch(self) -> int:
        """Optimizer steps of one pass."""
        return math.ceil(len(self.input_lengths) / self.batch_size)

    @property
    def total(self) -> int:
        """Optimizer steps of the whole training, at least 1 where there are rows."""
        wanted = self.steps or max(1, round(self.per_epoch * self.epochs))
        return wanted if len(self.input_lengths) else 0

    def examples(self, step: int) -> Rows:
        """Row numbers of one step, sorted by target and input length."""
        epoch, position = divmod(step, self.per_epoch)
        if epoch != self._epoch:
            self._steps, self._epoch = self._order(epoch), epoch
        return self._steps[position]

    def _order(self, epoch: int) -> list[Rows]:
        random = np.random.Generator(np.random.PCG64([self.seed, epoch]))
        rows = random.permutation(len(self.input_lengths))
        steps: list[Rows] = []
        for start in range(0, len(rows), WINDOW * self.batch_size):
            window = by_length(rows[start : start + WINDOW * self.batch_size], self.input_lengths, self.target_lengths)
            cut = [window[first : first + self.batch_size] for first in range(0, len(window), self.batch_size)]
            steps.extend(cut[place] for place in random.permutation(len(cut)))
        return steps


@dataclass(frozen=True)
class Batch:
    """One forward pass as numpy arrays: ``input`` (rows, longest input) and ``target`` (rows, longest target),
    padded with -1 on the right, ``weight`` (rows,), and the number of ``real`` tokens."""

    input: NDArray[np.int64]
    target: NDArray[np.int64]
    weight: NDArray[np.float32]
    real: int


def by_length(rows: Rows, input_lengths: Rows, target_lengths: Rows) -> Rows:
    """The rows sorted by total length, the cost that padding multiplies."""
    return rows[np.argsort(input_lengths[rows] + target_lengths[rows], kind="stable")]


def shard(rows: Rows, rank: int, world_size: int) -> Rows:
    """The rows of one worker: every ``world_size``-th of the sorted rows, so that workers get like lengths."""
    return rows[rank::world_size]


def micro_batches(rows: Rows, input_lengths: Rows, target_lengths: Rows, token_budget: float) -> Iterator[Rows]:
    """Cut sorted rows so that rows x (longest input + longest target) stays within the budget, padding included.

    A row that is longer than the budget goes alone.
    """
    start, widest_input, widest_target = 0, 0, 0
    for end, row in enumerate(rows):
        wide_input = max(widest_input, int(input_lengths[row]))
        wide_target = max(widest_target, int(target_lengths[row]))
        if end > start and (end + 1 - start) * (wide_input + wide_target) > token_budget:
            yield rows[start:end]
            start, wide_input, wide_target = end, int(input_lengths[row]), int(target_lengths[row])
        widest_input, widest_target = wide_input, wide_target
    if len(rows) > start:
        yield rows[start:]


def collate(data: TokenisedMixture, rows: Rows) -> Batch:
    """The rows as padded arrays."""
    inputs = [data.input(row) for row in rows.tolist()]
    targets = [data.target(row) for row in rows.tolist()]
    real = sum(map(len, inputs)) + sum(map(len, targets))
    return Batch(_pad(inputs), _pad(targets), data.weights[rows].astype(np.float32), real)


def _pad(sequences: list[NDArray[Any]]) -> NDArray[np.int64]:
    padded = np.full((len(sequences), max(map(len, sequences))), -1, np.int64)
    for row, sequence in zip(padded, sequences, strict=True):
        row[: len(sequence)] = sequence
    return padded
