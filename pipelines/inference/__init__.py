"""Decoding students' completions (`pipelines.inference.decoding`), and choosing one answer among thoughts.

Choosing needs no torch; import the decoder from its own module.
"""

from pipelines.inference.confidence import Calibration, fit
from pipelines.inference.selection import (
    ADAPTIVE,
    CONFIDENCE,
    MAJORITY,
    ORACLE,
    VOTES,
    WEIGHTED,
    Choice,
    Path,
    ballots,
    choose,
    first_success,
    majority,
    select,
)

__all__ = [
    "ADAPTIVE",
    "CONFIDENCE",
    "MAJORITY",
    "ORACLE",
    "VOTES",
    "WEIGHTED",
    "Calibration",
    "Choice",
    "Path",
    "ballots",
    "choose",
    "first_success",
    "fit",
    "majority",
    "select",
]
