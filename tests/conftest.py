"""What all tests share: where the real data is, one Ray for the whole session, and checkpoints as published."""

import json
import os
import warnings
from collections.abc import Iterator
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
