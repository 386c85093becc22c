"""Single stages on data that others made, and what each refuses before Ray starts."""

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import ray

from pipelines.config import VerificationConfig
from pipelines.errors import ConfigError, CredentialsError, DataError
from ray_jobs import cli, distill, evaluate, mix, sample, train, verify

PROBLEMS = [{"problem_id": "mine/0", "question": "Two and two?", "answer": 4}]
SAMPLES = [
    {"sample_id": "mine/0/pot/0", "thought": "pot", "completion": "ans = 2 + 2"},
    {"sample_id": "mine/0/eot/0", "thought": "eot", "completion": "ans = 2 * two\ntwo = 2"},
    {"sample_id": "mine/0/cot/0", "thought": "cot", "completion": "Two and two. The answer is 5."},
    {"sample_id": "mine/0/pot/1", "thought": "pot", "completion": "ans = "},
]


def foreign(folder: Path) -> Path:
    for name, rows in (
        ("problems", PROBLEMS),
        ("samples", [{"problem_id": "mine/0", "draw": 0, **s} for s in SAMPLES]),
    ):
        (folder / name).mkdir()
        pq.write_table(pa.Table.from_pylist(rows), folder / name / "data.parquet")
    return folder


def config(folder: Path, *overrides: str) -> object:
    return cli.load_config(None, [f"run_dir={folder}", *overrides])


def test_verify_works_on_a_directory_with_only_problems_and_samples(tmp_path: Path, ray_cluster: None) -> None:
    """Plain Parquet that this project did not write is proved as it lies, and stays as it is."""
    folder = foreign(tmp_path)
    verify.command(config(folder), dry_run=False)
    verdicts = pq.read_table(folder / "verdicts").to_pylist()
    assert [
        ("mine/0/pot/0", "solved", True),
        ("mine/0/eot/0", "solved", True),
        ("mine/0/cot/0", "solved", False),
        ("mine/0/pot/1", "syntax_error", False),
    ] == [(row["sample_id"], row["status"], row["correct"]) for row in verdicts]
    assert ["data.parquet"] == [file.name for file in (folder / "samples").iterdir()]


def test_no_completion_ends_the_verification_of_the_others(ray_cluster: None) -> None:
    """Not a null, nor text that no file can hold."""
    gold = pa.table({"problem_id": ["mine/0"], "question": ["?"], "answer": ["red"], "answer_kind": ["text"]})
    verifier = verify.Verifier(VerificationConfig(), ray.put(gold))
    rows = [
        {"sample_id": str(n), "problem_id": "mine/0", "thought": thought, "draw": 0, "completion": completion}
        for n, (thought, completion) in enumerate([("cot", None), ("pot", 'ans = "\\ud800"')])
    ]
    assert [
        ("no_answer", False, "the text states no answer"),
        ("non_numeric", False, "not a text: "),
    ] == [(row["status"], row["correct"], row["detail"]) for row in verifier(pa.Table.from_pylist(rows)).to_pylist()]


def test_mix_works_on_foreign_samples_whatever_else_their_columns_say(tmp_path: Path, ray_cluster: None) -> None:
    """A column that another table also has is not taken for that table's."""
    folder = foreign(tmp_path)
    rows = [{**row, "question": "?", "status": "solved"} for row in pq.read_table(folder / "samples").to_pylist()]
    pq.write_table(pa.Table.from_pylist(rows), folder / "samples" / "data.parquet")
    verify.command(config(folder), dry_run=False)
    mix.command(config(folder, "mixture.dev_fraction=0"), dry_run=False)
    mixed = pq.read_table(folder / "mixture/train").to_pylist()
    assert {"mine/0/pot/0", "mine/0/eot/0"} == {row["example_id"] for row in mixed}
    assert {True} == {row["input"].startswith("Question: Two and two?") for row in mixed}


def test_evaluate_works_on_a_directory_with_only_a_student(tmp_path: Path, ray_cluster: None) -> None:
    """Any Hugging Face directory, here a BART; the thoughts are those to select from."""
    from transformers import BartConfig, BartForConditionalGeneration

    from pipelines.student.tokenizer import train_tokenizer

    tokenizer = train_tokenizer(["a text"], 300)
    sizes = {"d_model": 16, "encoder_layers": 1, "decoder_layers": 1, "encoder_ffn_dim": 16, "decoder_ffn_dim": 16}
    tokens = {"pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 1, "decoder_start_token_id": 1}
    model = BartForConditionalGeneration(BartConfig(vocab_size=len(tokenizer), **sizes, **tokens))
    model.save_pretrained(tmp_path / "student")
    tokenizer.save_pretrained(tmp_path / "student")
    evaluation = "evaluation_problems=[{source: generated, split: test, count: 5}]"
    evaluate.command(config(tmp_path, evaluation, "evaluation.max_tokens=8"), dry_run=False)
    predictions = pq.read_table(tmp_path / "predictions").to_pylist()
    assert {"pot": 5, "eot": 5, "cot": 5} == {
        thought: sum(row["thought"] == thought for row in predictions) for thought in ("pot", "eot", "cot")
    }
    metrics = json.loads((tmp_path / "report/metrics.json").read_text())
    assert {5} == {row["n"] for row in metrics["evaluation"]}
    assert "no dev predictions: no confidence selection, and no order chosen on dev" == metrics["dev"]["note"]


def test_distill_leaves_foreign_data_alone(tmp_path: Path) -> None:
    """The whole run would overwrite it; the message says what to run instead."""
    folder = foreign(tmp_path)
    with pytest.raises(DataError, match=r"data that this project did not write; run the later stages one by one"):
        distill.command(config(folder, "teacher.kind=rehearsal"), dry_run=False)
    assert {"problems", "samples"} == {entry.name for entry in folder.iterdir()}


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("thought", "poem", "column 'thought' holds 'poem'; expected some of cot, pot, eot"),
        ("sample_id", None, "lacks the column sample_id"),
    ],
)
def test_foreign_samples_that_cannot_be_judged_are_refused(
    tmp_path: Path, column: str, value: str | None, message: str
) -> None:
    """Before Ray starts, naming file and column."""
    folder = foreign(tmp_path)
    rows = pq.read_table(folder / "samples").to_pylist()
    changed = [{k: v for k, v in {**row, column: value}.items() if v is not None} for row in rows]
    pq.write_table(pa.Table.from_pylist(changed), folder / "samples" / "data.parquet")
    with pytest.raises(DataError, match=message):
        verify.command(config(folder), dry_run=False)


def test_a_missing_key_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable's name, and what to do."""
    monkeypatch.delenv("MY_KEY", raising=False)
    with pytest.raises(CredentialsError, match=r"teacher\.api_key_env: the environment variable MY_KEY is not set"):
        sample.command(config(tmp_path, "teacher.model=m", "teacher.api_key_env=MY_KEY"), dry_run=False)


def test_a_teacher_without_a_model_is_refused(tmp_path: Path) -> None:
    """Models retire, so there is no default."""
    with pytest.raises(ConfigError, match=r"teacher\.model: missing; kind 'openai' needs a model name"):
        sample.command(config(tmp_path), dry_run=False)


def test_a_budget_without_a_price_is_refused(tmp_path: Path) -> None:
    """An unknown price could not be kept within a budget."""
    overrides = ["teacher.model=mystery", "teacher.base_url=http://localhost:1/v1", "teacher.budget_usd=1"]
    with pytest.raises(ConfigError, match=r"teacher\.budget_usd: the price of 'mystery' is unknown"):
        sample.command(config(tmp_path, *overrides), dry_run=False)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["student.model=tinny", "student.init=random"], r"student\.model.*tiny"),
        (["student.model=/no/such/checkpoint"], r"student\.model: /no/such/checkpoint: no such directory"),
    ],
)
def test_a_student_that_cannot_be_opened_is_refused(tmp_path: Path, overrides: list[str], message: str) -> None:
    """Before anything is sampled."""
    with pytest.raises((ConfigError, DataError), match=message):
        distill.command(
            config(tmp_path, "teacher.kind=rehearsal", "problems.source=generated", *overrides), dry_run=False
        )
    assert not any(tmp_path.iterdir())


def test_train_without_a_mixture_says_what_to_run(tmp_path: Path) -> None:
    """The stage before."""
    with pytest.raises(DataError, match=r"mixture: missing; mix first"):
        train.command(config(tmp_path), dry_run=False)


def test_a_dry_run_calls_and_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Rows, requests, tokens, dollars, steps and parameters; no Ray, no file."""
    overrides = [
        "teacher.kind=rehearsal",
        "problems={source: generated, count: 20}",
        "evaluation_problems=[{source: generated, split: test, count: 5}]",
        "student={model: tiny, init: random}",
        "sampling.draws=2",
        "mixture.dev_fraction=0",
    ]
    distill.command(config(tmp_path, *overrides), dry_run=True)
    said = " ".join(capsys.readouterr().out.split())
    for words in ("20 rows", "60 requests for 120 samples (0 answered before)", "at most $0.00", "parameters"):
        assert words in said
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("arguments", [["run_dir=x", "training.epoch=3"], ["--config", "none.yaml"]])
def test_bad_input_is_one_line_and_exit_code_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the command prints it."""
    monkeypatch.chdir(tmp_path)
    shutil.rmtree(tmp_path / "x", ignore_errors=True)
    assert 2 == cli.main("distill", "", distill.command, arguments)
    lines = capsys.readouterr().err.splitlines()
    assert 1 == len(lines) and lines[0].startswith("error: ")
