"""The loss of a step, against Hugging Face's own forward pass."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional
from transformers import BartConfig, BartForConditionalGeneration

from pipelines.student.batches import collate
from pipelines.student.loss import WeightedCrossEntropy, mean_target_weight, target_weight, tensors

CPU = torch.device("cpu")
ROWS = np.arange(9)


def padded_loss(model, batch):
    """The same sum by Hugging Face's padded forward pass."""
    inputs, targets, weight = map(torch.from_numpy, (batch.input, batch.target, batch.weight))
    logits = model(
        input_ids=inputs.clamp(min=0),
        attention_mask=(inputs >= 0).long(),
        labels=targets.masked_fill(targets < 0, -100),
    ).logits
    losses = functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-1, reduction="none")
    return (losses.view_as(targets).sum(1) * weight).sum()


def gradients(model, loss):
    model.zero_grad()
    loss.backward()
    return {name: parameter.grad.clone() for name, parameter in model.named_parameters()}


@pytest.mark.parametrize("feed_forward", ["gated-gelu", "relu", "gated-silu"])
def test_packed_t5_equals_hugging_face(student, data, feed_forward):
    """Loss and every gradient are those of the padded forward pass, for T5 v1.0, v1.1 and other activations."""
    model = student(feed_forward=feed_forward)
    batch = collate(data, ROWS)
    ours = WeightedCrossEntropy(model)(*tensors(batch, CPU))
    theirs = padded_loss(model, batch)
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-4)
    expected = gradients(model, theirs)
    for name, gradient in gradients(model, WeightedCrossEntropy(model)(*tensors(batch, CPU))).items():
        torch.testing.assert_close(gradient, expected[name], rtol=1e-4, atol=1e-4, msg=name)


def test_batch_is_not_changed(model, data):
    """Tensors share memory with the batch's arrays, and the forward pass only reads them."""
    batch = collate(data, ROWS)
    before = batch.input.copy(), batch.target.copy()
    WeightedCrossEntropy(model)(*tensors(batch, CPU))
    assert (before[0] == batch.input).all() and (before[1] == batch.target).all()


def test_parts_add_up(model, data):
    """The numerator of a batch is the sum over its rows, whatever they are padded with."""
    loss = WeightedCrossEntropy(model)
    whole = loss(*tensors(collate(data, ROWS), CPU))
    parts = sum(loss(*tensors(collate(data, ROWS[i : i + 1]), CPU)) for i in range(len(ROWS)))
    torch.testing.assert_close(parts, whole, rtol=1e-5, atol=1e-4)


def test_weights_of_one_give_hugging_faces_mean(model, data):
    """At w = 1 the logged loss is the token mean that the model itself reports."""
    batch = collate(data, np.array([0, 3, 6, 9]))  # rows of weight 1
    targets = torch.from_numpy(batch.target)
    inputs = torch.from_numpy(batch.input)
    reported = model(
        input_ids=inputs.clamp(min=0),
        attention_mask=(inputs >= 0).long(),
        labels=targets.masked_fill(targets < 0, -100),
    ).loss
    ours = WeightedCrossEntropy(model)(*tensors(batch, CPU)) / target_weight(data, np.array([0, 3, 6, 9]))
    torch.testing.assert_close(ours, reported, rtol=1e-5, atol=1e-5)


def test_weighted_target_tokens_are_counted(data):
    """sum_i |w_i| T_i, and its mean over the steps of an epoch; weights of zero divide nothing by zero."""
    rows, lengths = np.array([0, 1, 2]), [len(data.target(row)) for row in range(3)]
    assert 1.0 * lengths[0] + 0.5 * lengths[1] + 2.0 * lengths[2] == target_weight(data, rows)
    signed = replace(data, weights=-data.weights)
    assert target_weight(data, rows) == target_weight(signed, rows)
    all_rows = np.arange(len(data))
    assert target_weight(data, all_rows) / 8 == mean_target_weight(data, 8)
    assert 1.0 == target_weight(replace(data, weights=0 * data.weights), all_rows)


def test_other_architectures_train_too(data, tokenizer):
    """A student that is no T5 takes its own forward pass."""
    torch.manual_seed(0)
    model = BartForConditionalGeneration(
        BartConfig(
            vocab_size=len(tokenizer),
            d_model=16,
            encoder_layers=1,
            decoder_layers=1,
            encoder_attention_heads=2,
            decoder_attention_heads=2,
            encoder_ffn_dim=16,
            decoder_ffn_dim=16,
            max_position_embeddings=256,
            dropout=0.0,
            pad_token_id=0,
            eos_token_id=1,
            bos_token_id=1,
            decoder_start_token_id=0,
        )
    ).train()
    batch = collate(data, ROWS)
    torch.testing.assert_close(
        WeightedCrossEntropy(model)(*tensors(batch, CPU)), padded_loss(model, batch), rtol=1e-5, atol=1e-4
    )


def test_dropout_drops_while_training_only(student, data):
    """With dropout two passes differ in training and agree in evaluation."""
    loss = WeightedCrossEntropy(student(dropout=0.2))
    arguments = tensors(collate(data, ROWS), CPU)
    assert loss(*arguments) != loss(*arguments)
    loss.eval()
    assert loss(*arguments) == loss(*arguments)


@pytest.mark.parametrize("dropout", [0.0, 0.2])
def test_recomputed_activations_give_the_same_gradients(student, data, dropout):
    """Activation checkpointing changes memory and time: with dropout too, which falls on the same places again."""
    found = []
    for recompute in (False, True):
        model = student(dropout=dropout)
        torch.manual_seed(5)
        found.append(
            gradients(model, WeightedCrossEntropy(model, recompute=recompute)(*tensors(collate(data, ROWS), CPU)))
        )
    kept, recomputed = found
    assert all(torch.equal(gradient, recomputed[name]) for name, gradient in kept.items())


def test_recomputing_keeps_fewer_activations(student, data):
    """Between the passes only the blocks' inputs are held, not what is inside them."""
    held = []
    for recompute in (False, True):
        loss = WeightedCrossEntropy(student(), recompute=recompute)
        sizes = []
        with torch.autograd.graph.saved_tensors_hooks(lambda t, to=sizes: to.append(t.numel()) or t, lambda t: t):
            loss(*tensors(collate(data, ROWS), CPU))
        held.append(sum(sizes))
    assert held[1] < held[0] / 2
