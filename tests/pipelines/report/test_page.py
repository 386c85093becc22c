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


def _drawn(tables, metrics):
    """The page without its PNG plots, for fixtures that are set up before the patch below."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipelines.report.plots.draw", lambda metrics: {})
        return render(tables, metrics).html


@pytest.fixture(scope="module")
def html(run):
    return _drawn(run, measure(run))


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


@pytest.fixture(scope="module")
def full(run, full_metrics):
    """The page of a run with sampled paths and a confidence model."""
    return _drawn(run, full_metrics)


def test_choosing_is_drawn_where_it_was_measured(full):
    """Pairs with interval and p, curves over paths, what adaptive choosing costs, accuracy on dev."""
    assert _Page(full).open == []
    for words in ("vs Majority", "+6.9", "11 : 2", "0.044", "81.0 %", "8 paths", "1.24 completions", "Accuracy on dev"):
        assert words in full


def test_the_exported_step_is_marked_with_what_was_measured_there(run, full_metrics):
    """In both charts of training; the legend has the dev accuracy of that step, not the last one."""
    student = full_metrics["student"] | {"exported_step": 1630, "exported_because": "best dev accuracy"}
    html = _drawn(run, full_metrics | {"student": student})
    assert 2 == html.count('<div class="marked"')
    assert 2 == html.count("at step 1,630, the exported student")
    assert "all thoughts <b>66.0 %</b>" in html


def test_choosing_is_left_out_where_it_was_not(run):
    """Metrics without pairs and paths have a page without them."""
    metrics = {name: part for name, part in measure(run).items() if name not in ("paired", "paths")}
    html = render(run, metrics).html
    assert 'figure class="panel pairs"' not in html
    assert "against paths" not in html


def test_published_figures_are_marked_as_such(run):
    """Beside GSM8K's own stand the papers', never without saying that they were not measured here."""
    rename = {"generated": "gsm8k", "generated_held_out": "generated_held_out"}
    problems, predictions = (
        pa.Table.from_pylist([row | {"dataset": rename[row["dataset"]]} for row in table.to_pylist()])
        for table in (run.evaluation_problems, run.predictions)
    )
    tables = replace(run, evaluation_problems=problems, predictions=predictions)
    html = render(tables, measure(tables)).html
    assert html.count("Published, not measured here") == 1
    assert "33.58" in html and "arXiv 2401.11864" in html


def test_problems_with_other_numbers_are_counted(run, html):
    made = {"children": {"kept": 1234}, "parents": {"with_a_verified_pot_or_eot": 700, "with_children": 650}}
    types = {"several": 1_900, "none": 34}  # 700 problems and their children
    grown = replace(run, mixture_card={**run.mixture_card, "perturbation": made, "problems_by_type": types})
    page = _drawn(grown, measure(grown))
    assert "1,234 new problems, of 650 of the 700 training problems" in page
    assert "740 examples<small>of 700 " in page
    assert "With other numbers" not in html


def test_no_figure_is_published_of_generated_problems(html):
    """And the page then says nothing of papers."""
    assert "ublished" not in html.split("<script>")[0].split("</style>")[1]


def test_first_examples_stand_without_javascript(html):
    """Twenty are listed, the others wait for the script; the filters appear with it."""
    hidden = re.findall(r'<details class="(?:solved|missed)"[^>]* hidden>', html)
    assert 200 - 20 == len(hidden)
    assert re.search(r'<form id="filters" hidden', html)
    assert "These are the first 20 of 200" in html


def test_page_stays_small_whatever_a_student_writes(run):
    """Long completions that need escaping cost examples, not megabytes."""
    rows = [row | {"completion": "<\"'" * 5000} for row in run.predictions.to_pylist()]
    tables = replace(run, predictions=pa.Table.from_pylist(rows))
    html = render(tables, measure(tables)).html
    assert len(html.encode()) < 3_000_000
    assert re.search(r"\d+ of 200 test problems, taken in turn", html)
