"""The CSV files, read back as pandas would."""

import io

from pyarrow import csv

from pipelines.report.metrics import measure
from pipelines.report.outcomes import outcomes
from pipelines.report.spreadsheet import write_outcomes, write_records
from pipelines.report.tables import RunTables


def read(write):
    stream = io.BytesIO()
    write(stream)
    return csv.read_csv(io.BytesIO(stream.getvalue()))


def test_evaluation_records_survive(run):
    """The same numbers as in metrics.json."""
    records = measure(run)["evaluation"]
    assert records == read(lambda stream: write_records(records, stream)).to_pylist()


def test_outcomes_have_a_row_per_problem_and_selection(run):
    """Counting right ones gives the accuracies."""
    table = read(lambda stream: write_outcomes(outcomes(run), stream)).to_pylist()
    for record in measure(run)["evaluation"]:
        mine = [r for r in table if (r["dataset"], r["selection"]) == (record["dataset"], record["selection"])]
        assert (record["n"], record["correct"]) == (len(mine), sum(row["correct"] for row in mine))


def test_text_of_models_stays_in_its_cell():
    """Quotes, commas and line breaks in an answer."""
    import pyarrow as pa

    answer = 'a "b", c\nd'
    asked = {"problem_id": "d/0", "dataset": "d", "answer": "x", "answer_kind": "text"}
    path = {"problem_id": "d/0", "thought": "cot", "status": "solved", "answer": answer, "correct": False}
    tables = RunTables(
        evaluation_problems=pa.Table.from_pylist([asked]), predictions=pa.Table.from_pylist([path | {"decoding": "g"}])
    )
    stream = io.BytesIO()
    write_outcomes(outcomes(tables), stream)
    options = csv.ParseOptions(newlines_in_values=True)
    rows = csv.read_csv(io.BytesIO(stream.getvalue()), parse_options=options).to_pylist()
    assert {answer} == {row["answer"] for row in rows if row["selection"] == "cot"}


def test_no_records_are_no_rows():
    """An unevaluated run has empty files."""
    stream = io.BytesIO()
    write_records([], stream)
    assert b"" == stream.getvalue()
    assert 0 == read(lambda stream: write_outcomes([], stream)).num_rows
