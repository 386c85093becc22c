"""A pretrained student as its files are published: CodeT5, CodeT5+, T5, T5 v1.1, FLAN-T5 and their like.

    tokenizer = open_tokenizer("Salesforce/codet5-small", revision=None)     32,100 tokens, every text survives
    model = open_model("Salesforce/codet5-small", None, tokenizer)           T5ForConditionalGeneration, fp32, on CPU
    commit("Salesforce/codet5-small", "main")                                "a642dc934e5475185369d09ac07091dfe72a31fc"

Whatever cannot train is refused here, in one line, before a teacher is asked anything: missing or cut weights, weights
of another shape, a tokenizer of another model, a repository that wants its own code to be run.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForSeq2SeqLM
from transformers.utils import cached_file, extract_commit_hash
from transformers.utils import logging as transformers_logging

from pipelines.errors import ConfigError, DataError
from pipelines.inference.tokenizer_files import open_tokenizer_files
from pipelines.student.byte_fallback import first_new_token, needs_byte_fallback, with_byte_fallback

_NAMED = 3  # weights that a message names
_POINTER, _POINTER_BYTES = b"version https://git-lfs", 1024


def open_config(name: str, revision: str | None) -> Any:
    """The configuration of an encoder-decoder checkpoint; nothing else is read.

    Raises:
        ConfigError: the checkpoint is of another kind, such as a decoder-only or an encoder-only model.
        DataError: there is no such checkpoint, or its configuration lacks what training needs.
    """
    try:
        config = AutoConfig.from_pretrained(name, revision=revision, trust_remote_code=False)
    except Exception as error:  # files of strangers fail in as many ways as there are loaders
        raise _unavailable(name, revision, error) from None
    if type(config) not in AutoModelForSeq2SeqLM._model_mapping:
        raise ConfigError(
            f"student.model: {name} ({config.model_type}) is not an encoder-decoder; expected T5, CodeT5 or "
            "another model that AutoModelForSeq2SeqLM opens, such as Salesforce/codet5-small"
        )
    for field in ("decoder_start_token_id", "eos_token_id", "pad_token_id"):
        if getattr(config, field, None) is None:
            raise DataError(
                f"student.model: config.json of {name} lacks {field}, without which no answer can be trained; "
                "add it (T5 starts with its pad token, 0), or choose another checkpoint"
            )
    return config


def open_tokenizer(name: str, revision: str | None) -> Any:
    """The checkpoint's own tokenizer, made to write every text: control tokens in a text are text.

    Raises:
        DataError: the files do not open, or the tokenizer does not end a text with its end token.
    """
    try:
        tokenizer = open_tokenizer_files(name, revision)
    except Exception as error:
        raise _unavailable(name, revision, error) from None
    if needs_byte_fallback(tokenizer):
        tokenizer = with_byte_fallback(tokenizer)
    ids = tokenizer("1")["input_ids"]
    if tokenizer.eos_token_id is None or ids[-1:] != [tokenizer.eos_token_id]:
        raise DataError(
            f"student.model: the tokenizer of {name} does not end a text with its end token ({tokenizer.eos_token}), "
            "so that a student would never stop; choose an encoder-decoder such as Salesforce/codet5-small"
        )
    return tokenizer


def open_model(name: str, revision: str | None, tokenizer: Any) -> Any:
    """The checkpoint on CPU in fp32 and in training mode, with an embedding for every token of ``tokenizer``.

    Embeddings of tokens that ``with_byte_fallback`` added start as the mean of the checkpoint's.

    Raises:
        ConfigError, DataError: as ``open_config``; weights are missing, cut, not finite or of another shape, or the
            tokenizer belongs to another model.
    """
    config = open_config(name, revision)
    _check_same_tokens(name, config, tokenizer)
    try:
        with _quiet():
            model, loaded = AutoModelForSeq2SeqLM.from_pretrained(
                name,
                revision=revision,
                trust_remote_code=False,
                dtype=torch.float32,
                output_loading_info=True,
                ignore_mismatched_sizes=True,  # collected below, so that the message can name them
            )
    except Exception as error:
        raise _unavailable(name, revision, error) from None
    _check_weights(name, model, loaded)
    _add_embeddings(model, tokenizer)
    return model.train()


def commit(name: str, revision: str | None) -> str | None:
    """The commit that a revision of a hub repository stands for; None for a local folder.

    Raises:
        DataError: there is no such checkpoint or revision.
    """
    if Path(name).is_dir():
        return None
    try:
        file = cached_file(name, "config.json", revision=revision)
    except Exception as error:
        raise _unavailable(name, revision, error) from None
    found: str | None = extract_commit_hash(str(file), None)
    return found


def _check_same_tokens(name: str, config: Any, tokenizer: Any) -> None:
    """Refuse a tokenizer that belongs to another model."""
    ends = config.eos_token_id if isinstance(config.eos_token_id, list) else [config.eos_token_id]
    own = first_new_token(tokenizer) or len(tokenizer)
    if own > config.vocab_size:
        difference = f"has {own:,} tokens, the model {config.vocab_size:,}"
    elif tokenizer.eos_token_id not in ends:
        difference = f"ends a text with token {tokenizer.eos_token_id}, the model with {config.eos_token_id}"
    elif tokenizer.pad_token_id != config.pad_token_id:
        difference = f"pads with token {tokenizer.pad_token_id}, the model with {config.pad_token_id}"
    else:
        return
    raise DataError(
        f"student.model: the tokenizer of {name} belongs to another model (it {difference}); "
        "expected the files of one checkpoint"
    )


def _check_weights(name: str, model: Any, loaded: dict[str, Any]) -> None:
    """Refuse a checkpoint that would train with weights of chance.

    Weights that the model has no place for are of no harm outside its stacks, such as another head; inside them they
    show that the configuration describes a smaller model.
    """
    shapes = {key: f"{tuple(found)} instead of {tuple(wanted)}" for key, found, wanted in loaded["mismatched_keys"]}
    known = model._keys_to_ignore_on_load_unexpected or []
    surplus = [
        key
        for key in loaded["unexpected_keys"]
        if key.startswith(("encoder.", "decoder.", "model.")) and not any(pattern in key for pattern in known)
    ]
    for what, keys in (
        ("weights of another shape than config.json says", sorted(f"{key} {shape}" for key, shape in shapes.items())),
        ("weights are missing", sorted(set(loaded["missing_keys"]) - shapes.keys())),
        ("weights that config.json has no place for", sorted(surplus)),
        ("weights that are not finite", [n for n, p in model.named_parameters() if not torch.isfinite(p).all()]),
    ):
        if keys:
            raise DataError(
                f"student.model: {name}: {what}: {', '.join(keys[:_NAMED])}"
                f"{f' and {len(keys) - _NAMED:,} more' if len(keys) > _NAMED else ''}; "
                "expected a whole encoder-decoder checkpoint; download it again or choose another"
            )


@torch.no_grad()
def _add_embeddings(model: Any, tokenizer: Any) -> None:
    """Rows for the tokens that the checkpoint never had, at the mean of those that it had."""
    first = first_new_token(tokenizer)
    if first is None:
        return
    if len(tokenizer) > model.config.vocab_size:
        model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    for layer in {model.get_input_embeddings(), model.get_output_embeddings()}:
        layer.weight[first:] = layer.weight[:first].mean(0)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without transformers' bars and tables of weights: what they say is said in one line."""
    level = transformers_logging.get_verbosity()
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers_logging.set_verbosity(level)


def _unavailable(name: str, revision: str | None, error: Exception) -> DataError:
    if "trust_remote_code" in str(error):
        return DataError(
            f"student.model: {name} wants Python code of its repository to be run, which is never done; "
            "choose a checkpoint that transformers itself opens, such as Salesforce/codet5p-770m"
        )
    if pointer := _lfs_pointer(Path(name)):
        return DataError(f"student.model: {pointer} is a Git LFS pointer, not the file; run `git lfs pull` in {name}")
    first = (str(error).strip().splitlines() or [type(error).__name__])[0]
    reason = first.split(". ")[0].rstrip(".:")
    if Path(name).is_dir():
        return DataError(
            f"student.model: cannot open {name} ({reason}); expected the files of one encoder-decoder checkpoint: "
            "config.json, weights and tokenizer; download it again or choose another"
        )
    if Path(name).is_absolute() or name.startswith("."):
        return DataError(f"student.model: {name}: no such directory; expected a checkpoint's folder or its hub name")
    return DataError(
        f"student.model: cannot open {name}{f' at {revision}' if revision else ''} ({reason}); expected a local "
        "directory, a checkpoint in the Hugging Face cache or a hub that can be reached: "
        f"run `hf download {name}` where there is a network, or use init: random"
    )


def _lfs_pointer(folder: Path) -> Path | None:
    """A file of the folder that git has not downloaded."""
    for file in sorted(folder.iterdir()) if folder.is_dir() else ():
        if file.is_file() and file.stat().st_size < _POINTER_BYTES and file.read_bytes().startswith(_POINTER):
            return file
    return None
