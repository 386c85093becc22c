"""What all tests share: where the real data is, one Ray for the whole session, and checkpoints as published."""

import json
import os
import shutil
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data sets; tests that need it skip, with the reason, where it is absent."""
    folder = os.environ.get("THOUGHT_DISTILL_DATA")
    if folder is None or not Path(folder).is_dir():
        pytest.skip(f"no real data at {folder} (THOUGHT_DISTILL_DATA names its folder)")
    return Path(folder)


@pytest.fixture(scope="session")
def data(real_data: Path) -> Path:
    """The same, by a shorter name where no other data is near."""
    return real_data


@pytest.fixture(scope="session")
def ray_cluster() -> Iterator[None]:
    """One local Ray for all tests that spread work, with a small object store."""
    import ray

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ray.init("local", num_cpus=2, object_store_memory=200 * 2**20, include_dashboard=False, logging_level="ERROR")
    from ray_jobs.session import quiet_ray_data

    quiet_ray_data()
    yield
    ray.shutdown()


_TEXTS = [
    "Question: Ann has 48 pens and gives 3 of them to each of 5 friends. How many pens are left?",
    "Let's break down the code step by step. System of linear equations: (Do not simplify)",
    "def solution():\n    pens = 48\n    for friend in range(5):\n        pens -= 3\n    return pens",
    "% Let x be the number of pens:\npens = x\nans = 48 - 3 * x",
    "There are 12 boxes of 7 apples each, so there are 12 * 7 = 84 apples. The answer is 84.",
] * 20
_SIZES = {"d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 2, "num_decoder_layers": 2, "num_heads": 4}


def _write_weights(folder: Path, config: dict[str, Any], *, half: bool = False) -> None:
    """Random weights as ``pytorch_model.bin``, as these families publish theirs."""
    import torch
    from transformers import T5Config, T5ForConditionalGeneration

    (folder / "config.json").write_text(json.dumps({"model_type": "t5", **config}))
    torch.manual_seed(0)
    model = T5ForConditionalGeneration(T5Config(**config))
    torch.save((model.half() if half else model).state_dict(), folder / "pytorch_model.bin")


@pytest.fixture(scope="session")
def codet5_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny checkpoint in the layout of Salesforce/codet5-*: byte-level BPE whose special tokens are dictionaries."""
    from tokenizers import ByteLevelBPETokenizer

    folder = tmp_path_factory.mktemp("codet5")
    tokenizer = ByteLevelBPETokenizer()
    special = ["<pad>", "<s>", "</s>", "<unk>", "<mask>"]
    tokenizer.train_from_iterator(_TEXTS, vocab_size=400, special_tokens=special, show_progress=False)
    tokenizer.save_model(str(folder))
    size = tokenizer.get_vocab_size()
    sentinels = [f"<extra_id_{number}>" for number in range(99, -1, -1)]

    def token(content: str, **more: bool) -> dict[str, Any]:
        return {"content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": True, **more}

    named = {"bos": "<s>", "eos": "</s>", "unk": "<unk>", "sep": "</s>", "pad": "<pad>", "cls": "<s>"}
    tokens = {f"{name}_token": token(content) for name, content in named.items()}
    tokens["mask_token"] = token("<mask>", lstrip=True)
    sentinel_tokens = [token(one, lstrip=True, normalized=False) for one in sentinels]
    special_tokens = {**tokens, "additional_special_tokens": sentinel_tokens}
    (folder / "special_tokens_map.json").write_text(json.dumps(special_tokens))
    tokenizer_config = {
        **{name: {**value, "__type": "AddedToken"} for name, value in tokens.items()},
        "add_prefix_space": False,
        "trim_offsets": True,
        "model_max_length": 512,
        "tokenizer_class": "RobertaTokenizer",
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer_config))
    (folder / "added_tokens.json").write_text(json.dumps({one: size + n for n, one in enumerate(sentinels)}))
    ids = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 0}
    _write_weights(folder, {**_SIZES, **ids, "vocab_size": size + 100, "feed_forward_proj": "relu"})
    return folder


@pytest.fixture(scope="session")
def t5_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny checkpoint in the layout of google/t5-v1_1-*: a SentencePiece model without newline and braces, fp16."""
    import sentencepiece

    folder = tmp_path_factory.mktemp("t5")
    (folder / "texts").write_text("\n".join(" ".join(text.split()) for text in _TEXTS))
    options = {"pad_id": 0, "eos_id": 1, "unk_id": 2, "bos_id": -1, "minloglevel": 2, "num_threads": 1}
    sentencepiece.SentencePieceTrainer.train(
        input=str(folder / "texts"),
        model_prefix=str(folder / "spiece"),
        vocab_size=85,
        model_type="unigram",
        **options,
    )
    for name in ("texts", "spiece.vocab"):
        (folder / name).unlink()
    named = {"eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}
    named["additional_special_tokens"] = [f"<extra_id_{number}>" for number in range(100)]
    (folder / "special_tokens_map.json").write_text(json.dumps(named))
    (folder / "tokenizer_config.json").write_text(json.dumps({**named, "extra_ids": 100}))
    ids = {"pad_token_id": 0, "eos_token_id": 1, "decoder_start_token_id": 0, "tie_word_embeddings": False}
    _write_weights(folder, {**_SIZES, **ids, "vocab_size": 192, "feed_forward_proj": "gated-gelu"}, half=True)
    return folder


def _edit(folder: Path, name: str, **fields: Any) -> None:
    """Set fields of a JSON file; None takes one out."""
    content = {**json.loads((folder / name).read_text()), **fields}
    (folder / name).write_text(json.dumps({key: value for key, value in content.items() if value is not None}))


def _edit_weights(folder: Path, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    import torch

    file = folder / "pytorch_model.bin"
    torch.save(change(torch.load(file)), file)


def _without(state: dict[str, Any], *words: str) -> dict[str, Any]:
    return {name: value for name, value in state.items() if not any(word in name for word in words)}


def _not_a_number(state: dict[str, Any]) -> dict[str, Any]:
    state["encoder.block.0.layer.0.SelfAttention.q.weight"][0, 0] = float("nan")
    return state


def _cut(file: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])


_POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 242013376\n"

_BROKEN = {
    "encoder only": (
        lambda folder: _edit_weights(folder, lambda state: _without(state, "decoder", "lm_head")),
        r"weights are missing: decoder\.block\.0.* more; expected a whole encoder-decoder",
    ),
    "a block missing": (
        lambda folder: _edit_weights(folder, lambda state: _without(state, "decoder.block.1")),
        r"weights are missing: decoder\.block\.1\.",
    ),
    "other shapes": (
        lambda folder: _edit(folder, "config.json", d_ff=128),
        r"weights of another shape than config\.json says: decoder\..* \(64, 32\) instead of \(128, 32\)",
    ),
    "fewer layers": (
        lambda folder: _edit(folder, "config.json", num_layers=1),
        r"weights that config\.json has no place for: encoder\.block\.1",
    ),
    "not finite": (
        lambda folder: _edit_weights(folder, _not_a_number),
        r"weights that are not finite: encoder\.block\.0",
    ),
    "cut weights": (lambda folder: _cut(folder / "pytorch_model.bin"), r"cannot open .* \(.*; download it again"),
    "no weights": (lambda folder: (folder / "pytorch_model.bin").unlink(), r"no file named .*pytorch_model\.bin"),
    "git lfs weights": (
        lambda folder: (folder / "pytorch_model.bin").write_text(_POINTER),
        r"pytorch_model\.bin is a Git LFS pointer, not the file; run `git lfs pull`",
    ),
    "no start token": (
        lambda folder: _edit(folder, "config.json", decoder_start_token_id=None),
        r"config\.json of .* lacks decoder_start_token_id",
    ),
    "no vocabulary": (lambda folder: (folder / "vocab.json").unlink(), r"cannot open .* \("),
    "git lfs vocabulary": (lambda folder: (folder / "vocab.json").write_text(_POINTER), r"vocab\.json is a Git LFS"),
    "cut configuration": (
        lambda folder: (folder / "config.json").write_text("{"),
        r"config\.json' is not a valid JSON",
    ),
    "tokenizer of another model": (
        lambda folder: _edit(folder, "added_tokens.json", **{f"<more_{n}>": 600 + n for n in range(200)}),
        r"belongs to another model \(it has .* tokens, the model",
    ),
    "another end token": (
        lambda folder: _edit(folder, "config.json", eos_token_id=1),
        r"belongs to another model \(it ends a text with token 2, the model with 1\)",
    ),
    "another pad token": (
        lambda folder: _edit(folder, "config.json", pad_token_id=3),
        r"belongs to another model \(it pads with token 0, the model with 3\)",
    ),
    "code of its own": (
        lambda folder: _edit(
            folder, "config.json", model_type="codet5p", auto_map={"AutoConfig": "c.C", "AutoModelForSeq2SeqLM": "m.M"}
        ),
        r"wants Python code of its repository to be run, which is never done",
    ),
    "a decoder alone": (
        lambda folder: _edit(folder, "config.json", model_type="gpt2"),
        r"\(gpt2\) is not an encoder-decoder",
    ),
    "an encoder alone": (
        lambda folder: _edit(folder, "config.json", model_type="roberta"),
        r"\(roberta\) is not an encoder-decoder",
    ),
}


@pytest.fixture
def broken_students(codet5_files: Path, tmp_path: Path) -> dict[str, tuple[Path, str]]:
    """Checkpoints that cannot be trained, each a folder and what its refusal says."""
    broken = {}
    for name, (spoil, expected) in _BROKEN.items():
        folder = Path(shutil.copytree(codet5_files, tmp_path / name.replace(" ", "_")))
        spoil(folder)
        broken[name] = folder, expected
    return broken
