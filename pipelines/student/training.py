"""The body of training: from a tokenised mixture to a fine-tuned student, on one worker or on each of several.

    result = train(model, data, dev, TrainingConfig(epochs=3), seed=0, device="cpu",
                   checkpoints=CheckpointStore("runs/quickstart/checkpoints"), on_log=print)
    {"step": 20, "steps": 2440, "epoch": 0.02, "loss": 5.81, "lr": 2e-4, "tokens_per_s": 11000.0, "elapsed_s": 1.9, ...}

With ``torch.distributed`` initialised, the same call on every rank trains one model. Killed and called again with the
same arguments it goes on from the last checkpoint, to exactly the weights of an undisturbed run. It does not set the
number of threads, place processes, or export the student.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from pipelines.config import TrainingConfig
from pipelines.errors import DataError, ThoughtDistillError
from pipelines.student.batches import Order
from pipelines.student.checkpoints import CheckpointStore
from pipelines.student.choice import within_one_error
from pipelines.student.dev_problems import DevProblems
from pipelines.student.examples import TokenisedMixture
from pipelines.student.model import set_dropout
from pipelines.student.worker import Counts, Worker

_NOTHING = {"steps": 0, "loss": math.nan, "tokens": 0, "elapsed_s": 0.0, "dev": {}, "best": {}} | {
    "top": None,
    "epochs_since_best": 0,
}

LOG_EVERY = 20  # steps; a checkpoint that is due is written at the next of them
MOST_DEV = 20
"""So many measurements on dev at most, where steps are given: a small mixture has very many epochs."""


@dataclass(frozen=True)
class TrainingResult:
    """What a training came to.

    ``steps`` were made of ``planned_steps``; ``loss`` is that of the last logged ones. The model has the weights after
    ``exported_step``, for the reason ``exported_because``; ``dev_loss`` and ``dev_accuracy`` are that step's, None
    where they were not measured. Further: ``precision`` used, real target ``tokens``, seconds over all attempts.
    """

    steps: int
    planned_steps: int
    loss: float
    exported_step: int
    exported_because: str
    dev_loss: float | None
    dev_accuracy: float | None
    precision: str
    tokens: int
    elapsed_s: float


def train(
    model: Any,
    data: TokenisedMixture,
    dev: TokenisedMixture,
    config: TrainingConfig,
    *,
    seed: int,
    device: str | torch.device,
    checkpoints: CheckpointStore | None,
    on_log: Callable[[dict[str, Any]], None],
    dev_problems: DevProblems | None = None,
    rank: int = 0,
    world_size: int = 1,
) -> TrainingResult:
    """Fine-tune ``model`` in place: AdamW, linear warm-up and decay, gradients clipped at norm 1.

    After each epoch the loss of ``dev`` is measured and ``dev_problems`` are solved (with ``config.steps`` after every
    k-th, so that it happens at most ``MOST_DEV`` times). On rank 0 the model ends with the
    weights of the latest epoch within one standard error of the highest dev accuracy (without dev problems the
    lowest dev loss; without dev rows, or without checkpoints to take them from, the last weights); other ranks end
    with the last. ``config.patience`` epochs in a row without a new best end the training.

    ``on_log`` is called on every rank with the same record, each ``LOG_EVERY`` steps and after each epoch, then with
    the dev figures; ``tokens_per_s`` counts real target tokens, ``padding`` is the share of padded positions.
    ``checkpoints`` must lie where all ranks can read; None keeps none.

    Raises:
        DataError: no rows, or ranks that see different checkpoints.
        ThoughtDistillError: the loss is not finite, or one example does not fit the memory.
        torch.OutOfMemoryError: on one of several ranks; called again with the same arguments, passes are smaller.
    """
    if not len(data):
        raise DataError(f"nothing to train on: the mixture has no row within the limits ({data.dropped} were too long)")
    if config.dropout is not None:
        set_dropout(model, config.dropout)
    order = Order(data.input_lengths, data.target_lengths, config.batch_size, config.epochs, seed, config.steps)
    apart = 1 if config.steps is None else math.ceil(order.total / order.per_epoch / MOST_DEV)
    worker = Worker(model.to(device).train(), data, config, seed=seed, rank=rank, world_size=world_size)
    state = checkpoints.latest() if checkpoints else None
    so_far: dict[str, Any] = state["result"] if state else dict(_NOTHING)
    _check_same_start(worker, so_far["steps"], world_size)
    worker.prepare(order, state, checkpoints.limited() if checkpoints else math.inf)

    saved = time.monotonic()
    began = saved - so_far["elapsed_s"]
    step, interval = so_far["steps"], _Interval()
    while step < order.total and not _is_enough(so_far, config):
        rate = learning_rate(step, order.total, config)
        try:
            interval.add(worker.step(order.examples(step), step, rate))
        except torch.OutOfMemoryError:  # while other ranks wait: all begin again, and must not end here again
            if checkpoints:
                checkpoints.limit(worker.budget)
            raise
        step += 1
        is_measured = step % (apart * order.per_epoch) == 0 or step == order.total
        if step % LOG_EVERY and not is_measured:
            continue
        overdue = time.monotonic() - saved >= config.checkpoint_every_s or step == order.total
        record, save = interval.close(worker, overdue and rank == 0)
        if not math.isfinite(record["loss"]):
            raise ThoughtDistillError(
                f"training: the loss is {record['loss']} at step {step}; lower training.learning_rate "
                f"({config.learning_rate}) and run again"
            )
        so_far |= {"steps": step, "loss": record["loss"]}
        so_far["tokens"] += interval.target_tokens
        if is_measured and len(dev):
            figures = {"dev_loss": worker.dev_loss(dev)} | (worker.dev_accuracy(dev_problems) if dev_problems else {})
            record |= figures
            _judge(so_far, figures)
            save = save or so_far["best"].get("step") == step or _is_enough(so_far, config)
        so_far["elapsed_s"] = time.monotonic() - began
        place = {"step": step, "steps": order.total, "epoch": step / order.per_epoch}
        on_log(place | record | {"lr": rate, "elapsed_s": so_far["elapsed_s"]})
        if save and checkpoints:
            if rank == 0:
                checkpoints.save(step, worker.state() | {"result": so_far}, best=so_far["best"].get("step"))
            saved = time.monotonic()
        interval = _Interval()
    exported = so_far["best"]
    because = (
        f"latest within a standard error of the best dev accuracy by {'>'.join(dev_problems.select)}"
        if dev_problems
        else "lowest dev loss"
    )
    if not exported or not checkpoints:
        exported, because = so_far["dev"], "the last" + ("; no checkpoints are kept" if exported else "; no dev rows")
    elif exported["step"] != step and rank == 0:
        best = checkpoints.load(exported["step"])
        if best is None:
            exported, because = so_far["dev"], f"the last; the checkpoint of step {exported['step']}, the best, is lost"
        else:
            worker.restore(best["model"])
    return TrainingResult(
        steps=step,
        planned_steps=order.total,
        loss=so_far["loss"],
        exported_step=exported.get("step", step),
        exported_because=because,
        dev_loss=exported.get("dev_loss"),
        dev_accuracy=exported.get("dev_accuracy"),
        precision=worker.precision,
        tokens=so_far["tokens"],
        elapsed_s=so_far["elapsed_s"],
    )


def _judge(so_far: dict[str, Any], figures: dict[str, float]) -> None:
    """Enter an epoch's dev figures.

    ``best`` is what would be exported: the latest epoch within one standard error of the highest accuracy, or without
    accuracies the lowest loss. Only a higher accuracy, or a lower loss, ends the wait of early stopping.
    """
    so_far["dev"] = {"step": so_far["steps"], **figures}
    score = figures.get("dev_accuracy", -figures["dev_loss"])
    is_new = so_far["top"] is None or score > so_far["top"]
    so_far["top"] = score if is_new else so_far["top"]
    so_far["epochs_since_best"] = 0 if is_new else so_far["epochs_since_best"] + 1
    if is_new or ("dev_accuracy" in figures and within_one_error(score, so_far["top"], int(figures["dev_problems"]))):
        so_far["best"] = so_far["dev"]


def _is_enough(so_far: dict[str, Any], config: TrainingConfig) -> bool:
    """Whether early stopping is due."""
    return config.patience is not None and so_far["epochs_since_best"] >= config.patience


def learning_rate(step: int, total: int, config: TrainingConfig) -> float:
    """The rate of a step, from 0: linear warm-up over at most a tenth of all steps, then linear decay to 0."""
    warmup = min(config.warmup_steps, total // 10)
    factor = (step + 1) / warmup if step < warmup else (total - step) / (total - warmup)
    return config.learning_rate * factor


class _Interval:
    """The steps since the last log line. Sums stay on the device until the line is due."""

    def __init__(self) -> None:
        self.target_tokens = 0
        self._began = time.monotonic()
        self._counts: list[Counts] = []

    def add(self, counts: Counts) -> None:
        self._counts.append(counts)
        self.target_tokens += counts.target_tokens

    def close(self, worker: Worker, save: bool) -> tuple[dict[str, Any], bool]:
        """The record over all ranks, and whether any rank wants a checkpoint."""
        numerator = torch.stack([counts.numerator for counts in self._counts]).double().sum()
        local = [sum(counts.real for counts in self._counts), sum(counts.padded for counts in self._counts), save]
        summed = worker.sum_over_ranks(torch.tensor([numerator, *local], dtype=torch.float64, device=worker.device))
        loss, real, padded, wanted = summed.tolist()
        record = {
            "loss": loss / sum(counts.target_weight for counts in self._counts),  # a mean per token, whatever C is
            "grad_norm": float(self._counts[-1].norm),
            "tokens_per_s": self.target_tokens / (time.monotonic() - self._began),
            "padding": 1 - real / padded,
        }
        return record, wanted > 0


def _check_same_start(worker: Worker, step: int, world_size: int) -> None:
    steps = worker.sum_over_ranks(torch.tensor([step, step * step], dtype=torch.float64, device=worker.device)).tolist()
    if steps[1] * world_size != steps[0] ** 2:
        raise DataError(
            "checkpoints: the workers do not see the same files; expected a run_dir on storage that all nodes share "
            "(NFS, or a URI such as s3://bucket/run)"
        )
