"""Problems: every data set under one schema, and a generator of our own.

    source: gsm8k, svamp, asdiv, ...   original files, one module per format; ``catalogue`` is the table of them
    source: generated                  ``generated``, the built-in word problems
    source: file, or ORG/NAME          ``tabular``, any JSONL, CSV or Parquet, from a path or from the hub

``load`` is the one door: it turns a ``ProblemSource`` of the configuration into problems.
"""

import difflib
import itertools
from collections.abc import Iterator
from pathlib import PurePath

from pipelines.config import ProblemSource
from pipelines.errors import ConfigError, DataError
from pipelines.problems import hub, original, tabular
from pipelines.problems.catalogue import ORIGINALS, Original
from pipelines.problems.generated import generate
from pipelines.problems.schema import ANSWER_KINDS, PROBLEM_SCHEMA, AnswerKind, Problem, from_rows, to_table

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
        return PurePath(source.path or "").stem
    return source.source.split("/")[1] if "/" in source.source else source.source


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
        return [path]
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
    loaded = list(itertools.islice(_read(source, seed), source.limit))
    if not loaded:
        raise DataError(f"{source.path or source.source}: holds no problems (split '{source.split}')")
    return loaded


def _read(source: ProblemSource, seed: int) -> Iterator[Problem]:
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
    named = ORIGINALS.get(source.source)
    if named is not None and source.path is not None:
        return named.read(source_files(source), name, source.split)
    if named is not None and named.hub is not None and named.read_hub is not None:
        numbered = hub.rows(named.hub, named.hub_split or source.split)
        return named.read_hub(((f"{named.hub}, row {number}", row) for number, row in numbered), name, source.split)
    where = source.path or source.source
    numbered = tabular.rows(where) if source.path else hub.rows(where, source.split)
    return tabular.problems(numbered, where, source, name)
