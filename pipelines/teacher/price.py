"""What a request costs: ``teacher.price``, else a table of dollars per million tokens.

gpt-4o-mini: [0.15, 0.075, 0.60]      input, cached input, output
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from pipelines.config import TeacherConfig

TABLE = Path(__file__).parent / "prices.yaml"


@dataclass(frozen=True)
class Price:
    """Dollars per million tokens."""

    input: float
    cached_input: float
    output: float

    def cost(self, prompt_tokens: int, completion_tokens: int, cached_tokens: int = 0) -> float:
        """Dollars of one request; ``cached_tokens`` of the prompt are billed at the cached price."""
        fresh = prompt_tokens - cached_tokens
        return (fresh * self.input + cached_tokens * self.cached_input + completion_tokens * self.output) / 1e6

    def at(self, share: float) -> "Price":
        """This price at a discount; 0.5: half of it."""
        return Price(share * self.input, share * self.cached_input, share * self.output)


@cache
def _table() -> dict[str, Price]:
    return {model: Price(*row) for model, row in yaml.safe_load(TABLE.read_text(encoding="utf-8")).items()}


def model_name(teacher: TeacherConfig) -> str:
    """The model asked for; the local teachers are named after their kind."""
    return teacher.model or teacher.kind


def price_of(teacher: TeacherConfig) -> Price | None:
    """The teacher's own price, else its model's in the table; None where that is unknown."""
    return Price(*teacher.price) if teacher.price is not None else _table().get(model_name(teacher))
