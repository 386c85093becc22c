"""Shares: how much of each thought the mixture takes, so that mixtures can be compared.

    cuts({"pot": [(17, 40), (99, 55)], "cot": [(5, 80)]}, MixtureConfig(ratios={"pot": 1})) -> {"pot": 99, "cot": -1}

Each example has a reproducible rank; a thought keeps its examples up to a cut along the ranks. Only train is cut; dev
keeps the thoughts that train keeps any of. Target tokens are counted as words, digits and signs, so that the mixture
does not depend on a tokenizer.
"""

import math
import re
from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.config import MixtureConfig
from pipelines.errors import RunStopped

Ranked = Sequence[tuple[int, int]]
"""(rank, target tokens) of each example of a thought."""

_TOKEN = re.compile(r"\d|[A-Za-z]+|\S")


def target_tokens(target: str) -> int:
    """Words, digits and signs of a target."""
    return len(_TOKEN.findall(target))


def cuts(examples: Mapping[str, Ranked], config: MixtureConfig) -> dict[str, int]:
    """The greatest rank that each thought keeps; a thought that is left out keeps none (-1).

    ``full``: the largest mixture that has these shares by examples (the union where ``ratios`` is None).
    ``equal_examples``: as many examples as the rarest thought has, or ``budget``, whatever the shares.
    ``equal_tokens``: target tokens likewise, shares counted in tokens; each thought stops short of its quota by less
    than one target.

    Raises:
        RunStopped: a thought has fewer examples or tokens than its share of ``budget``, or none at all.
    """
    by_tokens = config.size == "equal_tokens"
    present = {thought: sorted(ranked) for thought, ranked in examples.items() if ranked}
    available = {t: sum(tokens if by_tokens else 1 for _, tokens in ranked) for t, ranked in present.items()}
    weights = config.ratios if config.ratios is not None else available
    missing = sorted(thought for thought, weight in weights.items() if weight > 0 and thought not in available)
    if missing:
        raise RunStopped(f"mix: mixture.ratios asks for {', '.join(missing)}, of which no example is left")
    total_weight = sum(weights.values())
    shares = {thought: weights.get(thought, 0) / total_weight for thought in available}
    if config.size == "full":
        total = min((available[t] / share for t, share in shares.items() if share > 0), default=0.0)
    else:
        total = float(config.budget or min(available.values(), default=0))
    quotas = _quotas(shares, math.floor(total + 1e-6))
    for thought, quota in quotas.items():
        if quota > available[thought]:
            unit = "target tokens" if by_tokens else "examples"
            raise RunStopped(
                f"mix: mixture.budget {config.budget:,} asks for {quota:,} {unit} of {thought}, which has "
                f"{available[thought]:,}; lower the budget"
            )
    kept: dict[str, int] = {}
    for thought, ranked in present.items():
        used, kept[thought] = 0, -1
        for rank, tokens in ranked:
            used += tokens if by_tokens else 1
            if used > quotas[thought]:
                break
            kept[thought] = rank
    return kept


CUT_BY = ("thought", "split", "rank", "tokens")
"""The columns of decided problems that shares are cut by."""


def is_union(config: MixtureConfig) -> bool:
    """Whether the mixture is the plain union, of which nothing is cut."""
    return config.ratios is None and config.size == "full"


def table_cuts(table: pa.Table, config: MixtureConfig) -> dict[str, int]:
    """``cuts`` of the train rows of decided problems (columns ``CUT_BY``).

    Raises:
        RunStopped: as ``cuts``.
    """
    train = table.filter(pc.equal(table["split"], "train"))
    ranked: dict[str, list[tuple[int, int]]] = {}
    columns = (train[name].to_pylist() for name in ("thought", "rank", "tokens"))
    for thought, place, tokens in zip(*columns, strict=True):
        ranked.setdefault(thought, []).append((place, tokens))
    return cuts(ranked, config)


def inside(table: pa.Table, kept: Mapping[str, int] | None) -> pa.ChunkedArray:
    """Which rows of decided problems are examples that the shares keep."""
    is_example = pc.not_equal(table["split"], "dropped")
    if kept is None:
        return is_example
    limit = pa.array([kept.get(thought, -1) for thought in table["thought"].to_pylist()], pa.int64())
    in_share = pc.if_else(
        pc.equal(table["split"], "dev"), pc.greater_equal(limit, 0), pc.less_equal(table["rank"], limit)
    )
    return pc.and_(is_example, in_share)


def _quotas(shares: Mapping[str, float], total: int) -> dict[str, int]:
    """Whole numbers in these shares that sum to ``total`` exactly: the largest remainders are rounded up."""
    quotas = {thought: math.floor(share * total + 1e-6) for thought, share in shares.items()}
    by_remainder = sorted(shares, key=lambda thought: (quotas[thought] - shares[thought] * total, thought))
    for thought in by_remainder[: total - sum(quotas.values())]:
        quotas[thought] += 1
    return quotas
