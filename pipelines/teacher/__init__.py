"""The teacher: the OpenAI-compatible client, its quota and price, and two local teachers that need no key."""

from pipelines.teacher.client import Teacher, TeacherRefused, model_name
from pipelines.teacher.price import Price, estimate_tokens, price_of
from pipelines.teacher.quota import Lease, Quota
from pipelines.teacher.recorded import Recordings, recorded_files
from pipelines.teacher.request import FAILURE_SCHEMA, SAMPLE_SCHEMA, Failure, Request, Sample

__all__ = [
    "FAILURE_SCHEMA",
    "SAMPLE_SCHEMA",
    "Failure",
    "Lease",
    "Price",
    "Quota",
    "Recordings",
    "Request",
    "Sample",
    "Teacher",
    "TeacherRefused",
    "estimate_tokens",
    "model_name",
    "price_of",
    "recorded_files",
]
