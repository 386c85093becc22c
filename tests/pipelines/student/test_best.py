"""Which step is exported, when training stops early, and that both survive a death."""

import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import T5ForConditionalGeneration

from pipelines.config import TrainingConfig
from pipelines.student import training
from pipelines.student.checkpoints import CheckpointStore
from pipelines.student.examples import open_tokenised
from pipelines.student.training import train

# 2 steps an epoch, a checkpoint after each.
CONFIG = TrainingConfig(
    epochs=4, batch_size=25, learning_rate=5e-3, warmup_steps=5, precision="fp32", checkpoint_every_s=1e-9
)


class Marks:
    """Stands for dev problems: what is right after each epoch, as written down beforehand."""

    thoughts = select = ("pot",)
    problems = range(10)

    def __init__(self, *right):
        self.right_counts = iter(right)

    def right(self, model, part, parts):
        count = next(self.right_counts)
        return [count, count]


@pytest.fixture(autouse=True)
def log_every_step(monkeypatch):
    monkeypatch.setattr(training, "LOG_EVERY", 1)


def run(model, data, dev, folder, marks, config=CONFIG, on_log=lambda record: None):
    store = CheckpointStore(str(folder)) if folder else None
    options = {"seed": 1, "device": "cpu", "checkpoints": store, "on_log": on_log, "dev_problems": marks}
    return train(model, data, dev, config, **options)


def weights(model):
    return [parameter.detach().clone() for parameter in model.parameters()]


def same(some, others):
    return all(torch.equal(mine, other) for mine, other in zip(some, others, strict=True))


def run_kept(student, data, dev, folder, marks, config=CONFIG):
    """The result, the model, and the weights after each step."""
    model, after = student(), {}
    result = run(model, data, dev, folder, marks, config, lambda record: after.update({record["step"]: weights(model)}))
    return result, model, after


def test_the_step_with_the_best_accuracy_is_exported(student, data, dev, tmp_path):
    """Not the last, whose dev loss is lower."""
    result, model, after = run_kept(student, data, dev, tmp_path, Marks(1, 8, 5, 5))
    assert (8, 4, "latest within a standard error of the best dev accuracy by pot", 0.8) == (
        result.steps,
        result.exported_step,
        result.exported_because,
        result.dev_accuracy,
    )
    assert same(weights(model), after[4]) and not same(weights(model), after[8])


@pytest.mark.parametrize(
    ("right", "epoch"),
    [
        ((1, 6, 5, 5), 4),  # 6 of 10 has a standard error of 1.55 of 10
        ((1, 6, 4, 4), 2),
        ((1, 6, 5, 4), 3),
        ((6, 6, 6, 6), 4),
        ((0, 0, 0, 0), 4),
        ((10, 10, 9, 9), 2),  # all right: no standard error
        ((5, 4, 8, 6), 3),  # 4 is within one of 5, and then neither is of 8
    ],
)
def test_the_latest_epoch_within_one_standard_error_is_exported(student, data, dev, tmp_path, right, epoch):
    """Of the best; its own accuracy and weights."""
    result, model, after = run_kept(student, data, dev, tmp_path, Marks(*right))
    assert (2 * epoch, right[epoch - 1] / 10) == (result.exported_step, result.dev_accuracy)
    assert same(weights(model), after[2 * epoch])


def test_without_dev_problems_the_lowest_dev_loss_is_exported(student, data, dev, tmp_path):
    """A learning rate that breaks the student after the first epoch leaves the first one's weights."""
    losses = {}
    config = CONFIG.model_copy(update={"learning_rate": 0.3, "warmup_steps": 0})
    result = run(student(), data, dev, tmp_path, None, config, lambda r: losses.update({r["step"]: r.get("dev_loss")}))
    best = min((2, 4, 6, 8), key=losses.get)
    assert (best, "lowest dev loss", None) == (result.exported_step, result.exported_because, result.dev_accuracy)


def test_without_dev_rows_the_last_step_is_exported(student, data, dev, tmp_path):
    """And nothing stops early."""
    config = CONFIG.model_copy(update={"patience": 1})
    result = run(student(), data, replace(dev, weights=dev.weights[:0]), tmp_path, None, config)
    assert (8, "the last; no dev rows", None) == (result.exported_step, result.exported_because, result.dev_loss)


def test_patience_ends_the_training(student, data, dev, tmp_path):
    """One epoch without a better result, and the best step's weights; another call does nothing more."""
    config = CONFIG.model_copy(update={"patience": 1})
    result, _, after = run_kept(student, data, dev, tmp_path, Marks(2, 8, 3), config)
    assert (6, 8, 4) == (result.steps, result.planned_steps, result.exported_step)
    again, records = student(), []
    assert result == run(again, data, dev, tmp_path, Marks(), config, records.append)
    assert [] == records
    assert same(weights(again), after[4])


def test_records_carry_accuracies(student, data, dev, tmp_path):
    """By selection and by thought, with the number of problems asked."""
    records = []
    run(student(), data, dev, None, Marks(1, 6, 5, 5), on_log=records.append)
    names = ("dev_accuracy", "dev_accuracy/pot", "dev_problems")
    assert [(0.1, 0.1, 10), (0.6, 0.6, 10), (0.5, 0.5, 10), (0.5, 0.5, 10)] == [
        tuple(record[name] for name in names) for record in records if "dev_accuracy" in record
    ]


def test_a_best_step_that_was_lost_is_said(student, data, dev, tmp_path):
    """The last weights are exported, and the result says why."""

    def lose(record):
        for file in tmp_path.glob("step-00000004.*"):
            if record["step"] == 8:
                file.unlink()

    result = run(student(), data, dev, tmp_path, Marks(1, 8, 5, 5), on_log=lose)
    assert 8 == result.exported_step
    assert "the last; the checkpoint of step 4, the best, is lost" == result.exported_because


def test_a_killed_process_leaves_the_best_and_the_count_of_epochs(student, data, dev, tmp_path):
    """kill -9 in the third epoch, with dropout: the same result, weights and early stop as of an undisturbed run."""
    student(dropout=0.1).save_pretrained(tmp_path)
    folders = [str(Path(table.weights.filename).parent) for table in (data, dev)]
    killed = subprocess.run([sys.executable, __file__, str(tmp_path), *folders], check=False)
    assert -signal.SIGKILL == killed.returncode
    config = CONFIG.model_copy(update={"patience": 2, "epochs": 9})
    models, results, steps = [], [], []
    for folder, marks in (("killed", Marks(5, 4)), ("undisturbed", Marks(2, 8, 5, 4))):
        models.append(T5ForConditionalGeneration.from_pretrained(tmp_path))
        records = []
        results.append(run(models[-1], data, dev, tmp_path / folder, marks, config, records.append))
        steps.append(records[0]["step"])
    assert [5, 1] == steps
    assert replace(results[0], elapsed_s=0) == replace(results[1], elapsed_s=0)
    assert (8, 4) == (results[0].steps, results[0].exported_step)
    assert same(*map(weights, models))


def _die_at_step_5(folder, *folders):
    torch.set_num_threads(1)
    training.LOG_EVERY = 1

    def die(record):
        if record["step"] == 5:
            signal.raise_signal(signal.SIGKILL)

    config = CONFIG.model_copy(update={"patience": 2, "epochs": 9})
    model = T5ForConditionalGeneration.from_pretrained(folder)
    run(model, *map(open_tokenised, folders), f"{folder}/killed", Marks(2, 8), config, die)


if __name__ == "__main__":
    _die_at_step_5(*sys.argv[1:])
