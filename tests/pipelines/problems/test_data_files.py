"""Files of any kind as a data set: each is read as it was meant, or refused in one line."""

import bz2
import gzip
import json
import logging
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

from pipelines.config import ProblemSource
from pipelines.errors import DataError
from pipelines.problems import Problem, dataset_name, load, source_files

CASES = Path(__file__).parents[2] / "cases" / "data_files.jsonl"
QUESTION = "Ann has 3 boxes of 5 pens. How many pens?"


def read(path: Path | str, **fields: Any) -> list[Problem]:
    return load(ProblemSource(source="file", path=str(path), **fields), seed=0)


def content(case: dict[str, Any]) -> bytes:
    plain = str(case["text"]).encode(case.get("encoding", "utf-8"))
    if not case.get("compressed", True):
        return plain
    match Path(case["name"]).suffix:
        case ".gz":
            return gzip.compress(plain)
        case ".bz2":
            return bz2.compress(plain)
        case ".zst":
            return bytes(pa.compress(plain, codec="zstd", asbytes=True))
    return plain


def differs(case: dict[str, Any], path: Path) -> str | None:
    """What is wrong with the outcome of a case, or None."""
    path.write_bytes(content(case))
    try:
        problems = read(path, **case.get("fields", {}))
    except DataError as error:
        said = str(error)
        fits = case.get("refused", "\n") in said and str(path) in said and "\n" not in said
        return None if fits else f"refused: {said}"
    got = [[problem.question, problem.answer] for problem in problems]
    return None if got == case.get("problems") else f"read: {got}"


def test_a_file_is_read_as_it_was_meant_or_refused(tmp_path: Path) -> None:
    """Encodings, separators, compression, JSON of any layout, columns of other names, files for instruction tuning."""
    cases = [json.loads(line) for line in CASES.open(encoding="utf-8")]
    found = [(case, differs(case, tmp_path / case["name"])) for case in cases]
    assert [] == [(case, got) for case, got in found if got is not None]


def test_quoted_line_ends_are_read_in_files_of_any_size(tmp_path: Path) -> None:
    """A row of a large file is no other than one of a small file."""
    rows = (f'"Ann has {i} boxes.\nEach has 5 pens.\nHow many pens are there?",{5 * i}\n' for i in range(30_000))
    (tmp_path / "a.csv").write_text("question,answer\n" + "".join(rows), encoding="utf-8")
    problems = read(tmp_path / "a.csv")
    assert (30_000, "149995") == (len(problems), problems[-1].answer)


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.array([15.0, float("nan")]), ["15", None]),
        (pa.array([0.1, 15.0], pa.float32()), ["0.1", "15"]),
        (pa.array([2.5, None], pa.float16()), ["2.5", None]),
        (pa.array([15, None], pa.int8()), ["15", None]),
        (pa.array([2**63, 15], pa.uint64()), ["9223372036854775808", "15"]),
        (pa.array(["15", "16"]).dictionary_encode(), ["15", "16"]),
        (pa.array(["15", "16"], pa.large_string()), ["15", "16"]),
        (pa.array([b"15", b"16"]), ["15", "16"]),
        (pa.array([b"15", b"16"], pa.large_binary()), ["15", "16"]),
        (pa.array([["15"], []]), ["15", None]),
        (pa.array([True, False]), ["yes", "no"]),
        (pa.array([None, None]), [None, None]),
        (pa.array(["15.00", "0.10"]).cast(pa.decimal128(9, 2)), ["15", "0.1"]),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else "",
)
@pytest.mark.parametrize("ending", ["parquet", "arrow", "feather"])
def test_columns_of_every_type_hold_answers(tmp_path: Path, ending: str, column: pa.Array, expected: list[Any]) -> None:
    """Parquet and Arrow have types of their own; the answer is what their value says."""
    table = pa.table({"question": [QUESTION, QUESTION], "answer": column})
    if ending == "parquet":
        pq.write_table(table, tmp_path / "a.parquet")
    elif ending == "arrow":
        with pa.ipc.new_stream(tmp_path / "a.arrow", table.schema) as stream:
            stream.write_table(table)
    else:
        pyarrow.feather.write_feather(table, str(tmp_path / "a.feather"))
    assert expected == [problem.answer for problem in read(tmp_path / f"a.{ending}")]


@pytest.mark.parametrize("column", [pa.array([{"value": 15}]), pa.array([b"\xff"]), pa.array([0], pa.timestamp("s"))])
def test_columns_that_hold_no_answers_are_refused_with_the_row(tmp_path: Path, column: pa.Array) -> None:
    """Structures, bytes and dates are no gold answers."""
    pq.write_table(pa.table({"question": [QUESTION], "answer": column}), tmp_path / "a.parquet")
    with pytest.raises(DataError, match=r"a\.parquet: 1 of 1 answers .*row 1: .*odd_answers"):
        read(tmp_path / "a.parquet")


def test_folders_of_the_path_add_no_column(tmp_path: Path) -> None:
    """A folder such as answer=7 is a name, not a partition."""
    (tmp_path / "answer=7").mkdir()
    pq.write_table(pa.table({"question": [QUESTION]}), tmp_path / "answer=7" / "a.parquet")
    assert [None] == [problem.answer for problem in read(tmp_path / "answer=7" / "a.parquet")]


def saved_to_disk(folder: Path, parts: int = 1, **state: object) -> None:
    """A folder as ``datasets.save_to_disk`` writes it."""
    folder.mkdir(parents=True)
    names = [f"data-{part:05}-of-{parts:05}.arrow" for part in range(parts)]
    for part, name in enumerate(names):
        table = pa.table({"question": [f"{QUESTION} ({part})"], "answer": [str(part)]})
        with pa.ipc.new_stream(folder / name, table.schema) as stream:
            stream.write_table(table)
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": name} for name in names], **state}))


def test_a_folder_of_save_to_disk_is_read(tmp_path: Path) -> None:
    """One data set, or a dictionary of splits."""
    saved_to_disk(tmp_path / "one", parts=2)
    assert ["0", "1"] == [problem.answer for problem in read(f"{tmp_path}/one/")]
    saved_to_disk(tmp_path / "several" / "train", parts=3)
    (tmp_path / "several" / "dataset_dict.json").write_text('{"splits": ["train"]}')
    assert 3 == len(read(tmp_path / "several"))
    with pytest.raises(DataError, match="no split 'test'; set split to one of train"):
        read(tmp_path / "several", split="test")


def test_a_folder_of_save_to_disk_with_chosen_rows_is_refused(tmp_path: Path) -> None:
    """Its files hold rows that do not belong to the data set."""
    saved_to_disk(tmp_path / "one", _indices_data_files=[{"filename": "indices.arrow"}])
    with pytest.raises(DataError, match=r"flatten_indices\(\)\.save_to_disk\(\)"):
        read(tmp_path / "one")


def test_another_folder_is_refused_with_what_to_name(tmp_path: Path) -> None:
    """It may hold anything."""
    with pytest.raises(DataError, match=r"is a folder; name one of its files, or a glob such as .*/\*\.jsonl"):
        read(tmp_path)


def test_a_glob_reads_its_files_in_order(tmp_path: Path) -> None:
    """Also without what macOS leaves beside them; a file whose own name has such a character is itself."""
    for name, answer in (("b.jsonl", 2), ("a.jsonl", 1), ("._a.jsonl", 3), ("c[1].jsonl", 4)):
        (tmp_path / name).write_text(json.dumps({"question": QUESTION, "answer": answer}), encoding="utf-8")
    source = ProblemSource(source="file", path=f"{tmp_path}/*.jsonl")
    assert ["1", "2", "4"] == [problem.answer for problem in load(source, 0)]
    assert tmp_path.name == dataset_name(source)
    assert [f"{tmp_path}/{name}" for name in ("a.jsonl", "b.jsonl", "c[1].jsonl")] == source_files(source)
    assert ["4"] == [problem.answer for problem in read(tmp_path / "c[1].jsonl")]
    with pytest.raises(DataError, match="matches no file"):
        read(tmp_path / "*.csv")


def test_what_is_odd_or_absent_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Counts and examples, before anything is paid."""
    answers = [*map(str, range(60)), "", "5 or 6", "about 7"]
    lines = [json.dumps({"question": QUESTION, "answer": answer}) for answer in answers]
    (tmp_path / "a.jsonl").write_text("\n".join(lines), encoding="utf-8")
    with caplog.at_level(logging.WARNING):
        read(tmp_path / "a.jsonl")
    assert "1 of 63 problems have no gold answer" in caplog.text
    assert "2 of 63 answers" in caplog.text
    assert "(line 62: '5 or 6'; line 63: 'about 7')" in caplog.text


def test_names_of_compressed_files_leave_both_endings_out() -> None:
    """They are part of every problem id."""
    assert ["mine", "mine", "v1.2", "data"] == [
        dataset_name(ProblemSource(source="file", path=path))
        for path in ("x/mine.jsonl", "x/mine.jsonl.gz", "v1.2.csv", "data/*.jsonl")
    ]
