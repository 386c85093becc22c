"""The tokenizer of a student that starts from random weights, and the check every student's tokenizer must pass.

    tokenizer = train_tokenizer(["Question: Ann has 48 pens.\\n", "ans = a * 48"], 1000)
    tokenizer.tokenize("ans = a * 48")  -> ["ans", "Ġ=Ġ", "a", "Ġ*Ġ", "4", "8"]

Byte-level BPE: every text survives, whatever its characters. Not for pretrained students, which keep their own.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from pipelines.errors import DataError

PAD, EOS, UNK = "<pad>", "</s>", "<unk>"
LOST_SHARE = 0.001
_CHUNK = 1024  # texts handed to the tokenizer at once

# One token never crosses these borders. Digits stand alone, so that copying a number is copying its digits.
# Operators take the spaces around them, so that a name is the same token wherever it stands in an equation.
_PIECES = r"\d|\n| ?[^\s\d\w]+ ?| ?[^\W\d]+|[ \t]+|\s"


def train_tokenizer(texts: Iterable[str], vocabulary: int) -> Any:
    """A byte-level BPE of at most ``vocabulary`` tokens, T5-style: ids 0, 1, 2 are pad, end and unknown, and the end
    token is appended to every text. Returns a ``PreTrainedTokenizerFast``; ``decode(encode(x)) == x`` for any x."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_PIECES), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[PAD, EOS, UNK],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"$A {EOS}", special_tokens=[(EOS, tokenizer.token_to_id(EOS))]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=EOS,
        unk_token=UNK,
        clean_up_tokenization_spaces=False,
        split_special_tokens=True,
        model_input_names=["input_ids", "attention_mask"],
    )


def check_round_trip(tokenizer: Any, targets: Sequence[str]) -> None:
    """Refuse a tokenizer that loses text: WordPiece vocabularies lose newlines, capitals or blanks.

    Raises:
        DataError: decode(encode(target)) differs from the target for more than 0.1 % of targets.
    """
    lost = 0
    characters: Counter[str] = Counter()
    for start in range(0, len(targets), _CHUNK):
        chunk = list(targets[start : start + _CHUNK])
        encoded = tokenizer(chunk, add_special_tokens=False)["input_ids"]
        decoded = tokenizer.batch_decode(encoded, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        for target, back in zip(chunk, decoded, strict=True):
            if target != back:
                lost += 1
                characters.update(Counter(target) - Counter(back))
    if lost > LOST_SHARE * len(targets):
        names = ", ".join(repr(character) for character, _ in characters.most_common(10)) or "the order of characters"
        raise DataError(
            f"the student's tokenizer changes {lost} of {len(targets)} targets, losing {names}; expected at most "
            "0.1 %; choose a byte-level student such as Salesforce/codet5-small, or init: random"
        )
