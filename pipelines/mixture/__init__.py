"""The mixture: which proven thoughts train the student, with what weight, and what is left out."""

from pipelines.mixture.card import COUNTED, card
from pipelines.mixture.decision import DECIDED_SCHEMA, Decided, decide, judged, to_table
from pipelines.mixture.example import MIXTURE_SCHEMA, Dropped, Example, Judged, in_dev, parent_id
from pipelines.mixture.overlap import Evaluated, Hit, NearIndex, first_of_near, words_of
from pipelines.mixture.perturbation import Child, Tally, children
from pipelines.mixture.recipes import RECIPES
from pipelines.mixture.shares import cuts, inside, table_cuts

__all__ = [
    "COUNTED",
    "DECIDED_SCHEMA",
    "MIXTURE_SCHEMA",
    "RECIPES",
    "Child",
    "Decided",
    "Dropped",
    "Evaluated",
    "Example",
    "Hit",
    "Judged",
    "NearIndex",
    "Tally",
    "card",
    "children",
    "cuts",
    "decide",
    "first_of_near",
    "in_dev",
    "inside",
    "judged",
    "parent_id",
    "table_cuts",
    "to_table",
    "words_of",
]
