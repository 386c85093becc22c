"""A sweep's file: points, seeds, sharing, and one clear line for what is wrong."""

import re
from pathlib import Path

import pytest

from pipelines.errors import ConfigError
from ray_jobs.sweep_file import Sweep, compositions, load_sweep
from ray_jobs.sweep_shared import describe, mixture_of, sampling_of

ROOT = Path(__file__).parent.parent.parent
SWEEPS = ROOT / "configs" / "sweeps"


def sweep_of(tmp_path: Path, text: str, *overrides: str) -> Sweep:
    """The sweep of a file with the quickstart as its base."""
    file = tmp_path / "some.yaml"
    file.write_text(f"base: {ROOT}/configs/quickstart.yaml\nrun_dir: /runs/some\n" + text, encoding="utf-8")
    return load_sweep(str(file), overrides)


@pytest.mark.parametrize(("parts", "steps", "count"), [(3, 4, 15), (2, 4, 5), (3, 1, 3), (3, 5, 21)])
def test_the_simplex_has_all_compositions(parts: int, steps: int, count: int) -> None:
    """As many as n + k - 1 over k - 1, each once, each adding up."""
    found = list(compositions(parts, steps))
    assert (count, count, {steps}) == (len(found), len(set(found)), {sum(shares) for shares in found})


def test_the_simplex_is_over_the_sampled_thoughts(tmp_path: Path) -> None:
    """Two sampled thoughts with two steps: both corners and the middle; a share of 0 is left out."""
    text = "fields: {sampling.thoughts: [pot, eot]}\naxes: {mixture.ratios: {simplex: 2}}\n"
    expected = [{"pot": 2}, {"pot": 1, "eot": 1}, {"eot": 2}]
    assert expected == [point["mixture.ratios"] for point in sweep_of(tmp_path, text).points]


def test_points_are_all_combinations_and_trials_have_every_seed(tmp_path: Path) -> None:
    """2 x 2 points with 3 seeds are 12 trials, each with its values and a folder of its own."""
    text = "axes: {student.model: [nano, tiny], training.learning_rate: [1e-3, 2e-3]}\nseeds: [0, 1, 2]\n"
    sweep = sweep_of(tmp_path, text)
    trials = sweep.trials(sweep.points)
    assert (12, 12) == (len(trials), len({one.config.run_dir for one in trials}))
    last = trials[-1].config
    assert ("tiny", 2e-3, 2) == (last.student.model, last.training.learning_rate, last.seed)
    assert re.fullmatch(r"/runs/some/trials/tiny_0.002_s2_[0-9a-f]{8}", last.run_dir)


def test_a_section_as_an_axis_sets_the_fields_it_names(tmp_path: Path) -> None:
    """The section's other fields stay as the base has them."""
    text = "axes: {training: [{epochs: 2}, {epochs: 3, batch_size: 8}]}\n"
    sweep = sweep_of(tmp_path, text)
    found = [one.config.training for one in sweep.trials(sweep.points)]
    assert [(2, 32, 192), (3, 8, 192)] == [(t.epochs, t.batch_size, t.max_input_tokens) for t in found]


def test_the_command_line_sets_the_sweeps_fields_and_the_bases(tmp_path: Path) -> None:
    """Names of the sweep's own first, dotted ones go to the base."""
    sweep = sweep_of(tmp_path, "axes: {student.model: [nano]}\n", "seeds=[7]", "problems.count=20", "run_dir=/runs/b")
    (one,) = sweep.trials(sweep.points)
    assert (7, 20, True) == (one.seed, one.config.problems.count, one.config.run_dir.startswith("/runs/b/trials/"))


def test_a_trial_keeps_its_folder_when_the_sweep_grows(tmp_path: Path) -> None:
    """More values and seeds add trials; a changed field of the base makes other ones; what runs it changes none."""
    axis = "axes: {student.model: [nano]}\n"
    (before,) = sweep_of(tmp_path, axis).trials(({"student.model": "nano"},))
    grown = sweep_of(tmp_path, "axes: {student.model: [micro, nano]}\nseeds: [0, 1]\n", "training.use_gpu=false")
    changed = sweep_of(tmp_path, axis, "training.epochs=1")
    assert before.trial_id in {one.trial_id for one in grown.trials(grown.points)}
    assert before.trial_id not in {one.trial_id for one in changed.trials(changed.points)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("axis: {student.model: [tiny]}\n", "axis: unknown field; did you mean 'axes'?"),
        ("axes: {mixtur.ratios: [{pot: 1}]}\n", "at mixtur.ratios {pot: 1}: mixtur: unknown field; did you mean 'mix"),
        ("axes: {mixture.ratio: [{pot: 1}]}\n", "mixture.ratio: unknown field; did you mean 'mixture.ratios'?"),
        ("axes: {student.model: tiny}\n", "axes.student.model: expected a list of values, or {simplex: r}"),
        ("axes: {student.model: []}\n", "axes.student.model: no values; expected a list, e.g. [1, 2]"),
        ("axes: {student.model: [tiny, tiny]}\n", "axes.student.model: a value stands twice"),
        ("axes: {training.epochs: {simplex: 4}}\n", "axes.training.epochs: simplex gives shares per thought"),
        ("axes: {seed: [1, 2]}\n", "axes: seed is the sweep's own; set seeds of the sweep's file instead"),
        ("axes: {training.epochs: [1]}\nseeds: [1, 1]\n", "seeds: expected different numbers from 0"),
        ("axes: {training.steps: [9]}\nscheduler: asha\n", "asha compares trials epoch by epoch"),
        ("axes: {training.epochs: [1]}\npoints: 3\n", "points: scheduler 'grid' tries all 1; use asha or optuna"),
        ("axes: {training.num_workers: [2]}\n", "a trial trains on one worker"),
        ("axes: {self_training.rounds: [1, 2]}\n", "self_training.rounds 2: a trial trains once"),
        (
            "axes: {training.epochs: [1, -1]}\n",
            "at training.epochs -1: training.epochs: input should be greater than 0",
        ),
        (
            "axes: {mixture.recipe: [etd, md], mixture.ratios: [null, {pot: 1}]}\n",
            "at mixture.recipe md, mixture.ratios {pot: 1}: mixture: ratios: recipe 'md' sets its own shares",
        ),
    ],
)
def test_bad_sweeps_are_refused_in_one_line(tmp_path: Path, text: str, expected: str) -> None:
    """The file, the field or the combination, and what was expected."""
    with pytest.raises(ConfigError) as refused:
        sweep_of(tmp_path, text)
    assert expected in str(refused.value)
    assert "some.yaml" in str(refused.value) and "\n" not in str(refused.value)


def test_trials_that_differ_below_share_everything_above(tmp_path: Path) -> None:
    """Three sizes of two mixtures: one sampling, two mixtures, and the sweep says so."""
    text = "axes: {student.model: [nano, micro, mini], mixture.ratios: [{pot: 1}, {eot: 1}]}\n"
    sweep = sweep_of(tmp_path, text)
    trials = sweep.trials(sweep.points)
    assert (1, 2) == (len({sampling_of(t.config) for t in trials}), len({mixture_of(t.config) for t in trials}))
    assert "6 trials share 2 mixtures; the teacher is asked once" == describe(trials)


def test_a_degraded_solver_and_a_fraction_ask_the_teacher_once(tmp_path: Path) -> None:
    """What changes proofs or the mixture only shares the samples."""
    text = "axes: {verification.missed_proofs: [0, 0.3], mixture.fraction: [0.5, 1], mixture.max_per_problem: [1, 2]}\n"
    sweep = sweep_of(tmp_path, text)
    trials = sweep.trials(sweep.points)
    assert (1, 8) == (len({sampling_of(t.config) for t in trials}), len({mixture_of(t.config) for t in trials}))


def test_seeds_share_a_teacher_that_they_do_not_change(tmp_path: Path) -> None:
    """An endpoint's samples do not depend on the seed; the rehearsal's do."""
    base = tmp_path / "gsm8k.yaml"
    (tmp_path / "train.jsonl").write_text('{"question": "q", "answer": "#### 1"}\n')
    base.write_text(
        f"problems: {{source: gsm8k, path: {tmp_path}/train.jsonl}}\n"
        f"evaluation_problems: [{{source: gsm8k, path: {tmp_path}/train.jsonl, split: test}}]\n"
        "teacher: {kind: openai, base_url: http://localhost:1/v1, model: m}\n"
    )
    (tmp_path / "sweep.yaml").write_text("base: gsm8k.yaml\naxes: {mixture.fraction: [0.5, 1]}\nseeds: [0, 1, 2]\n")
    paid = load_sweep(str(tmp_path / "sweep.yaml"), ["run_dir=/runs/x"])
    free = sweep_of(tmp_path, "axes: {mixture.fraction: [0.5, 1]}\nseeds: [0, 1, 2]\n")
    found = [{sampling_of(one.config) for one in sweep.trials(sweep.points)} for sweep in (paid, free)]
    assert [1, 3] == [len(samplings) for samplings in found]


@pytest.mark.parametrize("file", sorted(SWEEPS.glob("*.yaml")), ids=lambda file: file.stem)
def test_the_ready_made_files_are_sweeps(file: Path, tmp_path: Path) -> None:
    """Every combination of every file in configs/sweeps is a valid run."""
    sweep = load_sweep(str(file), [f"run_dir={tmp_path}"])
    assert sweep.trials(sweep.points)


def test_every_ready_made_file_has_a_quick_one() -> None:
    """A smoke test of the same axes."""
    names = {file.stem for file in SWEEPS.glob("*.yaml")}
    full = {name for name in names if not name.endswith("_quick")}
    assert full == {"mix_ratios", "equal_size", "model_sizes", "data_fraction", "teacher_noise", "solver_noise"}
    assert names == full | {f"{name}_quick" for name in full}
    for name in full:
        long, quick = (load_sweep(str(SWEEPS / f"{file}.yaml"), []) for file in (name, f"{name}_quick"))
        assert list(long.config.axes) == list(quick.config.axes), name
