"""The words of a report, spelled out: its thoughts, its kind of teacher, and test problems of families held out.

    words(tables, metrics)
    →  ["PoT: the thought is a Python program, which is run.", "Rehearsal: a program that ...", ...]

Only what occurs in the run is explained. What a selection, a status or a flag means is `palette`'s.
"""

from collections import defaultdict

from pipelines.report import palette, sections
from pipelines.report.metrics import Metrics
from pipelines.report.tables import RunTables, rows

_THOUGHTS = {
    "pot": "a Python program, which is run",
    "eot": "equations, which are solved",
    "cot": "prose, whose answer is read",
    "label": "left out: the answer alone",
}
_TEACHERS = {
    "rehearsal": "Rehearsal: a program that plays the teacher, no LLM.",
    "recorded": "Recorded: completions that an LLM wrote earlier, replayed.",
}


def words(tables: RunTables, metrics: Metrics) -> list[str]:
    """Sentences for below the headline."""
    used = [thought for thought in sections.thoughts(metrics) if thought in _THOUGHTS]
    said = [
        f"{palette.label(thought)}: {'the thought is ' if thought == used[0] else ''}{_THOUGHTS[thought]}"
        for thought in used
    ]
    teacher = _TEACHERS.get((tables.config.get("teacher") or {}).get("kind", "")) if metrics["yield"] else None
    return [*(["; ".join(said) + "."] if said else []), *([teacher] if teacher else []), *held_out(tables)]


def held_out(tables: RunTables) -> list[str]:
    """A sentence for each set of generated test problems that shares no family with the training problems."""
    families: defaultdict[str, set[str]] = defaultdict(set)
    for row in rows(tables.evaluation_problems, "dataset", "category"):
        families[row["dataset"]].add(row["category"])
    trained = {row["category"] for row in rows(tables.problems, "category")}
    sources = [tables.config.get("problems") or {}, *(tables.config.get("evaluation_problems") or [])]
    if not trained or any(source.get("source") != "generated" for source in sources):
        return []
    return [
        f"{name}: problems of families that nothing was trained on ({', '.join(sorted(mine)).replace('_', ' ')})."
        for name, mine in families.items()
        if None not in mine and not mine & trained
    ]
