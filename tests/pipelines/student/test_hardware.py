"""Precision and memory, without the hardware they are about."""

import numpy as np
import pytest
import torch

from pipelines.errors import ThoughtDistillError
from pipelines.student.batches import collate
from pipelines.student.hardware import choose_precision, largest_budget, token_budget
from pipelines.student.loss import WeightedCrossEntropy, tensors


class SmallMemory(WeightedCrossEntropy):
    """A student whose memory holds so many padded tokens."""

    def __init__(self, model, tokens):
        super().__init__(model)
        self.tokens = tokens

    def forward(self, input_ids, labels, weight):
        """As the student, within the memory."""
        if input_ids.numel() + labels.numel() > self.tokens:
            raise torch.OutOfMemoryError
        return super().forward(input_ids, labels, weight)


def longest(data, count=16):
    return np.argsort(data.input_lengths + data.target_lengths)[-count:]


def padded(data, rows):
    return len(rows) * int(data.input_lengths[rows].max() + data.target_lengths[rows].max())


def test_all_rows_that_fit_stay_together(model, data):
    """With memory enough a step is one pass."""
    rows = longest(data)
    assert padded(data, rows) == largest_budget(SmallMemory(model, 10**9), data, rows, "fp32")


def test_memory_too_small_halves_the_budget(model, data):
    """A third of the memory needed: the budget is halved twice."""
    rows = longest(data)
    assert padded(data, rows) / 4 == largest_budget(SmallMemory(model, padded(data, rows) / 3), data, rows, "fp32")


def test_probing_leaves_no_gradients(model, data):
    """The first step starts from nothing."""
    largest_budget(SmallMemory(model, 10**9), data, longest(data), "fp32")
    assert {None} == {parameter.grad for parameter in model.parameters()}


def test_one_row_that_does_not_fit_is_an_error(model, data):
    """No budget helps: the message says what does."""
    with pytest.raises(ThoughtDistillError, match=r"one example of .* tokens does not fit"):
        largest_budget(SmallMemory(model, 10), data, longest(data), "fp32")


def test_cpu_is_not_probed(model, data):
    """On a CPU the budget is fixed."""
    assert 4_096 == token_budget(SmallMemory(model, 0), data, longest(data), "fp32")


@pytest.mark.parametrize("asked", ["fp32", "bf16"])
def test_precision_asked_for_is_used(model, asked):
    """Only auto measures."""
    assert asked == choose_precision(asked, WeightedCrossEntropy(model), ())


def test_auto_measures_on_a_cpu(model, data):
    """One of the two, and no gradients left."""
    arguments = tensors(collate(data, np.arange(4)), torch.device("cpu"))
    assert choose_precision("auto", WeightedCrossEntropy(model), arguments) in ("fp32", "bf16")
    assert {None} == {parameter.grad for parameter in model.parameters()}
