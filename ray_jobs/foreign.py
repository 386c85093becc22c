"""Tables that others made: what is refused before Ray starts, so that no row is lost or counted twice.

check(run_dir, "samples", key="sample_id", needed=("sample_id", "problem_id", "thought", "draw", "completion"))
"""

from collections import Counter
from collections.abc import Sequence

import pyarrow as pa

from pipelines.errors import DataError
from ray_jobs.run_directory import RunDirectory

_MOST_NAMED = 3


def check(run_dir: RunDirectory, folder: str, key: str, needed: Sequence[str]) -> None:
    """Refuse files that cannot be read, that lack a column, whose types differ, or that hold a key twice.

    The keys are read only where the folder is foreign: those that a run wrote are unique.

    Raises:
        DataError: one line with the file, the column and what was expected.
    """
    schemas = {file: run_dir.schema(file) for file in run_dir.parquet_files(folder)}
    for file, schema in schemas.items():
        lacking = [name for name in needed if name not in schema.names]
        if lacking:
            raise DataError(f"{file}: lacks the column {', '.join(lacking)}; columns here: {', '.join(schema.names)}")
        for name in needed:
            if name not in ("draw", "answer") and not _is_text(schema.field(name).type):
                raise DataError(
                    f"{file}: column '{name}' is {schema.field(name).type}; expected text "
                    f"(in pandas: table['{name}'] = table['{name}'].astype(str))"
                )
            if pa.types.is_nested(schema.field(name).type):
                raise DataError(f"{file}: column '{name}' is {schema.field(name).type}; expected one value a row")
    _check_alike(schemas)
    if run_dir.is_foreign(folder) and schemas:
        _check_keys(run_dir, folder, key)


def _check_alike(schemas: dict[str, pa.Schema]) -> None:
    """The files of a folder are one table."""
    first_file, first = next(iter(schemas.items()), ("", pa.schema([])))
    for file, schema in schemas.items():
        types, others = (
            {field.name: _plain(field.type) for field in each if not pa.types.is_null(field.type)}
            for each in (first, schema)
        )
        for name in {*first.names} & {*schema.names}:
            if name in types and name in others and types[name] != others[name]:
                raise DataError(
                    f"{file}: column '{name}' is {others[name]}, but {types[name]} in {first_file}; "
                    "expected one type in all files of a folder"
                )
        if set(first.names) != set(schema.names):
            differing = ", ".join(sorted(set(first.names) ^ set(schema.names)))
            raise DataError(
                f"{file}: its columns differ from those of {first_file} ({differing}); "
                "expected the same columns in all files of a folder"
            )


def _check_keys(run_dir: RunDirectory, folder: str, key: str) -> None:
    counts = Counter(run_dir.table(folder, columns=[key])[key].to_pylist())
    if None in counts:
        raise DataError(f"{run_dir.path(folder)}: column '{key}' is null in {counts[None]:,} rows; expected a value")
    twice = [name for name, count in counts.items() if count > 1]
    if twice:
        named = ", ".join(map(repr, twice[:_MOST_NAMED])) + (", ..." if len(twice) > _MOST_NAMED else "")
        files = ", ".join(file.removeprefix(run_dir.path(folder) + "/") for file in run_dir.parquet_files(folder))
        raise DataError(
            f"{run_dir.path(folder)}: {len(twice):,} values of '{key}' are there more than once ({named}); "
            f"expected each once: remove copies among the files {files}"
        )


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(_plain(kind)) or pa.types.is_null(kind))


def _plain(kind: pa.DataType) -> pa.DataType:
    """The type without how it is stored: categories and large strings are text."""
    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    return pa.string() if pa.types.is_large_string(value) or pa.types.is_string_view(value) else value
