"""A student learns 64 examples by heart."""

import pytest

from pipelines.config import StudentConfig, TrainingConfig
from pipelines.inference.decoding import Decoder
from pipelines.student import load, tokenise, train


@pytest.mark.slow
def test_tiny_learns_64_examples_by_heart(tmp_path, make):
    """From random weights; its greedy completions are the targets to the letter for at least 99 in 100."""
    examples = make(64)
    texts = [text for example in examples for text in (example.input, example.target)]
    model, tokenizer = load(StudentConfig(model="tiny", init="random", vocabulary=400), texts, seed=0)
    data = tokenise(examples, tokenizer, tmp_path / "train", 256, 256)
    none = tokenise([], tokenizer, tmp_path / "dev", 256, 256)
    config = TrainingConfig(epochs=150, batch_size=32, learning_rate=2e-3, warmup_steps=30, precision="fp32")
    train(model, data, none, config, seed=0, device="cpu", checkpoints=None, on_log=lambda record: None)
    decoded = Decoder.of(model.eval(), tokenizer).decode(
        [example.input for example in examples], max_tokens=128, max_input_tokens=256
    )
    exact = sum(row[0].completion == example.target for row, example in zip(decoded, examples, strict=True))
    assert exact >= 0.99 * 64
