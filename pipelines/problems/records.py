"""The rows of data files, as dictionaries, by the file's ending; no type is guessed from text.

    a.jsonl  a.ndjson  a.json      one JSON object a line, or a JSON list of objects
    a.csv    a.tsv                 separated by comma, semicolon, tab or bar, whichever the header has most of
    a.parquet  a.arrow  a.feather  with their own types
    a.jsonl.gz, ...                JSON and CSV compressed: .gz, .bz2, .zst, .lz4
    folder/                        what ``datasets.save_to_disk`` wrote
    folder/*.jsonl                 all files that match, sorted by name

Each row comes with where it stands: "mine.jsonl, line 3", "mine.csv, row 2" (from 1, the header not counted).
"""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.errors import DataError
from pipelines.storage import (
    COMPRESSED,
    LFS_POINTER,
    exists,
    is_lfs_pointer,
    locate,
    matching,
    parse_jsonl,
    read_bytes,
    read_text,
)

Row = dict[str, Any]

_JSON, _CSV, _TABLES = (".jsonl", ".ndjson", ".json"), (".csv", ".tsv"), (".parquet", ".arrow", ".feather")
_DELIMITERS = ",;\t|"
_INSTEAD = {
    ".xlsx": "save the sheet as CSV UTF-8",
    ".xls": "save the sheet as CSV UTF-8",
    ".zip": "unzip it and name one of its files",
    ".tar": "unpack it and name one of its files",
    ".tgz": "unpack it and name one of its files",
    ".xz": "decompress it with xz -d",
    ".txt": "rename it after what it holds",
}


def files(path: str, split: str) -> list[str]:
    """The files that a path names: itself, what a glob matches, or those of a folder of ``datasets.save_to_disk``.

    Raises:
        DataError: nothing matches, or the folder does not hold the split.
    """
    if exists(f"{path}/dataset_dict.json"):
        splits = json.loads(read_text(f"{path}/dataset_dict.json")).get("splits", [])
        if split not in splits:
            raise DataError(f"{path}: has no split '{split}'; set split to one of {', '.join(splits)}")
        path = f"{path.rstrip('/')}/{split}"
    if not exists(f"{path}/state.json"):
        return matching(path)
    state = json.loads(read_text(f"{path}/state.json"))
    if state.get("_indices_data_files"):
        raise DataError(f"{path}: its rows are chosen by indices; write it again with flatten_indices().save_to_disk()")
    return [f"{path.rstrip('/')}/{part['filename']}" for part in state.get("_data_files", [])]


def rows(file: str) -> Iterator[tuple[str, Row]]:
    """The rows of a file, each with where it stands.

    Raises:
        DataError: the file is missing, of another kind, malformed, or not UTF-8.
    """
    endings = [ending.lower() for ending in PurePath(file).suffixes] or [""]
    is_compressed = endings[-1] in COMPRESSED and len(endings) > 1
    ending = endings[-2] if is_compressed else endings[-1]
    if ending in _JSON:
        yield from _json_rows(file)
    elif ending in _CSV:
        yield from csv_rows(file)
    elif ending in _TABLES and not is_compressed:
        yield from _table_rows(file, ending)
    elif not exists(file):
        raise DataError(f"{file}: no such file; expected a JSONL, CSV or Parquet file")
    elif not ending or (len(endings) == 1 and ending in COMPRESSED):
        read_bytes(file)  # a folder or a Git LFS pointer has a message of its own
        raise DataError(f"{file}: has no ending that says what it holds; expected {_expected()}")
    else:
        hint = _INSTEAD.get(endings[-1]) or ("decompress it first" if is_compressed else "")
        raise DataError(f"{file}: unknown ending '{endings[-1]}'; expected {_expected()}{hint and f'; {hint}'}")


def csv_rows(file: str) -> Iterator[tuple[str, dict[str, str]]]:
    """The rows of a CSV file as texts, each with where it stands; the header names the columns.

    Raises:
        DataError: a column is named twice, a quoted field is malformed, or a row has more or fewer fields than the
            header.
    """
    text = read_text(file)
    delimiter = max(_DELIMITERS, key=lambda each: len(next(csv.reader(io.StringIO(text), delimiter=each), ())))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    number = 0
    try:
        header = [name.strip() for name in next(reader, [])]
        twice = [name for name, count in Counter(header).items() if name and count > 1]
        if twice:
            raise DataError(f"{file}: the column '{twice[0]}' is there twice; rename or remove one of them")
        for fields in reader:
            number += bool(fields)
            if not any(fields):  # spreadsheets leave such rows at the end
                continue
            if len(fields) != len(header):
                raise DataError(
                    f"{file}, row {number}: another number of fields than the header has "
                    f"({len(fields)}, not {len(header)}); expected quotes around a field with '{delimiter}' in it"
                )
            yield f"{file}, row {number}", dict(zip(header, fields, strict=True))
    except csv.Error as error:
        raise DataError(
            f'{file}, row {number + 1}: not CSV ({error}); expected quotes inside a quoted field to be doubled: ""'
        ) from None


def _json_rows(file: str) -> Iterator[tuple[str, Row]]:
    text = read_text(file)
    start = text.lstrip()[:1]
    if start == "[" or (start == "{" and text.lstrip()[1:].lstrip(" \t\r").startswith("\n")):
        yield from _json_list(text, file)
        return
    for number, row in parse_jsonl(text, file):
        yield f"{file}, line {number}", row


def _json_list(text: str, file: str) -> Iterator[tuple[str, Row]]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        place = f", line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        reason = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
        raise DataError(
            f"{file}{place}: not JSON ({reason}); expected a list of objects, or one object a line"
        ) from None
    if isinstance(value, dict):
        raise DataError(
            f"{file}: one object with the fields {', '.join(list(value)[:8])}; expected a list of objects, "
            f"or one object a line; jq -c '.{next(iter(value), 'data')}[]' writes the objects of a list in it"
        )
    for number, row in enumerate(value, start=1):
        if not isinstance(row, dict):
            raise DataError(f"{file}, element {number}: {type(row).__name__}; expected a JSON object")
        yield f"{file}, element {number}", row


def _table_rows(file: str, ending: str) -> Iterator[tuple[str, Row]]:
    filesystem, place = locate(file)
    if not filesystem.get_file_info(place).is_file:
        read_bytes(file)  # says what it is instead
    number = 0
    try:
        with filesystem.open_input_file(place) as stream:
            for batch in _parquet(stream) if ending == ".parquet" else _arrow(stream):
                for row in plain_types(batch).to_pylist():
                    number += 1
                    yield f"{file}, row {number}", row
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        with filesystem.open_input_stream(place) as stream:
            reason = LFS_POINTER if is_lfs_pointer(stream.read(64)) else f"not a readable {ending[1:]} file ({error})"
        raise DataError(f"{file}: {' '.join(reason.split())}") from None


def _parquet(stream: pa.NativeFile) -> Iterator[pa.RecordBatch]:
    yield from pq.ParquetFile(stream).iter_batches()


def _arrow(stream: pa.NativeFile) -> Iterator[pa.RecordBatch]:
    """Batches of the streaming format, which ``datasets`` writes, or of the file format (Feather)."""
    magic = stream.read(6)
    stream.seek(0)
    if magic != b"ARROW1":
        yield from pa.ipc.open_stream(stream)
        return
    reader = pa.ipc.open_file(stream)
    yield from (reader.get_batch(number) for number in range(reader.num_record_batches))


def plain_types(batch: pa.RecordBatch) -> pa.RecordBatch:
    """A batch in which single-precision numbers are the shortest text that gives them, and UTF-8 bytes are text."""
    for index, field in enumerate(batch.schema):
        if (
            field.type in (pa.float16(), pa.float32())
            or pa.types.is_binary(field.type)
            or pa.types.is_large_binary(field.type)
        ):
            try:
                column = batch.column(index).cast(pa.string())
            except pa.ArrowInvalid:  # bytes that are not text
                continue
            batch = batch.set_column(index, field.name, column)
    return batch


def _expected() -> str:
    return f"{', '.join((*_JSON, *_CSV, *_TABLES))}; {', '.join((*_JSON, *_CSV))} also with {', '.join(COMPRESSED)}"
