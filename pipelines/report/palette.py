"""Names and colours: a thought has the same ones in every plot, table and picture.

    label("pot>eot>cot")  →  "PoT → EoT → CoT"
    colour("pot")         →  Ink(light="#0b67b0", dark="#62b0f0", marker="square")

Hues are those of Okabe and Ito (*Color Universal Design*, 2008), told apart by readers with any colour vision; each is
darkened for white paper and lightened for a dark screen, to a contrast of at least 3:1. Markers differ as well.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Ink:
    """A colour on white, the same on a dark page, and the marker that goes with it."""

    light: str
    dark: str
    marker: str


_THOUGHTS = {
    "pot": Ink("#0b67b0", "#62b0f0", "square"),
    "eot": Ink("#00855f", "#3fc79a", "diamond"),
    "cot": Ink("#c97600", "#f0a63a", "circle"),
}
_OTHERS = (
    Ink("#a8508a", "#dd8fc0", "circle"),
    Ink("#b3402a", "#f08a6c", "square"),
    Ink("#6a6f00", "#c9cf4a", "diamond"),
)
NEUTRAL = Ink("#1f2328", "#e8e6e1", "circle")

_MEANINGS = {
    "majority": "the answer most sampled paths agree on, all thoughts together (MD); greedy ones where none is sampled",
    "majority_with_greedy": "majority in which the greedy path of each thought votes too",
    "weighted": "majority in which a path's vote weighs its probability per token",
    "confidence": "the answer that a small model fitted on dev thinks most probably right",
    "adaptive": "PoT, and CoT only where PoT gives no answer (MD, N = 2)",
    "oracle": "right if any path is right: an upper bound, not a method",
}

_RECIPES = {
    "etd": "all kept thoughts together",
    "md": "thoughts weighted by how many of their draws are right",
    "label": "answers without a thought",
}

_FLAGS = {
    "comment_contradicts": "a comment states another answer",
    "constant": "the answer was written down, not calculated",
    "reassigned": "a name is set twice, as in a program",
    "no_question_numbers": "uses none of the question's numbers",
    "wrong_arithmetic": "a calculation in the text is wrong",
}

_STATUSES = {
    "solved": "gave an answer",
    "no_answer": "no answer in the text",
    "truncated": "ended at the token limit",
    "refused": "declined to answer",
    "syntax_error": "not valid Python",
    "runtime_error": "stopped with an exception",
    "timeout": "took too long",
    "memory_limit": "took too much memory",
    "forbidden": "tried what a program may not do",
    "non_numeric": "ran, but left no usable answer",
    "unparsable": "a line is not an equation",
    "underdetermined": "an unknown is left free",
    "inconsistent": "the equations contradict each other",
    "unsolved": "not linear, and not solved",
}


def recipe_meaning(recipe: str) -> str:
    """What a recipe trains on, in a few words; empty for one that we do not know."""
    return _RECIPES.get(recipe, "")


def type_label(kind: str) -> str:
    """A problem's type in the mixture: "several right", "only CoT right", "none right"; others as they are called."""
    if kind in ("several", "none"):
        return f"{kind} right"
    if kind.startswith("only_"):
        return f"only {label(kind.removeprefix('only_'))} right"
    return kind.replace("_", " ")


def status_meaning(status: str) -> str:
    """What a status says of a completion, in a few words; empty for one that we do not know."""
    return _STATUSES.get(status, "")


def flag_meaning(flag: str) -> str:
    """Why a completion with this flag is to be doubted; the flag itself where we do not know it."""
    return _FLAGS.get(flag, flag.replace("_", " "))


def colour(thought: str, thoughts: tuple[str, ...] = ()) -> Ink:
    """The ink of a thought. One that we do not know takes a spare ink, by its place among the unknown ``thoughts``."""
    if thought in _THOUGHTS:
        return _THOUGHTS[thought]
    unknown = [name for name in thoughts if name not in _THOUGHTS]
    return _OTHERS[unknown.index(thought) % len(_OTHERS)] if thought in unknown else NEUTRAL


def label(selection: str) -> str:
    """A thought or selection as people write it: "PoT", "PoT → EoT → CoT" (unbreakable), "Majority"."""
    return "\N{NO-BREAK SPACE}→\N{NO-BREAK SPACE}".join(_word(part) for part in selection.split(">"))


def meaning(selection: str) -> str:
    """What a selection does, in half a sentence."""
    if selection in _MEANINGS:
        return _MEANINGS[selection]
    if ">" in selection:
        return "the first of these thoughts that answers"
    return f"{label(selection)} alone"


def ordered(thoughts: set[str]) -> tuple[str, ...]:
    """Thoughts in the order that every figure uses: PoT, EoT, CoT, then others by name."""
    known = [thought for thought in _THOUGHTS if thought in thoughts]
    return (*known, *sorted(thoughts - set(known)))


def _word(name: str) -> str:
    if len(name) == 3 and name.endswith("ot"):
        return f"{name[0].upper()}oT"
    return name[:1].upper() + name[1:].replace("_", " ")
