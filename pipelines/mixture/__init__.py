"""The mixture: which proven thoughts train the student, with what weight, and what is left out."""

from pipelines.mixture.example import MIXTURE_SCHEMA, Dropped, Example, Judged, in_dev, rank
from pipelines.mixture.overlap import EvaluationText, evaluation_text, is_evaluated, overlaps
from pipelines.mixture.recipes import RECIPES
from pipelines.mixture.shares import cuts, needs_cuts, target_tokens

__all__ = [
    "MIXTURE_SCHEMA",
    "RECIPES",
    "Dropped",
    "EvaluationText",
    "Example",
    "Judged",
    "cuts",
    "evaluation_text",
    "in_dev",
    "is_evaluated",
    "needs_cuts",
    "overlaps",
    "rank",
    "target_tokens",
]
