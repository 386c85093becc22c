"""Byte fallback for SentencePiece vocabularies, so that T5 and FLAN-T5 can write programs and equations.

T5's vocabulary has no newline and none of ``{ } < \\ ^ ~``, and its normaliser merges blanks. The tokenizer that
``with_byte_fallback`` returns writes every text and reads it back unchanged; words keep the tokens that the checkpoint
was trained with.

    tokenizer = with_byte_fallback(AutoTokenizer.from_pretrained("google/flan-t5-small"))
    tokenizer.tokenize("for x in y:\\n    a = {x}")
    -> ["▁for", "▁", "x", "▁in", "▁", "y", ":", "\\n", "▁▁▁▁", "▁", "a", "▁=", "▁", "{", "x", "}"]

All of it stands in the file ``tokenizer.json``, as Llama's and Gemma's byte fallback does, so that transformers alone
opens an exported student. The new tokens come behind the old ones; ``first_new_token`` says where they start, and
``pipelines.student.model`` gives them embeddings.
"""

import json
import string
from typing import Any

from tokenizers import Tokenizer, decoders, normalizers
from transformers import PreTrainedTokenizerFast

_BLANK = "▁"  # SentencePiece's sign for a blank, U+2581
_LITERAL_BLANK = "\U0010ffff"  # stands for U+2581 itself where a text has it: a noncharacter, which no text holds
_BYTES = [f"<0x{byte:02X}>" for byte in range(256)]
_INDENTATIONS = [_BLANK * length for length in (2, 3, 4, 8)]
_UNREACHABLE = -1e4  # log-probability of tokens that no text may produce, such as "</s>" written in a question


def needs_byte_fallback(tokenizer: Any) -> bool:
    """Whether a tokenizer is a SentencePiece unigram model that has no token for an unknown character's bytes."""
    if not getattr(tokenizer, "is_fast", False):
        return False
    model = json.loads(tokenizer.backend_tokenizer.to_str())["model"]
    return bool(model["type"] == "Unigram" and not model.get("byte_fallback"))


def first_new_token(tokenizer: Any) -> int | None:
    """The id from which on tokens are those that ``with_byte_fallback`` added; None for any other tokenizer."""
    first = tokenizer.get_vocab().get(_BYTES[0])
    model = json.loads(tokenizer.backend_tokenizer.to_str())["model"] if first is not None else {}
    return first if model.get("type") == "Unigram" else None


def with_byte_fallback(tokenizer: Any) -> PreTrainedTokenizerFast:
    """The same vocabulary, with tokens added for bytes, newline, indentation and missing ASCII characters.

    Blanks, newlines and every other character survive; the checkpoint's normaliser (NFKC) is not applied. A text that
    has only known characters and single blanks is encoded into the ids that it had before.

    Args:
        tokenizer: a fast tokenizer for which ``needs_byte_fallback`` is true; it is left as it was.
    """
    state = json.loads(tokenizer.backend_tokenizer.to_str())
    model = state["model"]
    special = {token["content"] for token in state["added_tokens"]}
    scores = dict(model["vocab"])
    lowest = min(score for piece, score in model["vocab"] if piece not in special)
    missing = [character for character in "\n\t" + string.printable[:95] if character not in scores | {" ": 0}]
    known = [[piece, _UNREACHABLE if piece in special else score] for piece, score in model["vocab"]]
    # A run of blanks costs what one blank costs, so that the longest run is preferred.
    runs = [[run, scores.get(_BLANK, lowest)] for run in _INDENTATIONS if run not in scores]
    added = [[byte, _UNREACHABLE] for byte in _BYTES] + [[character, lowest] for character in missing] + runs
    model |= {"vocab": known + added, "byte_fallback": True}
    state["normalizer"] = state["pre_tokenizer"] = state["decoder"] = None
    backend = Tokenizer.from_str(json.dumps(state))
    # A line starts with a blank too, so that its first word is the token that the checkpoint knows.
    backend.normalizer = normalizers.Sequence(
        [
            normalizers.Replace(_BLANK, _LITERAL_BLANK),
            normalizers.Prepend(_BLANK),
            normalizers.Replace("\n", f"\n{_BLANK}"),
            normalizers.Replace(" ", _BLANK),
        ]
    )
    backend.decoder = decoders.Sequence(
        [
            decoders.Replace(_BLANK, " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Replace("\n ", "\n"),
            decoders.Strip(" ", 1, 0),
            decoders.Replace(_LITERAL_BLANK, _BLANK),
        ]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        pad_token=tokenizer.pad_token,
        eos_token=tokenizer.eos_token,
        unk_token=tokenizer.unk_token,
        clean_up_tokenization_spaces=False,
        split_special_tokens=True,
        model_input_names=["input_ids", "attention_mask"],
    )
