"""The main plots as PNG, for a README or a slide; the page draws its own, which follow the reader's screen.

    draw(metrics)  →  {"accuracy.png": b"...", "paths.png": b"...", "by_category.png": b"...", ...}

A plot whose stage was not part of the run is left out. White background, the same colours and markers as the page.
"""

import io
from collections.abc import Callable
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from pipelines.inference.selection import ORACLE
from pipelines.report import palette, sections, together
from pipelines.report.curves import binned, round_values
from pipelines.report.metrics import Metrics
from pipelines.report.tables import Row

_MARKERS = {"circle": "o", "square": "s", "diamond": "D"}
_DASHES = {"weighted": "--", "confidence": ":"}
_MUTED, _LINE, _GREY = "#66635c", "#e2ded5", "#d3cec3"
_STYLE = {
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": palette.NEUTRAL.light,
    "axes.labelcolor": _MUTED,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.edgecolor": _GREY,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.grid.axis": "x",
    "grid.color": _LINE,
    "xtick.color": _MUTED,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "legend.frameon": False,
    "hatch.linewidth": 1.2,
}


def draw(metrics: Metrics) -> dict[str, bytes]:
    """The PNG plots of a run by file name, 160 dots an inch."""
    wanted: dict[str, tuple[Callable[[Metrics], Figure], Any]] = {
        "accuracy.png": (_accuracy, metrics["evaluation"]),
        "paths.png": (_paths, together.path_curves(metrics)),
        "by_category.png": (_by_category, sections.breakdowns(metrics["by_category"], "category", metrics)),
        "yields.png": (_yields, metrics["yield"]),
        "training.png": (_training, metrics["curves"]["loss"]),
    }
    with matplotlib.rc_context(_STYLE):  # type: ignore[arg-type, unused-ignore]
        return {name: _png(figure(metrics)) for name, (figure, present) in wanted.items() if present}


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=160, facecolor="white", metadata={"Software": None})
    return buffer.getvalue()


def _figure(heights: list[float], width: float = 7.6) -> tuple[Figure, list[Any]]:
    """A figure with one panel above the other; ``heights`` in rows of text."""
    figure = Figure(figsize=(width, sum(0.3 * height + 0.75 for height in heights)), layout="constrained")
    axes = figure.subplots(len(heights), 1, squeeze=False, height_ratios=heights)
    return figure, list(axes[:, 0])


def _accuracy(metrics: Metrics) -> Figure:
    panels, thoughts = sections.accuracy(metrics), sections.thoughts(metrics)
    figure, axes = _figure([len(panel.main) + len(panel.bounds) for panel in panels])
    for axis, panel in zip(axes, panels, strict=True):
        records = panel.main + panel.bounds
        for y, record in enumerate(records):
            _interval(axis, y, record, palette.colour(record["selection"], thoughts))
            figures = f"{100 * record['accuracy']:.1f} %  ({record['correct']:,} of {record['n']:,})"
            axis.text(104, y, figures, va="center")
        names = [palette.label(record["selection"]) + ("  ●" if record["headline"] else "") for record in records]
        _rows(axis, names)
        axis.set_title(f"{panel.dataset}, {panel.decoding}")
    axes[-1].set_xlabel("problems answered right, %, 95 % Wilson intervals; ● headline selection; hollow: upper bound")
    return figure


def _interval(axis: Any, y: float, record: Row, ink: palette.Ink) -> None:
    bound = record["selection"] == ORACLE
    axis.hlines(y, 100 * record["low"], 100 * record["high"], color=ink.light, alpha=0.3, linewidth=5)
    axis.plot(
        100 * record["accuracy"],
        y,
        _MARKERS[ink.marker],
        color=ink.light,
        markersize=9 if record["headline"] else 7,
        markerfacecolor="white" if bound else ink.light,
        clip_on=False,
    )


def _paths(metrics: Metrics) -> Figure:
    parts, thoughts = together.path_curves(metrics), sections.thoughts(metrics)
    figure = Figure(figsize=(7.6, 3.4 * len(parts)), layout="constrained")
    for axis, part in zip(figure.subplots(len(parts), 1, squeeze=False)[:, 0], parts, strict=True):
        for curve in part.drawn:
            alone = curve.thoughts[0] if len(curve.thoughts) == 1 else None
            ink = palette.colour(alone, thoughts) if alone else palette.NEUTRAL
            ks, shares = ([record[key] for record in curve.records] for key in ("paths", "accuracy"))
            axis.plot(
                ks,
                [100 * share for share in shares],
                _DASHES.get(curve.selection, "-"),
                marker=_MARKERS[ink.marker],
                color=_GREY if curve.selection == ORACLE else ink.light,
                markersize=4,
                label=palette.label(curve.selection) + (f", {palette.label(alone)} alone" if alone else ""),
            )
        axis.set_title(f"{part.dataset}, {part.n:,} problems")
        axis.set_xticks(part.ks)
        axis.grid(True, axis="y")
        axis.set_ylabel("problems answered right, %")
        axis.legend()
    axis.set_xlabel("paths")
    return figure


def _by_category(metrics: Metrics) -> Figure:
    parts = sections.breakdowns(metrics["by_category"], "category", metrics)
    figure, axes = _figure([len(part.groups) for part in parts])
    for axis, part in zip(axes, parts, strict=True):
        for y, group in enumerate(part.groups):
            if group.headline:
                axis.barh(y, 100 * group.headline["accuracy"], height=0.55, color=palette.NEUTRAL.light, alpha=0.13)
                figures = f"{100 * group.headline['accuracy']:.0f} %  (n = {group.headline['n']:,})"
                axis.text(104, y, figures, va="center")
            for record in group.thoughts:
                ink = palette.colour(record["selection"], sections.thoughts(metrics))
                shape = _MARKERS[ink.marker]
                axis.plot(100 * record["accuracy"], y, shape, color=ink.light, markersize=6, clip_on=False)
        _rows(axis, [group.name.replace("_", " ") for group in part.groups])
        axis.set_title(part.dataset)
    chosen = next((record["selection"] for record in metrics["evaluation"] if record["headline"]), "")
    names = ", ".join(palette.label(record["selection"]) for record in parts[0].groups[0].thoughts)
    axes[-1].set_xlabel(f"problems answered right, %; bar: {palette.label(chosen)}; marks: {names} alone")
    return figure


def _yields(metrics: Metrics) -> Figure:
    records = metrics["yield"]
    figure, (axis,) = _figure([len(records)])
    for y, record in enumerate(records):
        ink, start = palette.colour(record["thought"], sections.thoughts(metrics)).light, 0.0
        total = record["samples"] or 1
        for number, look in (
            (record["correct"], {"color": ink}),
            (record["wrong"], {"facecolor": "white", "edgecolor": ink, "hatch": "////", "linewidth": 0}),
            (record["samples"] - record["correct"] - record["wrong"], {"color": _GREY}),
        ):
            axis.barh(y, 100 * number / total, left=start, height=0.6, **look)
            start += 100 * number / total
        axis.text(104, y, f"{record['correct']:,} of {record['samples']:,} right", va="center")
    _rows(axis, [palette.label(record["thought"]) for record in records])
    axis.set_xlabel("teacher samples, %: right, answered but wrong (hatched), the rest (grey)")
    return figure


def _training(metrics: Metrics) -> Figure:
    figure = Figure(figsize=(7.6, 3.2), layout="constrained")
    axis = figure.subplots()
    axis.plot(*zip(*binned(metrics["curves"]["loss"]), strict=True), color=_MUTED, linewidth=1.2, label="training loss")
    if metrics["curves"]["dev_loss"]:
        dev = zip(*metrics["curves"]["dev_loss"], strict=True)
        axis.plot(*dev, "o--", color=palette.NEUTRAL.light, linewidth=1, label="dev loss")
    exported = (metrics["student"] or {}).get("exported_step")
    if exported is not None:
        axis.axvline(exported, color=_MUTED, linewidth=1, linestyle=":", label=f"exported step, {exported:,}")
    values = [value for name in ("loss", "dev_loss") for _, value in metrics["curves"][name] if value > 0]
    if values:
        axis.set_yscale("log")
        ticks = round_values(min(values), max(values))
        axis.set_yticks(ticks, [f"{tick:g}" for tick in ticks], color=_MUTED)
        axis.minorticks_off()
    axis.set_xlim(left=0)
    axis.grid(True, axis="y")
    axis.set_xlabel("optimizer step")
    axis.set_ylabel("cross-entropy per target token")
    axis.legend()
    return figure


def _rows(axis: Any, names: list[str]) -> None:
    axis.set_yticks(range(len(names)), names, color=palette.NEUTRAL.light)
    axis.set_ylim(len(names) - 0.4, -0.6)
    axis.set_xlim(0, 100)
    axis.set_xticks(range(0, 101, 25))
