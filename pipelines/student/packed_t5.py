"""T5's forward pass without padding: linear layers, norms and the loss see real tokens only.

    hidden = decode(model, input_ids, decoder_input_ids)   with -1 where padded, shapes (rows, inputs), (rows, targets)
    -> (real target tokens, d_model): what ``T5ForConditionalGeneration`` hands its ``lm_head`` at those positions

Only attention needs rows side by side; there q, k and v are spread out into padded rows, and its output is gathered
again. The parameters are those of the Hugging Face module, so nothing is converted before or after training.
With ``recompute`` the blocks keep their inputs only and run again in the backward pass, with the same dropout.
"Packed" tensors have shape (real tokens of all rows, features). Dropout falls where Hugging Face has it.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.checkpoint import checkpoint


@dataclass(frozen=True)
class _Rows:
    """How packed tokens lie in padded rows: flat ``places`` (None where nothing is padded), ``real`` (rows, width)."""

    real: Tensor
    places: Tensor | None

    @classmethod
    def of(cls, ids: Tensor) -> "_Rows":
        real = ids >= 0
        places = real.flatten().nonzero()[:, 0]
        return cls(real, places if len(places) < real.numel() else None)

    def pack(self, padded: Tensor) -> Tensor:
        """(rows, width, features) to (tokens, features)."""
        flat = padded.flatten(0, 1)
        return flat if self.places is None else flat.index_select(0, self.places)

    def spread(self, packed: Tensor, heads: int) -> Tensor:
        """(tokens, heads x size) to (rows, heads, width, size), zeros where padded."""
        if self.places is not None:
            empty = packed.new_zeros(self.real.numel(), packed.shape[1])
            packed = empty.index_copy(0, self.places, packed)
        return packed.view(*self.real.shape, heads, -1).transpose(1, 2)

    def mask(self) -> Tensor | None:
        """Additive, (rows, 1, 1, width): -inf where padded."""
        if self.places is None:
            return None
        return torch.zeros(self.real.shape, device=self.real.device).masked_fill_(~self.real, -torch.inf)[:, None, None]


def decode(model: Any, input_ids: Tensor, decoder_input_ids: Tensor, *, recompute: bool = False) -> Tensor:
    """The decoder's last hidden states at real target positions, scaled for a tied ``lm_head``."""
    inputs, targets = _Rows.of(input_ids), _Rows.of(decoder_input_ids)
    memory = _stack(model.encoder, input_ids, inputs, None, recompute)
    hidden = _stack(model.decoder, decoder_input_ids, targets, _Memory(memory, inputs, inputs.mask()), recompute)
    return hidden * model.model_dim**-0.5 if model.config.scale_decoder_outputs else hidden


@dataclass(frozen=True)
class _Memory:
    """What the decoder looks at: the encoder's packed output, how it lies in rows, and the mask of its padding."""

    hidden: Tensor
    rows: _Rows
    mask: Tensor | None


def _stack(stack: Any, ids: Tensor, rows: _Rows, memory: _Memory | None, recompute: bool) -> Tensor:
    """Encoder or decoder: packed hidden states of ``ids``, (rows, width) with -1 where padded."""
    hidden: Tensor = stack.dropout(stack.embed_tokens(rows.pack(ids[:, :, None])[:, 0]))
    width = ids.shape[1]
    bias = stack.block[0].layer[0].SelfAttention.compute_bias(width, width, device=ids.device)
    if memory is None:
        mask = rows.mask()
        bias = bias if mask is None else bias + mask
    else:  # padding lies behind every real token, where no real token looks
        bias = bias + torch.full((width, width), -torch.inf, device=ids.device).triu_(1)
    for block in stack.block:
        if recompute and torch.is_grad_enabled():
            hidden = checkpoint(_block, block, stack.dropout, hidden, rows, bias, memory, use_reentrant=False)
        else:
            hidden = _block(block, stack.dropout, hidden, rows, bias, memory)
    final: Tensor = stack.dropout(_norm(stack.final_layer_norm, hidden))
    return final


def _block(block: Any, drop: Any, hidden: Tensor, rows: _Rows, bias: Tensor, memory: _Memory | None) -> Tensor:
    """One layer: self-attention, the decoder's look at the memory, feed-forward."""
    own = block.layer[0]
    normed = _norm(own.layer_norm, hidden)
    hidden = hidden + drop(_attend(own.SelfAttention, normed, rows, normed, rows, bias))
    if memory is not None:
        cross = block.layer[1]
        normed = _norm(cross.layer_norm, hidden)
        seen = _attend(cross.EncDecAttention, normed, rows, memory.hidden, memory.rows, memory.mask)
        hidden = hidden + drop(seen)
    last = block.layer[-1]
    out: Tensor = hidden + drop(_feed_forward(last.DenseReluDense, _norm(last.layer_norm, hidden)))
    return out


def _attend(
    attention: Any, query: Tensor, query_rows: _Rows, memory: Tensor, memory_rows: _Rows, bias: Tensor | None
) -> Tensor:
    heads, rate = attention.n_heads, attention.dropout if attention.training else 0.0
    q = query_rows.spread(attention.q(query), heads)
    k, v = (memory_rows.spread(project(memory), heads) for project in (attention.k, attention.v))
    if bias is not None and bias.requires_grad and bias.device.type == "cpu":
        attended = _attend_on_cpu(q, k, v, bias, rate)
    else:
        mask = None if bias is None else bias.to(q.dtype)
        attended = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=rate, scale=1.0)
    packed: Tensor = attention.o(query_rows.pack(attended.transpose(1, 2).flatten(2)))
    return packed


def _attend_on_cpu(q: Tensor, k: Tensor, v: Tensor, bias: Tensor, rate: float) -> Tensor:
    """Attention under a bias that learns, for which PyTorch has no fused kernel on a CPU.

    Its substitute scales q and k and looks for rows without any key, of which there are none here.
    """
    scores = (q @ k.transpose(-1, -2)).add_(bias)
    return functional.dropout(scores.softmax(-1), rate) @ v


def _feed_forward(dense: Any, hidden: Tensor) -> Tensor:
    if hasattr(dense, "wi_0"):
        inner = _activate(dense.act, dense.wi_0(hidden)) * dense.wi_1(hidden)
    else:
        inner = _activate(dense.act, dense.wi(hidden))
    out: Tensor = dense.wo(dense.dropout(inner))
    return out


def _activate(act: Any, hidden: Tensor) -> Tensor:
    """The activation; Hugging Face's ``gelu_new`` is the same function in eight operations."""
    if type(act).__name__ == "NewGELUActivation":
        return functional.gelu(hidden, approximate="tanh")
    activated: Tensor = act(hidden)
    return activated


def _norm(norm: Any, hidden: Tensor) -> Tensor:
    return functional.rms_norm(hidden, norm.weight.shape, norm.weight, norm.variance_epsilon)
