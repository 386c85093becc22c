"""Answers and their proofs: the sandbox for programs and equations, answers in text, answer equality."""

from pipelines.solvers.answers import Extracted, canonical, equal, extract
from pipelines.solvers.outcome import Outcome
from pipelines.solvers.sandbox import Isolation, Sandbox

__all__ = ["Extracted", "Isolation", "Outcome", "Sandbox", "canonical", "equal", "extract"]
