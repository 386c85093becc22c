"""How good are the choices that dev problems make? Simulations, in seconds, with no student.

    python benchmarks/choices.py

``epoch``: students whose accuracy rises and levels off, measured after each epoch on some dev problems; what the
exported epoch's true accuracy is, less the best epoch's, by the highest measurement and by the rule of
``pipelines.student.choice``.

``claims``: sweeps in which nothing is better than anything else. Three seeds, students that differ by luck (1 point),
test problems that all students share. How often is a mixture said to beat the best single thought (a 95 % interval
above 0: 2.5 % by definition), with the two chosen on other seeds' test figures, and on other seeds' dev figures?
"""

import argparse

import numpy as np

from pipelines.report.over_seeds import t_95
from pipelines.student.choice import within_one_error

EPOCHS = 10
LEVEL, RISE = 0.4, 2.0  # accuracy that is reached, and the epochs in which the rest shrinks to 1/e
SINGLES, MIXTURES, SEEDS = 3, 12, 3
LUCK = 0.01  # standard deviation of a student's true accuracy over seeds
TASTE = 0.1  # standard deviation of a point's accuracy on single problems that all of its seeds share


def epoch_regret(problems, wobble, trainings=20_000, random=None):
    """Points lost by the highest measurement (of equals the first), and by the rule."""
    random = random or np.random.default_rng(0)
    curve = LEVEL * (1 - np.exp(-np.arange(1, EPOCHS + 1) / RISE))
    truth = np.clip(curve + random.normal(0, wobble, (trainings, EPOCHS)), 0, 1)
    measured = random.binomial(problems, truth) / problems
    highest = truth[np.arange(trainings), measured.argmax(1)]
    chosen = np.zeros(trainings, int)
    top = np.zeros(trainings)
    for epoch in range(EPOCHS):
        top = np.maximum(top, measured[:, epoch])
        within = [within_one_error(a, b, problems) for a, b in zip(measured[:, epoch], top, strict=True)]
        chosen[within] = epoch
    ruled = truth[np.arange(trainings), chosen]
    best = truth.max(1)
    return 100 * (best - highest).mean(), 100 * (best - ruled).mean()


def false_claims(test_problems, dev_problems, taste, sweeps=2000, random=None):
    """Shares of sweeps that claim a difference above 0: chosen on other seeds' test figures, and on their dev ones."""
    random = random or np.random.default_rng(0)
    points = SINGLES + MIXTURES
    claims = np.zeros(2)
    for _ in range(sweeps):
        luck = random.normal(0, LUCK, (points, SEEDS))
        figures = [_measured(n, taste, luck, random) for n in (test_problems, dev_problems)]
        for place, chooser in enumerate(figures):
            differences = []
            for seed in range(SEEDS):
                others = np.delete(chooser, seed, axis=1).mean(1)
                single, mixture = others[:SINGLES].argmax(), SINGLES + others[SINGLES:].argmax()
                differences.append(figures[0][mixture, seed] - figures[0][single, seed])
            half = t_95(SEEDS - 1) * np.std(differences, ddof=1) / np.sqrt(SEEDS)
            claims[place] += np.mean(differences) - half > 0
    return claims / sweeps


def _measured(problems, taste, luck, random):
    """Accuracy of each point and seed on the same problems: problems differ, and points like some of them more."""
    points, seeds = luck.shape
    chance = random.beta(2, 2, problems)[None] + random.normal(0, taste, (points, problems))
    right = random.random((points, seeds, problems)) < chance[:, None] + luck[:, :, None]
    return right.mean(2)


def main():
    """Print both tables."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    print("| dev problems | true accuracy wobbles by | lost by the highest, points | by one standard error |")
    print("|---|---|---|---|")
    for problems in (50, 100, 200):
        for wobble in (0.0, 0.01):
            highest, ruled = epoch_regret(problems, wobble)
            print(f"| {problems} | {100 * wobble:g} points | {highest:.2f} | {ruled:.2f} |")
    print("\n| test problems | dev | taste | claims chosen on test | on dev |")
    print("|---|---|---|---|---|")
    for test, dev in ((300, 200), (1319, 200)):
        for taste in (0.0, TASTE, 2 * TASTE):
            on_test, on_dev = false_claims(test, dev, taste)
            print(f"| {test} | {dev} | {taste:g} | {100 * on_test:.1f} % | {100 * on_dev:.1f} % |", flush=True)


if __name__ == "__main__":
    main()
