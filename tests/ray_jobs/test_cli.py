"""The command line: YAML and overrides, and one clear line for bad input."""

import json
from pathlib import Path

import pytest

from pipelines.config import RunConfig
from pipelines.errors import ConfigError
from ray_jobs import cli

ROOT = Path(__file__).parent.parent.parent
GENERATED = "problems: {source: generated}\nevaluation_problems: [{source: generated, split: test}]\n"


def file(tmp_path: Path, text: str) -> str:
    path = tmp_path / "run.yaml"
    path.write_text("run_dir: /tmp/x\n" + text, encoding="utf-8")
    return str(path)


def test_overrides_replace_fields_of_the_file(tmp_path: Path) -> None:
    """Dotted names, YAML-typed values, list items by number."""
    overrides = ["training.epochs=3", "mixture.ratios={pot: 1}", "evaluation_problems.0.limit=7", "student.model=tiny"]
    config = cli.load_config(file(tmp_path, GENERATED), overrides)
    assert (3, {"pot": 1.0}, 7, "tiny") == (
        config.training.epochs,
        config.mixture.ratios,
        config.evaluation_problems[0].limit,
        config.student.model,
    )


def test_exponents_without_a_point_are_numbers(tmp_path: Path) -> None:
    """YAML 1.1 reads 5e-4 as text; users do not."""
    assert 5e-4 == cli.load_config(file(tmp_path, "training: {learning_rate: 5e-4}\n"), []).training.learning_rate


@pytest.mark.parametrize(
    ("text", "overrides", "expected"),
    [
        ("training: {epoch: 3}\n", [], "run.yaml: training.epoch: unknown field; did you mean 'training.epochs'?"),
        ("problems: {}\n", ["trainning.epochs=3"], "command line: trainning: unknown field; did you mean 'training'?"),
        ("trainning: {}\n", [], "run.yaml: trainning: unknown field; did you mean 'training'?"),
        (
            "evaluation_problems: [{sauce: gsm8k}]\n",
            [],
            "run.yaml: evaluation_problems.0.sauce: unknown field; did you mean 'evaluation_problems.0.source'?",
        ),
        (
            "",
            ["training.epochs=many"],
            "command line: training.epochs: input should be a valid number, "
            "unable to parse string as a number, got 'many'",
        ),
        ("", ["training.epochs=0"], "command line: training.epochs: input should be greater than 0, got 0"),
        (
            "",
            ["mixture.recipe=edt"],
            "command line: mixture.recipe: input should be 'etd', 'md' or 'label', got 'edt'; did you mean 'etd'?",
        ),
        (
            "mixture: {ratios: {cot: 0, pot: 0}}\n",
            [],
            "run.yaml: mixture: ratios sum to zero: give at least one thought a share above 0, e.g. {pot: 1}",
        ),
        (
            "mixture: {budget: 500}\n",
            [],
            "run.yaml: mixture: budget needs size equal_examples or equal_tokens, which say what it counts",
        ),
        (
            "mixture: {recipe: md, keep: answered}\n",
            [],
            "run.yaml: mixture: keep: recipe 'md' weighs correct paths and trains no others, but keep is 'answered'",
        ),
        (
            "mixture: {recipe: label, ratios: {pot: 1}}\n",
            [],
            "run.yaml: mixture: ratios: recipe 'label' sets its own shares; leave ratios null",
        ),
        (
            "mixture: {recipe: md}\nsampling: {thoughts: [pot]}\n",
            [],
            "run.yaml: mixture.recipe 'md' votes between CoT and PoT, but sampling.thoughts lacks cot",
        ),
        (
            "",
            ["sampling.thoughts=[pott]"],
            "sampling.thoughts: 'pott' is no thought; expected some of cot, pot, eot; did you mean 'pot'?",
        ),
        ("", ["training.epochs"], "command line: 'training.epochs' is no override; expected section.field=value"),
        (
            "",
            ["evaluation_problems.4.limit=1"],
            "command line: evaluation_problems.4.limit: '4' is no item of a list of 0; items count from 0",
        ),
        ("teacher: [\n", [], "run.yaml: not readable YAML"),
        ("problems: {source: file}\n", [], "run.yaml: problems: source 'file' needs path"),
        ("problems: {source: generated, families: {a: 1}}\n", [], "run.yaml: problems.families: input should be"),
        (
            "problems: {source: strategyqa, path: train.json}\n",
            [],
            "problems.source 'strategyqa' asks for yes or no, which no equation gives: leave eot out, "
            "sampling.thoughts=[cot,pot]",
        ),
        ("problems: {source: asdiv}\n", [], "problems.path: source 'asdiv' is read from its original file"),
    ],
)
def test_bad_configuration_is_one_line_that_names_the_field(
    tmp_path: Path, text: str, overrides: list[str], expected: str
) -> None:
    """File or command line, field, expectation, nearest name."""
    with pytest.raises(ConfigError) as error:
        cli.load_config(
            file(tmp_path, text), ["evaluation_problems=[]", *overrides] if "4.limit" in expected else overrides
        )
    message = str(error.value)
    assert expected in message
    assert "\n" not in message


def test_a_missing_file_names_the_nearest() -> None:
    """A typing error in the file's name."""
    with pytest.raises(ConfigError, match=r"no such configuration file; did you mean .*quickstart\.yaml"):
        cli.load_config(str(ROOT / "configs/quikstart.yaml"), [])


def test_run_dir_is_needed() -> None:
    """There is no default place to write to."""
    with pytest.raises(ConfigError, match=r"run_dir: missing; expected e\.g\. run_dir=runs/mine"):
        cli.load_config(None, [])


def test_a_relative_run_dir_is_refused_in_a_submitted_job(monkeypatch: pytest.MonkeyPatch) -> None:
    """The job's working directory is a cache; the message gives an absolute example."""
    monkeypatch.setenv("RAY_JOB_CONFIG_JSON_ENV_VAR", json.dumps({"metadata": {"job_submission_id": "raysubmit_1"}}))
    with pytest.raises(
        ConfigError, match=r"'runs/a' is relative.*e\.g\. run_dir=/data/runs/a or run_dir=s3://bucket/a"
    ):
        cli.load_config(None, ["run_dir=runs/a"])
    assert "s3://bucket/a" == cli.load_config(None, ["run_dir=s3://bucket/a"]).run_dir


@pytest.mark.parametrize("path", sorted((ROOT / "configs").glob("*.yaml")), ids=lambda path: path.name)
def test_every_configuration_that_ships_is_valid(path: Path) -> None:
    """A file in configs/ can be run."""
    assert isinstance(cli.load_config(str(path), []), RunConfig)


def test_help_describes_every_field() -> None:
    """Meaning and default, by dotted name."""
    text = cli.describe_fields()
    assert "training.learning_rate: peak learning rate [default 0.0005]" in text
    assert "evaluation_problems.0.split: " in text
    assert "teacher.rehearsal.mistakes: " in text
