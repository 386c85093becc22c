"""Metrics with intervals, plots, and the report page, from the tables of a run."""

from pipelines.report.metrics import headline, measure
from pipelines.report.page import Page, render
from pipelines.report.tables import RunTables

__all__ = ["Page", "RunTables", "headline", "measure", "render"]
