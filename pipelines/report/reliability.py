"""Whether confidence means what it says: of the answers it calls 80 to 90 % probable, how many are right.

    {"dataset": "gsm8k", "low": 0.8, "high": 0.9, "n": 214, "confidence": 0.853, "correct": 180, "accuracy": 0.841}

Test problems, the ``confidence`` selection's answers; problems without any answer are left out, for nothing is claimed
of them.
"""

from collections import defaultdict
from collections.abc import Sequence

from pipelines.inference import CONFIDENCE
from pipelines.report.outcomes import Outcome
from pipelines.report.tables import Row

BINS = 10


def reliability(found: Sequence[Outcome]) -> list[Row]:
    """A record per data set and tenth of confidence that occurs."""
    bins: defaultdict[tuple[str, int], list[tuple[float, bool]]] = defaultdict(list)
    for outcome in found:
        choice = outcome.choices.get(CONFIDENCE)
        if choice is not None and choice.confidence is not None:
            tenth = min(int(choice.confidence * BINS), BINS - 1)
            bins[outcome.dataset, tenth].append((choice.confidence, choice.correct is True))
    datasets = list(dict.fromkeys(outcome.dataset for outcome in found))
    return [
        {
            "dataset": dataset,
            "low": tenth / BINS,
            "high": (tenth + 1) / BINS,
            "n": len(bins[dataset, tenth]),
            "confidence": sum(said for said, _ in bins[dataset, tenth]) / len(bins[dataset, tenth]),
            "correct": sum(right for _, right in bins[dataset, tenth]),
            "accuracy": sum(right for _, right in bins[dataset, tenth]) / len(bins[dataset, tenth]),
        }
        for dataset, tenth in sorted(bins, key=lambda key: (datasets.index(key[0]), key[1]))
    ]
