"""The page as a browser shows it: headless Chromium, driven through its DevTools protocol.

Needs chromium or google-chrome on PATH, else it skips.
"""

import asyncio
import json
import os
import shutil
import subprocess
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import aiohttp
import pyarrow as pa
import pytest

from pipelines.report import render
from pipelines.report.examples import SHOWN, browser
from pipelines.report.outcomes import outcomes

pytestmark = pytest.mark.slow
FLAGS = (
    *("--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--hide-scrollbars", "--remote-debugging-port=0"),
)
WIDTHS = {"desktop": 1180, "phone": 390}


class Chromium:
    """One tab; every event it reports is kept in ``events``."""

    def __init__(self, loop, socket):
        self._loop, self._socket, self._calls = loop, socket, 0
        self.events = []

    def call(self, method, **parameters):
        return self._loop.run_until_complete(self._call(method, parameters))

    async def _call(self, method, parameters):
        self._calls += 1
        await self._socket.send_json({"id": self._calls, "method": method, "params": parameters})
        while True:
            message = await asyncio.wait_for(self._socket.receive_json(), 60)
            if message.get("id") == self._calls:
                assert "error" not in message, message
                return message["result"]
            self.events.append(message)

    def js(self, expression):
        """The value of an expression; promises are awaited."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def open(self, url):
        self.call("Page.navigate", url=url)
        while self.js("location.href + document.readyState") != url + "complete":
            time.sleep(0.05)

    def reported(self, method):
        return [event["params"] for event in self.events if event["method"] == method]


@pytest.fixture(scope="module")
def chromium():
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        pytest.skip("no chromium or google-chrome on PATH")
    rootless = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium's own sandbox refuses to run as root
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            [program, *FLAGS, *rootless, f"--user-data-dir={profile}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            with asyncio.Runner() as runner:
                yield from _tab(runner.get_loop(), Path(profile, "DevToolsActivePort"))
        finally:
            process.terminate()
            process.wait()


def _tab(loop, port_file):
    for _ in range(600):
        if port_file.exists() and "\n" in port_file.read_text():
            break
        time.sleep(0.1)
    port = port_file.read_text().split()[0]
    session = loop.run_until_complete(_session())
    socket = loop.run_until_complete(_connected(session, port))
    tab = Chromium(loop, socket)
    for domain in ("Page", "Runtime", "Log", "Network"):
        tab.call(f"{domain}.enable")
    try:
        yield tab
    finally:
        loop.run_until_complete(socket.close())
        loop.run_until_complete(session.close())


async def _session():
    return aiohttp.ClientSession()


async def _connected(session, port):
    async with session.get(f"http://127.0.0.1:{port}/json") as answer:
        tab = next(target for target in await answer.json() if target["type"] == "page")
    return await session.ws_connect(tab["webSocketDebuggerUrl"], max_msg_size=0)


@pytest.fixture(scope="module")
def flagged(run):
    """The run with a flag on some of the predictions."""
    flags = {"pot": ["constant"], "cot": ["wrong_arithmetic", "comment_contradicts"], "eot": []}
    rows = [
        row | {"flags": flags[row["thought"]] if row["tokens"] % 7 == 0 else []} for row in run.predictions.to_pylist()
    ]
    return replace(run, predictions=pa.Table.from_pylist(rows))


@pytest.fixture(scope="module")
def url(flagged, full_metrics, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipelines.report.plots.draw", lambda metrics: {})
        page = render(flagged, full_metrics)
    file = tmp_path_factory.mktemp("page") / "report.html"
    file.write_text(page.html, encoding="utf-8")
    return file.as_uri()


@pytest.fixture(scope="module")
def examples(flagged):
    return browser(flagged, outcomes(flagged), "pot>eot>cot", SHOWN).examples


@pytest.fixture
def page(chromium, url):
    """The page, freshly opened on a desktop, light."""
    chromium.events.clear()
    _screen(chromium, "desktop")
    chromium.open(url)
    return chromium


def _screen(chromium, name, scheme="light"):
    size = {"width": WIDTHS[name], "height": 860, "deviceScaleFactor": 1, "mobile": name == "phone"}
    chromium.call("Emulation.setDeviceMetricsOverride", **size)
    chromium.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])


def _filter(page, **wanted):
    """Sets the filters as a reader would, and returns how many match, as the page says it."""
    for name, value in wanted.items():
        page.js(
            f"(() => {{ const field = document.getElementById('filters').elements[{json.dumps(name)}];"
            f" field.value = {json.dumps(value)};"
            " if (field.value === '') throw new Error('no such option');"
            " field.dispatchEvent(new Event('input', {bubbles: true})); })()"
        )
    return _matching(page)


def _matching(page):
    said = page.js("new Promise((done) => setTimeout(() => done(document.getElementById('shown').textContent)))")
    return 0 if said.startswith("None") else int(said.split(" of ")[1].split()[0])


def _listed(page):
    return page.js("document.querySelectorAll('#examples > details:not([hidden])').length")


def test_nothing_fails_and_no_request_leaves_the_page(page, url):
    """No exception, no console message, and no address is asked for but the file itself, whatever is clicked."""
    page.js("document.querySelectorAll('details').forEach((node) => { node.open = true; })")
    page.js("document.querySelectorAll('a, button, summary').forEach((node) => node.dispatchEvent("
            "new MouseEvent('click', {bubbles: true, cancelable: true})))")  # fmt: skip
    page.js("window.scrollTo(0, document.body.scrollHeight)")
    complaints = [
        page.reported(name) for name in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")
    ]
    assert [[], [], []] == complaints
    asked = {request["request"]["url"].split("#")[0] for request in page.reported("Network.requestWillBeSent")}
    assert {url} == {address for address in asked if not address.startswith("data:")}


def test_what_a_model_wrote_does_nothing(page):
    """The hostile completion is text: one script, no image, the title that it has."""
    assert ["quickstart · distillation report", 1, 0] == page.js(
        "[document.title, document.scripts.length, document.images.length]"
    )


def test_all_examples_are_there_and_twenty_are_listed(page, examples):
    """More are listed on demand."""
    assert (len(examples), 20) == (_matching(page), _listed(page))
    page.js("document.getElementById('more').click()")
    assert 40 == _listed(page)


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        ({"dataset": "generated_held_out"}, lambda e: e.dataset == "generated_held_out"),
        ({"case": "failed"}, lambda e: not e.solved),
        ({"case": "missed"}, lambda e: not e.solved and e.right),
        ({"case": "right:pot+eot"}, lambda e: e.right == ("pot", "eot")),
        ({"thought": "eot", "result": "inconsistent"}, lambda e: ("eot", "inconsistent") in said(e)),
        (
            {"dataset": "generated", "result": "timeout"},
            lambda e: e.dataset == "generated" and "timeout" in dict(said(e)).values(),
        ),
        ({"flag": "wrong_arithmetic"}, lambda e: any("wrong_arithmetic" in a.flags for a in e.attempts)),
        ({"flag": "*", "thought": "pot"}, lambda e: any(a.flags for a in e.attempts if a.thought == "pot")),
        ({"text": "PENS two_unknowns"}, lambda e: False),
        ({"text": "two unknowns"}, lambda e: e.category == "two_unknowns"),
    ],
    ids=lambda value: "-".join(value.values()) if isinstance(value, dict) else "",
)  # fmt: skip
def test_filters_leave_what_fits(page, examples, wanted, fits):
    """By data set, outcome, thought, status, flag and words, alone and together, as Python counts them."""
    assert sum(bool(fits(example)) for example in examples) == _filter(page, **wanted)


def said(example):
    return [(attempt.thought, attempt.result) for attempt in example.attempts]


def test_a_count_leads_to_its_examples(page, examples):
    """A status in the table of failures, and an area of the Venn diagram, filter the examples."""
    page.js("document.querySelector('#failures [data-filter=\"thought=eot&result=unsolved\"]').click()")
    assert sum(("eot", "unsolved") in said(example) for example in examples) == _matching(page)
    page.js("document.querySelector('.venn [data-filter=\"dataset=generated&case=right%3Apot\"]')"
            ".dispatchEvent(new MouseEvent('click', {bubbles: true}))")  # fmt: skip
    assert sum(e.right == ("pot",) and e.dataset == "generated" for e in examples) == _matching(page)


def test_clear_lists_all_again(page, examples):
    """One button takes all filters back."""
    assert _filter(page, case="failed", text="pens") < len(examples)
    page.js("document.querySelector('#filters [type=reset]').click()")
    assert len(examples) == _matching(page)


@pytest.mark.parametrize("name", WIDTHS)
def test_nothing_is_wider_than_the_screen(page, url, name):
    """Tables scroll in their own box; the page itself never sideways, whatever is unfolded."""
    _screen(page, name)
    page.open(url)
    page.js("document.querySelectorAll('details').forEach((node) => { node.open = true; })")
    assert WIDTHS[name] == page.js("document.documentElement.scrollWidth")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_in_both_schemes(page, url, scheme):
    """WCAG contrast of at least 4.5:1 of text and of muted text, on a page that follows the reader's screen."""
    _screen(page, "desktop", scheme)
    page.open(url)
    paper, *inks = page.js(
        "['--paper', '--ink', '--muted', '--good', '--bad']"
        ".map((name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim())"
    )
    assert (_luminance(paper) > 0.5) == (scheme == "light")
    assert min(_contrast(paper, ink) for ink in inks) >= 4.5


def _luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def _contrast(one, other):
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_every_field_has_a_name(page):
    """Filters carry labels, and plots say in words what they show."""
    assert [] == page.js(
        "[...document.querySelectorAll('input, select')].filter((f) => !f.labels.length).map((f) => f.name)"
    )
    assert [] == page.js(
        "[...document.querySelectorAll('[role=img]')].filter((node) => !node.ariaLabel).map((node) => node.className)"
    )


def test_without_javascript_the_first_examples_are_listed(chromium, url):
    """And no filter that would do nothing; the page says how many there are."""
    chromium.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        chromium.open(url)
        listed, hidden, said = chromium.js(
            "[document.querySelectorAll('#examples > details:not([hidden])').length,"
            " document.getElementById('filters').hidden, document.querySelector('noscript').innerText]"
        )
    finally:
        chromium.call("Emulation.setScriptExecutionDisabled", value=False)
    assert (20, True) == (listed, hidden)
    assert "These are the first 20 of 200" in said
