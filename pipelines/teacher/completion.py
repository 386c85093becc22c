"""A completion as a local teacher gives it, before the protocol wraps it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Completion:
    """The text, why it ended ("stop", "length", ...), and the model that wrote it."""

    text: str
    finish_reason: str
    model: str
