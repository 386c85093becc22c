"""Greedy completions on a CPU by CTranslate2, which keeps a student's steps out of Python.

    decoder = open_decoder("runs/quickstart/student", "cpu", threads=2)
    decoder.decode(["Question: Ann has 3 pens ...\\nLet's break down the code step by step\\n"],
                   max_tokens=256, max_input_tokens=256)
    -> [[Decoded(completion="pens = 3 + 4\\nans = pens", tokens=14, finished=True, logprob=-0.03)]]

Needs the extra ``ctranslate2``; without it, and for checkpoints that it cannot convert, ``open_decoder`` gives ours.
Sampled paths are always ours: CTranslate2 draws them from one generator a thread, so that the same seed gives other
paths each time. Its scores are summed log-probabilities, untempered, once no length penalty divides them.
"""

import contextlib
import hashlib
import importlib.util
import json
import logging
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from transformers import AutoConfig, GenerationConfig

from pipelines.errors import ConfigError
from pipelines.inference.decoding import Decoded, Decoder, end_tokens, not_a_student, open_tokenizer

FOLDER = "ctranslate2"
_SOURCE = "source.json"  # which weights were converted
_ROWS = 64  # of a batch, and a thread: steps that stay in its cache
_PROBE = "Question: Ann has 3 pens and buys 14 more. How many pens does she have?\n"
_PROBE_TOKENS = 8
_LOGPROB_ERROR = 1e-3

_LOG = logging.getLogger(__name__)


def open_decoder(student_dir: str, device: str, threads: int) -> "CTranslateDecoder | Decoder":
    """The fastest decoder that gives the student's own greedy completions on ``device`` ("cpu", "cuda", ...).

    Raises:
        DataError: the directory is no student.
    """
    if device == "cpu" and importlib.util.find_spec("ctranslate2") is not None:
        try:
            return CTranslateDecoder(student_dir, threads)
        except _NotConvertible as reason:
            _LOG.warning("%s: decoding without CTranslate2 (%s)", student_dir, reason)
    return Decoder(student_dir, device, threads)


def convert(student_dir: str, quantization: str, directory: str) -> None:
    """Write the student to ``directory`` in CTranslate2's format; ``quantization`` is "float32" or "int8".

    Raises:
        ConfigError: CTranslate2 is not installed, or does not know this kind of model.
    """
    if importlib.util.find_spec("ctranslate2") is None:
        raise ConfigError("CTranslate2 is not installed; run pip install 'thought-distill[ctranslate2]'")
    try:
        _convert(student_dir, quantization, directory)
    except _NotConvertible as reason:
        raise ConfigError(f"{student_dir}: CTranslate2 cannot convert it ({reason})") from None


class CTranslateDecoder:
    """A student in CTranslate2, one batch a thread.

    Uses what ``convert`` left in ``<student_dir>/ctranslate2`` if it is these weights in float32; else converts to a
    temporary folder and checks the result against ours. Completions in int8 are another student's: never used here.

    Raises:
        DataError: the directory is no student.
    """

    def __init__(self, student_dir: str, threads: int = 1) -> None:
        import ctranslate2

        self._student_dir, self._threads = student_dir, threads
        self._ours: Decoder | None = None
        try:
            config = AutoConfig.from_pretrained(student_dir, trust_remote_code=False)
            self._tokenizer = open_tokenizer(student_dir)
        except Exception as error:  # files of strangers fail in as many ways as there are loaders
            raise not_a_student(student_dir, error) from None
        try:
            generation = GenerationConfig.from_pretrained(student_dir)
        except OSError:
            generation = GenerationConfig.from_model_config(config)
        self._ends = end_tokens(generation, self._tokenizer)
        exported = Path(student_dir, FOLDER)
        with contextlib.ExitStack() as stack:
            is_ours = _source(exported) == {"weights": _weights(student_dir), "quantization": "float32"}
            folder = str(exported) if is_ours else stack.enter_context(_converted(student_dir))
            self._translator = ctranslate2.Translator(folder, inter_threads=threads, intra_threads=1)
            self._ids = {token: number for number, token in enumerate(_vocabulary(Path(folder)))}
        if not is_ours:
            self._check()

    def decode(
        self,
        inputs: Sequence[str],
        *,
        max_tokens: int,
        max_input_tokens: int,
        paths: int = 0,
        temperature: float = 0.7,
        seed: int = 0,
    ) -> list[list[Decoded]]:
        """The completions of each input, as ``Decoder.decode``; sampled ones are its own."""
        if paths:
            return self._decoder().decode(
                inputs,
                max_tokens=max_tokens,
                max_input_tokens=max_input_tokens,
                paths=paths,
                temperature=temperature,
                seed=seed,
            )
        if not inputs:
            return []
        encoded = self._tokenizer(list(inputs), truncation=True, max_length=max_input_tokens)["input_ids"]
        results = self._translator.translate_batch(
            [self._tokenizer.convert_ids_to_tokens(ids) for ids in encoded],
            beam_size=1,
            length_penalty=0,
            return_scores=True,
            return_end_token=True,
            end_token=self._ends,
            max_input_length=0,
            min_decoding_length=0,  # an empty completion is one
            max_decoding_length=max_tokens,
            max_batch_size=min(_ROWS, -(-len(inputs) // self._threads)),  # sorted by length
        )
        written = [[self._ids[token] for token in result.hypotheses[0]] for result in results]
        texts = self._tokenizer.batch_decode(written, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return [
            [Decoded(text, len(ids), bool(ids) and ids[-1] in self._ends, result.scores[0])]
            for text, ids, result in zip(texts, written, results, strict=True)
        ]

    def _decoder(self) -> Decoder:
        if self._ours is None:
            self._ours = Decoder(self._student_dir, "cpu", self._threads)
        return self._ours

    def _check(self) -> None:
        """Refuse a conversion that is another model than ours; some kinds of checkpoint convert without complaint."""
        limits = {"max_tokens": _PROBE_TOKENS, "max_input_tokens": 64}
        decoder = Decoder(self._student_dir, "cpu")
        [[theirs]], [[ours]] = self.decode([_PROBE], **limits), decoder.decode([_PROBE], **limits)
        if theirs.completion != ours.completion or abs(theirs.logprob - ours.logprob) > _LOGPROB_ERROR:
            raise _NotConvertible("the converted model gives other completions")


class _NotConvertible(Exception):  # noqa: N818 - a reason, not an error of the user's
    """Why CTranslate2 cannot stand for a student."""


@contextlib.contextmanager
def _converted(student_dir: str) -> Iterator[str]:
    """The student in float32 in a folder that goes away."""
    with tempfile.TemporaryDirectory(prefix="ctranslate2-") as folder:
        _convert(student_dir, "float32", folder)
        yield folder


def _convert(student_dir: str, quantization: str, directory: str) -> None:
    from ctranslate2.converters import TransformersConverter
    from ctranslate2.specs import model_spec

    class Converter(TransformersConverter):  # type: ignore[misc]
        """With the output scale of T5 v1.1, which the original reads from a field that transformers 5 always sets."""

        def _load(self) -> Any:
            spec = super()._load()
            if not getattr(AutoConfig.from_pretrained(student_dir), "scale_decoder_outputs", True):
                spec.decoder.scale_outputs = model_spec.OPTIONAL
            return spec

    try:
        Converter(student_dir).convert(directory, quantization=quantization, force=True)
    except Exception as error:  # the loaders fail in as many ways as there are architectures
        raise _NotConvertible((str(error) or type(error).__name__)[:100].splitlines()[0]) from None
    source = {"weights": _weights(student_dir), "quantization": quantization}
    Path(directory, _SOURCE).write_text(json.dumps(source), encoding="utf-8")


def _weights(student_dir: str) -> str:
    """A hash of the weights' files and the configuration."""
    files = sorted([*Path(student_dir).glob("*.safetensors"), *Path(student_dir).glob("*.bin")])
    total = hashlib.sha256()
    for file in [Path(student_dir, "config.json"), *files]:
        with file.open("rb") as stream:
            total.update(hashlib.file_digest(stream, "sha256").digest())
    return total.hexdigest()


def _source(exported: Path) -> Any:
    file = exported / _SOURCE
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None


def _vocabulary(folder: Path) -> list[str]:
    """The target tokens in the order of their numbers."""
    names = ("shared_vocabulary.json", "target_vocabulary.json")
    file = next(folder / name for name in names if (folder / name).is_file())
    tokens: list[str] = json.loads(file.read_text(encoding="utf-8"))
    return tokens
