"""The teacher's prompt: instructions first, then demonstrations, the question last.

Providers cache prefixes, so everything that repeats stands before what changes.
A prompt file is Markdown, one per thought:

    Solve the problem with a short Python program. ...

    ## Question

    A tram carries 46 passengers. ...

    ## Completion

    passengers_at_start = 46
    ...
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from pipelines.errors import DataError

OURS = Path(__file__).parent / "prompts"
_HEADING = re.compile(r"^## (Question|Completion)[ \t]*$", re.MULTILINE)


class Message(TypedDict):
    """One message of the chat-completions protocol."""

    role: str
    content: str


@dataclass(frozen=True)
class Prompt:
    """A thought's instructions and its demonstrations as (question, completion)."""

    instructions: str
    demonstrations: tuple[tuple[str, str], ...]

    def messages(self, question: str) -> list[Message]:
        """The chat messages that ask for one completion."""
        messages = [Message(role="system", content=self.instructions)]
        for asked, completion in self.demonstrations:
            messages.append(Message(role="user", content=as_asked(asked)))
            messages.append(Message(role="assistant", content=completion))
        return [*messages, Message(role="user", content=as_asked(question))]

    def digest(self) -> str:
        """Hash of all that the teacher is told besides the question."""
        return hashlib.sha256(repr(self).encode()).hexdigest()[:16]


def as_asked(question: str) -> str:
    """How a question stands in a user message."""
    return f"Question: {question}"


def asked(content: str) -> str:
    """The inverse of ``as_asked``."""
    return content.removeprefix("Question: ")


def load_prompt(thought: str, demonstrations: int, folder: str | None = None) -> Prompt:
    """The prompt of a thought from ``folder`` (default: ours), with its first N demonstrations.

    Raises:
        DataError: the file is missing, has no instructions, or fewer demonstrations than asked for.
    """
    path = (Path(folder) if folder else OURS) / f"{thought}.md"
    if not path.is_file():
        raise DataError(f"{path}: no such file; a prompt folder holds one <thought>.md for each sampled thought")
    parts = _HEADING.split(path.read_text(encoding="utf-8"))
    instructions, headings, bodies = parts[0].strip(), parts[1::2], [body.strip() for body in parts[2::2]]
    if not instructions:
        raise DataError(f"{path}: no instructions; expected text before the first '## Question'")
    if headings != ["Question", "Completion"] * (len(headings) // 2):
        raise DataError(f"{path}: '## Question' and '## Completion' must alternate")
    pairs = tuple(zip(bodies[0::2], bodies[1::2], strict=True))
    if len(pairs) < demonstrations:
        raise DataError(f"{path}: {len(pairs)} demonstrations, but sampling.demonstrations is {demonstrations}")
    return Prompt(instructions, pairs[:demonstrations])
