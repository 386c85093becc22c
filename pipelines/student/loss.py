"""The loss of a training step: sum_i w_i sum_t CE_it / sum_i w_i T_i over the global batch (DESIGN §4).

    loss = WeightedCrossEntropy(model)
    (loss(*tensors(batch, device)) / denominator(data, rows)).backward()

The numerator is computed pass by pass and worker by worker; the denominator, from the lengths and weights of all rows
of the step, which every worker knows. At w = 1 it is Hugging Face's token mean.
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


def denominator(data: TokenisedMixture, rows: Rows) -> float:
    """sum_i w_i T_i over the rows of a step, or 1 where all weights are zero."""
    return float(np.dot(data.weights[rows], data.target_lengths[rows])) or 1.0
