"""A training example, and the judged samples it is made from.

Example(example_id="gsm8k/train/12/pot/0", problem_id="gsm8k/train/12", thought="pot",
        input="Question: Natalia ...\\nLet's break down the code step by step\\n",
        target="clips_in_may = 48 / 2\\n...", weight=1.0)
"""

import hashlib
from dataclasses import dataclass

import pyarrow as pa

MIXTURE_SCHEMA = pa.schema(
    [
        pa.field("example_id", pa.string(), nullable=False),
        pa.field("problem_id", pa.string(), nullable=False),
        pa.field("thought", pa.string(), nullable=False),
        pa.field("input", pa.string(), nullable=False),
        pa.field("target", pa.string(), nullable=False),
        pa.field("weight", pa.float64(), nullable=False),
    ]
)


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A teacher's completion with its verdict; ``correct`` is None where there is no gold answer."""

    sample_id: str
    thought: str
    draw: int
    completion: str
    status: str
    answer: str | None
    correct: bool | None
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Example:
    """One row of ``mixture/train`` or ``mixture/dev``; ``copy`` counts the further copies of an upsampled one."""

    example_id: str
    problem_id: str
    thought: str
    input: str
    target: str
    weight: float
    copy: int = 0


@dataclass(frozen=True)
class Dropped:
    """A row that does not train, and why (a word for the mixture card)."""

    thought: str
    reason: str


def rank(seed: int, *names: str) -> int:
    """A reproducible pseudo-random 63-bit number for a name: shares and splits are cut along it."""
    digest = hashlib.sha256("/".join([str(seed), *names]).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def in_fraction(seed: int, problem_id: str, fraction: float) -> bool:
    """Whether a training problem, with its children, belongs to this share; a larger share holds the smaller ones."""
    return fraction == 1 or rank(seed, "fraction", parent_id(problem_id)) < fraction * 2**63


def in_dev(seed: int, problem_id: str, dev_fraction: float) -> bool:
    """Whether a problem that no other is near, with all of its thoughts and children, belongs to dev."""
    return rank(seed, "dev", parent_id(problem_id)) < dev_fraction * 2**63


SEPARATOR = "~"
"""Between a problem's id and the number of its child: "gsm8k/train/12~1"."""


def parent_id(problem_id: str) -> str:
    """The problem that a perturbed one was made from; any other problem is its own."""
    parent, separator, number = problem_id.rpartition(SEPARATOR)
    return parent if separator and number.isdigit() else problem_id
