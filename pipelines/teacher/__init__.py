"""The teacher: the OpenAI-compatible client, its quota and price, and two local teachers that need no key."""

from pipelines.teacher.adaptive import Belief, Costs, fitted, policy
from pipelines.teacher.client import ATTEMPTS, Gate, OpenGate, Teacher
from pipelines.teacher.dialect import Dialect
from pipelines.teacher.exchange import Exchange, TeacherRefused
from pipelines.teacher.price import Price, model_name, price_of
from pipelines.teacher.quota import Grant, Limits, Quota
from pipelines.teacher.recorded import Recordings, recorded_files
from pipelines.teacher.request import FAILURE_SCHEMA, SAMPLE_SCHEMA, STUDENT, Failure, Request, Sample
from pipelines.teacher.tokens import PromptTokens, estimate_prompt, estimate_tokens
from pipelines.teacher.window import Window, patience

__all__ = [
    "ATTEMPTS",
    "FAILURE_SCHEMA",
    "SAMPLE_SCHEMA",
    "STUDENT",
    "Belief",
    "Costs",
    "Dialect",
    "Exchange",
    "Failure",
    "Gate",
    "Grant",
    "Limits",
    "OpenGate",
    "Price",
    "PromptTokens",
    "Quota",
    "Recordings",
    "Request",
    "Sample",
    "Teacher",
    "TeacherRefused",
    "Window",
    "estimate_prompt",
    "estimate_tokens",
    "fitted",
    "model_name",
    "patience",
    "policy",
    "price_of",
    "recorded_files",
]
