"""Reading problems from files, and refusing what cannot be read."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.config import ProblemSource
from pipelines.errors import ConfigError, DataError
from pipelines.problems import load
from pipelines.problems.gold import gold_answer


def written(path: Path, lines: list[str]) -> str:
    path.write_text("\n".join(lines), encoding="utf-8")
    return str(path)


def gsm8k_line(question: str, answer: str) -> str:
    return json.dumps({"question": question, "answer": f"Some steps.\n#### {answer}"})


def test_gsm8k_rows_keep_question_answer_and_annotated_solution(tmp_path: Path) -> None:
    """A row's id is data set, split and row number; the answer is what follows ####."""
    path = written(tmp_path / "train.jsonl", [gsm8k_line("How many?", "1,200")])
    (problem,) = load(ProblemSource(source="gsm8k", path=path), seed=0)
    assert ("gsm8k/train/0", "1200", "number") == (problem.problem_id, problem.answer, problem.answer_kind)
    assert "Some steps.\n#### 1,200" == problem.rationale


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
def test_any_table_with_question_and_answer_columns(tmp_path: Path, ending: str) -> None:
    """JSONL, CSV and Parquet give the same problems."""
    rows = [{"text": "Two and two?", "gold": "4"}, {"text": "Half of 5?", "gold": "2.50"}]
    path = tmp_path / f"mine.{ending}"
    if ending == "jsonl":
        written(path, [json.dumps(row) for row in rows])
    elif ending == "csv":
        written(path, ["text,gold", *(f"{row['text']},{row['gold']}" for row in rows)])
    else:
        pq.write_table(pa.Table.from_pylist(rows), path)
    source = ProblemSource(source="file", path=str(path), split="all", question_column="text", answer_column="gold")
    problems = load(source, seed=0)
    assert [("mine/all/0", "4"), ("mine/all/1", "2.5")] == [(p.problem_id, p.answer) for p in problems]


def test_limit_takes_the_first_rows(tmp_path: Path) -> None:
    """A larger limit therefore only adds problems."""
    path = written(tmp_path / "a.jsonl", [gsm8k_line(f"Question {n}?", str(n)) for n in range(5)])
    problems = load(ProblemSource(source="gsm8k", path=path, limit=2), seed=0)
    assert ["0", "1"] == [problem.answer for problem in problems]


def test_a_malformed_line_is_named(tmp_path: Path) -> None:
    """The message gives file and line number."""
    path = written(tmp_path / "bad.jsonl", [gsm8k_line("Fine?", "1"), "{not json"])
    with pytest.raises(DataError, match=r"bad\.jsonl, line 2: not JSON"):
        load(ProblemSource(source="gsm8k", path=path), seed=0)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"source": "gsm8k", "path": "absent.jsonl"}, "absent.jsonl: no such file"),
        ({"source": "file", "path": "absent.csv"}, "absent.csv: no such file"),
        ({"source": "file", "path": __file__}, "unknown ending '.py'"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(source: dict[str, str], message: str) -> None:
    """Missing files and unknown kinds are data errors."""
    with pytest.raises(DataError, match=message):
        load(ProblemSource(**source), seed=0)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    """A run without problems is a mistake."""
    path = written(tmp_path / "empty.jsonl", [""])
    with pytest.raises(DataError, match="holds no problems"):
        load(ProblemSource(source="file", path=path), seed=0)


def test_a_missing_question_column_is_named_with_those_there(tmp_path: Path) -> None:
    """The message says which columns could be meant."""
    path = written(tmp_path / "a.jsonl", [json.dumps({"problem": "?", "answer": 1})])
    with pytest.raises(DataError, match="no text in column 'question'; columns here: problem, answer"):
        load(ProblemSource(source="file", path=path), seed=0)


def test_an_unknown_source_names_the_nearest() -> None:
    """A typing error in a name is answered with the name."""
    with pytest.raises(ConfigError, match="did you mean 'gsm8k'"):
        load(ProblemSource(source="gsmk8"), seed=0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("72", ("72", "number")),
        ("1,200", ("1200", "number")),
        ("$2.50", ("2.5", "number")),
        ("-0.0625", ("-0.0625", "number")),
        ("6/4", ("1.5", "number")),
        ("1/3", ("1/3", "number")),
        ("2; 5", ("2; 5", "numbers")),
        ("6:4", ("3:2", "ratio")),
        ("Yes", ("yes", "boolean")),
        ("Alice  B", ("alice b", "text")),
    ],
)
def test_gold_answers_are_canonical(text: str, expected: tuple[str, str]) -> None:
    """Each kind of answer has one text."""
    assert expected == gold_answer(text)


def test_the_hub_is_read_through_its_parquet_copy(tmp_path: Path) -> None:
    """A data set by name: its only subset is taken, several are listed."""
    from fsspec.implementations.dirfs import DirFileSystem
    from fsspec.implementations.local import LocalFileSystem

    from pipelines.problems import hub

    for subset in ("main", "socratic"):
        folder = tmp_path / "datasets/openai/gsm8k@refs/convert/parquet" / subset / "train"
        folder.mkdir(parents=True)
        pq.write_table(pa.table({"question": [f"From {subset}?"]}), folder / "0000.parquet")
    filesystem = DirFileSystem(str(tmp_path), LocalFileSystem())
    assert [(1, {"question": "From main?"})] == list(hub.rows("openai/gsm8k/main", "train", filesystem))
    with pytest.raises(DataError, match=r"subsets main, socratic; write one, e\.g\. openai/gsm8k/main"):
        list(hub.rows("openai/gsm8k", "train", filesystem))
    with pytest.raises(DataError, match="no split 'dev'"):
        list(hub.rows("openai/gsm8k/main", "dev", filesystem))


def test_all_of_gsm8k_is_read(data: Path) -> None:
    """7,473 and 1,319 problems, each with a number for an answer (METHOD §7)."""
    for split, count in (("train", 7473), ("test", 1319)):
        problems = load(ProblemSource(source="gsm8k", path=str(data / f"gsm8k/{split}.jsonl"), split=split), seed=0)
        assert (count, {"number"}) == (len(problems), {problem.answer_kind for problem in problems})
