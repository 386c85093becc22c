"""What the device can do, measured: the precision that is faster, and the largest micro-batch that fits.

    choose_precision("auto", loss, arguments)   -> "bf16"
    token_budget(loss, data, rows, "bf16")      -> 8192.0

Measured once, before the first step. It changes speed, never the examples of a step.
"""

import math
import os
import shutil
import time
from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from pipelines.errors import ConfigError, ThoughtDistillError
from pipelines.student.batches import Rows, collate, micro_batches
from pipelines.student.examples import TokenisedMixture
from pipelines.student.loss import WeightedCrossEntropy, tensors

_HOPELESS = 5.0  # warming up does not take longer than this by itself; without bf16 hardware a pass takes 100 times
_WORTHWHILE = 1.15  # bf16 must be this much faster than fp32 on a CPU to be chosen
# On a CPU larger passes fall out of the cache, and their rows differ more in length: attention pays for both.
# Measured on recorded GSM8K, one thread, tiny: 4,096 takes 7 to 14 % less time than 16,384, and as much as 1,024.
_CPU_TOKENS = 4_096.0

LARGE_PARAMETERS = 500_000_000  # CodeT5-large has 770 million, -base 220
_ROOMY_BYTES = 32 * 10**9


def choose_precision(asked: str, loss: WeightedCrossEntropy, arguments: Sequence[Tensor | None]) -> str:
    """ "fp32" or "bf16"; fp16 makes T5's activations overflow and is never chosen.

    "auto" is bf16 on a GPU with hardware for it; on a CPU one batch is timed in both.
    """
    if asked != "auto":
        return asked
    device = next(loss.parameters()).device
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    worthwhile = _seconds(loss, arguments, "fp32") / _WORTHWHILE
    return "bf16" if _seconds(loss, arguments, "bf16", give_up_s=_HOPELESS * worthwhile) < worthwhile else "fp32"


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """The context of a forward pass."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")


def recomputes(asked: bool | Literal["auto"], parameters: int, device: torch.device) -> bool:
    """Whether activations are recomputed: as asked, or "auto": for a large student on a GPU below 32 GB."""
    if asked != "auto":
        return asked
    if device.type != "cuda" or parameters < LARGE_PARAMETERS:
        return False
    return bool(torch.cuda.get_device_properties(device).total_memory < _ROOMY_BYTES)


def check_compiler(device: str) -> None:
    """Refuse ``training.compile`` on a CPU without a C++ compiler.

    Raises:
        ConfigError: none of $CXX, g++ and clang++ is there.
    """
    names = [name for name in (os.environ.get("CXX"), "g++", "clang++") if name]
    if device == "cpu" and not any(map(shutil.which, names)):
        raise ConfigError(
            f"training.compile: true needs a C++ compiler on a CPU, and there is none of {', '.join(names)}; "
            "install one (apt install g++) or set training.compile=false"
        )


def compiled(loss: WeightedCrossEntropy, arguments: Sequence[Tensor], precision: str) -> None:
    """``torch.compile`` the student's pass for rows of any length, by one pass over ``arguments``.

    Raises:
        ThoughtDistillError: the compiler failed.
    """
    loss.compile(dynamic=True)
    try:
        _backward(loss, arguments, precision)
    except RuntimeError as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ThoughtDistillError(f"training.compile: {reason}; set training.compile=false and run again") from error
    loss.zero_grad(set_to_none=True)


def token_budget(loss: WeightedCrossEntropy, data: TokenisedMixture, rows: Rows, precision: str, world: int) -> float:
    """Tokens of a micro-batch, padding included: on a GPU as many of ``rows``, one worker's longest step, as fit."""
    if next(loss.parameters()).device.type == "cpu":
        return _CPU_TOKENS
    return largest_budget(loss, data, rows, precision, world)


def largest_budget(loss: WeightedCrossEntropy, data: TokenisedMixture, rows: Rows, precision: str, world: int) -> float:
    """All of ``rows`` where a pass over them fits, else what fits, found by halving.

    It must fit next to what training holds later: AdamW's two moments and, with more than one rank, the buckets in
    which gradients travel. To be called before any of them is there.

    Raises:
        ThoughtDistillError: not even one row fits.
    """
    device = next(loss.parameters()).device
    budget = float(_padded_tokens(data, rows))
    copies = 2 if world == 1 else 3
    later = [torch.empty_like(parameter) for parameter in loss.parameters() for _ in range(copies)]
    while True:
        lengths = data.input_lengths, data.target_lengths
        largest = max(micro_batches(rows, *lengths, budget), key=lambda part: _padded_tokens(data, part))
        try:
            _backward(loss, tensors(collate(data, largest), device), precision)
            del later
            return budget
        except torch.OutOfMemoryError:
            smaller_budget(data, [largest], device)  # refuses where there is no smaller one
            budget /= 2
        finally:
            loss.zero_grad(set_to_none=True)
            torch.cuda.empty_cache()


def smaller_budget(data: TokenisedMixture, parts: Sequence[Rows], device: torch.device) -> float:
    """Half of the largest of micro-batches that did not fit.

    Raises:
        ThoughtDistillError: each of them is one row.
    """
    torch.cuda.empty_cache()
    largest = max(_padded_tokens(data, part) for part in parts)
    if max(map(len, parts)) == 1:
        raise ThoughtDistillError(
            f"one example of {largest} tokens does not fit into the memory of {device}; "
            "lower training.max_input_tokens or max_target_tokens, or choose a smaller student"
        )
    return largest / 2


def _padded_tokens(data: TokenisedMixture, rows: Rows) -> int:
    return int(len(rows) * (data.input_lengths[rows].max() + data.target_lengths[rows].max()))


def _backward(loss: WeightedCrossEntropy, arguments: Any, precision: str) -> None:
    with autocast(next(loss.parameters()).device, precision):
        value = loss(*arguments)
    value.backward()


def _seconds(
    loss: WeightedCrossEntropy, arguments: Sequence[Tensor | None], precision: str, give_up_s: float = math.inf
) -> float:
    """The fastest of two passes after one that warms up, which is the only one where it takes ``give_up_s``."""
    seconds: list[float] = []
    while len(seconds) < 3 and not (seconds and seconds[0] > give_up_s):
        start = time.perf_counter()
        _backward(loss, arguments, precision)
        seconds.append(time.perf_counter() - start)
        loss.zero_grad(set_to_none=True)
    return min(seconds[1:], default=seconds[0])
