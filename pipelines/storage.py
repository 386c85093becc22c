"""Paths and URIs: where a path of the configuration really lies.

    locate("runs/quickstart")   -> (LocalFileSystem, "/home/ada/runs/quickstart")
    locate("s3://bucket/etd")   -> (S3FileSystem, "bucket/etd")

pyarrow's own filesystems come first, then whatever fsspec has a driver for.
Reading and writing stays with the callers.
"""

import glob
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
from pyarrow import fs as pafs

from pipelines.errors import DataError

COMPRESSED = (".gz", ".bz2", ".zst", ".lz4")
GLOB = re.compile(r"[*?[]")
LFS_POINTER = "is a Git LFS pointer, not the file itself; run: git lfs pull"


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


def read_bytes(uri: str) -> bytes:
    """The content of a file, decompressed where its name ends in .gz, .bz2, .zst or .lz4.

    Raises:
        DataError: the file is missing, a folder, a Git LFS pointer, or not compressed as its name says.
    """
    filesystem, path = locate(uri)
    kind = filesystem.get_file_info(path).type
    if kind == pafs.FileType.Directory:
        raise DataError(f"{uri}: is a folder; name one of its files, or a glob such as {uri.rstrip('/')}/*.jsonl")
    if kind != pafs.FileType.File:
        raise DataError(f"{uri}: no such file")
    try:
        with filesystem.open_input_stream(path) as stream:
            content = bytes(stream.read())
    except OSError as error:
        if error.errno is not None or not uri.endswith(COMPRESSED):
            raise
        raise DataError(f"{uri}: cannot be decompressed ({error}); expected what the file's ending says") from None
    if is_lfs_pointer(content):
        raise DataError(f"{uri}: {LFS_POINTER}")
    return content


def read_text(uri: str) -> str:
    """The text of a UTF-8 file, without a byte order mark.

    Raises:
        DataError: as ``read_bytes``, or the file has another encoding (names the first line that shows it).
    """
    content = read_bytes(uri)
    try:
        text = content.decode("utf-8-sig")
        at = content.find(b"\0")  # UTF-16 without a byte order mark decodes, with a NUL at each second place
    except UnicodeDecodeError as error:
        text, at = "", error.start
    if at < 0:
        return text
    guess = "UTF-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in content else "ISO-8859-1"
    line = content.count(b"\n", 0, at) + 1
    raise DataError(
        f"{uri}, line {line}: not UTF-8 text (byte 0x{content[at]:02x}); expected UTF-8: "
        f"iconv -f {guess} -t UTF-8 converts a file, where {guess} is its encoding"
    )


def read_jsonl(uri: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Line numbers (from 1) and objects of a JSONL file; empty lines are passed over.

    Raises:
        DataError: as ``read_text``, or a line is not a JSON object (names file and line).
    """
    yield from parse_jsonl(read_text(uri), uri)


def parse_jsonl(text: str, uri: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """``read_jsonl`` of text that has been read from ``uri``."""
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:  # ValueError: not JSON, or an integer of thousands of digits
            reason = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
            raise DataError(f"{uri}, line {number}: not JSON ({reason}); expected one object a line") from None
        if not isinstance(row, dict):
            raise DataError(f"{uri}, line {number}: {type(row).__name__}; expected one JSON object a line")
        yield number, row


def is_lfs_pointer(content: bytes) -> bool:
    """Whether a file's first bytes are those of a Git LFS pointer, which stands for a file that was not downloaded."""
    return content.startswith(b"version https://git-lfs.github.com/spec/")


def matching(pattern: str) -> list[str]:
    """The files that a local path with ``*``, ``?`` or ``[...]`` matches, sorted; a path that exists matches itself.

    Raises:
        DataError: it matches no file.
    """
    if not is_local(pattern) or not GLOB.search(pattern) or exists(pattern):
        return [pattern]
    _, path = locate(pattern)
    found = sorted(match for match in glob.glob(path, recursive=True) if Path(match).is_file())  # noqa: PTH207
    if not found:
        raise DataError(f"{pattern}: matches no file")
    return found


def exists(uri: str) -> bool:
    """Whether a file or folder is there."""
    filesystem, path = locate(uri)
    return bool(filesystem.get_file_info(path).type != pafs.FileType.NotFound)
