"""Parquet that others made, and where Ray is: read rightly, or refused in one line before Ray starts."""

import json
import shutil
import socket
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.errors import ConfigError, DataError
from ray_jobs import cli, verify
from ray_jobs.run_directory import RunDirectory
from ray_jobs.session import RayUnavailableError, check_address

CASES = Path(__file__).parents[1] / "cases" / "foreign_parquet.jsonl"
QUESTION = "Ann has 3 boxes of 5 pens. How many pens?"
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
PROBLEMS = {"problem_id": ["1", "2"], "question": [QUESTION, QUESTION], "answer": ["15", "15"]}
SAMPLES = {
    "sample_id": ["10", "11"],
    "problem_id": ["1", "2"],
    "thought": ["cot", "cot"],
    "draw": [0, 0],
    "completion": ["The answer is 15.", "The answer is 16."],
}


def write(folder: Path, problems: dict[str, Any], samples: dict[str, Any]) -> RunDirectory:
    for name, columns in (("problems", problems), ("samples", samples)):
        (folder / name).mkdir(parents=True)
        pq.write_table(pa.table(columns), folder / name / "a.parquet")
    return RunDirectory(str(folder))


def refusal(run_dir: RunDirectory) -> str | None:
    """What verification refuses before Ray starts, or None."""
    try:
        verify.preflight(cli.load_config(None, [f"run_dir={run_dir.root}"]), run_dir)
    except DataError as error:
        assert "\n" not in str(error)
        return str(error)
    return None


def test_tables_are_read_or_refused_in_one_line(tmp_path: Path) -> None:
    """Columns of other types, keys that are there twice, columns that are absent."""
    differing = []
    for number, line in enumerate(CASES.open(encoding="utf-8")):
        case = json.loads(line)
        run_dir = write(tmp_path / str(number), {**PROBLEMS, **case["problems"]}, {**SAMPLES, **case["samples"]})
        said = refusal(run_dir)
        if said is None:
            gold = verify._gold(run_dir)
            got: Any = [
                list(pair) for pair in zip(*(gold[n].to_pylist() for n in ("answer", "answer_kind")), strict=True)
            ]
            if got != case.get("gold"):
                differing.append((case, got))
        elif case.get("refused", "\n") not in said:
            differing.append((case, said))
    assert [] == differing


@pytest.mark.parametrize(
    "name",
    ["samples/._a.parquet", "samples/.ipynb_checkpoints/a.parquet", "samples/_temporary/b.parquet", "samples/_SUCCESS",
     "samples/.DS_Store", "samples/.a.parquet.crc", "problems/._a.parquet"],
)  # fmt: skip
def test_what_other_tools_leave_beside_the_data_is_not_read(tmp_path: Path, name: str) -> None:
    """macOS, Jupyter, Spark."""
    run_dir = write(tmp_path, PROBLEMS, SAMPLES)
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(b"\0\5\26\7")
    assert refusal(run_dir) is None
    assert (2, 2) == (run_dir.table("samples").num_rows, verify._gold(run_dir).num_rows)


def test_a_folder_with_only_debris_is_no_foreign_data(tmp_path: Path) -> None:
    """A stage may write where only a desktop has looked."""
    run_dir = write(tmp_path, PROBLEMS, SAMPLES)
    (tmp_path / "verdicts").mkdir()
    (tmp_path / "verdicts" / ".DS_Store").write_bytes(b"\0")
    assert not run_dir.is_foreign("verdicts")


@pytest.mark.parametrize("folder", ["problems", "samples"])
@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "not a readable Parquet file"), (LFS, "git lfs pull"), (b"PAR1", "not a readable Parquet file")],
)
def test_a_file_that_is_not_parquet_is_named(tmp_path: Path, folder: str, content: bytes, message: str) -> None:
    """Empty, cut, or a Git LFS pointer."""
    run_dir = write(tmp_path, PROBLEMS, SAMPLES)
    (tmp_path / folder / "b.parquet").write_bytes(content)
    said = refusal(run_dir)
    assert said is not None and f"{folder}/b.parquet: " in said and message in said
    with pytest.raises(DataError, match=r"b\.parquet"):
        run_dir.table(folder)


@pytest.mark.parametrize("copy", ["samples/a (1).parquet", "samples/old/a.parquet"])
def test_a_copied_file_is_refused(tmp_path: Path, copy: str) -> None:
    """Its rows would count twice."""
    run_dir = write(tmp_path, PROBLEMS, SAMPLES)
    (tmp_path / copy).parent.mkdir(exist_ok=True)
    shutil.copy(tmp_path / "samples" / "a.parquet", tmp_path / copy)
    said = refusal(run_dir)
    assert said is not None and "2 values of 'sample_id' are there more than once ('10', '11')" in said
    assert copy.removeprefix("samples/") in said


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ({**SAMPLES, "sample_id": ["12", "13"], "draw": [0.5, 1.5]}, "column 'draw' is double, but int64 in"),
        ({**SAMPLES, "sample_id": ["12", "13"], "finish_reason": ["length", "stop"]}, r"differ .*\(finish_reason\)"),
        ({**SAMPLES, "sample_id": [12, 13]}, r"b\.parquet: column 'sample_id' is int64; expected text"),
    ],
)
def test_files_of_a_folder_have_one_schema(tmp_path: Path, second: dict[str, Any], message: str) -> None:
    """A column that only some files have would be lost."""
    run_dir = write(tmp_path, PROBLEMS, SAMPLES)
    pq.write_table(pa.table(second), tmp_path / "samples" / "b.parquet")
    with pytest.raises(DataError, match=message):
        verify.preflight(cli.load_config(None, [f"run_dir={tmp_path}"]), run_dir)


def test_categories_and_large_strings_are_text(tmp_path: Path) -> None:
    """As pandas and polars write them."""
    samples = {**SAMPLES, "thought": pa.array(["cot", "cot"]).dictionary_encode()}
    problems = {**PROBLEMS, "question": pa.array(PROBLEMS["question"], pa.large_string())}
    assert refusal(write(tmp_path, problems, samples)) is None


def test_a_folder_with_an_equals_sign_adds_no_column(tmp_path: Path) -> None:
    """lr=0.1 is a name, not a partition."""
    run_dir = write(tmp_path / "lr=0.1", PROBLEMS, SAMPLES)
    assert list(PROBLEMS) == run_dir.table("problems").column_names


@pytest.mark.parametrize("name", ["why?", "a?b=c", "new\nline"])
def test_a_run_directory_that_ray_cannot_name_is_refused(tmp_path: Path, name: str) -> None:
    """Before anything is sampled: what Ray wrote there would not be found."""
    with pytest.raises(ConfigError, match=r"run_dir: .* at which Ray cuts a path; rename the folder"):
        cli.absolute(f"{tmp_path}/{name}/x")


@pytest.mark.parametrize("name", ["hash#1", "100%", "pct%20", "bl ank", "star*", "br[1]", "ünï"])
def test_other_characters_are_fine(tmp_path: Path, name: str) -> None:
    """Ray reads and writes in folders of these names."""
    assert f"{tmp_path}/{name}/x" == cli.absolute(f"{tmp_path}/{name}/x")


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:8265", "https://ray.example/", "localhost", "127.0.0.1:", "a b:6379", ""]
)
def test_an_address_of_no_head_is_refused(address: str) -> None:
    """Bad input, said before Ray starts."""
    with pytest.raises(ConfigError, match=r"RAY_ADDRESS: .* is not HOST:PORT") as error:
        check_address(address)
    assert 2 == error.value.exit_code


def test_an_address_where_nobody_listens_is_an_outage() -> None:
    """Said at once; the same command may succeed later."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(RayUnavailableError, match=f"no cluster answers at {address}") as error:
            check_address(address)
    assert 1 == error.value.exit_code
