"""The tokenised mixture: flat arrays on disk that every worker of a machine maps into memory once.

    data = tokenise(examples, tokenizer, "runs/quickstart/tokenised/train", max_input_tokens=256, max_target_tokens=256)
    data.input(3)   -> array([217, 30, 4, ..., 1], dtype=uint16)      the tokens of row 3, end token included
    data.weights    -> array([1.0, 1.0, 0.5, ...])
    data.dropped    -> 2     rows that were too long

It holds tokens, not text, and says nothing about the order of training (``pipelines.student.batches``).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.errors import DataError
from pipelines.mixture import Example

_CARD = "tokenised.json"  # written last: a directory without it is not finished
_CHUNK = 1024  # texts handed to the tokenizer at once


@dataclass(frozen=True)
class TokenisedMixture:
    """Rows in the order of the mixture. ``input_tokens`` and ``target_tokens`` are flat; row i is the half-open
    range offsets[i]..offsets[i + 1]. ``dropped`` counts the rows that were longer than the limits."""

    input_tokens: NDArray[Any]
    input_offsets: NDArray[np.int64]
    target_tokens: NDArray[Any]
    target_offsets: NDArray[np.int64]
    weights: NDArray[np.float64]
    dropped: int

    def __len__(self) -> int:
        return len(self.weights)

    def input(self, row: int) -> NDArray[Any]:
        """The input's tokens, end token included."""
        return self.input_tokens[self.input_offsets[row] : self.input_offsets[row + 1]]

    def target(self, row: int) -> NDArray[Any]:
        """The target's tokens, end token included."""
        return self.target_tokens[self.target_offsets[row] : self.target_offsets[row + 1]]

    @property
    def input_lengths(self) -> NDArray[np.int64]:
        """Tokens of each input."""
        return np.diff(self.input_offsets)

    @property
    def target_lengths(self) -> NDArray[np.int64]:
        """Tokens of each target."""
        return np.diff(self.target_offsets)


def tokenise(
    examples: Sequence[Example], tokenizer: Any, directory: str | Path, max_input_tokens: int, max_target_tokens: int
) -> TokenisedMixture:
    """Write the examples' tokens to ``directory`` and open them. Rows longer than a limit are dropped and counted."""
    dtype = np.uint16 if len(tokenizer) <= 2**16 else np.int32
    inputs: list[NDArray[Any]] = []
    targets: list[NDArray[Any]] = []
    weights: list[float] = []
    dropped = 0
    for start in range(0, len(examples), _CHUNK):
        chunk = examples[start : start + _CHUNK]
        encoded_inputs = _encode(tokenizer, [example.input for example in chunk])
        encoded_targets = _encode(tokenizer, [example.target for example in chunk])
        for example, source, target in zip(chunk, encoded_inputs, encoded_targets, strict=True):
            if len(source) > max_input_tokens or len(target) > max_target_tokens:
                dropped += 1
                continue
            inputs.append(np.asarray(source, dtype))
            targets.append(np.asarray(target, dtype))
            weights.append(example.weight)
    folder = Path(directory)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _CARD).unlink(missing_ok=True)
    for name, rows in (("input", inputs), ("target", targets)):
        offsets = np.cumsum([0, *map(len, rows)], dtype=np.int64)
        np.save(folder / f"{name}_offsets.npy", offsets)
        np.save(folder / f"{name}_tokens.npy", np.concatenate([np.empty(0, dtype), *rows]))
    np.save(folder / "weights.npy", np.asarray(weights, np.float64))
    (folder / _CARD).write_text(json.dumps({"rows": len(weights), "dropped": dropped}), encoding="utf-8")
    return open_tokenised(folder)


def open_tokenised(directory: str | Path) -> TokenisedMixture:
    """Map a tokenised mixture into memory.

    Raises:
        DataError: the directory holds none, or one that was not finished.
    """
    folder = Path(directory)
    try:
        dropped = int(json.loads((folder / _CARD).read_text(encoding="utf-8"))["dropped"])
        return TokenisedMixture(
            input_tokens=_mapped(folder, "input_tokens"),
            input_offsets=_mapped(folder, "input_offsets"),
            target_tokens=_mapped(folder, "target_tokens"),
            target_offsets=_mapped(folder, "target_offsets"),
            weights=_mapped(folder, "weights"),
            dropped=dropped,
        )
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{folder}: no finished tokenised mixture ({error}); run the train stage again") from None


def _mapped(folder: Path, name: str) -> NDArray[Any]:
    array: NDArray[Any] = np.load(folder / f"{name}.npy", mmap_mode="r")
    return array


def _encode(tokenizer: Any, texts: Sequence[str]) -> list[list[int]]:
    encoded: list[list[int]] = tokenizer(list(texts), truncation=False, verbose=False)["input_ids"]
    return encoded
