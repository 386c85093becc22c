"""Which of the epochs measured on dev problems is exported: the latest within one standard error of the best.

    within_one_error(0.80, best=0.83, problems=100)   -> True      0.83 has a standard error of 0.0376

The best of many measurements is partly luck, and students mostly improve while the learning rate falls: an earlier
epoch is taken only where it was clearly better (the rule of Breiman et al. 1984 for pruning). ``benchmarks/choices.py``
simulates what it costs and gains.
"""

import math


def within_one_error(accuracy: float, best: float, problems: int) -> bool:
    """Whether an accuracy on as many problems lies within the binomial standard error of the best below it."""
    return accuracy >= best - math.sqrt(best * (1 - best) / problems) - 1e-12
