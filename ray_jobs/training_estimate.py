"""What training will take: steps, hours and memory, measured on the real loop's first steps, and estimated for a GPU.

    print(measured(config, run_dir))
    1,560 steps of 32 examples (7,650 examples, 3 too long); 1,258,432 parameters; measured on 3 steps on cpu, fp32:
    about 0.041 hours on one worker, peak memory 0.9 GiB; on an RTX 3090 (estimated): 0.0012 hours, 0.5 GiB

Nothing is kept: tokens go to a temporary folder, the student that was stepped is thrown away. Start-up, dev
evaluation and checkpoints are not in the hours.
"""

import resource
import sys
import tempfile
import time
from typing import Any

import numpy as np

from pipelines.config import RunConfig
from ray_jobs.hardware import cpus
from ray_jobs.progress import duration
from ray_jobs.run_directory import RunDirectory
from ray_jobs.training_data import prepare

_MEASURED_STEPS = 3
_RTX_3090_FLOPS = 71e12 * 0.25  # bf16 tensor cores with fp32 sums, and the share that T5 reaches (nanoT5: 25-30 %)
_GIB = 2**30


def measured(config: RunConfig, run_dir: RunDirectory) -> str:
    """Load the student, tokenise the mixture, take a step that does not count and three that do.

    Raises:
        DataError: as training would.
    """
    import torch

    from pipelines.student import load_model, open_tokenised
    from pipelines.student.batches import Order
    from pipelines.student.model import set_dropout
    from pipelines.student.worker import Worker

    training = config.training
    device = "cuda" if torch.cuda.is_available() and training.use_gpu is not False else "cpu"
    torch.set_num_threads(cpus())
    with tempfile.TemporaryDirectory() as scratch:
        model = load_model(config.student, prepare(config, run_dir, scratch), config.seed)
        if training.dropout is not None:
            set_dropout(model, training.dropout)
        data = open_tokenised(f"{scratch}/train")
        if not len(data):
            return f"nothing: all {data.dropped:,} examples are longer than the limits"
        lengths = data.input_lengths, data.target_lengths
        order = Order(*lengths, training.batch_size, training.epochs, config.seed, training.steps)
        worker = Worker(model.to(device), data, training, seed=config.seed, rank=0, world_size=1)
        worker.prepare(order, None)
        tokens = data.input_lengths + data.target_lengths
        steps = sorted(range(order.per_epoch), key=lambda step: int(tokens[order.examples(step)].sum()))
        chosen = [steps[(2 * part + 1) * len(steps) // (2 * _MEASURED_STEPS)] for part in range(_MEASURED_STEPS)]
        worker.step(order.examples(steps[-1]), 0, 0.0)  # the longest: it warms up and shows the memory
        seconds = 0.0
        for step in chosen:
            started = time.perf_counter()
            float(worker.step(order.examples(step), step, 0.0).norm)
            seconds += time.perf_counter() - started
    per_token = seconds / sum(int(tokens[order.examples(step)].sum()) for step in chosen)
    total = per_token * float(tokens.sum()) * order.total / order.per_epoch
    shared = f" (divided by at most {training.num_workers} workers)" if training.num_workers > 1 else ""
    return (
        f"{order.total:,} steps of {training.batch_size} examples ({len(data):,} examples, {data.dropped:,} too long); "
        f"{model.num_parameters():,} parameters; measured on {_MEASURED_STEPS} steps on {device}, {worker.precision}: "
        f"about {duration(total)} on one worker{shared}, peak memory {_peak_memory(device) / _GIB:.1f} GiB; "
        f"{_on_a_3090(model, data, order)}"
    )


def _on_a_3090(model: Any, data: Any, order: Any) -> str:
    """Hours from the operations, memory from the shape; students too small to fill the GPU take longer."""
    from transformers import T5ForConditionalGeneration

    from pipelines.student.cost import memory_bytes, training_flops
    from pipelines.student.hardware import LARGE_PARAMETERS

    if not isinstance(model, T5ForConditionalGeneration):
        return "no estimate for a GPU: only T5's operations are known"
    flops = training_flops(model, data.input_lengths, data.target_lengths) * order.total / order.per_epoch
    longest = int(np.sort(data.input_lengths + data.target_lengths)[-order.batch_size :].sum())
    memory = memory_bytes(model, longest, recompute=model.num_parameters() >= LARGE_PARAMETERS)
    fits = "" if memory < 22 * _GIB else ", cut into smaller passes to fit 24 GB"
    return (
        f"on an RTX 3090 (estimated, not measured): at least {duration(flops / _RTX_3090_FLOPS)}, "
        f"{memory / _GIB:.1f} GiB{fits}"
    )


def _peak_memory(device: str) -> int:
    if device == "cuda":
        import torch

        return torch.cuda.max_memory_reserved()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
