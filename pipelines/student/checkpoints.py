"""Training states on a disk or an object store; a state that was not written to its end is never loaded.

    checkpoints/step-00000120.pt       model, optimizer, step, precision (torch.save)
    checkpoints/step-00000120.json     {"step": 120, "bytes": 15102976, "best": 80}, written last
    checkpoints/passes.json            {"tokens": 4096.0}, where larger passes ran out of memory

The last two states are kept, and those of the best steps that they name: the best step so far when each was written.
Nothing relies on rename or append. One process writes states (rank 0); all may read.
"""

import json
import math
import pickle
from typing import Any

import torch
from pyarrow import fs as pafs

from pipelines.storage import locate

_KEEP = 2
_PASSES = "passes.json"


class CheckpointStore:
    """The states under one directory: a path or any pyarrow/fsspec URI."""

    def __init__(self, directory: str) -> None:
        self._filesystem, self._folder = locate(directory)

    def save(self, step: int, state: dict[str, Any], best: int | None = None) -> None:
        """Write a state, then remove all but the last two and the best that these two name (None: themselves)."""
        self._filesystem.create_dir(self._folder, recursive=True)
        name = f"{self._folder}/{_name(step)}"
        with self._filesystem.open_output_stream(f"{name}.pt") as stream:
            torch.save(state, stream)
        size = self._filesystem.get_file_info(f"{name}.pt").size
        with self._filesystem.open_output_stream(f"{name}.json") as stream:
            stream.write(json.dumps({"step": step, "bytes": size, "best": step if best is None else best}).encode())
        last = self._finished()[-_KEEP:]
        kept = {*last, *(_name(self._marker(name)["best"]) for name in last)}
        for old in sorted(self._files()):  # a marker before its state; what a kill left without one goes too
            if old.startswith("step-") and old.partition(".")[0] not in kept:
                self._filesystem.delete_file(f"{self._folder}/{old}")

    def latest(self) -> dict[str, Any] | None:
        """The newest state that was written to its end, on CPU; None where there is none."""
        states = (self._load(name) for name in reversed(self._finished()))
        return next((state for state in states if state is not None), None)

    def load(self, step: int) -> dict[str, Any] | None:
        """The state of a step, on CPU; None where there is none that was written to its end."""
        return self._load(_name(step)) if _name(step) in self._finished() else None

    def limit(self, tokens: float) -> None:
        """Tell the attempts to come that passes of more tokens do not fit the memory."""
        self._filesystem.create_dir(self._folder, recursive=True)
        with self._filesystem.open_output_stream(f"{self._folder}/{_PASSES}") as stream:
            stream.write(json.dumps({"tokens": tokens}).encode())

    def limited(self) -> float:
        """Tokens of a pass at most; infinite where no attempt has run out of memory."""
        try:
            with self._filesystem.open_input_stream(f"{self._folder}/{_PASSES}") as stream:
                return float(json.loads(stream.read())["tokens"])
        except (FileNotFoundError, ValueError):
            return math.inf

    def _load(self, name: str) -> dict[str, Any] | None:
        try:
            with self._filesystem.open_input_file(f"{self._folder}/{name}.pt") as stream:
                state: dict[str, Any] = torch.load(stream, map_location="cpu", weights_only=True)
            return state
        except (OSError, RuntimeError, pickle.UnpicklingError):
            return None  # damaged after it was written

    def _finished(self) -> list[str]:
        """Names of finished states, oldest first."""
        sizes = self._files()
        names = [name.removesuffix(".json") for name in sorted(sizes) if name.endswith(".json")]
        return [name for name in names if self._marker(name)["bytes"] == sizes.get(f"{name}.pt")]

    def _files(self) -> dict[str, int]:
        """Sizes in bytes by name."""
        listed = self._filesystem.get_file_info(pafs.FileSelector(self._folder, allow_not_found=True))
        return {info.base_name: info.size for info in listed}

    def _marker(self, name: str) -> dict[str, int]:
        with self._filesystem.open_input_stream(f"{self._folder}/{name}.json") as stream:
            try:
                marker = json.loads(stream.read())
                return {"bytes": int(marker["bytes"]), "best": int(marker["best"])}
            except (ValueError, KeyError, TypeError):
                return {"bytes": -1, "best": -1}  # a torn marker


def _name(step: int | None) -> str:
    return f"step-{step:08d}"
