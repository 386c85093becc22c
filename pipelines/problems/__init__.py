"""Problems: every data set under one schema, and a generator of our own.

    source: gsm8k, svamp, asdiv, ...   original files, one module per format; ``catalogue`` is the table of them
    source: generated                  ``generated``, the built-in word problems
    source: file, or ORG/NAME          ``tabular``, any rows with a question: of a file (``records``) or of the hub

``load`` is the one door: it turns a ``ProblemSource`` of the configuration into problems.
"""

import difflib
import itertools
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

from pipelines.config import ProblemSource
from pipelines.errors import ConfigError, DataError
from pipelines.problems import hub, original, records, tabular
from pipelines.problems.catalogue import ORIGINALS, Original
from pipelines.problems.generated import generate
from pipelines.problems.schema import ANSWER_KINDS, PROBLEM_SCHEMA, AnswerKind, Problem, from_rows, to_table
from pipelines.storage import COMPRESSED, GLOB

__all__ = [
    "ANSWER_KINDS",
    "ORIGINALS",
    "PROBLEM_SCHEMA",
    "AnswerKind",
    "Original",
    "Problem",
    "check",
    "dataset_name",
    "from_rows",
    "load",
    "source_files",
    "to_table",
]

_NAMED = ("file", "generated", *ORIGINALS)


def dataset_name(source: ProblemSource) -> str:
    """The data set's name in problem ids: ``name``, or what the source is called."""
    if source.name:
        return source.name
    if source.source == "file":
        return _file_name(source.path or "")
    return source.source.split("/")[1] if "/" in source.source else source.source


def _file_name(path: str) -> str:
    """The data set's name after its file: "mine" for mine.jsonl.gz; the folder's for a glob such as mine/*.jsonl."""
    pure = PurePath(path)
    if GLOB.search(pure.name):
        pure = next(
            (parent for parent in pure.parents if parent.name and not GLOB.search(parent.name)), PurePath("files")
        )
        return pure.name
    return PurePath(pure.stem).stem if pure.name.endswith(COMPRESSED) else pure.stem


def check(source: ProblemSource, field: str) -> None:
    """Refuse a source that nothing answers to, a split it does not have, a file it needs, before anything is read.

    Raises:
        ConfigError: names the field, and the nearest valid source, the splits, or the file and where it is published.
    """
    original_set = ORIGINALS.get(source.source)
    if original_set is None:
        if source.source in _NAMED or 2 <= len(source.source.split("/")) <= 3:
            return
        near = difflib.get_close_matches(source.source, _NAMED, n=1)
        hint = f"; did you mean '{near[0]}'?" if near else ""
        raise ConfigError(f"{field}.source: '{source.source}' is not {' | '.join(_NAMED)} or ORG/NAME on the hub{hint}")
    if original_set.splits is not None and source.split not in original_set.splits:
        raise ConfigError(
            f"{field}.split: '{source.split}' is no split of {source.source}; "
            f"expected {' | '.join(original_set.splits)}"
        )
    if source.path is None and original_set.hub is None:
        raise ConfigError(
            f"{field}.path: source '{source.source}' is read from its original file; give "
            f"{original_set.files(source.split)[0]} or its folder, published at {original_set.published}"
        )


def source_files(source: ProblemSource) -> list[str]:
    """The files that a source with a path reads.

    Raises:
        DataError: one is missing, or it is the file of another split.
    """
    path, named = source.path, ORIGINALS.get(source.source)
    if path is None:
        return []
    if named is None:
        return records.files(path, source.split)
    for other in named.splits or ():
        wrong = named.files(other)[0]
        if wrong != named.files(source.split)[0] and f"/{path}".endswith(f"/{wrong}"):
            raise DataError(f"{path}: is the file of split '{other}', not of '{source.split}'; set split or path")
    return original.files(path, named.files(source.split))


def load(source: ProblemSource, seed: int) -> list[Problem]:
    """The problems of a source, in its own order, at most ``limit``.

    Raises:
        DataError: a file is missing, malformed or holds no problem.
        ConfigError: an unknown source, split or family, or a source that needs a path.
    """
    check(source, "problems")
    if source.source in ORIGINALS or source.source == "generated":
        loaded = list(itertools.islice(_read(source, seed), source.limit))
    else:
        loaded = list(tabular.problems(itertools.islice(_rows(source), source.limit), source, dataset_name(source)))
    if not loaded:
        raise DataError(f"{source.path or source.source}: holds no problems (split '{source.split}')")
    return loaded


def _read(source: ProblemSource, seed: int) -> Iterator[Problem]:
    """The problems of a source with a reader of its own."""
    name = dataset_name(source)
    if source.source == "generated":
        return generate(
            name=name,
            split=source.split,
            count=source.count,
            families=source.families,
            seed=seed,
            largest=source.largest,
        )
    named = ORIGINALS[source.source]
    if source.path is not None or named.hub is None or named.read_hub is None:
        return named.read(source_files(source), name, source.split)
    return named.read_hub(_hub_rows(named.hub, named.hub_split or source.split), name, source.split)


def _rows(source: ProblemSource) -> Iterator[tuple[str, dict[str, Any]]]:
    """The rows of any file or any data set of the hub, each with where it stands."""
    if source.path is None:
        return _hub_rows(source.source, source.split)
    return itertools.chain.from_iterable(map(records.rows, source_files(source)))


def _hub_rows(name: str, split: str) -> Iterator[tuple[str, dict[str, Any]]]:
    return ((f"{name}, row {number}", row) for number, row in hub.rows(name, split))
