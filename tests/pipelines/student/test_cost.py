"""What training takes, against PyTorch's own count."""

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import T5Config, T5ForConditionalGeneration

from pipelines.student.batches import Batch
from pipelines.student.cost import memory_bytes, training_flops
from pipelines.student.loss import WeightedCrossEntropy, tensors


def build():
    shape = {"d_model": 64, "d_kv": 16, "d_ff": 96, "num_layers": 2, "num_heads": 4, "vocab_size": 100}
    return T5ForConditionalGeneration(T5Config(decoder_start_token_id=0, **shape)).train()


def test_operations_are_those_that_pytorch_counts():
    """Rows without padding: within 3 % of the counter, which sees the decoder's attention without its causal half."""
    model, rows, width = build(), 5, 40
    tokens = np.ones((rows, width), np.int64)
    with FlopCounterMode(display=False) as counter:
        loss = WeightedCrossEntropy(model)(
            *tensors(Batch(tokens, tokens, np.ones(rows, np.float32), 0), torch.device("cpu"))
        )
        loss.backward()
    lengths = np.full(rows, width)
    assert abs(training_flops(model, lengths, lengths) / counter.get_total_flops() - 1) < 0.03


def test_recomputing_lowers_the_estimate():
    """Activations shrink, weights and optimizer stay."""
    kept, recomputed = (memory_bytes(build(), 10_000, recompute=recompute) for recompute in (False, True))
    assert recomputed < kept
    assert memory_bytes(build(), 0, recompute=False) == memory_bytes(build(), 0, recompute=True)
