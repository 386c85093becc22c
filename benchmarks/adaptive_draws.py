"""What adaptive draws cost against fixed draws, over success rates and prices: where they pay and where not.

    python benchmarks/adaptive_draws.py          seeded simulation, about a minute; no teacher, no key

Simulated problems (their share of right draws beta distributed, concentration 1 or 8) are drawn with the project's own
rounds: pilot, fitted belief, policy. Both sides see the same draws, so that exactly the same problems reach k right:
equal yield. Fixed: all 8 draws of every problem in one request with ``n`` = 8. Printed: adaptive dollars / fixed
dollars, then the same for dollars per right draw, since fixed draws collect more than k right ones where they come.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from pipelines.teacher import Costs, Request
from ray_jobs.rounds import Draws, next_round

PROBLEMS, DRAWS = 1000, 8
MEANS = (0.2, 0.4, 0.6, 0.8, 0.95)
SPREADS = {"wide": 1.0, "narrow": 8.0}  # concentrations of the beta distribution
RATIOS = (0.2, 1.0, 3.0, 10.0)  # prompt of a request / one completion
NEEDED = (1, 2, 4)


@dataclass(frozen=True)
class Outcome:
    """What one way of drawing cost and gave."""

    dollars: float
    right: int
    reached: int  # problems with k right


def outcomes(mean: float, concentration: float, seed: int) -> list[list[bool]]:
    """For each problem, which of its draws would be right."""
    dice = random.Random(seed)
    shares = [dice.betavariate(mean * concentration, (1 - mean) * concentration) for _ in range(PROBLEMS)]
    return [[dice.random() < share for _ in range(DRAWS)] for share in shares]


def fixed(right: Sequence[Sequence[bool]], needed: int, costs: Costs) -> Outcome:
    """All draws of a problem in one request."""
    dollars = len(right) * (costs.request + DRAWS * costs.completion)
    return Outcome(dollars, sum(map(sum, right)), sum(sum(one) >= needed for one in right))


def adaptive(right: Sequence[Sequence[bool]], needed: int, costs: Costs) -> Outcome:
    """The rounds of ``sampling.until_correct``."""
    draws = [
        Draws([Request(problem_id=str(row), thought="pot", draw=draw, question="") for draw in range(DRAWS)], True)
        for row in range(len(right))
    ]
    dollars = 0.0
    while requests := next_round(draws, needed, DRAWS, {"pot": costs}):
        for request in requests:
            one, numbers = draws[int(request.problem_id)], range(request.draw, request.draw + request.draws)
            one.made.update(numbers)
            one.judged += request.draws
            one.right += sum(right[int(request.problem_id)][number] for number in numbers)
            dollars += costs.request + request.draws * costs.completion
    return Outcome(dollars, sum(one.right for one in draws), sum(one.right >= needed for one in draws))


def main() -> None:
    """Print the tables."""
    for needed in NEEDED:
        table = Table(
            "mean right",
            "spread",
            "problems reaching k",
            *(f"prompt = {ratio:g}" for ratio in RATIOS),
            title=f"k = {needed} of {DRAWS}: adaptive / fixed dollars at equal yield (per right draw)",
        )
        for mean in MEANS:
            for seed, (spread, concentration) in enumerate(SPREADS.items()):
                right = outcomes(mean, concentration, seed)
                cells = []
                for ratio in RATIOS:
                    costs = Costs(ratio, 1.0)
                    ours, theirs = adaptive(right, needed, costs), fixed(right, needed, costs)
                    assert ours.reached == theirs.reached
                    each = (ours.dollars / ours.right) / (theirs.dollars / theirs.right)
                    cells.append(f"{ours.dollars / theirs.dollars:.2f} ({each:.2f})")
                table.add_row(f"{mean:g}", spread, f"{theirs.reached / PROBLEMS:.0%}", *cells)
        Console(width=120).print(table)


if __name__ == "__main__":
    main()
