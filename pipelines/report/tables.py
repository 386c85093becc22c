"""What a report is made from: the tables of one run, read by whoever knows where they lie.

    RunTables(config={"run_dir": "runs/quickstart", ...}, problems=<9,000 rows>, verdicts=<9,000 rows>,
              training_log=[{"step": 20, "epoch": 0.1, "loss": 3.1, "lr": 2e-4}, {"step": 600, "dev_loss": 0.8}],
              wall_s={"sample": 21.4, "train": 270.9}, student={"model": "tiny", "parameters": 1250000})

Tables have the columns of the run directory. A stage that was not part of the run leaves its table None,
and the report leaves that section out. Nothing here reads a file.
"""

from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True, eq=False)
class RunTables:
    """The tables and small records of one run.

    Two are equal only if they are the same object, so that what is worked out from one can be kept with it.
    ``config`` is the resolved configuration without secrets; ``training_log`` the lines of ``metrics.jsonl``;
    ``wall_s`` seconds per stage in the order in which the stages ran; ``student`` the model, its ``init`` and
    number of ``parameters``.
    """

    config: Row = field(default_factory=dict)
    provenance: Row = field(default_factory=dict)
    problems: pa.Table | None = None
    evaluation_problems: pa.Table | None = None
    samples: pa.Table | None = None
    samples_failed: pa.Table | None = None
    verdicts: pa.Table | None = None
    mixture_card: Row | None = None
    predictions: pa.Table | None = None
    dev_predictions: pa.Table | None = None
    dev_chose_epoch: bool = False
    overlapping: frozenset[str] = frozenset()
    training_log: list[Row] = field(default_factory=list)
    wall_s: dict[str, float] = field(default_factory=dict)
    student: Row = field(default_factory=dict)


def rows(table: pa.Table | None, *columns: str) -> list[Row]:
    """The named columns as dictionaries; a column that is absent (foreign Parquet) is None throughout."""
    if table is None:
        return []
    present = [name for name in columns if name in table.column_names]
    absent: Row = {name: None for name in columns if name not in present}
    return [row | absent for row in table.select(present).to_pylist()]
