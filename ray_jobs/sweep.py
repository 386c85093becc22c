"""A sweep: many runs that differ in a few fields, compared on one page.

file ──► points ──► prepare: sampled and proven once, mixed once each ──► trials: train + evaluate, packed by Ray Tune
            ▲                                                                   │
            └──────────── optuna: the next points ◄─────────────────────────────┴──► report/sweep.html, results.csv

python -m ray_jobs.sweep --config configs/sweeps/mix_ratios.yaml run_dir=runs/mix_ratios training.epochs=4

Killed anywhere, the same command goes on: finished trials are not repeated, running ones resume from their checkpoints.
"""

import logging
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from pipelines.config import RunConfig
from pipelines.errors import ConfigError, RunStopped
from ray_jobs import cli, search, sweep_shared, trial
from ray_jobs.gpus import check_gpus
from ray_jobs.origin import write_origin
from ray_jobs.progress import duration
from ray_jobs.run_directory import RunDirectory
from ray_jobs.session import ray_session
from ray_jobs.stage import say
from ray_jobs.sweep_file import Point, Sweep, SweepConfig, Trial, load_sweep
from ray_jobs.sweep_report import write_report
from ray_jobs.trial import Need, Status, need_of

_DRAW_EVERY_S = 120
_WORKER_DEATHS = 2  # a trial whose process or node dies goes on elsewhere so often


def command(sweep: Sweep, dry_run: bool) -> None:
    """``python -m ray_jobs.sweep``."""
    search.check(sweep)
    everything = sweep.trials(sweep.points)
    sweep_shared.preflight(everything, sweep.run_dir)
    say(f"sweep: {len(sweep.points):,} points × {len(sweep.config.seeds)} seeds; {sweep_shared.describe(everything)}")
    if dry_run:
        _describe(sweep, everything)
        return
    run_dir = RunDirectory(sweep.run_dir)
    with run_dir.locked():
        trials = sweep.trials(run(sweep))
        say(write_report(sweep, trials))
    failed = [(one, found) for one in trials if (found := trial.status(one.config)).kind == "failed"]
    if failed:
        first, why = failed[0]
        raise RunStopped(
            f"sweep: {len(failed)} of {len(trials)} trials failed and stand in the table with their reasons "
            f"(first: {first.trial_id}: {why.reason})"
        )


def run(sweep: Sweep) -> list[Point]:
    """All trials of the sweep; returns the points that were tried."""
    tried: list[Point] = []
    with ray_session():
        check_gpus(sweep.trials(sweep.points)[0].config)
        at_once = max(1, _room(sweep) // len(sweep.config.seeds))
        while points := search.next_points(sweep, tried, lambda point: _score(sweep, point), at_once):
            trials = [one for one in sweep.trials(points) if _still_open(sweep, one)]
            impossible = sweep_shared.prepare(trials, sweep.run_dir)
            for one in trials:
                run_dir = RunDirectory(one.config.run_dir)
                write_origin(one.config, run_dir)
                if one.trial_id in impossible:
                    trial.record(run_dir, Status("failed", impossible[one.trial_id]))
            run_trials(sweep, [one for one in trials if one.trial_id not in impossible])
            tried += points
    return tried


def run_trials(sweep: Sweep, trials: Sequence[Trial]) -> None:
    """Train and evaluate the trials, as many at once as the cluster has room for."""
    if not trials:
        return
    import ray
    from ray import tune

    os.environ["TUNE_DISABLE_AUTO_CALLBACK_LOGGERS"] = "1"  # a trial's own folder has all that they would write
    os.environ["RAY_AIR_NEW_OUTPUT"] = "0"  # or Tune prints a box of its own
    logging.getLogger("ray.tune").setLevel(logging.ERROR)
    by_id = {one.trial_id: one for one in trials}
    needs = {one.trial_id: _need(sweep, one.config) for one in trials}
    for one in trials:
        _check_room(needs[one.trial_id], ray.nodes(), one)
    settings = {name: (_on_device(by_id[name].config, need), need) for name, need in needs.items()}
    stopping = sweep.config.scheduler == "asha"
    with tempfile.TemporaryDirectory() as scratch:
        tune.Tuner(
            tune.with_resources(
                tune.with_parameters(_one_trial, settings=settings),
                lambda chosen: tune.PlacementGroupFactory([needs[chosen["trial"]].resources()]),
            ),
            param_space={"trial": tune.grid_search(list(by_id))},
            tune_config=tune.TuneConfig(
                reuse_actors=True,  # the next trial finds torch imported
                scheduler=_early_stopping(sweep, trials) if stopping else None,
            ),
            run_config=tune.RunConfig(
                name="trials",
                storage_path=scratch,  # what Tune keeps is not needed again: a trial's folder says where it stands
                callbacks=[_watch(sweep, by_id)],
                verbose=0,
                failure_config=tune.FailureConfig(max_failures=_WORKER_DEATHS),
            ),
        ).fit()


def _one_trial(chosen: dict[str, str], settings: dict[str, tuple[RunConfig, Need]]) -> None:
    """The body of a Tune trial, in an actor with the trial's share of a node."""
    from ray import tune

    config, need = settings[chosen["trial"]]
    trial.run(config, need, lambda epoch, score: tune.report({"epoch": epoch, "score": score}))


def _watch(sweep: Sweep, by_id: dict[str, Trial]) -> Any:
    """A Tune callback that says how far the sweep is, writes down what a trial cannot say of itself, and now and then
    draws the page of what there is."""
    from ray.tune import Callback

    class Watch(Callback):  # type: ignore[misc, unused-ignore]
        def __init__(self) -> None:
            self.ended, self.began = 0, time.monotonic()
            self.drawn = self.began

        def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
            self._end(trial, Status("stopped", f"by asha after epoch {trial.last_result.get('epoch')}"))

        def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
            self._end(trial, Status("failed", f"its process died {_WORKER_DEATHS + 1} times"))

        def _end(self, ended: Any, unless_said: Status) -> None:
            one = by_id[ended.config["trial"]]
            found = trial.status(one.config)
            if found.kind == "open":
                trial.record(RunDirectory(one.config.run_dir), unless_said)
                found = unless_said
            self.ended += 1
            left = (time.monotonic() - self.began) / self.ended * (len(by_id) - self.ended)
            why = f" ({found.reason})" if found.reason else ""
            trials = f"{self.ended:,} of {len(by_id):,} trials"
            say(f"sweep: {one.trial_id} {found.kind}{why}; {trials}, {duration(left)} left")
            if time.monotonic() - self.drawn >= _DRAW_EVERY_S:
                write_report(sweep, [one for one in sweep.trials(sweep.points) if _is_begun(one, by_id)])
                self.drawn = time.monotonic()

    return Watch()


def _is_begun(one: Trial, now: dict[str, Trial]) -> bool:
    return one.trial_id in now or trial.status(one.config).kind != "open"


def _early_stopping(sweep: Sweep, trials: Sequence[Trial]) -> Any:
    now = {one.trial_id for one in trials}
    others = [one for one in sweep.trials(sweep.points) if one.trial_id not in now]
    before = [trial.scores(RunDirectory(one.config.run_dir)) for one in others]
    return search.early_stopping(max(one.config.training.epochs for one in trials), [seen for seen in before if seen])


def _still_open(sweep: Sweep, one: Trial) -> bool:
    """Whether a trial is to run; one that failed is tried again, one that was stopped only without early stopping."""
    found = trial.status(one.config)
    again = found.kind == "failed" or (found.kind == "stopped" and sweep.config.scheduler != "asha")
    if again:
        trial.reopen(RunDirectory(one.config.run_dir))
    return again or found.kind == "open"


def _score(sweep: Sweep, point: Point) -> float | None:
    """What a point's students reached on dev, meant over the seeds."""
    last = []
    for one in sweep.trials([point]):
        done = trial.status(one.config).kind == "done"
        last.append(trial.final_score(RunDirectory(one.config.run_dir)) if done else None)
    return search.mean_score(last)


def _need(sweep: Sweep, config: RunConfig) -> Need:
    return need_of(config, sweep.config.cpus_per_trial, sweep.config.gpus_per_trial)


def _room(sweep: Sweep) -> int:
    """Trials of the grid's first point that the cluster runs at once."""
    import ray

    need = _need(sweep, sweep.trials(sweep.points[:1])[0].config).resources()
    return int(
        sum(min(node["Resources"].get(name, 0) // amount for name, amount in need.items()) for node in ray.nodes())
    )


def _check_room(need: Need, nodes: Sequence[dict[str, Any]], one: Trial) -> None:
    """Refuse a trial that no node can ever hold, which Ray would wait for.

    Raises:
        ConfigError: one line.
    """
    asked = need.resources()
    if not any(all(node["Resources"].get(name, 0) >= amount for name, amount in asked.items()) for node in nodes):
        raise ConfigError(
            f"sweep: {one.trial_id} needs {need.cpus:g} CPUs, {need.gpus:g} GPUs and {need.memory / 2**30:.1f} GiB on "
            "one node, and no node has them; lower cpus_per_trial, gpus_per_trial or the student's size"
        )


def _on_device(config: RunConfig, need: Need) -> RunConfig:
    """The trial's configuration for what it holds; which device it runs on defines none of its rows."""
    training = config.training.model_copy(update={"use_gpu": need.gpus > 0})
    return config.model_copy(update={"training": training})


def _describe(sweep: Sweep, trials: Sequence[Trial]) -> None:
    """``--dry-run``: the stages of a trial of each sampling and student, and how many trials there are."""
    from ray_jobs.distill import STAGES
    from ray_jobs.dry_run import describe

    first: dict[str, Trial] = {}
    for one in trials:
        first.setdefault(f"{sweep_shared.sampling_of(one.config)} {one.config.student.model}", one)
    for one in first.values():
        config = sweep_shared.shared_config(one.config, sweep.run_dir)
        describe(STAGES[:-1], config, RunDirectory(config.run_dir))
    todo = Counter(one.config.student.model for one in trials if trial.status(one.config).kind != "done")
    students = ", ".join(f"{count:,} of {model}" for model, count in todo.items())
    say(
        f"sweep: {sum(todo.values()):,} of {len(trials):,} trials to train and evaluate"
        f"{f' ({students})' if students else ''}, each about as train and evaluate of its student above"
    )


def describe_fields() -> str:
    """The sweep file's fields, for ``--help``."""
    own = "\n".join(f"  {name}: {info.description}" for name, info in SweepConfig.model_fields.items())
    return f"fields of a sweep's file:\n{own}\n\n{cli.describe_fields()}"


if __name__ == "__main__":
    sys.exit(cli.answer("sweep", "Compare many runs.", load_sweep, command, describe_fields()))
