"""Two runs on the problems that both have answered: accuracies, paired difference, interval and test.

predictions/ of RUN_A ─┐
                       ├─► the same problems ──► pipelines.report.between ──► a table, and FILE (JSON or CSV)
predictions/ of RUN_B ─┘

python -m ray_jobs.report --compare runs/etd runs/md --output etd_md.csv
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from pipelines.config import RunConfig
from pipelines.errors import DataError, ThoughtDistillError
from pipelines.report import Side, between, dev, headline_selection, outcomes, write_records
from pipelines.report.palette import label
from pipelines.report.tables import Row, rows
from ray_jobs.run_directory import RunDirectory

SIGNIFICANT = 0.05
_FORMATS = (".json", ".csv")
_WIDTH = 115  # of the tables, also where a pipe or a narrow terminal would cut them


def main(arguments: Sequence[str]) -> int:
    """Parse, compare, print; the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m ray_jobs.report",
        description="Compare two runs on the problems that both have answered.",
        epilog="difference: B less A, with Tango's 95 % interval; p: McNemar's exact test; Holm: p adjusted for all "
        "rows of the data set; completions: how many a problem needed on average. The sentence below a table is about "
        "the headline selections. Neither run is written to.",
    )
    parser.add_argument("--compare", nargs=2, metavar=("RUN_A", "RUN_B"), required=True, help="two run directories")
    parser.add_argument("--output", metavar="FILE", help="write the rows to FILE as well (.json or .csv)")
    options = parser.parse_args(arguments)
    try:
        if options.output and Path(options.output).suffix not in _FORMATS:
            raise DataError(f"--output {options.output}: expected a name that ends in {' or '.join(_FORMATS)}")
        sides = [_side(uri) for uri in options.compare]
        records = between(*sides)
        _print(records, options.compare, [side.headline for side in sides])
        if options.output:
            _write(records, Path(options.output))
    except ThoughtDistillError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _side(uri: str) -> Side:
    from ray_jobs.report import gather

    run_dir = RunDirectory(uri)
    for folder in ("predictions", "evaluation_problems"):
        if run_dir.version(folder) is None:
            raise DataError(f"{run_dir.path(folder)}: missing or unfinished; expected a run that has been evaluated")
    tables = gather(RunConfig(run_dir=uri), run_dir)
    found = outcomes(tables)
    problems = {
        row["problem_id"]: (row["question"], row["answer"])
        for row in rows(tables.evaluation_problems, "problem_id", "question", "answer")
    }
    return Side(found, problems, headline_selection(tables.config, found), dev(tables).order)


def _print(records: list[Row], runs: Sequence[str], headlines: Sequence[str | None]) -> None:
    console = Console(width=max(_WIDTH, Console().width))
    console.print(f"A: {runs[0]}\nB: {runs[1]}", highlight=False, soft_wrap=True)
    for dataset in dict.fromkeys(record["dataset"] for record in records):
        mine = [record for record in records if record["dataset"] == dataset]
        shared = f"{mine[0]['n']:,} shared problems"
        unshared = f"{mine[0]['n_only_a']:,} in A only, {mine[0]['n_only_b']:,} in B only"
        table = Table(title=f"{dataset}: {shared} ({unshared})", title_justify="left")
        for name in ("selection", "A %", "B %", "B - A", "95 %", "only A", "only B", "p", "Holm", "completions\nA, B"):
            table.add_column(name, justify="left" if name == "selection" else "right", no_wrap=True)
        for record in mine:
            if record["n"]:
                table.add_row(*_cells(record))
        console.print(table)
        for record in mine:
            if record["n"] and [record["a"], record["b"]] == headlines:
                console.print(verdict(record), highlight=False, soft_wrap=True)


def verdict(record: Row) -> str:
    """What a comparison says, in one sentence."""
    more = record["only_b"] - record["only_a"]
    many = f"{abs(more):,} {'fewer' if more < 0 else 'more'} of {record['n']:,} problems than A" if more else "as many"
    figures = f"{100 * record['difference']:+.1f} points, 95 % {_interval(record)}, p {_p(record['p'])}"
    judged = "beyond chance" if record["p"] < SIGNIFICANT else "no difference beyond chance is shown"
    return f"{_name(record)}: B solves {many} ({figures}): {judged}."


def _name(record: Row) -> str:
    same = record["a"] == record["b"]
    return label(record["a"]) if same else f"A {label(record['a'])}, B {label(record['b'])}"


def _interval(record: Row) -> str:
    return f"{100 * record['low']:+.1f} to {100 * record['high']:+.1f}"


def _p(p: float) -> str:
    return "<0.0001" if p < 0.0001 else f"{p:.2g}"


def _cells(record: Row) -> list[str]:
    return [
        _name(record).replace(", ", ",\n"),
        *(f"{100 * record[key]:.1f}" for key in ("accuracy_a", "accuracy_b")),
        f"{100 * record['difference']:+.1f}",
        _interval(record),
        *(f"{record[key]:,}" for key in ("only_a", "only_b")),
        *(_p(record[key]) for key in ("p", "p_holm")),
        f"{record['completions_a']:.1f}, {record['completions_b']:.1f}",
    ]


def _write(records: list[Row], file: Path) -> None:
    try:
        if file.suffix == ".json":
            file.write_text(json.dumps(records, indent=2), encoding="utf-8")
        else:
            with file.open("wb") as stream:
                write_records(records, stream)
    except OSError as error:
        raise DataError(f"--output {file}: cannot be written ({error.strerror})") from None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
