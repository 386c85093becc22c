"""Problems: every data set under one schema, and a generator of our own.

``load`` is the one door: it turns a ``ProblemSource`` of the configuration into problems.
"""

import difflib
import itertools
from collections.abc import Iterator
from pathlib import PurePath

from pipelines.config import ProblemSource
from pipelines.errors import ConfigError, DataError
from pipelines.problems import gsm8k, hub, tabular
from pipelines.problems.generated import generate
from pipelines.problems.schema import ANSWER_KINDS, PROBLEM_SCHEMA, AnswerKind, Problem, from_rows, to_table

__all__ = [
    "ANSWER_KINDS",
    "PROBLEM_SCHEMA",
    "AnswerKind",
    "Problem",
    "check",
    "dataset_name",
    "from_rows",
    "load",
    "to_table",
]

_NAMED = ("file", "generated", "gsm8k")


def dataset_name(source: ProblemSource) -> str:
    """The data set's name in problem ids: ``name``, or what the source is called."""
    if source.name:
        return source.name
    if source.source == "file":
        return PurePath(source.path or "").stem
    return source.source.split("/")[1] if "/" in source.source else source.source


def check(source: ProblemSource, field: str) -> None:
    """Refuse a source that nothing answers to, before anything is read.

    Raises:
        ConfigError: names the field and the nearest valid source.
    """
    if source.source in _NAMED or 2 <= len(source.source.split("/")) <= 3:
        return
    near = difflib.get_close_matches(source.source, _NAMED, n=1)
    hint = f"; did you mean '{near[0]}'?" if near else ""
    raise ConfigError(f"{field}.source: '{source.source}' is not {' | '.join(_NAMED)} or ORG/NAME on the hub{hint}")


def load(source: ProblemSource, seed: int) -> list[Problem]:
    """The problems of a source, in its own order, at most ``limit``.

    Raises:
        DataError: a file is missing, malformed or holds no problem.
        ConfigError: an unknown source or family.
    """
    check(source, "problems")
    loaded = list(itertools.islice(_read(source, seed), source.limit))
    if not loaded:
        raise DataError(f"{source.path or source.source}: holds no problems (split '{source.split}')")
    return loaded


def _read(source: ProblemSource, seed: int) -> Iterator[Problem]:
    name = dataset_name(source)
    if source.source == "generated":
        return generate(name=name, split=source.split, count=source.count, families=source.families, seed=seed)
    if source.source == "gsm8k":
        where = source.path or "openai/gsm8k/main"
        numbered = tabular.rows(where) if source.path else hub.rows(where, source.split)
        return gsm8k.problems(numbered, where, name, source.split)
    where = source.path or source.source
    numbered = tabular.rows(where) if source.path else hub.rows(where, source.split)
    return tabular.problems(numbered, where, source, name)
