"""Training states on a disk or an object store; a state that was not written to its end is never loaded.

    checkpoints/step-00000120.pt       model, optimizer, step, precision (torch.save)
    checkpoints/step-00000120.json     {"step": 120, "bytes": 15102976}, written last

Nothing relies on rename or append. One process writes (rank 0); all may read.
"""

import json
import pickle
from typing import Any

import torch
from pyarrow import fs as pafs

from pipelines.storage import locate

_KEEP = 2


class CheckpointStore:
    """The states under one directory: a path or any pyarrow/fsspec URI."""

    def __init__(self, directory: str) -> None:
        self._filesystem, self._folder = locate(directory)

    def save(self, step: int, state: dict[str, Any]) -> None:
        """Write a state, then remove all but the last two."""
        self._filesystem.create_dir(self._folder, recursive=True)
        name = f"{self._folder}/step-{step:08d}"
        with self._filesystem.open_output_stream(f"{name}.pt") as stream:
            torch.save(state, stream)
        size = self._filesystem.get_file_info(f"{name}.pt").size
        with self._filesystem.open_output_stream(f"{name}.json") as stream:
            stream.write(json.dumps({"step": step, "bytes": size}).encode())
        for old in self._finished()[:-_KEEP]:
            self._filesystem.delete_file(f"{self._folder}/{old}.json")
            self._filesystem.delete_file(f"{self._folder}/{old}.pt")

    def latest(self) -> dict[str, Any] | None:
        """The newest state that was written to its end, on CPU; None where there is none."""
        for name in reversed(self._finished()):
            try:
                with self._filesystem.open_input_file(f"{self._folder}/{name}.pt") as stream:
                    state: dict[str, Any] = torch.load(stream, map_location="cpu", weights_only=True)
                return state
            except (OSError, RuntimeError, pickle.UnpicklingError):
                continue  # damaged after it was written: the one before serves
        return None

    def _finished(self) -> list[str]:
        """Names of finished states, oldest first."""
        listed = self._filesystem.get_file_info(pafs.FileSelector(self._folder, allow_not_found=True))
        sizes = {info.base_name: info.size for info in listed}
        return [
            name.removesuffix(".json")
            for name in sorted(sizes)
            if name.endswith(".json") and self._stated_bytes(name) == sizes.get(name.removesuffix(".json") + ".pt")
        ]

    def _stated_bytes(self, marker: str) -> int | None:
        with self._filesystem.open_input_stream(f"{self._folder}/{marker}") as stream:
            try:
                return int(json.loads(stream.read())["bytes"])
            except (ValueError, KeyError, TypeError):
                return -1  # a torn marker
