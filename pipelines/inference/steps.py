"""A student's decoder one token at a time, with a cache: ``begin``, then ``step`` after ``step``.

    steps = begin(model, memory, mask, copies=1, limit=256)     memory: (rows, width, d_model), mask: (rows, width)
    logits = steps.step(last)                                   last: (rows,) tokens -> (rows, vocabulary)
    steps.keep(index)                                           rows that go on; the others leave the cache

T5 (and so CodeT5 and FLAN-T5) has a step of its own: keys and values of the input computed once,
caches that are written in place. Any other Hugging Face sequence-to-sequence model is called as it is, step by step.
Nothing here picks tokens.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn import functional

_FIRST_CAPACITY = 64  # steps; doubled as needed


class Steps(Protocol):
    """The state of one batch."""

    def step(self, last: Tensor) -> Tensor:
        """Logits (rows, vocabulary) after one more token (rows,)."""

    def keep(self, index: Tensor) -> None:
        """Go on with these rows only."""


def begin(model: Any, memory: Tensor, mask: Tensor, copies: int, limit: int) -> Steps:
    """The state before the first token: ``copies`` of each row side by side, at most ``limit`` steps."""
    if type(model).__name__ == "T5ForConditionalGeneration":  # the class itself is slow to import
        return _T5Steps(model, memory, mask, copies, limit)
    if copies > 1:
        memory, mask = memory.repeat_interleave(copies, dim=0), mask.repeat_interleave(copies, dim=0)
    return _AnySteps(model, memory, mask)


def use_fused_gelu(model: Any) -> None:
    """Replace ``gelu_new``, eight operations in Hugging Face, by torch's one; it is the same function."""
    for module in model.modules():
        for name, child in module.named_children():
            if type(child).__name__ == "NewGELUActivation":
                setattr(module, name, torch.nn.GELU(approximate="tanh"))


class _AnySteps:
    """Hugging Face's forward pass and cache."""

    def __init__(self, model: Any, memory: Tensor, mask: Tensor) -> None:
        self._model, self._memory, self._mask = model, memory, mask
        self._cache: Any = None

    def step(self, last: Tensor) -> Tensor:
        from transformers.modeling_outputs import BaseModelOutput

        output = self._model(
            encoder_outputs=BaseModelOutput(last_hidden_state=self._memory),
            attention_mask=self._mask,
            decoder_input_ids=last[:, None],
            past_key_values=self._cache,
            use_cache=True,
        )
        self._cache = output.past_key_values
        logits: Tensor = output.logits[:, -1].float()
        return logits

    def keep(self, index: Tensor) -> None:
        self._memory, self._mask = self._memory[index], self._mask[index]
        if self._cache is not None:
            self._cache.batch_select_indices(index)


@dataclass
class _Cached:
    """One layer's cache; the first dimension is rows x heads."""

    keys: Tensor  # (rows x heads, capacity, size)
    values: Tensor
    memory_keys: Tensor  # (rows x heads, size, width)
    memory_values: Tensor  # (rows x heads, width, size)


class _T5Steps:
    """T5's decoder stack over packed projections; dropout has no part in it."""

    def __init__(self, model: Any, memory: Tensor, mask: Tensor, copies: int, limit: int) -> None:
        config, self._stack = model.config, model.decoder
        self._head = model.lm_head
        self._scale = config.d_model**-0.5 if config.scale_decoder_outputs else 1.0
        self._heads, self._size = config.num_heads, config.d_kv
        self._done = 0
        first = self._stack.block[0].layer[0].SelfAttention
        self._bias = first.compute_bias(limit, limit, device=memory.device)[0, :, -1]  # (heads, limit), nearest last
        self._mask: Tensor | None = None
        if not mask.all():
            hidden = torch.zeros(mask.shape, device=mask.device).masked_fill_(mask == 0, -torch.inf)
            self._mask = hidden.repeat_interleave(copies * self._heads, dim=0)[:, None]
        self._cached = [self._start(block, memory, copies, limit) for block in self._stack.block]

    def _start(self, block: Any, memory: Tensor, copies: int, limit: int) -> _Cached:
        cross = block.layer[1].EncDecAttention
        rows, width, _ = memory.shape
        keys = cross.k(memory).view(rows, width, self._heads, self._size).permute(0, 2, 3, 1)
        values = cross.v(memory).view(rows, width, self._heads, self._size).transpose(1, 2)
        empty = memory.new_empty(rows * copies * self._heads, min(limit, _FIRST_CAPACITY), self._size)
        return _Cached(
            empty,
            torch.empty_like(empty),
            keys.repeat_interleave(copies, dim=0).flatten(0, 1).contiguous(),
            values.repeat_interleave(copies, dim=0).flatten(0, 1).contiguous(),
        )

    def step(self, last: Tensor) -> Tensor:
        self._done += 1
        hidden = self._stack.embed_tokens(last)
        bias = self._bias[:, -self._done :].repeat(len(last), 1)[:, None]
        for block, cached in zip(self._stack.block, self._cached, strict=True):
            own, cross, last_layer = block.layer
            hidden = hidden + self._own(own.SelfAttention, _norm(own.layer_norm, hidden), cached, bias)
            hidden = hidden + self._cross(cross.EncDecAttention, _norm(cross.layer_norm, hidden), cached)
            hidden = hidden + _feed_forward(last_layer.DenseReluDense, _norm(last_layer.layer_norm, hidden))
        logits: Tensor = self._head(_norm(self._stack.final_layer_norm, hidden) * self._scale)
        return logits.float()

    def _own(self, attention: Any, hidden: Tensor, cached: _Cached, bias: Tensor) -> Tensor:
        """Attention to all tokens so far."""
        now, count = self._done - 1, len(hidden) * self._heads
        if now == cached.keys.shape[1]:
            capacity = min(2 * now, self._bias.shape[1])
            cached.keys, cached.values = _larger(cached.keys, capacity), _larger(cached.values, capacity)
        cached.keys[:, now] = attention.k(hidden).view(count, self._size)
        cached.values[:, now] = attention.v(hidden).view(count, self._size)
        query = attention.q(hidden).view(count, 1, self._size)
        looks = torch.baddbmm(bias, query, cached.keys[:, : now + 1].transpose(1, 2)).softmax(-1)
        out: Tensor = attention.o(torch.bmm(looks, cached.values[:, : now + 1]).view(len(hidden), -1))
        return out

    def _cross(self, attention: Any, hidden: Tensor, cached: _Cached) -> Tensor:
        """Attention to the input."""
        query = attention.q(hidden).view(len(hidden) * self._heads, 1, self._size)
        if self._mask is None:
            looks = torch.bmm(query, cached.memory_keys).softmax(-1)
        else:
            looks = torch.baddbmm(self._mask, query, cached.memory_keys).softmax(-1)
        out: Tensor = attention.o(torch.bmm(looks, cached.memory_values).view(len(hidden), -1))
        return out

    def keep(self, index: Tensor) -> None:
        heads = torch.arange(self._heads, device=index.device)
        flat = (index[:, None] * self._heads + heads).flatten()
        if self._mask is not None:
            self._mask = self._mask[flat]
        for cached in self._cached:
            cached.keys, cached.values = cached.keys[flat], cached.values[flat]
            cached.memory_keys, cached.memory_values = cached.memory_keys[flat], cached.memory_values[flat]


def _larger(cache: Tensor, capacity: int) -> Tensor:
    rows, before, size = cache.shape
    larger = cache.new_empty(rows, capacity, size)
    larger[:, :before] = cache
    return larger


def _norm(norm: Any, hidden: Tensor) -> Tensor:
    return functional.rms_norm(hidden, norm.weight.shape, norm.weight, norm.variance_epsilon)


def _feed_forward(dense: Any, hidden: Tensor) -> Tensor:
    inner = (
        dense.act(dense.wi_0(hidden)) * dense.wi_1(hidden) if hasattr(dense, "wi_0") else dense.act(dense.wi(hidden))
    )
    out: Tensor = dense.wo(inner)
    return out
