"""Greedy and sampled completions of a student, in batches with little padding.

    decoder = Decoder("runs/quickstart/student")
    decoder.decode(["Question: Ann has 3 pens ...\\nLet's break down the code step by step\\n"],
                   max_tokens=256, max_input_tokens=256)
    -> [[Decoded(completion="pens = 3 + 4\\nans = pens", tokens=14, finished=True, logprob=-0.03)]]

Any Hugging Face sequence-to-sequence directory. The start and end tokens are the generation config's;
beams, penalties and forced tokens are not applied.
"""

import contextlib
import copy
import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pipelines.errors import DataError, ThoughtDistillError
from pipelines.inference.steps import begin, use_fused_gelu
from pipelines.inference.tokenizer_files import open_tokenizer_files

# Rows of a batch x (input tokens + expected output tokens): enough work per step to hide the overhead of a step.
# What does not fit a GPU's memory is cut in two, and so are the batches after it.
_BATCH_TOKENS = {"cpu": 16_384, "cuda": 131_072}
# Finished rows are removed when they are at least this share: removing copies the cache.
_REMOVE_SHARE = 0.125


@dataclass(frozen=True)
class Decoded:
    """One completion: its text, generated tokens (end token included), whether it ended by itself rather than
    at ``max_tokens``, and its log-probability under the model, untempered, summed over the tokens (natural)."""

    completion: str
    tokens: int
    finished: bool
    logprob: float


class Decoder:
    """A student ready to complete inputs on one device.

    Args:
        student_dir: a directory that ``AutoModelForSeq2SeqLM.from_pretrained`` opens.
        device: "cpu", "cuda", "cuda:1", or "auto" for CUDA where there is any.
        threads: on a CPU, batches decoded at the same time, each by one thread: steps are too small to share, and
            threads that wait for each other at every step wait for whatever else the machine does.

    Raises:
        DataError: the directory does not open.
    """

    def __init__(self, student_dir: str, device: str = "auto", threads: int = 1) -> None:
        from transformers import AutoModelForSeq2SeqLM  # slow to import, and CTranslate2 does without

        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        self.device = torch.device(device)
        try:
            tokenizer: Any = open_tokenizer(student_dir)
            model: Any
            model, loaded = AutoModelForSeq2SeqLM.from_pretrained(
                student_dir, dtype=torch.float32, trust_remote_code=False, output_loading_info=True
            )
        except Exception as error:  # files of strangers fail in as many ways as there are loaders
            raise not_a_student(student_dir, error) from None
        if missing := sorted(loaded["missing_keys"]):
            raise not_a_student(student_dir, ValueError(f"{len(missing)} weights are missing, first {missing[0]}"))
        use_fused_gelu(model)
        self._hold(model.eval().to(self.device), tokenizer, threads)

    @classmethod
    def of(cls, model: Any, tokenizer: Any) -> "Decoder":
        """A decoder of a model in memory, on the device where it is; the caller sets it to ``eval`` and back."""
        decoder = cls.__new__(cls)
        decoder.device = model.device
        tokenizer = copy.deepcopy(tokenizer)  # truncation and padding are a fast tokenizer's state
        tokenizer.truncation_side = "left"
        decoder._hold(model, tokenizer, torch.get_num_threads())
        return decoder

    def _hold(self, model: Any, tokenizer: Any, threads: int) -> None:
        self._model, self._tokenizer = model, tokenizer
        self._threads = threads if self.device.type == "cpu" else 1
        self._batch_tokens = _BATCH_TOKENS.get(self.device.type, _BATCH_TOKENS["cpu"])
        generation = self._model.generation_config
        start = generation.decoder_start_token_id
        self._start = int(self._model.config.decoder_start_token_id if start is None else start)
        self._ends = torch.tensor(end_tokens(generation, self._tokenizer), device=self.device)

    def decode(
        self,
        inputs: Sequence[str],
        *,
        max_tokens: int,
        max_input_tokens: int,
        paths: int = 0,
        temperature: float = 0.7,
        seed: int = 0,
    ) -> list[list[Decoded]]:
        """The completions of each input, in the order of the inputs.

        ``paths`` 0 gives one greedy completion per input, else that many sampled ones. The random numbers of a
        sampled path depend on ``seed``, the input's text and the path's number only, so it does not depend on
        the batch it lands in, as far as the device's arithmetic does not. Inputs longer than
        ``max_input_tokens`` lose their beginning.

        Raises:
            ThoughtDistillError: one input alone does not fit the device's memory.
        """
        encoded: list[list[int]] = (
            self._tokenizer(list(inputs), truncation=True, max_length=max_input_tokens)["input_ids"] if inputs else []
        )
        completions: list[list[Decoded]] = [[] for _ in inputs]

        def complete(rows: list[int]) -> None:
            noise = _noise([inputs[row] for row in rows], paths, max_tokens, seed) if paths else None
            try:
                decoded = self._complete([encoded[row] for row in rows], max_tokens, noise, temperature)
            except torch.OutOfMemoryError:
                decoded = None  # only outside of this block does the failed pass let go of its memory
            if decoded is None:
                self._make_room(rows)
                complete(rows[: len(rows) // 2])
                complete(rows[len(rows) // 2 :])
                return
            for position, row in enumerate(rows):
                completions[row] = decoded[position * max(paths, 1) : (position + 1) * max(paths, 1)]

        batches = self._batches([len(ids) for ids in encoded], max_tokens, max(paths, 1))
        if self.device.type != "cpu":
            for rows in batches:
                complete(rows)
            return completions
        with _one_thread_each(), ThreadPoolExecutor(self._threads) as pool:
            list(pool.map(complete, batches))
        return completions

    def _batches(self, lengths: Sequence[int], max_tokens: int, copies: int) -> Iterator[list[int]]:
        """Row numbers by falling length (what does not fit shows at once), cut at the token budget and for threads."""
        cost = copies * sum(length + max_tokens // 2 for length in lengths)
        share = -(-cost // self._threads)
        batch: list[int] = []
        for row in sorted(range(len(lengths)), key=lambda row: -lengths[row]):
            width = lengths[batch[0]] if batch else 0
            if batch and (len(batch) + 1) * copies * (width + max_tokens // 2) > min(self._batch_tokens, share):
                yield batch
                batch = []
            batch.append(row)
        if batch:
            yield batch

    def _make_room(self, rows: list[int]) -> None:
        if len(rows) == 1:
            raise ThoughtDistillError(
                f"one input does not fit into the memory of {self.device}; lower evaluation.max_tokens, "
                "evaluation.paths or training.max_input_tokens"
            )
        torch.cuda.empty_cache()
        self._batch_tokens //= 2

    @torch.inference_mode()
    def _complete(
        self, encoded: list[list[int]], max_tokens: int, noise: torch.Tensor | None, temperature: float
    ) -> list[Decoded]:
        """Complete one batch; with ``noise`` (rows x paths, max_tokens), that many paths of each row in turn."""
        padded = self._tokenizer.pad({"input_ids": encoded}, return_tensors="pt").to(self.device)
        memory = self._model.get_encoder()(**padded).last_hidden_state
        count = len(encoded) if noise is None else len(noise)
        steps = begin(self._model, memory, padded["attention_mask"], count // len(encoded), max_tokens)
        noise = None if noise is None else noise.to(self.device)
        tokens = torch.zeros(count, max_tokens, dtype=torch.long, device=self.device)
        logprobs = torch.zeros(count, dtype=torch.float64, device=self.device)
        lengths = torch.zeros(count, dtype=torch.long, device=self.device)
        finished = torch.zeros(count, dtype=torch.bool, device=self.device)
        alive = torch.arange(count, device=self.device)
        last = torch.full((count,), self._start, device=self.device)
        for step in range(max_tokens):
            logits = steps.step(last)
            last = logits.argmax(-1) if noise is None else _draw(logits / temperature, noise[alive, step])
            chosen = logits.gather(1, last[:, None])[:, 0] - logits.logsumexp(-1)
            going = ~finished[alive]
            tokens[alive, step] = last
            logprobs[alive] += chosen.double() * going
            lengths[alive] += going
            finished[alive] |= torch.isin(last, self._ends)
            keep = ~finished[alive]
            left = int(keep.sum())
            if left == 0:
                break
            if left <= (1 - _REMOVE_SHARE) * len(alive):
                index = keep.nonzero()[:, 0]
                alive, last = alive[index], last[index]
                steps.keep(index)
        texts = self._tokenizer.batch_decode(
            [row[:length] for row, length in zip(tokens.tolist(), lengths.tolist(), strict=True)],
            skip_special_tokens=True,
            clean_up_tokenization_spaces=False,
        )
        return [
            Decoded(*row) for row in zip(texts, lengths.tolist(), finished.tolist(), logprobs.tolist(), strict=True)
        ]


def open_tokenizer(student_dir: str) -> Any:
    """The tokenizer; the end of an over-long input holds the trigger and what is asked, so the beginning is cut."""
    return open_tokenizer_files(student_dir, truncation_side="left")


def end_tokens(generation: Any, tokenizer: Any) -> list[int]:
    """The tokens that end a completion, by a generation config or else the tokenizer."""
    end = generation.eos_token_id if generation.eos_token_id is not None else tokenizer.eos_token_id
    return end if isinstance(end, list) else [end]


def not_a_student(student_dir: str, error: Exception) -> DataError:
    """The refusal of a directory that does not open."""
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    return DataError(
        f"{student_dir}: not a Hugging Face sequence-to-sequence directory ({reason}); "
        "expected what the train stage exports, or any checkpoint of that kind"
    )


@contextlib.contextmanager
def _one_thread_each() -> Iterator[None]:
    """Torch's operations by one thread each, as long as this lasts."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _noise(inputs: Sequence[str], paths: int, max_tokens: int, seed: int) -> torch.Tensor:
    """Uniform numbers in [0, 1), shape (inputs x paths, max_tokens), a function of seed, input and path alone."""
    rows: list[NDArray[np.float64]] = []
    for text in inputs:
        key = int.from_bytes(hashlib.blake2b(f"{seed}\n{text}".encode(), digest_size=8).digest(), "big")
        rows.extend(np.random.Generator(np.random.Philox(key=[key, path])).random(max_tokens) for path in range(paths))
    return torch.from_numpy(np.stack(rows))


def _draw(logits: torch.Tensor, uniform: torch.Tensor) -> torch.Tensor:
    """Tokens (rows,) from logits (rows, vocabulary), each by inverting its distribution at one uniform number."""
    cumulative = logits.double().softmax(-1).cumsum(-1)
    drawn = torch.searchsorted(cumulative, (uniform * cumulative[:, -1])[:, None], right=True)[:, 0]
    return drawn.clamp_(max=logits.shape[-1] - 1)
