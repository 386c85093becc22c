"""The loss of a training step: sum_i w_i sum_t CE_it / C over the global batch, with C the same for every step.

    loss = WeightedCrossEntropy(model)
    (loss(*tensors(batch, device)) / mean_target_weight(data, order.per_epoch)).backward()

C is the mean of sum_i |w_i| T_i over the steps of an epoch, a function of the mixture and the batch size alone, so that
every worker and every restart divides by the same number. A step's own sum would not do: steps hold rows of about
equal length, so tokens of short targets (programs) would count less per step than tokens of long ones (equations with
comments), whatever their weights say. Where w = 1 the loss is T_step / C times Hugging Face's token mean.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import T5ForConditionalGeneration

from pipelines.student import packed_t5
from pipelines.student.batches import Batch, Rows
from pipelines.student.examples import TokenisedMixture


class WeightedCrossEntropy(nn.Module):
    """A student that returns the numerator of the loss: a module, so that DistributedDataParallel can wrap it."""

    def __init__(self, model: Any, *, recompute: bool = False) -> None:
        """``recompute``: activation checkpointing, less memory for about a third more time."""
        super().__init__()
        self.model = model
        self._recompute = recompute
        self._is_t5 = isinstance(model, T5ForConditionalGeneration)
        if recompute and not self._is_t5:
            model.gradient_checkpointing_enable({"use_reentrant": False})

    def forward(self, input_ids: Tensor, labels: Tensor, weight: Tensor) -> Tensor:
        """Weighted cross-entropy summed over real target tokens, a scalar in fp32.

        Shapes: ``input_ids`` (rows, inputs) and ``labels`` (rows, targets), -1 where padded; ``weight`` (rows,).
        """
        real = labels >= 0
        start = torch.full_like(labels[:, :1], self.model.config.decoder_start_token_id)
        decoder_input_ids = torch.cat([start, labels[:, :-1]], 1)
        # Only real positions meet the vocabulary: with 32,100 tokens the logits are most of the memory.
        if self._is_t5:
            known = decoder_input_ids.masked_fill(~real, -1)
            hidden = packed_t5.decode(self.model, input_ids, known, recompute=self._recompute)
            logits = self.model.lm_head(hidden)
        else:
            logits = self.model(
                input_ids=input_ids.clamp(min=0),
                attention_mask=(input_ids >= 0).long(),
                decoder_input_ids=decoder_input_ids.clamp(min=0),
                use_cache=False,
            ).logits[real]
        losses = functional.cross_entropy(logits.float(), labels[real], reduction="none")
        return losses @ weight[:, None].expand_as(labels)[real]


def tensors(batch: Batch, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """The arguments of ``WeightedCrossEntropy.forward``, on the device."""
    arrays = (batch.input, batch.target, batch.weight)
    inputs, labels, weight = (torch.from_numpy(array).to(device, non_blocking=True) for array in arrays)
    return inputs, labels, weight


def target_weight(data: TokenisedMixture, rows: Rows) -> float:
    """sum_i |w_i| T_i over some rows, or 1 where all weights are zero: what a mean per token divides by."""
    return float(np.dot(np.abs(data.weights[rows]), data.target_lengths[rows])) or 1.0


def mean_target_weight(data: TokenisedMixture, steps: int) -> float:
    """The constant C: ``target_weight`` of all rows, spread over the ``steps`` of an epoch."""
    return target_weight(data, np.arange(len(data))) / steps
