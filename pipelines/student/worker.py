"""One rank's share of every optimizer step: forward and backward passes over its rows, and one update with all ranks.

    worker = Worker(model, data, config, seed=0, rank=0, world_size=1)
    worker.prepare(order, state=None)
    worker.step(order.examples(0), 0, rate=1e-5)   -> Counts(numerator=tensor(6310.2), target_weight=1009.0, ...)

It knows nothing of epochs, logs or files; ``pipelines.student.training`` is the loop around it.
"""

import contextlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import distributed
from torch.nn.parallel import DistributedDataParallel

from pipelines.config import TrainingConfig
from pipelines.student.batches import Order, Rows, by_length, collate, micro_batches, shard
from pipelines.student.dev_problems import DevProblems
from pipelines.student.examples import TokenisedMixture
from pipelines.student.hardware import (
    autocast,
    choose_precision,
    compiled,
    recomputes,
    smaller_budget,
    token_budget,
)
from pipelines.student.loss import WeightedCrossEntropy, mean_target_weight, target_weight, tensors

_CLIP = 1.0
_PROBE_ROWS = 8  # of the pass that is timed: enough to fill a CPU, and seconds where bf16 is emulated


@dataclass(frozen=True)
class Counts:
    """What one step counted: the loss's ``numerator`` (a scalar on the device) and tokens ``real`` and ``padded`` on
    this rank; ``target_weight`` (sum_i |w_i| T_i) and ``target_tokens`` of the global batch; the gradient's ``norm``
    before clipping."""

    numerator: torch.Tensor
    target_weight: float
    norm: torch.Tensor
    target_tokens: int
    real: int
    padded: int


class Worker:
    """A student in training on one device, joined to its like on other ranks."""

    def __init__(
        self, model: Any, data: TokenisedMixture, config: TrainingConfig, *, seed: int, rank: int, world_size: int
    ) -> None:
        self.device: torch.device = model.device
        self.precision = "fp32"
        self._data, self._config, self._seed = data, config, seed
        self._rank, self._world_size = rank, world_size
        self._lengths = data.input_lengths, data.target_lengths
        recompute = recomputes(config.activation_checkpointing, model.num_parameters(), self.device)
        self._loss = WeightedCrossEntropy(model, recompute=recompute)
        self._passes: Any = self._loss
        self.budget = math.inf
        self._constant = 1.0  # of the loss
        self._optimizer = _optimizer(model, config)

    def prepare(self, order: Order, state: dict[str, Any] | None, most: float = math.inf) -> None:
        """Restore a state where there is one, settle precision and memory, and join the other ranks.

        ``most``: tokens of a pass at most, where an earlier attempt found out.
        """
        if state:
            self.restore(state["model"])
        self._constant = mean_target_weight(self._data, order.per_epoch)
        self.precision = state["precision"] if state else self._precision(order)
        if self._config.compile:
            compiled(self._loss, tensors(collate(self._data, order.examples(0)[:2]), self.device), self.precision)
        rows = len(shard(order.examples(0), self._rank, self._world_size)) or 1
        longest = by_length(np.argsort(self._lengths[0] + self._lengths[1])[-rows:], *self._lengths)
        budget = min(most, token_budget(self._loss, self._data, longest, self.precision, self._world_size))
        if state:
            budget = min(budget, state["budget"])  # the same passes have the same dropout
            self._optimizer.load_state_dict(state["optimizer"])  # now: memory was measured with room for it
        if self._world_size > 1:
            agreed = torch.tensor([self.precision == "bf16", budget], dtype=torch.float64, device=self.device)
            distributed.all_reduce(agreed, distributed.ReduceOp.MIN)
            self.precision, budget = "bf16" if agreed[0] else "fp32", float(agreed[1])
            self._passes = DistributedDataParallel(self._loss, gradient_as_bucket_view=True)
        self.budget = budget

    def step(self, rows: Rows, step: int, rate: float) -> Counts:
        """One optimizer step on the rows of all ranks at a learning rate.

        Passes that run out of memory are made anew, half as large, as long as no gradient has left this rank.

        Raises:
            ThoughtDistillError: one example does not fit the memory.
            torch.OutOfMemoryError: memory ran out while gradients travelled; ``budget`` is what the next attempt has.
        """
        while (summed := self._accumulate(rows, step)) is None:
            self._optimizer.zero_grad()
            self.budget = smaller_budget(self._data, [part for part, _ in self._parts(rows)], self.device)
        norm = torch.nn.utils.clip_grad_norm_(self._loss.parameters(), _CLIP)
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self._optimizer.step()
        self._optimizer.zero_grad()
        numerator, real, padded = summed
        tokens = int(self._lengths[1][rows].sum())
        return Counts(numerator, target_weight(self._data, rows), norm, tokens, real, padded)

    def _accumulate(self, rows: Rows, step: int) -> tuple[torch.Tensor, int, int] | None:
        """The gradients of a step: its loss's numerator, real and padded tokens; None where memory ran out."""
        # Dropout is a function of seed, step and rank, so that no random state need be saved.
        torch.manual_seed(int(np.random.SeedSequence([self._seed, step, self._rank]).generate_state(1)[0]))
        parts = list(self._parts(rows))
        numerator = torch.zeros((), device=self.device)
        real = padded = 0
        sending = False
        try:
            for number, (part, factor) in enumerate(parts, start=1):
                batch = collate(self._data, part)
                real += batch.real
                padded += batch.input.size + batch.target.size
                last = number == len(parts)
                with self._sync(last=last):
                    with autocast(self.device, self.precision):
                        value = self._passes(*tensors(batch, self.device)) * factor
                    sending = last and self._world_size > 1
                    # DistributedDataParallel means over the ranks what the global batch sums.
                    (value * (self._world_size / self._constant)).backward()
                numerator += value.detach()
        except torch.OutOfMemoryError:
            if sending:  # other ranks hold part of these gradients: the group starts anew from its checkpoint
                self.budget = smaller_budget(self._data, [part for part, _ in parts], self.device)
                raise
            return None
        return numerator, real, padded

    @torch.no_grad()
    def dev_loss(self, dev: TokenisedMixture) -> float:
        """The weighted mean over all target tokens of all dev rows, on all ranks."""
        self._loss.eval()
        lengths = dev.input_lengths, dev.target_lengths
        rows = by_length(np.arange(len(dev)), *lengths)
        numerator = torch.zeros((), dtype=torch.float64, device=self.device)
        for part in micro_batches(shard(rows, self._rank, self._world_size), *lengths, self.budget):
            with autocast(self.device, self.precision):
                numerator += self._loss(*tensors(collate(dev, part), self.device)).double()
        self.sum_over_ranks(numerator)
        self._loss.train()
        return float(numerator) / target_weight(dev, rows)

    def dev_accuracy(self, dev_problems: DevProblems) -> dict[str, float]:
        """Shares of the dev problems answered right, by the selection and by each thought, over all ranks."""
        self._loss.eval()
        counts = dev_problems.right(self._loss.model, self._rank, self._world_size)
        self._loss.train()
        right = self.sum_over_ranks(torch.tensor(counts, dtype=torch.float64, device=self.device)).tolist()
        names = ["dev_accuracy", *(f"dev_accuracy/{thought}" for thought in dev_problems.thoughts)]
        asked = len(dev_problems.problems)
        return {name: count / asked for name, count in zip(names, right, strict=True)} | {"dev_problems": asked}

    def restore(self, model: dict[str, Any]) -> None:
        """Take the weights of a state."""
        self._loss.model.load_state_dict(model)

    def state(self) -> dict[str, Any]:
        """What another attempt needs to go on from here."""
        return {
            "model": self._loss.model.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "precision": self.precision,
            "budget": self.budget,
        }

    def sum_over_ranks(self, values: torch.Tensor) -> torch.Tensor:
        """The values summed, in place, over all ranks."""
        if self._world_size > 1:
            distributed.all_reduce(values)
        return values

    def _precision(self, order: Order) -> str:
        batch = collate(self._data, order.examples(0)[:_PROBE_ROWS])
        arguments = tensors(batch, self.device) if self.device.type == "cpu" else ()
        return choose_precision(self._config.precision, self._loss, arguments)

    def _parts(self, rows: Rows) -> Iterator[tuple[Rows, float]]:
        """This rank's micro-batches with factor 1; a rank without a row in a short step passes one with factor 0."""
        mine = shard(rows, self._rank, self._world_size)
        if not len(mine):
            yield rows[:1], 0.0
        for part in micro_batches(mine, *self._lengths, self.budget):
            yield part, 1.0

    def _sync(self, *, last: bool) -> contextlib.AbstractContextManager[Any]:
        """Gradients travel with the last backward pass of a step only."""
        if last or self._world_size == 1:
            return contextlib.nullcontext()
        waiting: contextlib.AbstractContextManager[Any] = self._passes.no_sync()
        return waiting


def _optimizer(model: Any, config: TrainingConfig) -> torch.optim.Optimizer:
    """AdamW; no weight decay on norms and on biases, the relative position biases included."""
    plain: list[torch.nn.Parameter] = []
    decayed: list[torch.nn.Parameter] = []
    for name, parameter in model.named_parameters():
        (plain if parameter.dim() < 2 or "bias" in name else decayed).append(parameter)
    groups = [{"params": decayed, "weight_decay": config.weight_decay}, {"params": plain, "weight_decay": 0.0}]
    fused = model.device.type in ("cpu", "cuda")
    return torch.optim.AdamW([group for group in groups if group["params"]], lr=config.learning_rate, fused=fused)
