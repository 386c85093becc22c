"""Mixing on plain lists: decide each problem, cut the shares, count the card; as the job does it, without Ray."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pytest

from pipelines.config import MixtureConfig
from pipelines.mixture import Decided, card, decide, in_dev, is_union, table_cuts, tally, to_table
from pipelines.problems import Problem

Rows = Sequence[Mapping[str, Any]]
Mixing = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def mix() -> Mixing:
    """The card of a mixture of problems, samples and verdicts."""

    def mixed(
        problems: Sequence[Problem],
        samples: Rows,
        verdicts: Rows,
        config: MixtureConfig,
        left_out: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        by_problem: dict[str, tuple[list[Any], list[Any]]] = defaultdict(lambda: ([], []))
        for place, rows in enumerate((samples, verdicts)):
            for row in rows:
                by_problem[row["problem_id"]][place].append(row)
        known = {problem.problem_id: problem for problem in problems}
        decided: list[Decided] = []
        for name in sorted({*known, *by_problem}):
            reason = (left_out or {}).get(name)
            dev = in_dev(0, name, config.dev_fraction)
            decided += decide(name, known.get(name), reason, *by_problem[name], config, 0, dev)
        table: pa.Table = to_table(decided)
        kept = None if is_union(config) else table_cuts(table, config)
        return card(tally(table, kept), config)

    return mixed
