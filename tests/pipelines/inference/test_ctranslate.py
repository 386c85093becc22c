"""CTranslate2 as the decoder of a CPU, against ours."""

import json

import pytest
import torch
from transformers import (
    BartConfig,
    BartForConditionalGeneration,
    LongT5Config,
    LongT5ForConditionalGeneration,
    T5Config,
    T5ForConditionalGeneration,
)

from pipelines.errors import ConfigError, DataError
from pipelines.inference import ctranslate
from pipelines.inference.ctranslate import CTranslateDecoder, convert, open_decoder
from pipelines.inference.decoding import Decoder
from pipelines.student.tokenizer import train_tokenizer

pytest.importorskip("ctranslate2", reason="the extra ctranslate2 is not installed")

INPUTS = [f"Question: Ann has {i} pens{' and a dog' * (i % 5)}.\nHow many?\n" for i in range(23)]
LIMITS = {"max_tokens": 12, "max_input_tokens": 64}
T5 = {"d_model": 32, "d_kv": 8, "d_ff": 48, "num_layers": 2, "num_heads": 4, "decoder_start_token_id": 0}
SHAPES = {
    "t5": lambda n: T5ForConditionalGeneration(T5Config(vocab_size=n, **T5)),
    "gated": lambda n: T5ForConditionalGeneration(T5Config(vocab_size=n, feed_forward_proj="gated-gelu", **T5)),
    "t5 v1.1": lambda n: T5ForConditionalGeneration(
        T5Config(vocab_size=n, feed_forward_proj="gated-gelu", tie_word_embeddings=False, **T5)
    ),
    "padded vocabulary": lambda n: T5ForConditionalGeneration(T5Config(vocab_size=n + 28, **T5)),
    "bart": lambda n: BartForConditionalGeneration(
        BartConfig(
            vocab_size=n,
            d_model=32,
            encoder_layers=1,
            decoder_layers=1,
            encoder_attention_heads=2,
            decoder_attention_heads=2,
            encoder_ffn_dim=48,
            decoder_ffn_dim=48,
            max_position_embeddings=128,
            pad_token_id=0,
            bos_token_id=2,
            eos_token_id=1,
            decoder_start_token_id=1,
            forced_eos_token_id=None,
        )
    ),
    "longt5": lambda n: LongT5ForConditionalGeneration(LongT5Config(vocab_size=n, **T5)),
}


def save(folder, shape):
    """A random student of this shape that ends some of its completions by itself."""
    torch.set_num_threads(1)
    torch.manual_seed(3)
    tokenizer = train_tokenizer(INPUTS, 320)
    model = SHAPES[shape](len(tokenizer))
    model.generation_config.max_length = None
    with torch.no_grad():
        shared = model.get_input_embeddings().weight
        shared *= 0.3
        shared[1] += 0.5 * shared[50:60].sum(0)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    return save(tmp_path_factory.mktemp("student"), "t5")


@pytest.mark.parametrize("shape", ["t5", "gated", "t5 v1.1", "padded vocabulary"])
def test_greedy_is_ours(tmp_path, shape):
    """Text, tokens, end and summed log-probability of every completion."""
    student = save(tmp_path, shape)
    theirs = CTranslateDecoder(student, 2).decode(INPUTS, **LIMITS)
    ours = Decoder(student, "cpu").decode(INPUTS, **LIMITS)
    assert [(d.completion, d.tokens, d.finished) for [d] in ours] == [
        (d.completion, d.tokens, d.finished) for [d] in theirs
    ]
    assert [d.logprob for [d] in ours] == pytest.approx([d.logprob for [d] in theirs], abs=1e-3)
    if shape == "gated":
        assert {True, False} == {d.finished for [d] in ours}  # the test sees both ends


@pytest.mark.parametrize("shape", ["bart", "longt5"])
def test_other_checkpoints_decode_as_ours_do(tmp_path, shape):
    """Converted where CTranslate2 has the same completions, ours where it cannot: the completions are the same."""
    student = save(tmp_path, shape)
    opened = open_decoder(student, "cpu", 1).decode(INPUTS, **LIMITS)
    ours = Decoder(student, "cpu").decode(INPUTS, **LIMITS)
    assert [d.completion for [d] in ours] == [d.completion for [d] in opened]


def test_what_cannot_be_converted_is_ours(tmp_path, caplog):
    """Said once, in one line."""
    assert Decoder is type(open_decoder(save(tmp_path, "longt5"), "cpu", 1))
    assert ["decoding without CTranslate2" in record.message for record in caplog.records] == [True]


def test_conversion_that_is_another_model_is_refused(directory, monkeypatch):
    """The check against ours finds it."""
    monkeypatch.setattr(ctranslate, "_LOGPROB_ERROR", -1.0)
    assert Decoder is type(open_decoder(directory, "cpu", 1))


def test_sampled_paths_are_ours(directory):
    """A function of seed and input, which CTranslate2's are not."""
    theirs = CTranslateDecoder(directory, 2).decode(INPUTS[:3], paths=2, seed=5, **LIMITS)
    assert Decoder(directory, "cpu", 2).decode(INPUTS[:3], paths=2, seed=5, **LIMITS) == theirs


def test_long_input_loses_its_beginning(directory):
    """As ours: the trigger, at the end, stays."""
    text = "Question: " + "Ann has 3 pens. " * 40 + INPUTS[3]
    short = {"max_tokens": 12, "max_input_tokens": 20}
    [[ours]], [[theirs]] = (
        decoder.decode([text], **short) for decoder in (Decoder(directory, "cpu"), CTranslateDecoder(directory))
    )
    assert ours.completion == theirs.completion


def test_nothing_to_decode(directory):
    """No inputs, no completions."""
    assert [] == CTranslateDecoder(directory).decode([], **LIMITS)


def test_export_beside_the_student_is_used(tmp_path, monkeypatch):
    """Nothing is converted again."""
    student = save(tmp_path, "t5")
    convert(student, "float32", str(tmp_path / "ctranslate2"))
    monkeypatch.setattr(ctranslate, "_convert", None)
    assert Decoder(student, "cpu").decode(INPUTS, **LIMITS)[0][0].completion == (
        CTranslateDecoder(student).decode(INPUTS, **LIMITS)[0][0].completion
    )


@pytest.mark.parametrize("quantization", ["float32", "int8"])
def test_export_of_another_student_is_not_used(tmp_path, quantization):
    """Other weights, or rounded ones."""
    student = save(tmp_path, "t5")
    convert(student, quantization, str(tmp_path / "ctranslate2"))
    if quantization == "float32":
        save(tmp_path, "gated")
    ours, theirs = (d.decode(INPUTS, **LIMITS) for d in (Decoder(student, "cpu"), CTranslateDecoder(student)))
    assert [d.logprob for [d] in ours] == pytest.approx([d.logprob for [d] in theirs], abs=1e-3)


def test_export_says_what_it_is_of(directory, tmp_path):
    """The quantisation and a hash of the weights."""
    convert(directory, "int8", str(tmp_path / "out"))
    assert "int8" == json.loads((tmp_path / "out" / "source.json").read_text())["quantization"]


def test_export_of_what_cannot_be_converted_is_refused(tmp_path):
    """One line that says why."""
    with pytest.raises(ConfigError, match="cannot convert"):
        convert(save(tmp_path / "in", "longt5"), "float32", str(tmp_path / "out"))


def test_without_the_package_ours_decodes(directory, monkeypatch):
    """CTranslate2 is optional for evaluation, and asked for by name for an export."""
    monkeypatch.setattr(ctranslate.importlib.util, "find_spec", lambda name: None)
    assert Decoder is type(open_decoder(directory, "cpu", 1))
    with pytest.raises(ConfigError, match="thought-distill\\[ctranslate2\\]"):
        convert(directory, "int8", directory)


def test_directory_without_a_model_is_refused(tmp_path):
    """One line that names the directory."""
    with pytest.raises(DataError, match="not a Hugging Face sequence-to-sequence directory"):
        open_decoder(str(tmp_path), "cpu", 1)
