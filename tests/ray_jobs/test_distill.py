"""The whole run on a small scale, in one Ray: what it leaves behind, and what a changed field makes it do again."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipelines.errors import PaidRowsError
from ray_jobs import cli, distill
from ray_jobs.run_directory import RunDirectory

STABLE_COLUMNS = {
    "problems": "problem_id question answer answer_kind rationale dataset split",
    "evaluation_problems": "problem_id question answer answer_kind rationale dataset split",
    "samples": "sample_id problem_id thought draw completion reasoning finish_reason model prompt_tokens "
    "completion_tokens cost_usd latency_s request_id",
    "samples_failed": "sample_id problem_id thought draw error attempts",
    "verdicts": "sample_id problem_id thought draw status answer correct flags detail elapsed_s",
    "mixture/train": "example_id problem_id thought input target weight",
    "mixture/dev": "example_id problem_id thought input target weight",
    "predictions": "problem_id dataset split thought draw decoding completion tokens status answer correct logprob",
    "dev_predictions": "problem_id dataset split thought draw decoding completion tokens status answer correct logprob",
}
STAGES = (
    *("problems", "evaluation_problems", "samples", "verdicts", "mixture", "student"),
    *("predictions", "dev_predictions", "report"),
)
SMALL = """\
run_dir: {run_dir}
problems: {{source: generated, count: 40, limit: 30}}
evaluation_problems: [{{source: generated, split: test, count: 12}}]
teacher: {{kind: rehearsal, rehearsal: {{mistakes: 0.2, faults: 0.1, fault_kinds: [server_error, dropped]}}}}
sampling: {{draws: 1, demonstrations: 0}}
mixture: {{dev_fraction: 0.2}}
student: {{model: tiny, init: random, vocabulary: 300}}
training: {{epochs: 1, learning_rate: 1e-3, precision: fp32}}
evaluation: {{max_tokens: 16, dev_problems: 3}}
"""

LARGER = ("problems.limit=35", "evaluation.dev_problems=null")


def run(folder: Path, *overrides: str) -> None:
    distill.command(cli.load_config(str(folder / "run.yaml"), list(overrides)), dry_run=False)


def manifests(folder: Path) -> dict[str, float]:
    """When each stage's manifest was written."""
    return {stage: (folder / stage / "_manifest.json").stat().st_mtime_ns for stage in STAGES}


def repeated(folder: Path, before: dict[str, float]) -> list[str]:
    now = manifests(folder)
    return [stage for stage in STAGES if now[stage] != before[stage]]


def ids(folder: Path, name: str, column: str = "sample_id") -> list[str]:
    return list(pq.read_table(folder / name)[column].to_pylist())


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, ray_cluster: None) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("run")
    (folder / "run.yaml").write_text(SMALL.format(run_dir=folder), encoding="utf-8")
    run(folder)
    yield folder


def test_the_run_directory_is_the_contract(finished: Path) -> None:
    """Every table has the columns that other tools depend on (DESIGN §4)."""
    found = {name: set(pq.read_schema(sorted((finished / name).glob("*.parquet"))[0]).names) for name in STABLE_COLUMNS}
    missing = {name: set(columns.split()) - found[name] for name, columns in STABLE_COLUMNS.items()}
    assert {name: set() for name in STABLE_COLUMNS} == missing


def test_every_requested_sample_is_there_once(finished: Path) -> None:
    """30 problems in three thoughts, through a server that fails in a tenth of its answers."""
    samples = ids(finished, "samples")
    assert (90, 90) == (len(samples), len(set(samples)))
    assert samples == ids(finished, "verdicts")
    assert 0 == pq.read_table(finished / "samples_failed").num_rows


def test_the_mixture_card_accounts_for_every_row(finished: Path) -> None:
    """Rows in = rows out + rows dropped."""
    card = json.loads((finished / "mixture/card.json").read_text())
    assert card["rows_in"] == sum(card["rows"].values()) + sum(card["dropped"].values())
    assert card["rows"]["train"] == len(ids(finished, "mixture/train", "example_id"))
    assert sum(card["rows"].values()) == sum(card["by_thought"].values())


def test_only_proven_thoughts_train_and_no_problem_is_in_both_splits(finished: Path) -> None:
    """Promise 6: train and dev are separated by problem."""
    verdicts = pq.read_table(finished / "verdicts")
    right = {i for i, c in zip(verdicts["sample_id"].to_pylist(), verdicts["correct"].to_pylist(), strict=True) if c}
    train, dev = ids(finished, "mixture/train", "example_id"), ids(finished, "mixture/dev", "example_id")
    assert set() == set(train + dev) - right
    problems = [set(ids(finished, f"mixture/{split}", "problem_id")) for split in ("train", "dev")]
    assert set() == problems[0] & problems[1]


def test_dev_predictions_are_of_problems_held_out_for_dev(finished: Path) -> None:
    """As many as ``evaluation.dev_problems`` says, in every thought, none of them tested or trained on."""
    predicted, dev = (set(ids(finished, name, "problem_id")) for name in ("dev_predictions", "mixture/dev"))
    assert (3, 9) == (len(predicted), len(ids(finished, "dev_predictions", "problem_id")))
    assert predicted <= dev - set(ids(finished, "mixture/train", "problem_id"))
    assert set() == predicted & set(ids(finished, "predictions", "problem_id"))
    metrics = json.loads((finished / "report/metrics.json").read_text())
    assert (3, 12) == (metrics["dev"]["problems"], metrics["counts"]["scored"])


def test_spreadsheets_stand_beside_the_metrics(finished: Path) -> None:
    """The records of the evaluation, and a row per problem and selection."""
    metrics = json.loads((finished / "report/metrics.json").read_text())
    evaluation, outcomes = (
        (finished / "report" / name).read_text().splitlines() for name in ("evaluation.csv", "outcomes.csv")
    )
    selections = len(metrics["evaluation"])
    assert (1 + selections, 1 + 12 * selections) == (len(evaluation), len(outcomes))


def test_the_student_opens_without_this_project_and_knows_its_triggers(finished: Path) -> None:
    """A plain Hugging Face directory."""
    from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

    model = AutoModelForSeq2SeqLM.from_pretrained(finished / "student")
    tokenizer = AutoTokenizer.from_pretrained(finished / "student")
    asked = tokenizer("Question: 1 + 1?\nLet's think step by step.\n", return_tensors="pt")
    assert 1 == model.generate(**asked, max_new_tokens=4).shape[0]
    assert {"cot", "pot", "eot"} == set(model.config.thought_distill["thoughts"])


def test_metrics_hold_every_selection_with_counts_and_intervals(finished: Path) -> None:
    """metrics.json as DESIGN §4 says."""
    metrics: dict[str, Any] = json.loads((finished / "report/metrics.json").read_text())
    rows = {row["selection"]: row for row in metrics["evaluation"]}
    assert {"cot", "pot", "eot", "pot>eot>cot", "majority", "oracle"} <= set(rows)
    assert {12} == {row["n"] for row in rows.values()}
    assert all(0 <= row["low"] <= row["accuracy"] <= row["high"] <= 1 for row in rows.values())
    assert {"cot": 30, "eot": 30, "pot": 30} == {row["thought"]: row["samples"] for row in metrics["yield"]}
    assert 0 == metrics["cost_usd"]
    assert {"sample", "verify", "mix", "train", "evaluate"} <= set(metrics["wall_s"])


def test_the_report_is_one_file_that_asks_for_nothing(finished: Path) -> None:
    """Nothing in the page is loaded from elsewhere."""
    page = (finished / "report/report.html").read_text()
    assert "<html" in page
    assert not [word for word in ('src="http', "src='http", "@import", 'rel="stylesheet"') if word in page]


def test_the_configuration_is_kept_without_secrets(
    finished: Path, monkeypatch: pytest.MonkeyPatch, ray_cluster: None
) -> None:
    """A key in the environment is nowhere in the run directory."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-to-be-written")
    run(finished)
    assert not [f for f in finished.rglob("*") if f.is_file() and b"sk-not-to-be-written" in f.read_bytes()]


# From here on the tests change the run, in order.


def test_the_same_command_repeats_nothing(finished: Path) -> None:
    """Every stage is done."""
    before = manifests(finished)
    run(finished)
    assert [] == repeated(finished, before)


def test_operational_fields_may_change(finished: Path) -> None:
    """Rates, workers, timeouts of requests."""
    before = manifests(finished)
    run(finished, "teacher.requests_per_minute=600", "teacher.timeout_s=9", "training.checkpoint_every_s=5")
    assert [] == repeated(finished, before)


def test_a_changed_learning_rate_repeats_training_and_what_follows(finished: Path) -> None:
    """Nothing before it."""
    before = manifests(finished)
    run(finished, "training.learning_rate=2e-3")
    assert ["student", "predictions", "dev_predictions", "report"] == repeated(finished, before)


def test_a_changed_headline_repeats_the_report_alone(finished: Path) -> None:
    """All selections are computed anyway."""
    before = manifests(finished)
    run(finished, "training.learning_rate=2e-3", "evaluation.select=[cot, pot]")
    assert ["report"] == repeated(finished, before)


def test_fewer_dev_problems_repeat_their_predictions_and_the_report(finished: Path) -> None:
    """Test predictions stay; the next run goes back."""
    before = manifests(finished)
    overrides = ["training.learning_rate=2e-3", "evaluation.select=[cot, pot]", "evaluation.dev_problems=null"]
    run(finished, *overrides)
    assert ["dev_predictions", "report"] == repeated(finished, before)
    assert 0 == pq.read_table(finished / "dev_predictions").num_rows


def test_a_larger_limit_samples_only_the_new_problems(finished: Path) -> None:
    """30 problems become 35: 15 further requests."""
    journal = RunDirectory(str(finished)).path("journal")
    lines = sum(len(file.read_bytes().splitlines()) for file in Path(journal).glob("*.jsonl"))
    run(finished, *LARGER)
    now = sum(len(file.read_bytes().splitlines()) for file in Path(journal).glob("*.jsonl"))
    assert (15, 105) == (now - lines, len(ids(finished, "samples")))


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("sampling.temperature=0.1", r"^sampling\.temperature: '0\.7' → '0\.1' would change samples already paid for"),
        ("teacher.model=other", r"^teacher\.model: 'rehearsal' → 'other' would change"),
        ("sampling.demonstrations=3", r"^sampling\.prompts: another prompt for cot would change"),
        ("seed=5", r"^seed: '0' → '5' would change"),
    ],
)
def test_a_change_to_rows_already_paid_for_is_refused(finished: Path, override: str, message: str) -> None:
    """The field, what it was and what it is; nothing is touched."""
    before = manifests(finished)
    with pytest.raises(PaidRowsError, match=message):
        run(finished, *LARGER, override)
    assert [] == repeated(finished, before)


def test_a_changed_prompt_is_refused(finished: Path, tmp_path: Path) -> None:
    """Own prompts are hashed by content."""
    for name in ("cot", "pot", "eot"):
        (tmp_path / f"{name}.md").write_text("Think.\n", encoding="utf-8")
    with pytest.raises(PaidRowsError, match=r"^sampling\.prompts: another prompt for cot"):
        run(finished, *LARGER, f"sampling.prompts={tmp_path}")


def test_other_questions_under_the_same_ids_are_refused(finished: Path) -> None:
    """The journal's answers belong to their questions."""
    with pytest.raises(PaidRowsError, match=r"problems: generated/train/\d+ was sampled with another question"):
        run(finished, "problems.families=[more_than]")
    run(finished, *LARGER)
