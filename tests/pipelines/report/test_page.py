"""The report page."""

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser

import pyarrow as pa
import pytest

from pipelines.report import RunTables, headline, measure, render

VOID = {"meta", "link", "input", "polyline", "br", "img"}


class _Page(HTMLParser):
    """Balanced tags, attributes and section ids of a page."""

    def __init__(self, html):
        super().__init__()
        self.open, self.tags, self.attributes, self.sections = [], [], [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag == "section":
            self.sections.append(dict(attrs)["id"])
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag


@pytest.fixture(scope="module")
def html(run):
    return render(run, measure(run)).html


@pytest.fixture(autouse=True)
def _no_plots(monkeypatch):
    """The PNG plots have tests of their own, and take most of the time."""
    monkeypatch.setattr("pipelines.report.plots.draw", lambda metrics: {})


def _sections(tables):
    return _Page(render(tables, measure(tables)).html).sections


def test_whole_run_has_all_sections(html):
    """Every stage has its part, and all tags are closed."""
    page = _Page(html)
    names = "accuracy together kinds failures teacher mixture training cost browse record"
    assert names.split() == page.sections
    assert page.open == []


def test_headline_stands_on_the_page(run, html):
    """The sentence that ends the run opens the page."""
    plain = html.replace("\N{WORD JOINER}", "").replace("\N{NO-BREAK SPACE}", " ")
    assert headline(measure(run)).replace("\N{NO-BREAK SPACE}", " ") in plain


def test_evaluation_alone_leaves_the_rest_out(run):
    """evaluate on a foreign student: accuracy, failures and examples."""
    tables = RunTables(evaluation_problems=run.evaluation_problems, predictions=run.predictions)
    assert ["accuracy", "together", "kinds", "failures", "browse"] == _sections(tables)


def test_sampling_and_verification_alone(run):
    """The teacher's yield and cost, and nothing of a student."""
    assert ["teacher", "cost"] == _sections(RunTables(samples=run.samples, verdicts=run.verdicts))


def test_empty_run_is_a_page():
    """Nothing measured is said, not an error."""
    assert "Nothing has been measured yet." in render(RunTables(), measure(RunTables())).html


def test_sparse_student_and_mixture_records(run):
    """A student without size and a card without dev rows are still shown."""
    card = {"recipe": "label", "rows_in": 5, "rows": {"train": 5}, "by_thought": {"label": 5}, "dropped": {}}
    html = render(tables := RunTables(student={"model": "a/b"}, mixture_card=card), measure(tables)).html
    assert "a/b" in html


def test_model_text_is_escaped(run, html):
    """A completion or question that is HTML is text: one script, no image, no handler."""
    page = _Page(html)
    assert page.tags.count("script") == 1
    assert "img" not in page.tags
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert "&lt;/script&gt;&lt;script&gt;document.title=" in html


def test_names_are_escaped_too(run):
    """Data set names, families and configuration come from files as well."""
    hostile = '"><script>x</script>'
    problems = [
        row | {"dataset": hostile, "category": hostile + row["category"]} for row in run.evaluation_problems.to_pylist()
    ]
    tables = replace(run, evaluation_problems=pa.Table.from_pylist(problems), config=run.config | {"run_dir": hostile})
    predictions = [row | {"dataset": hostile} for row in run.predictions.to_pylist()]
    tables = replace(tables, predictions=pa.Table.from_pylist(predictions))
    assert _Page(render(tables, measure(tables)).html).tags.count("script") == 1


def test_page_asks_the_network_for_nothing(html):
    """No address in any attribute or style, and the policy forbids what is not listed."""
    assert "default-src 'none'" in html
    addresses = [value for name, value in _Page(html).attributes if name in ("src", "href", "action") and value]
    assert all(value.startswith(("#", "data:")) for value in addresses)
    assert not re.search(r"url\(|@import", html)


def test_policy_allows_the_script_that_is_there(html):
    """The hash in the policy is that of the script's text."""
    script = html.split("<script>")[1].split("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in html


def test_browser_says_how_many_of_how_many(run, monkeypatch):
    """A capped list names its size and the whole, and that its shares are not accuracies."""
    monkeypatch.setattr("pipelines.report.page.SHOWN", 12)
    html = render(run, measure(run)).html
    assert "12 of 200 test problems, taken in turn from data sets, outcomes and statuses" in html
    assert html.count('data-outcome="') == 12


def test_unknown_price_is_said(run):
    """No dollar amount stands for a price that is not known."""
    samples = run.samples.drop_columns(["cost_usd"])
    tables = replace(run, samples=samples)
    assert "price unknown" in render(tables, measure(tables)).html


def test_a_new_thought_needs_no_change_here(run):
    """A thought that this package has not heard of is drawn and named."""
    rows = [row | {"thought": "lot"} if row["thought"] == "cot" else row for row in run.predictions.to_pylist()]
    tables = replace(run, predictions=pa.Table.from_pylist(rows))
    assert "LoT" in render(tables, measure(tables)).html
