"""Shares: how much of each thought the mixture takes, so that mixtures can be compared.

    cuts({"pot": [(17, 40), (99, 55)], "cot": [(5, 80)]}, {"pot": 1.0}, "full") -> {"pot": 99}

Each example has a reproducible rank; a thought keeps its examples up to a cut along the ranks.
Target tokens are counted as words, numbers and signs, so that the mixture does not depend on a tokenizer.
"""

import re
from collections.abc import Mapping, Sequence

from pipelines.config import MixtureConfig

Ranked = Sequence[tuple[int, int]]
"""(rank, target tokens) of each example of a thought."""

_TOKEN = re.compile(r"\d|[A-Za-z]+|\S")


def target_tokens(target: str) -> int:
    """Words, digits and signs of a target."""
    return len(_TOKEN.findall(target))


def cuts(examples: Mapping[str, Ranked], ratios: Mapping[str, float] | None, size: str) -> dict[str, int]:
    """The greatest rank that each thought keeps; a thought that is left out keeps none (-1).

    ``full``: the largest mixture that has these shares by examples (the union where ``ratios`` is None).
    ``equal_examples``: as many examples as the rarest thought has, whatever the shares.
    ``equal_tokens``: as many target tokens as the shortest thought has, shares counted in tokens.
    """
    present = {thought: sorted(ranked) for thought, ranked in examples.items() if ranked}
    unit = (lambda tokens: tokens) if size == "equal_tokens" else (lambda _tokens: 1)
    available = {thought: sum(unit(tokens) for _, tokens in ranked) for thought, ranked in present.items()}
    if not available:
        return {}
    weights = available if ratios is None else {t: ratios.get(t, 0.0) for t in available}
    total_weight = sum(weights.values())
    shares = {thought: weight / total_weight if total_weight else 0.0 for thought, weight in weights.items()}
    if size == "full":
        total = min((available[t] / share for t, share in shares.items() if share > 0), default=0.0)
    else:
        total = float(min(available.values()))
    kept: dict[str, int] = {}
    for thought, ranked in present.items():
        quota, used, cut = shares[thought] * total + 1e-9, 0, -1
        for rank, tokens in ranked:
            if used + unit(tokens) > quota:
                break
            used, cut = used + unit(tokens), rank
        kept[thought] = cut
    return kept


def needs_cuts(config: MixtureConfig) -> bool:
    """Whether the mixture is anything but the plain union."""
    return config.ratios is not None or config.size != "full"
