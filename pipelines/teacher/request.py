"""What is asked of a teacher, and what comes back.

    Request(problem_id="gsm8k/train/12", thought="pot", draw=0, draws=4, question="...")

``Sample`` is a row of ``samples/``, ``Failure`` a row of ``samples_failed/``.
"""

from dataclasses import dataclass, replace
from urllib.parse import quote, unquote

import pyarrow as pa

REQUEST_ID_HEADER = "X-Client-Request-Id"
"""OpenAI's header for a client's own id of a request; the local teachers read the sample id from it."""

STUDENT = "student of round"
"""How ``model`` begins where no teacher wrote a sample, but the student itself (self-training); its round follows."""

SAMPLE_SCHEMA = pa.schema(
    [
        pa.field("sample_id", pa.string(), nullable=False),
        pa.field("problem_id", pa.string(), nullable=False),
        pa.field("thought", pa.string(), nullable=False),
        pa.field("draw", pa.int32(), nullable=False),
        pa.field("completion", pa.string(), nullable=False),
        pa.field("reasoning", pa.string()),
        pa.field("finish_reason", pa.string()),
        pa.field("model", pa.string()),
        pa.field("prompt_tokens", pa.int64()),
        pa.field("completion_tokens", pa.int64()),
        pa.field("cost_usd", pa.float64()),
        pa.field("latency_s", pa.float64()),
        pa.field("request_id", pa.string()),
    ]
)

FAILURE_SCHEMA = pa.schema(
    [
        pa.field("sample_id", pa.string(), nullable=False),
        pa.field("problem_id", pa.string(), nullable=False),
        pa.field("thought", pa.string(), nullable=False),
        pa.field("draw", pa.int32(), nullable=False),
        pa.field("error", pa.string(), nullable=False),
        pa.field("attempts", pa.int32(), nullable=False),
    ]
)


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request for ``draws`` completions, numbered from ``draw``."""

    problem_id: str
    thought: str
    draw: int
    draws: int = 1
    question: str

    @property
    def sample_ids(self) -> list[str]:
        """The ids of its samples: problem/thought/draw. They never change."""
        return [sample_id(self.problem_id, self.thought, draw) for draw in range(self.draw, self.draw + self.draws)]

    def split(self) -> "list[Request]":
        """The same as requests for one completion each."""
        return [replace(self, draw=draw, draws=1) for draw in range(self.draw, self.draw + self.draws)]


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A completion as the teacher gave it."""

    sample_id: str
    problem_id: str
    thought: str
    draw: int
    completion: str
    reasoning: str | None
    finish_reason: str | None
    model: str | None
    prompt_tokens: int | None
    completion_tokens: int | None
    cost_usd: float | None
    latency_s: float | None  # None: it came in a batch
    request_id: str | None


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A request that failed to the end; the next run tries it again."""

    sample_id: str
    problem_id: str
    thought: str
    draw: int
    error: str
    attempts: int
    cost_usd: float = 0.0

    @classmethod
    def of(cls, request: Request, error: str, attempts: int, cost_usd: float = 0.0) -> "list[Failure]":
        """The failures of all draws of a request, in their order; ``cost_usd`` is in the first."""
        return [
            cls(
                sample_id=one.sample_ids[0],
                problem_id=one.problem_id,
                thought=one.thought,
                draw=one.draw,
                error=error,
                attempts=attempts,
                cost_usd=cost_usd if turn == 0 else 0.0,
            )
            for turn, one in enumerate(request.split())
        ]


def sample_id(problem_id: str, thought: str, draw: int) -> str:
    """The id of a sample."""
    return f"{problem_id}/{thought}/{draw}"


def request_id_header(request: Request) -> dict[str, str]:
    """The header that names a request's first sample; ids are quoted, since headers are ASCII."""
    return {REQUEST_ID_HEADER: quote(request.sample_ids[0])}


def sample_key(header: str) -> tuple[str, str, int]:
    """Problem id, thought and draw from the header's value.

    Raises:
        ValueError: the value is no sample id.
    """
    problem_id, thought, draw = unquote(header).rsplit("/", 2)
    return problem_id, thought, int(draw)
