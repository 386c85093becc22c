"""``python -m ray_jobs.report --compare RUN_A RUN_B`` on run directories made by hand."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ray_jobs import compare

ROOT = Path(__file__).parent.parent.parent


def evaluated(folder: Path, right: str) -> Path:
    """A run that somebody else evaluated: PoT alone, right where the text has a 1."""
    problems = [
        {"problem_id": f"d/{i}", "question": f"{i}?", "answer": "8", "answer_kind": "number", "dataset": "d"}
        for i in range(len(right))
    ]
    predictions = [
        {"problem_id": f"d/{i}", "dataset": "d", "thought": "pot", "draw": 0, "decoding": "greedy"}
        | {"status": "solved", "answer": "8" if mark == "1" else "7", "correct": mark == "1", "logprob": -1.0}
        for i, mark in enumerate(right)
    ]
    for name, rows in (("evaluation_problems", problems), ("predictions", predictions)):
        (folder / name).mkdir(parents=True)
        pq.write_table(pa.Table.from_pylist(rows), folder / name / "data.parquet")
    return folder


@pytest.fixture
def runs(tmp_path: Path) -> list[str]:
    """Of ten shared problems A alone solves one and B alone seven; two more are in B alone."""
    return [str(evaluated(tmp_path / name, right)) for name, right in (("a", "1100000000"), ("b", "101111111011"))]


def test_the_table_has_both_accuracies_difference_and_test(runs: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """B solves 80 % against 20 %; 7 against 1 discordant: p = 2 (1 + 8) / 2**8 = 0.0703."""
    assert 0 == compare.main(["--compare", *runs])
    said = " ".join(capsys.readouterr().out.split())
    for words in (
        "d: 10 shared problems (0 in A only, 2 in B only)",
        "PoT",
        "20.0",
        "80.0",
        "+60.0",
        "0.07",
        "B solves 6 more of 10 problems than A",
    ):
        assert words in said


def test_a_small_p_and_the_heading_are_not_cut(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """p = 2 / 2**30 is below what four decimals show; completions per problem have their heading."""
    runs = [str(evaluated(tmp_path / name, mark * 30)) for name, mark in (("a", "0"), ("b", "1"))]
    assert 0 == compare.main(["--compare", *runs])
    said = capsys.readouterr().out
    assert ("<0.0001" in said, "completions" in said, "…" in said) == (True, True, False)


def test_the_verdict_says_whether_chance_would_do(runs: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A p of 0.07 shows no difference; a run against itself solves as many."""
    assert 0 == compare.main(["--compare", *runs])
    assert "p 0.07): no difference beyond chance is shown." in capsys.readouterr().out
    assert 0 == compare.main(["--compare", runs[0], runs[0]])
    assert "PoT: B solves as many (+0.0 points" in capsys.readouterr().out


@pytest.mark.parametrize("suffix", ["json", "csv"])
def test_the_rows_are_written_where_asked(runs: list[str], tmp_path: Path, suffix: str) -> None:
    """And nowhere else: both runs stay as they are."""
    file = tmp_path / f"rows.{suffix}"
    assert 0 == compare.main(["--compare", *runs, "--output", str(file)])
    with file.open() as stream:
        rows = json.load(stream) if suffix == "json" else list(csv.DictReader(stream))
    assert ["pot", "oracle"] == [row["a"] for row in rows][:1] + [row["a"] for row in rows][-1:]
    assert (1, 7) == (int(rows[0]["only_a"]), int(rows[0]["only_b"]))
    assert {"evaluation_problems", "predictions"} == {entry.name for run in runs for entry in Path(run).iterdir()}


def test_a_folder_that_was_never_evaluated_is_refused(
    runs: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line, exit code 2."""
    assert 2 == compare.main(["--compare", runs[0], str(tmp_path / "none")])
    error = capsys.readouterr().err
    assert (
        f"error: {tmp_path}/none/predictions: missing or unfinished; expected a run that has been evaluated\n" == error
    )


def test_an_output_of_another_kind_is_refused(runs: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Before anything is read."""
    assert 2 == compare.main(["--compare", *runs, "--output", "rows.xlsx"])
    assert "error: --output rows.xlsx: expected a name that ends in .json or .csv\n" == capsys.readouterr().err


def test_it_is_an_option_of_the_report_command(runs: list[str]) -> None:
    """As its help says."""
    command = [sys.executable, "-m", "ray_jobs.report", "--compare", *runs]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (0, "") == (done.returncode, done.stderr)
    assert "10 shared problems" in done.stdout
