"""Model and tokenizer set-up, batches, loss, the training loop body, and export."""

from pipelines.student.checkpoints import CheckpointStore
from pipelines.student.dev_problems import DevProblems, headline
from pipelines.student.examples import TokenisedMixture, open_tokenised, tokenise
from pipelines.student.export import ModelCard, export
from pipelines.student.model import PRESETS, load, load_model, load_tokenizer, parameter_count, parameter_count_of
from pipelines.student.tokenizer import check_round_trip, train_tokenizer
from pipelines.student.training import TrainingResult, train

__all__ = [
    "PRESETS",
    "CheckpointStore",
    "DevProblems",
    "ModelCard",
    "TokenisedMixture",
    "TrainingResult",
    "check_round_trip",
    "export",
    "headline",
    "load",
    "load_model",
    "load_tokenizer",
    "open_tokenised",
    "parameter_count",
    "parameter_count_of",
    "tokenise",
    "train",
    "train_tokenizer",
]
