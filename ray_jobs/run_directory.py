"""The run directory: the contract between stages, and with other tools.

    runs/gsm8k/
      config.yaml  provenance.json  metrics.jsonl
      problems/    part-00000.parquet ... _manifest.json
      journal/     samples/  samples_failed/  verdicts/  mixture/{train,dev}/  checkpoints/
      student/     predictions/  dev_predictions/  report/

A finished stage ends with ``_manifest.json``, written last: its files, its rows, and the fingerprint of all
that defines them. A folder with ``_unfinished`` is written anew; one with neither is foreign input: it is read as
it lies and never written to.
Nothing here relies on rename or append, so an object store will do.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs as pafs

from pipelines.errors import DataError
from pipelines.storage import LFS_POINTER, is_lfs_pointer, is_local, locate
from ray_jobs import owner

MANIFEST = "_manifest.json"
UNFINISHED = "_unfinished"
_ROWS_PER_FILE = 100_000
_DEBRIS = (".DS_Store", "Thumbs.db", "desktop.ini")
"""Files that a desktop leaves in any folder that it shows."""


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a finished stage wrote.

    ``fingerprint`` covers the fields and inputs that define the stage's rows. ``version`` is what later stages
    depend on: it also changes where the same definition gave other rows (failed requests that succeeded later).
    """

    stage: str
    fingerprint: str
    version: str
    fields: dict[str, Any]
    inputs: dict[str, str]
    files: list[str]
    rows: int
    wall_s: float
    notes: dict[str, Any] = field(default_factory=dict)


class RunDirectory:
    """One run's directory, on any filesystem that pyarrow or fsspec opens."""

    def __init__(self, uri: str) -> None:
        """``uri``: local path or URI; nothing is created yet."""
        self.filesystem, self.root = locate(uri)
        self.is_local = is_local(uri)
        self.uri = self.root if self.is_local else uri.rstrip("/")

    def path(self, *parts: str) -> str:
        """The path of a file or folder on ``filesystem``."""
        return "/".join([self.root, *parts])

    def exists(self, *parts: str) -> bool:
        """Whether a file or a non-empty folder is there."""
        info = self.filesystem.get_file_info(self.path(*parts))
        if info.type == pafs.FileType.Directory:
            return bool(self.listing(*parts))
        return bool(info.type == pafs.FileType.File)

    def listing(self, *parts: str) -> list[pafs.FileInfo]:
        """The files below a folder, sorted by path."""
        selector = pafs.FileSelector(self.path(*parts), recursive=True, allow_not_found=True)
        infos = self.filesystem.get_file_info(selector)
        files = (info for info in infos if info.type == pafs.FileType.File and info.base_name not in _DEBRIS)
        return sorted(files, key=lambda info: str(info.path))

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the run directory against a second run until this process ends or dies.

        Locally the kernel lets go of it; on an object store the owner's file is no longer renewed (``owner``).

        Raises:
            DataError: another process holds it.
        """
        if not self.is_local:
            with owner.held(self.filesystem, self.path("_owner.json")):
                yield
            return
        self.filesystem.create_dir(self.root)
        descriptor = os.open(self.path(".lock"), os.O_RDWR | os.O_CREAT, 0o644)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise DataError(
                    f"{self.root}: another run is at work here; wait for it or choose another run_dir"
                ) from None
            yield
        finally:
            os.close(descriptor)

    def is_foreign(self, folder: str) -> bool:
        """Whether a folder holds data that no run of ours wrote: every folder of ours bears one of the two marks."""
        return self.exists(folder) and not self.exists(folder, MANIFEST) and not self.exists(folder, UNFINISHED)

    def manifest(self, folder: str) -> Manifest | None:
        """The manifest of a finished stage, or None."""
        if not self.exists(folder, MANIFEST):
            return None
        manifest = Manifest(**json.loads(self.read_bytes(folder, MANIFEST)))
        present = {str(info.path) for info in self.listing(folder)}
        if self.exists(folder, UNFINISHED):
            return None
        return manifest if all(self.path(folder, name) in present for name in manifest.files) else None

    def version(self, folder: str) -> str | None:
        """What a later stage's fingerprint says of this input; None where there is nothing to read."""
        manifest = self.manifest(folder)
        if manifest is not None:
            return manifest.version
        if not self.is_foreign(folder):
            return None
        listing = [(info.path, info.size, info.mtime_ns) for info in self.listing(folder)]
        return "foreign-" + digest(listing)

    def start(self, folder: str) -> None:
        """Make a stage's folder empty, marked first, so that what is half-written never reads as finished.

        Raises:
            DataError: the folder holds foreign data, which is not ours to delete.
        """
        if self.is_foreign(folder):
            raise DataError(
                f"{self.path(folder)}: holds data that this project did not write; "
                "run the later stages on it (python -m ray_jobs.verify, ...) or choose another run_dir"
            )
        self.write_bytes(b"", folder, UNFINISHED)  # first: a folder is never without a mark
        with contextlib.suppress(FileNotFoundError):
            self.filesystem.delete_file(self.path(folder, MANIFEST))
        for name in self.written(folder):
            self.filesystem.delete_file(self.path(folder, name))

    def publish(self, folder: str, manifest: Manifest) -> None:
        """Write the manifest: the stage is finished."""
        self.write_bytes(json.dumps(asdict(manifest), indent=2).encode(), folder, MANIFEST)
        self.finish(folder)

    def finish(self, folder: str) -> None:
        """Take the mark of an unfinished folder away."""
        with contextlib.suppress(FileNotFoundError):
            self.filesystem.delete_file(self.path(folder, UNFINISHED))

    def written(self, folder: str) -> list[str]:
        """The files that lie in a folder now, relative to it, without the manifest."""
        base = self.path(folder) + "/"
        names = [str(info.path).removeprefix(base) for info in self.listing(folder)]
        return [name for name in names if name not in (MANIFEST, UNFINISHED)]

    def copy(self, source: "RunDirectory", folder: str) -> None:
        """The files of another run's folder, without its marks."""
        for name in source.written(folder):
            target = self.path(folder, name)
            self.filesystem.create_dir(target.rpartition("/")[0])
            pafs.copy_files(source.path(folder, name), target, source.filesystem, self.filesystem)

    def parquet_files(self, *parts: str) -> list[str]:
        """The Parquet files of a folder as paths, sorted.

        Names that begin with a dot or an underscore, of files or of folders below, are what other tools leave beside
        the data (``._a.parquet``, ``.ipynb_checkpoints/``, ``_temporary/``).
        """
        base = self.path(*parts) + "/"
        paths = [str(info.path) for info in self.listing(*parts) if info.path.endswith(".parquet")]
        return [path for path in paths if not re.search(r"(^|/)[._]", path.removeprefix(base))]

    def schema(self, file: str) -> pa.Schema:
        """The columns of a Parquet file.

        Raises:
            DataError: it is not readable.
        """
        with self._readable(file):
            return pq.read_schema(file, filesystem=self.filesystem)

    @contextlib.contextmanager
    def _readable(self, file: str) -> Iterator[None]:
        """Name a file that is not Parquet, or a Git LFS pointer."""
        try:
            yield
        except (pa.ArrowException, OSError) as error:
            if isinstance(error, OSError) and (error.errno is not None or not self.is_local):
                raise
            with self.filesystem.open_input_stream(file) as stream:
                reason = LFS_POINTER if is_lfs_pointer(stream.read(64)) else f"not a readable Parquet file ({error})"
            raise DataError(f"{file}: {' '.join(reason.split())}") from None

    def read_table(self, *parts: str, columns: list[str] | None = None) -> pa.Table | None:
        """All rows of a folder's Parquet files, or None where it has none.

        Raises:
            DataError: a file is not readable, or the files' columns have different types.
        """
        tables = []
        for file in self.parquet_files(*parts):
            with self._readable(file):  # partitioning: a folder such as lr=0.1 is a name and adds no column
                tables.append(pq.read_table(file, columns=columns, filesystem=self.filesystem, partitioning=None))
        try:
            return pa.concat_tables(tables, promote_options="default") if tables else None
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            reason = " ".join(str(error).split())
            raise DataError(f"{self.path(*parts)}: the columns of its files differ ({reason})") from None

    def table(self, *parts: str, columns: list[str] | None = None) -> pa.Table:
        """``read_table`` of a folder that must hold rows' files.

        Raises:
            DataError: it has none.
        """
        table = self.read_table(*parts, columns=columns)
        if table is None:
            raise DataError(f"{self.path(*parts)}: holds no Parquet")
        return table

    def rows_written(self, *parts: str) -> int:
        """Rows of the Parquet files that lie in a folder so far; files that are still being written do not count."""
        rows = 0
        for file in self.parquet_files(*parts):
            with contextlib.suppress(OSError, pa.ArrowInvalid):
                rows += pq.read_metadata(file, filesystem=self.filesystem).num_rows
        return rows

    def write_table(self, table: pa.Table, *parts: str) -> None:
        """Write a table as numbered Parquet files (one file even where it has no rows)."""
        self.filesystem.create_dir(self.path(*parts))
        for number, start in enumerate(range(0, max(table.num_rows, 1), _ROWS_PER_FILE)):
            file = self.path(*parts, f"part-{number:05}.parquet")
            pq.write_table(table.slice(start, _ROWS_PER_FILE), file, filesystem=self.filesystem)

    def read_bytes(self, *parts: str) -> bytes:
        """A whole file."""
        with self.filesystem.open_input_stream(self.path(*parts)) as stream:
            return bytes(stream.read())

    def write_bytes(self, content: bytes, *parts: str) -> None:
        """Write a whole file; on a local disk a reader sees the old file or the new one, never half."""
        target = self.path(*parts)
        self.filesystem.create_dir(target.rsplit("/", 1)[0])
        if not self.is_local:
            with self.filesystem.open_output_stream(target) as stream:
                stream.write(content)
            return
        temporary = f"{target}.{os.getpid()}.tmp"
        try:
            with open(temporary, "wb") as file:  # noqa: PTH123 - the descriptor is needed for fsync
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, target)  # noqa: PTH105 - strings throughout, as pyarrow's filesystems want them
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(temporary)  # noqa: PTH108 - a full disk needs the room
            raise


def digest(value: object) -> str:
    """A short hash of anything that JSON can say; keys in any order."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:16]


def fingerprint(stage: str, fields: Mapping[str, Any], inputs: Mapping[str, str]) -> str:
    """The hash of all that defines a stage's rows."""
    return digest([stage, fields, inputs])


class Stopwatch:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    def seconds(self) -> float:
        """Elapsed seconds, to the millisecond."""
        return round(time.monotonic() - self._started, 3)
