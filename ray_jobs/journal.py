"""The journal: every answered request, written as its answer arrives, by one writer on the driver's node.

    {"kind": "sample", "question_sha": "9f...", "sample_id": "gsm8k/train/12/pot/0", "completion": "...", ...}
    {"kind": "failure", "sample_id": "gsm8k/train/13/pot/0", "error": "HTTP 500: ...", "attempts": 8, ...}

Locally one file per run of the command, appended and synced at each write. On an object store, which cannot
append, immutable segments, each second or 1,000 rows. A torn last line is passed over. Rows that could not be
written (disk full, store out of reach) wait for the next write.
"""

import json
import os
import time
from collections.abc import Iterable, Iterator
from io import FileIO
from typing import Any

from ray_jobs.run_directory import RunDirectory

FOLDER = "journal"
SEGMENT_S = 1.0
_SEGMENT_ROWS = 1000


class JournalWriter:
    """The single writer of one run of the command."""

    def __init__(self, run_dir: RunDirectory) -> None:
        """Open a new file (or series of segments); earlier ones are never written again."""
        self._run_dir = run_dir
        self._name = f"{time.time_ns():020}"
        self._segment = 0
        self._waiting: list[bytes] = []
        self._file: FileIO | None = None
        if run_dir.is_local:
            run_dir.filesystem.create_dir(run_dir.path(FOLDER))
            path = run_dir.path(FOLDER, f"{self._name}.jsonl")
            self._file = open(path, "ab", buffering=0)  # noqa: SIM115, PTH123 - lives on

    @property
    def waiting(self) -> int:
        """Rows that wait for ``flush``, which the owner of the writer calls ``SEGMENT_S`` after they came."""
        return len(self._waiting)

    def append(self, rows: Iterable[dict[str, Any]]) -> None:
        """Write rows; when this returns they are on the disk (object store: they may wait for ``flush``).

        Raises:
            OSError: the storage fails; the rows wait for ``flush``.
        """
        # Half a surrogate pair, which JSON can carry and UTF-8 cannot, must not cost the row: it becomes a "?".
        self._waiting += [json.dumps(row, ensure_ascii=False).encode(errors="replace") + b"\n" for row in rows]
        if self._file is not None or len(self._waiting) >= _SEGMENT_ROWS:
            self.flush()

    def flush(self) -> None:
        """Write out what waits.

        Raises:
            OSError: the storage fails; all of it waits on.
        """
        if not self._waiting:
            return
        content = b"".join(self._waiting)
        if self._file is not None:
            _append(self._file, content)
        else:
            self._run_dir.write_bytes(content, FOLDER, f"{self._name}-{self._segment:06}.jsonl")
            self._segment += 1
        self._waiting = []


def _append(file: FileIO, content: bytes) -> None:
    """All of it, on the disk, or none of it: half a row would spoil the next one."""
    start = os.fstat(file.fileno()).st_size
    try:
        rest = memoryview(content)
        while rest:
            rest = rest[file.write(rest) :]
        os.fsync(file.fileno())
    except OSError:
        file.truncate(start)
        raise


def read_journal(run_dir: RunDirectory) -> Iterator[dict[str, Any]]:
    """All rows, oldest first; lines torn by a crash are passed over."""
    for info in run_dir.listing(FOLDER):
        if not info.path.endswith(".jsonl"):
            continue
        with run_dir.filesystem.open_input_stream(info.path) as stream:
            rest = b""
            while chunk := stream.read(8 << 20):
                *lines, rest = (rest + chunk).split(b"\n")
                yield from (row for line in lines if (row := _row(line)) is not None)
            # What follows the last line end was torn: a whole row always ends its line.


def _row(line: bytes) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) else None
