"""Decoding students' completions (`pipelines.inference.decoding`), and choosing one answer among thoughts.

Choosing needs no torch; import the decoder from its own module.
"""

from pipelines.inference.selection import MAJORITY, ORACLE, Choice, Path, first_success, majority, select

__all__ = ["MAJORITY", "ORACLE", "Choice", "Path", "first_success", "majority", "select"]
