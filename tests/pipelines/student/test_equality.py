"""The loop beside the obvious: a plain PyTorch loop, and Hugging Face's Seq2SeqTrainer."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from pipelines.config import TrainingConfig
from pipelines.student import training
from pipelines.student.batches import Order
from pipelines.student.examples import tokenise
from pipelines.student.loss import mean_target_weight, target_weight
from pipelines.student.training import learning_rate, train

CPU = torch.device("cpu")


def our_losses(model, data, config, monkeypatch):
    """The loss of each of the 20 steps."""
    monkeypatch.setattr(training, "LOG_EVERY", 1)
    records = []
    empty = replace(data, weights=data.weights[:0])
    train(model, data, empty, config, seed=1, device="cpu", checkpoints=None, on_log=records.append)
    return [record["loss"] for record in records]


def test_losses_equal_a_plain_loop(student, data, monkeypatch):
    """20 steps with unequal weights and short steps: losses to 1e-5 and the same weights.

    All steps divide by one number; what is logged is the step's mean per token.
    """
    config = TrainingConfig(epochs=2.5, batch_size=7, learning_rate=1e-3, warmup_steps=5, precision="fp32")
    ours, plain = student(), student()
    losses = our_losses(ours, data, config, monkeypatch)

    order = Order(data.input_lengths, data.target_lengths, 7, 2.5, 1)
    bare = [p for name, p in plain.named_parameters() if p.dim() < 2 or "bias" in name]
    decayed = [p for name, p in plain.named_parameters() if p.dim() >= 2 and "bias" not in name]
    optimizer = torch.optim.AdamW([{"params": decayed, "weight_decay": 0.01}, {"params": bare, "weight_decay": 0.0}])
    constant = sum(data.weights * data.target_lengths) / 8  # steps of an epoch: 50 rows by 7
    expected = []
    for step in range(20):
        numerator = divisor = 0.0
        for row in order.examples(step).tolist():  # one by one: no padding, no mask
            source, target = (
                torch.from_numpy(tokens.astype(np.int64)) for tokens in (data.input(row), data.target(row))
            )
            logits = plain(input_ids=source[None], labels=target[None]).logits[0]
            numerator += data.weights[row] * functional.cross_entropy(logits, target, reduction="sum")
            divisor += data.weights[row] * len(target)
        optimizer.zero_grad()
        (numerator / constant).backward()
        torch.nn.utils.clip_grad_norm_(plain.parameters(), 1.0)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, 20, config)
        optimizer.step()
        expected.append(numerator.item() / divisor)
    assert 20 == len(losses)
    np.testing.assert_allclose(losses, expected, rtol=1e-5)
    for mine, other in zip(ours.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("equal_tokens", [True, False])
def test_losses_equal_hugging_faces_trainer(equal_tokens, student, make, tokenizer, tmp_path, monkeypatch):
    """At weights of 1, 20 steps of Seq2SeqTrainer over the same rows in the same order, its own padding and AdamW.

    Where steps have equally many target tokens its steps are ours; others count T_step / C times as much with us.
    """
    pytest.importorskip("accelerate", reason="Seq2SeqTrainer needs accelerate: pip install accelerate")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from transformers import DataCollatorForSeq2Seq, Seq2SeqTrainer, Seq2SeqTrainingArguments

    config = TrainingConfig(epochs=10 / 3, batch_size=8, learning_rate=1e-3, warmup_steps=5, precision="fp32")
    many = tokenise(make(300), tokenizer, tmp_path / "many", 256, 256).target_lengths
    usual = np.flatnonzero(many == np.bincount(many).argmax())
    rows = usual[:48] if equal_tokens else range(48)
    data = tokenise([make(300)[row] for row in rows], tokenizer, tmp_path / "data", 256, 256)
    assert 48 == len(data)
    ours, theirs = student(), student()
    losses = our_losses(ours, data, config, monkeypatch)

    order = Order(data.input_lengths, data.target_lengths, 8, 10 / 3, 1)
    rows = np.concatenate([order.examples(step) for step in range(20)]).tolist()
    constant = mean_target_weight(data, order.per_epoch)
    factors = [target_weight(data, order.examples(step)) / constant for step in range(20)]
    assert equal_tokens == (set(factors) == {1.0})
    expected = []

    class Trainer(Seq2SeqTrainer):
        """Rows as they come, the loss of each step kept."""

        def _get_train_sampler(self, dataset=None):
            return torch.utils.data.SequentialSampler(dataset)

        def compute_loss(self, *arguments, **options):
            loss = super().compute_loss(*arguments, **options)
            expected.append(loss.item())
            return loss * factors[len(expected) - 1]

    trainer = Trainer(
        model=theirs,
        args=Seq2SeqTrainingArguments(
            output_dir=str(tmp_path),
            per_device_train_batch_size=8,
            max_steps=20,
            learning_rate=1e-3,
            weight_decay=0.01,
            use_cpu=True,
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
        ),
        train_dataset=[{"input_ids": data.input(row).tolist(), "labels": data.target(row).tolist()} for row in rows],
        data_collator=DataCollatorForSeq2Seq(tokenizer, theirs),
    )
    trainer.create_optimizer()
    trainer.lr_scheduler = torch.optim.lr_scheduler.LambdaLR(
        trainer.optimizer, lambda step: learning_rate(step, 20, config) / config.learning_rate if step < 20 else 0.0
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer.train()
    assert (20, 20) == (len(losses), len(expected))
    np.testing.assert_allclose(losses, expected, rtol=1e-5)
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-5)
