"""Thoughts: one module each. A new thought is one new module and one line here."""

import difflib
from collections.abc import Iterable

from pipelines.errors import ConfigError
from pipelines.thoughts import cot, eot, label, pot
from pipelines.thoughts.prompt import Message, Prompt, as_asked, asked, load_prompt
from pipelines.thoughts.thought import Thought, student_input
from pipelines.thoughts.verdict import Verdict, judge

__all__ = [
    "SAMPLED",
    "THOUGHTS",
    "Message",
    "Prompt",
    "Thought",
    "Verdict",
    "as_asked",
    "asked",
    "check",
    "judge",
    "load_prompt",
    "student_input",
]

SAMPLED: dict[str, Thought] = {module.THOUGHT.name: module.THOUGHT for module in (cot, pot, eot)}
"""The thoughts that a teacher can be asked for."""

THOUGHTS: dict[str, Thought] = {**SAMPLED, label.THOUGHT.name: label.THOUGHT}
"""Those, and the label baseline, which needs no teacher."""


def check(names: Iterable[str], field: str) -> None:
    """Refuse names that are no thought.

    Raises:
        ConfigError: names the field and the nearest thought.
    """
    for name in names:
        if name not in SAMPLED:
            near = difflib.get_close_matches(name, SAMPLED, n=1, cutoff=0.3)
            hint = f"; did you mean '{near[0]}'?" if near else ""
            raise ConfigError(f"{field}: '{name}' is no thought; expected some of {', '.join(SAMPLED)}{hint}")
