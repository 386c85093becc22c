"""The mixture: which proven thoughts train the student, with what weight, and what is left out."""

from pipelines.mixture.card import NOTHING, Counted, card, tally
from pipelines.mixture.decision import DECIDED_SCHEMA, Decided, decide, judged, to_table
from pipelines.mixture.example import MIXTURE_SCHEMA, Dropped, Example, Judged, in_dev, parent_id
from pipelines.mixture.held_out import held_out
from pipelines.mixture.overlap import Evaluated, Hit, NearIndex, first_of_near, words_of
from pipelines.mixture.perturbation import Child, Tally, children
from pipelines.mixture.recipes import RECIPES
from pipelines.mixture.screening import LeftOut, Screened, screen
from pipelines.mixture.shares import CUT_BY, cuts, inside, is_union, table_cuts

__all__ = [
    "CUT_BY",
    "DECIDED_SCHEMA",
    "MIXTURE_SCHEMA",
    "NOTHING",
    "RECIPES",
    "Child",
    "Counted",
    "Decided",
    "Dropped",
    "Evaluated",
    "Example",
    "Hit",
    "Judged",
    "LeftOut",
    "NearIndex",
    "Screened",
    "Tally",
    "card",
    "children",
    "cuts",
    "decide",
    "first_of_near",
    "held_out",
    "in_dev",
    "inside",
    "is_union",
    "judged",
    "parent_id",
    "screen",
    "table_cuts",
    "tally",
    "to_table",
    "words_of",
]
