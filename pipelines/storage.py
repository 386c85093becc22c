"""Paths and URIs: where a path of the configuration really lies.

    locate("runs/quickstart")   -> (LocalFileSystem, "/home/ada/runs/quickstart")
    locate("s3://bucket/etd")   -> (S3FileSystem, "bucket/etd")

pyarrow's own filesystems come first, then whatever fsspec has a driver for.
Reading and writing stays with the callers.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
from pyarrow import fs as pafs

from pipelines.errors import DataError


def is_local(uri: str) -> bool:
    """Whether the path lies on this machine's own file system."""
    return "://" not in uri or uri.startswith(("file://", "local://"))


def locate(uri: str) -> tuple[pafs.FileSystem, str]:
    """The filesystem of a path or URI, and the path on it.

    Raises:
        DataError: neither pyarrow nor fsspec knows the scheme.
    """
    if is_local(uri):
        plain = uri.removeprefix("file://").removeprefix("local://")
        return pafs.LocalFileSystem(), str(Path(plain).expanduser().absolute())
    try:
        filesystem, path = pafs.FileSystem.from_uri(uri)
    except (pa.ArrowInvalid, ValueError, ImportError, OSError):
        try:
            foreign, path = fsspec.core.url_to_fs(uri)
        except (ValueError, ImportError) as error:
            raise DataError(
                f"{uri}: cannot be opened ({error}); expected a local path or a pyarrow/fsspec URI"
            ) from None
        filesystem = pafs.PyFileSystem(pafs.FSSpecHandler(foreign))
    return filesystem, path


def read_jsonl(uri: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Line numbers (from 1) and objects of a JSONL file; empty lines are passed over.

    Raises:
        DataError: the file is missing, or a line is not a JSON object (names file and line).
    """
    filesystem, path = locate(uri)
    if filesystem.get_file_info(path).type != pafs.FileType.File:
        raise DataError(f"{uri}: no such file; expected a JSONL file")
    with filesystem.open_input_stream(path) as stream:
        for number, line in enumerate(stream.read().decode("utf-8", "replace").split("\n"), start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except json.JSONDecodeError as error:
                raise DataError(f"{uri}, line {number}: not JSON ({error.msg}); expected one object a line") from None
            if not isinstance(row, dict):
                raise DataError(f"{uri}, line {number}: {type(row).__name__}; expected one JSON object a line")
            yield number, row
