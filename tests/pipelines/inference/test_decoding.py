"""Decoding, against Hugging Face's generate."""

from dataclasses import replace

import pytest
import torch
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

from pipelines.config import StudentConfig
from pipelines.errors import DataError, ThoughtDistillError
from pipelines.inference import decoding
from pipelines.inference.decoding import Decoder
from pipelines.student.model import load

INPUTS = [f"Question: Ann has {i} pens{' and a dog' * (i % 5)}.\nHow many?\n" for i in range(23)]
LIMITS = {"max_tokens": 12, "max_input_tokens": 64}


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    """A student that ends some of its random completions by itself."""
    torch.set_num_threads(1)
    model, tokenizer = load(StudentConfig(model="tiny", init="random", vocabulary=320), INPUTS, 3)
    with torch.no_grad():
        model.shared.weight *= 0.4
        model.shared.weight[1] += 0.4 * model.shared.weight[50:60].sum(0)  # the end token, more often
    folder = tmp_path_factory.mktemp("student")
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def decoder(directory):
    return Decoder(directory, "cpu")


def generated(directory, text, max_tokens):
    """Hugging Face's greedy tokens for one input, without the start token, up to the end token."""
    tokenizer = AutoTokenizer.from_pretrained(directory)
    model = AutoModelForSeq2SeqLM.from_pretrained(directory)
    ids = model.generate(**tokenizer(text, return_tensors="pt"), max_new_tokens=max_tokens, do_sample=False)[0, 1:]
    return ids.tolist(), tokenizer.decode(ids, skip_special_tokens=True), model, tokenizer


def test_greedy_equals_generate(directory, decoder):
    """Text, token count and end of every completion are generate's, though rows were sorted and batched."""
    for text, [decoded] in zip(INPUTS, decoder.decode(INPUTS, **LIMITS), strict=True):
        ids, completion, _, _ = generated(directory, text, 12)
        assert (completion, len(ids), 1 in ids) == (decoded.completion, decoded.tokens, decoded.finished)


def test_a_model_in_memory_decodes_as_its_directory(directory, decoder):
    """The same completions, also of inputs that are cut; the tokenizer it was given stays as it was."""
    model, tokenizer = AutoModelForSeq2SeqLM.from_pretrained(directory), AutoTokenizer.from_pretrained(directory)
    before = tokenizer.backend_tokenizer.to_str()
    short = {"max_tokens": 12, "max_input_tokens": 9}
    here, there = Decoder.of(model.eval(), tokenizer).decode(INPUTS, **short), decoder.decode(INPUTS, **short)
    for [mine], [other] in zip(here, there, strict=True):
        assert other == replace(mine, logprob=pytest.approx(mine.logprob, rel=1e-5))
    assert (before, "right") == (tokenizer.backend_tokenizer.to_str(), tokenizer.truncation_side)


def test_completions_end_both_ways(decoder):
    """The other tests see finished and cut completions."""
    assert {True, False} == {decoded.finished for [decoded] in decoder.decode(INPUTS, **LIMITS)}


def test_logprob_is_the_models(directory, decoder):
    """The sum of the log-probabilities of the generated tokens, the end token included."""
    for text, [decoded] in list(zip(INPUTS, decoder.decode(INPUTS, **LIMITS), strict=True))[:4]:
        ids, _, model, tokenizer = generated(directory, text, 12)
        with torch.no_grad():
            logits = model(**tokenizer(text, return_tensors="pt"), labels=torch.tensor([ids])).logits[0]
        expected = logits.log_softmax(-1)[range(len(ids)), ids].sum().item()
        assert expected == pytest.approx(decoded.logprob, abs=1e-3)


def test_model_in_memory_decodes_as_its_directory(directory, decoder):
    """The model and tokenizer themselves are left as they are."""
    model, tokenizer = AutoModelForSeq2SeqLM.from_pretrained(directory).eval(), AutoTokenizer.from_pretrained(directory)
    before = [type(module) for module in model.modules()], tokenizer.truncation_side
    there, here = decoder.decode(INPUTS, **LIMITS), Decoder.of(model, tokenizer).decode(INPUTS, **LIMITS)
    assert [decoded.completion for [decoded] in there] == [decoded.completion for [decoded] in here]
    assert before == ([type(module) for module in model.modules()], tokenizer.truncation_side)


def test_long_completions_outgrow_the_first_cache(directory, decoder):
    """Caches double; greedy still equals generate."""
    ids, completion, _, _ = generated(directory, INPUTS[3], 150)
    [[decoded]] = decoder.decode(INPUTS[3:4], max_tokens=150, max_input_tokens=64)
    assert (completion, len(ids), 150) == (decoded.completion, decoded.tokens, decoded.tokens)


def test_threads_change_nothing(directory, decoder):
    """Batches are decoded side by side to the same completions, and torch has its threads back afterwards."""
    before = torch.get_num_threads()
    alone, three = decoder.decode(INPUTS, **LIMITS), Decoder(directory, "cpu", threads=3).decode(INPUTS, **LIMITS)
    assert [decoded.completion for [decoded] in alone] == [decoded.completion for [decoded] in three]
    assert before == torch.get_num_threads()


def test_sampled_path_does_not_depend_on_its_batch(decoder, monkeypatch):
    """The same paths alone, among others, and with another batch size; more paths add and change none."""
    together = decoder.decode(INPUTS, paths=3, seed=5, **LIMITS)
    alone = decoder.decode(INPUTS[7:8], paths=2, seed=5, **LIMITS)
    monkeypatch.setattr(decoder, "_batch_tokens", 200)
    small = decoder.decode(INPUTS, paths=3, seed=5, **LIMITS)
    texts = [[path.completion for path in paths] for paths in together]
    assert texts[7][:2] == [path.completion for path in alone[0]]
    assert texts == [[path.completion for path in paths] for paths in small]


def test_what_does_not_fit_is_cut_in_two(decoder, monkeypatch):
    """A GPU that runs out of memory costs time, and changes no completion; one input that never fits is one line."""
    whole = decoder.decode(INPUTS, **LIMITS)
    complete = decoder._complete

    def limited(most):
        def run(encoded, *rest):
            if len(encoded) > most:
                raise torch.OutOfMemoryError
            return complete(encoded, *rest)

        monkeypatch.setattr(decoder, "_complete", run)
        monkeypatch.setattr(decoder, "_batch_tokens", 16_384)

    limited(3)
    assert [path.completion for [path] in whole] == [path.completion for [path] in decoder.decode(INPUTS, **LIMITS)]
    limited(0)
    with pytest.raises(ThoughtDistillError, match=r"one input does not fit .* lower evaluation\.max_tokens"):
        decoder.decode(INPUTS, **LIMITS)


def test_seeds_and_paths_differ(decoder):
    """Paths of one input are drawn apart, and so are seeds."""
    [paths] = decoder.decode(INPUTS[:1], paths=4, seed=0, temperature=1.0, **LIMITS)
    [others] = decoder.decode(INPUTS[:1], paths=4, seed=1, temperature=1.0, **LIMITS)
    assert 4 == len({path.completion for path in paths})
    assert {path.completion for path in paths} != {path.completion for path in others}


def test_cold_sampling_is_greedy(decoder):
    """As the temperature falls, sampling becomes greedy decoding."""
    greedy = [decoded.completion for [decoded] in decoder.decode(INPUTS, **LIMITS)]
    cold = [decoded.completion for [decoded] in decoder.decode(INPUTS, paths=1, temperature=1e-4, **LIMITS)]
    assert greedy == cold


def test_draws_follow_the_distribution():
    """Each token is drawn as often as its probability says."""
    logits = torch.tensor([0.5, 0.2, 0.3]).log().expand(1000, 3)
    drawn = decoding._draw(logits, (torch.arange(1000) + 0.5) / 1000)
    assert [500, 200, 300] == drawn.bincount().tolist()


def test_long_input_loses_its_beginning(decoder):
    """The trigger, at the end, stays."""
    text = "Question: " + "Ann has 3 pens. " * 40 + INPUTS[3]
    short = {"max_tokens": 12, "max_input_tokens": 20}
    kept = decoder._tokenizer.decode(decoder._tokenizer.encode(text)[-20:], skip_special_tokens=True)
    assert decoder.decode([kept], **short) == decoder.decode([text], **short)


def test_nothing_to_decode(decoder):
    """No inputs, no completions."""
    assert [] == decoder.decode([], **LIMITS)


def test_directory_without_a_model_is_refused(tmp_path):
    """One line that names the directory."""
    with pytest.raises(DataError, match="not a Hugging Face sequence-to-sequence directory"):
        Decoder(str(tmp_path), "cpu")


def test_a_checkpoint_without_all_weights_is_not_a_student(directory, tmp_path):
    """Nothing is measured on weights of chance."""
    model, tokenizer = AutoModelForSeq2SeqLM.from_pretrained(directory), AutoTokenizer.from_pretrained(directory)
    tokenizer.save_pretrained(tmp_path)
    kept = {name: weight for name, weight in model.state_dict().items() if "decoder.block.1" not in name}
    model.save_pretrained(tmp_path, state_dict=kept)
    with pytest.raises(DataError, match=r"weights are missing, first decoder\.block\.1"):
        Decoder(str(tmp_path), "cpu")


def test_codet5s_own_files_decode(codet5_files):
    """A published checkpoint that was put into student/ as it is."""
    [[decoded]] = Decoder(str(codet5_files), "cpu").decode(["Question: 1?\n"], max_tokens=4, max_input_tokens=64)
    assert 0 < decoded.tokens <= 4
