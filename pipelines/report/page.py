"""``report.html``: the run on one self-contained page, and its plots as PNG.

    page = render(tables, measure(tables))
    page.html                      →  "<!doctype html>..."
    page.plots["accuracy.png"]     →  b"\\x89PNG..."

Everything that came from a data set or a model is escaped, and a content security policy lets the page run its own
script only and fetch nothing. Opening it needs no network, and without JavaScript all of it can still be read.
"""

import base64
import hashlib
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import PurePosixPath
from typing import Any

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from pipelines.report import glossary, palette, plots, sections, together, venn
from pipelines.report.curves import Chart, Series, accuracies, losses
from pipelines.report.examples import SHOWN, browser
from pipelines.report.metrics import WHOLE, Metrics, headline
from pipelines.report.outcomes import headline_selection, outcomes
from pipelines.report.tables import Row, RunTables, rows

ANSWER = 80  # characters of an answer
PLAIN = 20  # examples listed where there is no JavaScript
GROUPS_SHOWN = 12  # of families or grades, before "more"


@dataclass(frozen=True)
class Page:
    """The page as text, and PNG plots by file name."""

    html: str
    plots: dict[str, bytes]


def render(tables: RunTables, metrics: Metrics) -> Page:
    """The page of a run. Sections whose stage was not part of the run are left out."""
    found = outcomes(tables)
    selection = headline_selection(tables.config, found)
    shown = browser(tables, found, selection, SHOWN)
    thoughts = sections.thoughts(metrics)
    overlaps = together.overlaps(metrics)
    pairs, path_curves = together.pairs(metrics), together.path_curves(metrics)
    exported = (metrics["student"] or {}).get("exported_step")
    loss_chart = losses(metrics["curves"], exported)
    script = files(__package__).joinpath("report.js").read_text("utf-8")
    templates = environment(thoughts)
    html = templates.get_template("report.html.j2").render(
        name=PurePosixPath(str(tables.config.get("run_dir", "run")).rstrip("/")).name or "run",
        sentence=headline(metrics).replace("–", "–\N{WORD JOINER}").replace(" %", "\N{NO-BREAK SPACE}%"),
        words=glossary.words(tables, metrics),
        m=metrics,
        teacher=_teacher(tables.config),
        config_text=_yaml(tables.config),
        provenance_text=_yaml(tables.provenance),
        thoughts=thoughts,
        panels=sections.accuracy(metrics),
        overlaps=overlaps,
        venns=venn.diagrams(overlaps),
        pairs=pairs,
        path_curves=path_curves,
        categories=sections.breakdowns(metrics["by_category"], "category", metrics),
        steps=sections.breakdowns(metrics["by_steps"], "steps", metrics),
        waterfall=sections.waterfall(metrics["mixture"]),
        tallies=sections.tallies(metrics["mixture"]),
        types=sections.types(metrics["mixture"]),
        completions_decoded=next((r["decoding"] for r in metrics["evaluation"] if r["selection"] in WHOLE), None),
        loss_chart=loss_chart,
        loss_words=_loss_words(metrics["training"]),
        accuracy_chart=_dev_accuracy(metrics["curves"], exported),
        trained_on=", ".join(dict.fromkeys(row["dataset"] or "" for row in rows(tables.problems, "dataset"))),
        browser=shown,
        selection=selection,
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )
    return Page(html, plots.draw(metrics))


def environment(thoughts: tuple[str, ...]) -> Environment:
    """Templates with the words, numbers and inks that all pages share."""
    environment = Environment(
        loader=PackageLoader("pipelines.report", "."),
        autoescape=select_autoescape(enabled_extensions=("html", "html.j2")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        percent=_percent,
        interval=_interval,
        brief=_brief,
        points=lambda share: f"{100 * share:+.1f}".replace("-", "−"),
        p_value=_p_value,
        position=lambda fraction: f"{100 * fraction:.2f}%",
        count=lambda number: "–" if number is None else f"{number:,}",
        compact=_compact,
        duration=_duration,
        dollars=_dollars,
        label=palette.label,
        meaning=palette.meaning,
        status_meaning=palette.status_meaning,
        flag_meaning=palette.flag_meaning,
        recipe_meaning=palette.recipe_meaning,
        type_label=palette.type_label,
        status_table=sections.status_table,
        ordered=lambda thoughts: palette.ordered(set(thoughts)),
        ink=partial(_ink_class, thoughts=thoughts),
        look=lambda line: "ink under" if line == "dev" else _ink_class(line, thoughts),
    )
    environment.globals.update(
        colour=partial(palette.colour, thoughts=thoughts), PLAIN=PLAIN, GROUPS_SHOWN=GROUPS_SHOWN
    )
    return environment


def _ink_class(selection: str, thoughts: tuple[str, ...]) -> str:
    """The CSS class that carries a thought's colour and marker; selections over several thoughts are neutral."""
    return f"ink ink-{thoughts.index(selection)}" if selection in thoughts else "ink"


def _teacher(config: dict[str, Any]) -> str:
    teacher = config.get("teacher") or {}
    return teacher.get("model") or teacher.get("kind") or "unnamed"


def _yaml(record: dict[str, Any]) -> str:
    return yaml.safe_dump(record, sort_keys=False, allow_unicode=True, width=100) if record else ""


def _percent(fraction: float | None) -> str:
    return "–" if fraction is None else f"{100 * fraction:.1f}\N{NO-BREAK SPACE}%"


def _brief(text: str) -> str:
    """An answer that fits a line."""
    return text if len(text) <= ANSWER else f"{text[:ANSWER]}…"


def _interval(record: Row) -> str:
    """The 95 % interval in percent, unbreakable: "31.1–36.2"."""
    return f"{100 * record['low']:.1f}–\N{WORD JOINER}{100 * record['high']:.1f}"


def _p_value(p: float | None) -> str:
    if p is None:
        return "–"
    return "< 0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def _loss_words(training: Row | None) -> str:
    """What the plot of losses says, for those who do not see it."""
    if not training:
        return ""
    named = (("Training loss", "final_loss"), ("dev loss", "final_dev_loss"))
    return ", ".join(f"{name} ending at {training[key]:.3g}" for name, key in named if training[key] is not None)


def _dev_accuracy(curves: dict[str, list[list[float]]], exported: float | None) -> Chart | None:
    """Accuracy on dev, of all thoughts ("dev_accuracy") and of each ("dev_accuracy/pot"), in lines named after them."""
    measured = {name: points for name, points in curves.items() if name.split("/")[0] == "dev_accuracy" and points}
    if max((len(points) for points in measured.values()), default=0) < 2:
        return None
    series = [Series(name.partition("/")[2] or "dev", points) for name, points in measured.items()]
    return accuracies(series, marked=exported)


def _compact(number: float) -> str:
    """1,250,000 as "1.25 M"."""
    for size, unit in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return f"{number:g}"


def _duration(seconds: float) -> str:
    """326 as "5 min 26 s"; hours without seconds."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def _dollars(amount: float | None) -> str:
    if amount is None:
        return "price unknown"
    return f"${amount:,.2f}" if amount >= 0.1 or amount == 0 else f"${amount:.4f}"
