"""Original files: finding a data set's published files and reading their JSON and XML.

    files("shared/svamp", ("SVAMP.json", "split_ids.json"))
        -> ["shared/svamp/SVAMP.json", "shared/svamp/split_ids.json"]

Which files a data set has, and what their fields mean, is the business of its own module.
"""

import json
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from pyarrow import fs as pafs

from pipelines.errors import DataError
from pipelines.problems.gold import gold_answer
from pipelines.problems.schema import Problem
from pipelines.storage import locate, read_bytes, read_text


def files(path: str, names: Sequence[str]) -> list[str]:
    """The files ``names`` in the folder ``path``; where ``path`` is a file, it is the first and the others lie beside.

    Raises:
        DataError: a file is missing.
    """
    filesystem, place = locate(path)
    if filesystem.get_file_info(place).type == pafs.FileType.Directory:
        found = [f"{path.rstrip('/')}/{name}" for name in names]
    else:
        folder, slash, _ = path.rpartition("/")
        found = [path, *(f"{folder}{slash}{name}" for name in names[1:])]
    for file in found:
        filesystem, place = locate(file)
        if filesystem.get_file_info(place).type != pafs.FileType.File:
            raise DataError(f"{file}: no such file; expected the original {' and '.join(names)}")
    return found


def json_of(file: str) -> Any:
    """The JSON value of a file.

    Raises:
        DataError: not UTF-8 or not JSON (names file and line).
    """
    try:
        return json.loads(read_text(file))
    except json.JSONDecodeError as error:
        raise DataError(f"{file}, line {error.lineno}: not JSON ({error.msg})") from None


def json_rows(file: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The objects of a JSON list, each with where it stands ("FILE, element 3", from 1).

    Raises:
        DataError: not a JSON list of objects.
    """
    value = json_of(file)
    if not isinstance(value, list):
        raise DataError(f"{file}: {type(value).__name__}; expected a JSON list of objects")
    for number, row in enumerate(value, start=1):
        if not isinstance(row, dict):
            raise DataError(f"{file}, element {number}: {type(row).__name__}; expected a JSON object")
        yield f"{file}, element {number}", row


def xml_elements(file: str, tag: str) -> Iterator[tuple[str, ET.Element]]:
    """All elements ``tag`` of an XML file, each with where it stands ("FILE, Problem 3", from 1).

    Raises:
        DataError: not well-formed XML (names file and line).
    """
    try:
        root = ET.fromstring(read_bytes(file))
    except ET.ParseError as error:
        raise DataError(f"{file}, line {error.position[0]}: not well-formed XML") from None
    for number, element in enumerate(root.iter(tag), start=1):
        yield f"{file}, {tag} {number}", element


def text_field(row: dict[str, Any], field: str, where: str) -> str:
    """A field's text, without white space around it; numbers are written out.

    Raises:
        DataError: the field is absent or empty (names file, row and field).
    """
    value = row.get(field)
    text = str(value).strip() if isinstance(value, (str, int, float)) and not isinstance(value, bool) else ""
    if not text:
        raise DataError(f"{where}: no text in '{field}'; fields here: {', '.join(map(str, row))}")
    return text


def number_field(row: dict[str, Any], field: str, where: str) -> str:
    """A field's number as canonical text.

    Raises:
        DataError: the field is absent or holds no number.
    """
    text, kind = gold_answer(text_field(row, field, where))
    if kind != "number":
        raise DataError(f"{where}: '{field}' is {text!r}, expected a number")
    return text


def number_problems(
    rows: Iterable[tuple[str, str, str | None, str | None]], name: str, split: str
) -> Iterator[Problem]:
    """Problems of (question, canonical number, rationale, category), numbered from 0."""
    for index, (question, answer, rationale, category) in enumerate(rows):
        yield Problem(
            problem_id=f"{name}/{split}/{index}",
            question=question,
            answer=answer,
            answer_kind="number",
            rationale=rationale,
            dataset=name,
            split=split,
            category=category,
        )
