"""ASHA and Optuna against random search at the same budget, replayed on a finished grid: regret over search seeds.

    python benchmarks/search.py --sweep configs/sweeps/mix_ratios.yaml run_dir=runs/mix_ratios --budget 5 --searches 20
    python benchmarks/search.py --sweep ... --seeds 0 1 2        which of the sweep's seeds are averaged into a score

Each search sees what its trials would have shown it: dev scores, after each epoch for ASHA, at the end for the others.
Its budget is counted in epochs of training, ``--budget`` whole trainings' worth. It then names a point; the regret is
how far that point's mean headline accuracy on the test set lies below the grid's best. Nothing is trained here.
"""

import argparse
import math
from random import Random
from statistics import fmean

from pipelines.report.over_seeds import over_seeds
from pipelines.report.sweep_table import HEADLINE, points
from ray_jobs import search, trial
from ray_jobs.run_directory import RunDirectory
from ray_jobs.sweep_file import load_sweep
from ray_jobs.sweep_report import gathered


class Grid:
    """What the finished trials showed: dev scores by epoch and test accuracy, meant over the sweep's seeds."""

    def __init__(self, sweep, seeds):
        chosen = [one for one in sweep.trials(sweep.points) if seeds is None or one.seed in seeds]
        found = points([gathered(one) for one in chosen])
        if len(found) < len(sweep.points):
            raise SystemExit(f"{len(found)} of {len(sweep.points)} points are finished; run the sweep first")
        dataset = next(iter(found[0].accuracy))
        self.points = [point.point for point in found]
        self.accuracy = [point.accuracy[dataset][HEADLINE].mean for point in found]
        self.curves = []
        for point in found:
            runs = [trial.scores(RunDirectory(one.config["run_dir"])) for one in point.trials]
            self.curves.append(
                [fmean(run[epoch] for run in runs) for epoch in sorted(set.intersection(*map(set, runs)))]
            )
        if not all(self.curves):
            raise SystemExit("no dev scores: the trials' metrics.jsonl have neither dev_accuracy nor dev_loss")
        self.epochs = max(map(len, self.curves))

    def final(self, index):
        """What dev says of a point after its last epoch."""
        return self.curves[index][-1]

    def regret(self, index):
        """How far a point lies below the best."""
        return max(self.accuracy) - self.accuracy[index]


def random_search(grid, budget, seed):
    """So many points drawn at random, trained to their end; the best on dev."""
    drawn = Random(seed).sample(range(len(grid.points)), min(budget, len(grid.points)))
    return max(drawn, key=grid.final)


def asha(grid, budget, seed):
    """Tune's ASHA over points in random order, trained one epoch at a time until the budget of epochs is used."""
    scheduler = search.early_stopping(grid.epochs, [])
    order = list(range(len(grid.points)))
    Random(seed).shuffle(order)
    left, reached = budget * grid.epochs, {}
    for index in order:
        stand_in = search.Ended(f"{seed}-{index}")
        scheduler.on_trial_add(None, stand_in)
        for epoch, score in enumerate(grid.curves[index], start=1):
            if left == 0:
                break
            left -= 1
            reached[index] = (epoch, score)
            decided = scheduler.on_trial_result(None, stand_in, {"epoch": epoch, "score": score})
            if decided == "STOP" and epoch < len(grid.curves[index]):
                break
    longest = max(epoch for epoch, _ in reached.values())
    return max((index for index in reached if reached[index][0] == longest), key=lambda index: reached[index][1])


def optuna_search(sweep, grid, budget, seed, at_once):
    """The sweep's own optuna search, fed with the grid's dev scores."""
    config = sweep.config.model_copy(update={"scheduler": "optuna", "points": budget, "seeds": [seed]})
    own = type(sweep)(sweep.name, sweep.file, sweep.run_dir, config, tuple(grid.points), sweep.base)
    tried = []

    def score(point):
        return grid.final(grid.points.index(point))

    while batch := search.next_points(own, tried, score, at_once):
        tried += batch
    return max((grid.points.index(point) for point in tried), key=grid.final)


def main():
    """Print mean regret with intervals over search seeds, paired with random search."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sweep", required=True, help="the sweep's file; its trials must be finished")
    parser.add_argument("overrides", nargs="*", help="as the sweep was started")
    parser.add_argument("--budget", type=int, default=None, help="whole trainings; default a third of the points")
    parser.add_argument("--searches", type=int, default=20, help="search seeds")
    parser.add_argument("--seeds", type=int, nargs="*", default=None, help="the sweep's seeds to average over")
    parser.add_argument("--at-once", type=int, default=2, help="optuna: points of a batch")
    options = parser.parse_intermixed_args()
    sweep = load_sweep(options.sweep, options.overrides)
    grid = Grid(sweep, options.seeds)
    budget = options.budget or math.ceil(len(grid.points) / 3)
    regrets = {"random": [], "asha": [], "optuna": []}
    for seed in range(options.searches):
        regrets["random"].append(grid.regret(random_search(grid, budget, seed)))
        regrets["asha"].append(grid.regret(asha(grid, budget, seed)))
        regrets["optuna"].append(grid.regret(optuna_search(sweep, grid, budget, seed, options.at_once)))
    best_on_dev = max(range(len(grid.points)), key=grid.final)
    print(
        f"\n{len(grid.points)} points of {grid.epochs} epochs, budget {budget} trainings, {options.searches} searches"
    )
    print(
        f"accuracy from {100 * min(grid.accuracy):.1f} to {100 * max(grid.accuracy):.1f} %; the whole grid, chosen on "
        f"dev, has regret {100 * grid.regret(best_on_dev):.2f} points\n"
    )
    print("| search | regret, points | 95 % | less random's, paired | 95 % |\n|" + "---|" * 5)
    for name, values in regrets.items():
        mean = over_seeds(values)
        less = over_seeds([value - other for value, other in zip(values, regrets["random"], strict=True)])
        low, high = (f"{100 * bound:.2f}" for bound in (mean.low, mean.high))
        paired = f"{100 * less.mean:+.2f} | {100 * less.low:+.2f} to {100 * less.high:+.2f}"
        print(f"| {name} | {100 * mean.mean:.2f} | {low} to {high} | {paired} |")


if __name__ == "__main__":
    main()
