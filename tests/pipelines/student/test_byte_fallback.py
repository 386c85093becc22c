"""SentencePiece vocabularies that write every text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer

from pipelines.student.byte_fallback import first_new_token, needs_byte_fallback, with_byte_fallback


@pytest.fixture(scope="module")
def original(t5_files):
    return AutoTokenizer.from_pretrained(t5_files)


@pytest.fixture(scope="module")
def tokenizer(original):
    return with_byte_fallback(original)


def back(tokenizer, text):
    ids = tokenizer(text)["input_ids"]
    return tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)


TEXTS = [
    "",
    " ",
    "\n",
    "\n\n  \n",
    "a\r\nb\tc\x00d",
    "  leading, double  and trailing  ",
    'def f(x):\n    if x < 3:\n        return f"{x} \\\\ {x ^ 2} ~ `y`"',
    "% Let x be it:\n2 * x + 3 = {7}\nans = x",
    "</s> <pad> <unk> <extra_id_0> <extra_id_99>",
    "<0x0A> <0xE2>",
    "½ of ２ ﬁsh, 3² – “quoted” … 你好 🍎 e\u0301 \u00a0\u200b\ufeff",
    "SentencePiece writes a blank as \u2581",
]


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_comes_back_unchanged(tokenizer, text):
    """Newlines, indentation, braces, other scripts and control tokens that are only text."""
    assert text == back(tokenizer, text)


@given(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\U0010ffff"), max_size=60))
def test_any_text_comes_back_unchanged(tokenizer, text):
    """Whatever a model may write."""
    assert text == back(tokenizer, text)


@pytest.mark.parametrize("text", TEXTS[5:9])
def test_without_it_text_is_lost(original, text):
    """So the tests above can fail: the published tokenizer loses just these."""
    assert text != back(original, text)


def test_words_keep_the_tokens_of_the_checkpoint(original, tokenizer):
    """What pretraining taught of them stays, also for the first word of a line."""
    text = "Question: Ann has 12 boxes of apples. How many pens are left?"
    assert original(text)["input_ids"] == tokenizer(text)["input_ids"]
    first_line, second_line = original("pens = 48")["input_ids"][:-1], original("boxes = 12")["input_ids"]
    newline = tokenizer.convert_tokens_to_ids("\n")
    assert [*first_line, newline, *second_line] == tokenizer("pens = 48\nboxes = 12")["input_ids"]


def test_indentation_is_one_token(tokenizer):
    """Four blanks cost one token, not four."""
    assert "▁▁▁▁" in tokenizer.tokenize("for x in y:\n    x")


def test_new_tokens_come_behind_the_old(original, tokenizer):
    """Ids of the checkpoint do not move."""
    assert len(original) == first_new_token(tokenizer)
    assert first_new_token(original) is None
    old, new = original.get_vocab(), tokenizer.get_vocab()
    assert old == {token: new[token] for token in old}


def test_saved_and_opened_by_transformers_alone_it_is_the_same(tokenizer, tmp_path):
    """Everything stands in tokenizer.json."""
    tokenizer.save_pretrained(tmp_path)
    opened = AutoTokenizer.from_pretrained(tmp_path)
    for text in TEXTS:
        assert tokenizer(text)["input_ids"] == opened(text)["input_ids"]
        assert text == back(opened, text)
    assert needs_byte_fallback(opened) is False


def test_a_byte_level_tokenizer_needs_none(codet5_files):
    """CodeT5 writes every byte already."""
    assert not needs_byte_fallback(AutoTokenizer.from_pretrained(codet5_files, additional_special_tokens=[]))
