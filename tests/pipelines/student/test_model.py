"""Sizes and checkpoints."""

import pytest
import torch

from pipelines.config import StudentConfig
from pipelines.errors import ConfigError, DataError
from pipelines.student.model import PRESETS, load, parameter_count, parameter_count_of

TEXTS = ["Question: Ann has 48 pens.\n", "total = 48\nans = total"] * 5


def tiny(vocabulary=300):
    return StudentConfig(model="tiny", init="random", vocabulary=vocabulary)


def test_tiny_is_what_the_quickstart_trains():
    """About 1.25 million parameters at a vocabulary of 1,000."""
    assert 1.1e6 < parameter_count_of(tiny(), 1000) < 1.4e6


@pytest.mark.parametrize(
    ("size", "millions"), [("small", 60.5), ("base", 222.9), ("large", 737.6)], ids=["small", "base", "large"]
)
def test_sizes_have_codet5s_shapes(size, millions):
    """With CodeT5's vocabulary of 32,100 the sizes have CodeT5's parameter counts."""
    count = parameter_count_of(StudentConfig(model=size, init="random"), 32_100)
    assert millions == round(count / 1e6, 1)


def test_count_without_allocating_equals_the_models():
    """The dry run's figure is the loaded model's."""
    model, tokenizer = load(tiny(), TEXTS, 0)
    assert parameter_count(model) == parameter_count_of(tiny(), len(tokenizer))


def test_random_weights_are_a_function_of_the_seed():
    """Same seed, same bits, whatever was drawn before; the caller's random state is untouched."""
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first, _ = load(tiny(), TEXTS, 1)
    assert torch.equal(before, torch.get_rng_state())
    torch.rand(3)
    again, other = load(tiny(), TEXTS, 1)[0], load(tiny(), TEXTS, 2)[0]
    assert torch.equal(first.shared.weight, again.shared.weight)
    assert not torch.equal(first.shared.weight, other.shared.weight)


def test_unknown_size_names_the_nearest():
    """A typo is refused with the sizes there are."""
    with pytest.raises(ConfigError, match=r"student\.model: 'smal' is no size.*nearest: small"):
        load(StudentConfig(model="smal", init="random"), TEXTS, 0)


def test_pretrained_opens_from_a_directory(tmp_path):
    """A checkpoint's own weights and tokenizer; seed and texts do not matter."""
    model, tokenizer = load(tiny(), TEXTS, 0)
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    config = StudentConfig(model=str(tmp_path))
    again, its_tokenizer = load(config, [], 9)
    assert torch.equal(model.shared.weight, again.shared.weight)
    assert tokenizer.encode("48 pens") == its_tokenizer.encode("48 pens")
    assert parameter_count(model) == parameter_count_of(config, 0)


@pytest.mark.parametrize("use", [lambda c: load(c, [], 0), lambda c: parameter_count_of(c, 0)], ids=["load", "count"])
def test_checkpoint_that_is_nowhere_is_one_line(use, tmp_path, monkeypatch):
    """Offline and not in the cache: what was looked for and what to do."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(
        DataError, match=r"^student\.model: cannot open no-one/no-model \(.*hf download no-one/no-model.*$"
    ):
        use(StudentConfig(model="no-one/no-model"))


def test_a_decoder_alone_is_refused(tmp_path):
    """What the loop trains is an encoder with a decoder: one line, before anything is spent."""
    (tmp_path / "config.json").write_text('{"model_type": "gpt2"}')
    with pytest.raises(ConfigError, match=r"^student\.model: .* \(gpt2\) is not an encoder-decoder; expected T5"):
        parameter_count_of(StudentConfig(model=str(tmp_path)), 0)


def test_presets_are_named_by_size():
    """The names that the configuration documents."""
    assert ["pico", "nano", "micro", "mini", "tiny", "small", "base", "large"] == list(PRESETS)
