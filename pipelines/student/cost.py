"""What training a T5 takes: floating-point operations and memory, from its shape and the lengths of the rows.

    training_flops(model, input_lengths, target_lengths)   -> 2.1e15
    memory_bytes(model, tokens=8192, recompute=False)       -> 9.1e9

Operations count what the rows need: matrix products forward and backward and attention over real lengths; not padding,
recomputation, norms or the optimizer. The memory is an estimate, of activations to about a third.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

BYTES_PER_PARAMETER = 16  # fp32 weights, gradients and AdamW's two moments
_BYTES_KEPT_PER_FEATURE = 2  # bf16


def training_flops(model: Any, input_lengths: NDArray[np.int64], target_lengths: NDArray[np.int64]) -> float:
    """One pass over rows of these lengths, forward and backward: 6 operations a weight and token, and attention.

    ``model`` is a T5; the decoder's keys and values of the input count for each input token.
    """
    config = model.config
    encoder, decoder = (
        sum(p.numel() for name, p in stack.block.named_parameters() if p.dim() == 2 and "bias" not in name)
        for stack in (model.encoder, model.decoder)
    )
    width, layers = config.num_heads * config.d_kv, len(model.decoder.block)
    of_inputs = 2 * layers * config.d_model * width
    inputs, targets = input_lengths.astype(float), target_lengths.astype(float)
    weights = inputs.sum() * (encoder + of_inputs)
    weights += targets.sum() * (decoder - of_inputs + config.d_model * config.vocab_size)
    attention = 2 * layers * width * (np.square(inputs) + np.square(targets) / 2 + inputs * targets).sum()
    return 6 * float(weights + attention)


def memory_bytes(model: Any, tokens: int, *, recompute: bool) -> float:
    """Weights, optimizer and the activations of a pass over so many input and target tokens in bf16, estimated.

    A block keeps about 12 features and two feed-forward widths a token, or its input alone with ``recompute``; the
    loss keeps fp32 logits twice for the targets, taken as half of the tokens.
    """
    config = model.config
    parameters = sum(parameter.numel() for parameter in model.parameters())
    features = config.d_model if recompute else 12 * config.d_model + 2 * config.d_ff
    activations = tokens * config.num_layers * features * _BYTES_KEPT_PER_FEATURE
    logits = tokens / 2 * config.vocab_size * 4 * 2
    return float(parameters * BYTES_PER_PARAMETER + activations + logits)
