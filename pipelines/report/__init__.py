"""Metrics with intervals, plots, tables, comparisons, and the report page, from the tables of a run."""

from pipelines.report.comparison import Side, between
from pipelines.report.dev import dev
from pipelines.report.metrics import headline, measure
from pipelines.report.outcomes import headline_selection, outcomes
from pipelines.report.page import Page, render
from pipelines.report.spreadsheet import write_outcomes, write_records
from pipelines.report.tables import RunTables

__all__ = [
    "Page",
    "RunTables",
    "Side",
    "between",
    "dev",
    "headline",
    "headline_selection",
    "measure",
    "outcomes",
    "render",
    "write_outcomes",
    "write_records",
]
