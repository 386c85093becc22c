"""Perturbation: from a verified problem, new ones with other numbers (``mixture.perturb``)."""

from pipelines.mixture.perturbation.children import Child, Tally, children

__all__ = ["Child", "Tally", "children"]
