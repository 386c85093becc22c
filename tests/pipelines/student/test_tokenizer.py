"""The tokenizer of random students, and promise 9."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.errors import DataError
from pipelines.student.tokenizer import check_round_trip, train_tokenizer

_TOKENIZER = train_tokenizer(["Question: Ann has 48 pens.\n", "total = 6 * per_box + 4\nans = total"] * 20, 400)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=80))
def test_any_text_survives(text):
    """decode(encode(x)) == x for any string, newlines, braces, tabs and unicode included."""
    assert text == _TOKENIZER.decode(_TOKENIZER.encode(text), skip_special_tokens=True)


@pytest.mark.parametrize("text", ["", "\n\n x\t{}", "<pad></s><unk>", "a  b   c", " , . ! don't", "½ 六 😀\r\n", "x=1"])
def test_awkward_text_survives(text):
    """Spaces before punctuation, control characters and the names of special tokens are only text."""
    assert text == _TOKENIZER.decode(_TOKENIZER.encode(text), skip_special_tokens=True)


def test_digits_stand_alone():
    """A number is a row of single digits, whatever it stands next to."""
    tokens = [_TOKENIZER.decode([i]) for i in _TOKENIZER.encode("x1234 = 56.78", add_special_tokens=False)]
    assert ["1", "2", "3", "4", "5", "6", "7", "8"] == [token for token in tokens if any(c.isdigit() for c in token)]


def test_name_is_the_same_token_at_the_start_and_after_an_operator():
    """Operators take the spaces around them."""
    first = _TOKENIZER.encode("total = total + total", add_special_tokens=False)
    assert 3 == first.count(_TOKENIZER.encode("total", add_special_tokens=False)[0])


def test_end_token_closes_every_text():
    """T5 style: ids 0, 1, 2 are pad, end, unknown, and the end token is appended."""
    assert [0, 1, 2] == [_TOKENIZER.pad_token_id, _TOKENIZER.eos_token_id, _TOKENIZER.unk_token_id]
    assert [1] == [i for i in _TOKENIZER("Ann")["input_ids"] if i < 3]


def test_saved_tokenizer_is_the_same(tmp_path):
    """AutoTokenizer opens what was saved, with the same tokens and the same exact decoding."""
    from transformers import AutoTokenizer

    _TOKENIZER.save_pretrained(tmp_path)
    again = AutoTokenizer.from_pretrained(tmp_path)
    text = "ans = (6 * 4) , </s> {x}\n"
    assert _TOKENIZER.encode(text) == again.encode(text)
    assert text == again.decode(again.encode(text), skip_special_tokens=True)


def test_vocabulary_is_at_most_as_asked():
    """Training stops at the size, special tokens and all bytes included."""
    texts = [
        f"Question: {word} has pens." for word in ["Ann", "Bob", "Carl", "Dora", "Emil", "Frida", "Gustav", "Hanna"]
    ] * 5
    assert 280 == len(train_tokenizer(texts, 280))


class _LosesBraces:
    def __call__(self, texts, add_special_tokens):
        return {"input_ids": texts}

    def batch_decode(self, texts, **_):
        return [text.replace("{", "").replace("\n", " ") for text in texts]


def test_lost_characters_are_named():
    """More than 0.1 % of targets changed: refused, naming what is lost."""
    with pytest.raises(DataError, match=r"2 of 3 targets, losing '\\n', '\{'"):
        check_round_trip(_LosesBraces(), ["a\nb\nc", "{}", "plain"])


def test_one_lost_target_in_a_thousand_is_tolerated():
    """Promise 9 allows 0.1 %."""
    check_round_trip(_LosesBraces(), ["{", *["plain"] * 999])


def test_own_tokenizer_passes():
    """A byte-level tokenizer loses nothing."""
    check_round_trip(_TOKENIZER, ["x = {1}\n", "ans = ½"])
