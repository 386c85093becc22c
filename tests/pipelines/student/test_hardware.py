"""Precision and memory, without the hardware they are about."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from pipelines.errors import ConfigError, ThoughtDistillError
from pipelines.student.batches import collate
from pipelines.student.hardware import (
    check_compiler,
    choose_precision,
    compiled,
    largest_budget,
    recomputes,
    token_budget,
)
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
    assert padded(data, rows) == largest_budget(SmallMemory(model, 10**9), data, rows, "fp32", 1)


def test_memory_too_small_halves_the_budget(model, data):
    """A third of the memory needed: the budget is halved twice."""
    rows = longest(data)
    assert padded(data, rows) / 4 == largest_budget(SmallMemory(model, padded(data, rows) / 3), data, rows, "fp32", 1)


def test_probing_leaves_no_gradients(model, data):
    """The first step starts from nothing."""
    largest_budget(SmallMemory(model, 10**9), data, longest(data), "fp32", 1)
    assert {None} == {parameter.grad for parameter in model.parameters()}


def test_one_row_that_does_not_fit_is_an_error(model, data):
    """No budget helps: the message says what does."""
    with pytest.raises(ThoughtDistillError, match=r"one example of .* tokens does not fit"):
        largest_budget(SmallMemory(model, 10), data, longest(data), "fp32", 1)


def test_cpu_is_not_probed(model, data):
    """On a CPU the budget is fixed."""
    assert 4_096 == token_budget(SmallMemory(model, 0), data, longest(data), "fp32", 1)


@pytest.mark.parametrize("asked", ["fp32", "bf16"])
def test_precision_asked_for_is_used(model, asked):
    """Only auto measures."""
    assert asked == choose_precision(asked, WeightedCrossEntropy(model), ())


def test_auto_measures_on_a_cpu(model, data):
    """One of the two, and no gradients left."""
    arguments = tensors(collate(data, np.arange(4)), torch.device("cpu"))
    assert choose_precision("auto", WeightedCrossEntropy(model), arguments) in ("fp32", "bf16")
    assert {None} == {parameter.grad for parameter in model.parameters()}


@pytest.mark.parametrize(
    ("parameters", "gpu_bytes", "expected"),
    [(770_000_000, 24e9, True), (770_000_000, 80e9, False), (220_000_000, 24e9, False)],
)
def test_large_students_on_small_gpus_recompute_activations(monkeypatch, parameters, gpu_bytes, expected):
    """auto: CodeT5-large on 24 GB does, on 80 GB or as -base it does not."""
    properties = SimpleNamespace(total_memory=gpu_bytes)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: properties)
    assert expected is recomputes("auto", parameters, torch.device("cuda"))


def test_recomputing_can_be_asked_for():
    """A yes or no is obeyed; on a CPU auto is no."""
    cpu = torch.device("cpu")
    assert (True, False, False) == (
        recomputes(True, 1, cpu),
        recomputes(False, 10**9, cpu),
        recomputes("auto", 10**9, cpu),
    )


def test_compile_without_a_compiler_is_refused(monkeypatch):
    """One line that says what to install."""
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(ConfigError, match=r"training\.compile: true needs a C\+\+ compiler"):
        check_compiler("cpu")
    check_compiler("cuda")


def test_failing_compiler_is_one_line(model, data, monkeypatch):
    """What the compiler says, and what to set."""
    arguments = tensors(collate(data, np.arange(4)), torch.device("cpu"))
    loss = WeightedCrossEntropy(model)

    def fail(**options):
        loss.forward = lambda *_: (_ for _ in ()).throw(RuntimeError("no Python.h\nmore"))

    monkeypatch.setattr(loss, "compile", fail)
    with pytest.raises(ThoughtDistillError, match=r"^training\.compile: no Python\.h; set training\.compile=false"):
        compiled(loss, arguments, "fp32")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # the compiler's own imports are deprecated
def test_compiled_student_has_the_same_loss(student, data):
    """torch.compile with rows of two shapes: the plain pass's losses and gradients."""
    check_compiler("cpu")
    model = student()
    plain, fast = WeightedCrossEntropy(model), WeightedCrossEntropy(student())
    parts = [tensors(collate(data, rows), torch.device("cpu")) for rows in (np.arange(4), np.arange(3, 12))]
    compiled(fast, parts[0], "fp32")
    for arguments in parts:
        torch.testing.assert_close(fast(*arguments), plain(*arguments), rtol=1e-5, atol=1e-4)
