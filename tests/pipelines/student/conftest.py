"""A few problems in three thoughts, and the smallest student that can be trained on them."""

import random

import pytest
import torch
from transformers import T5Config, T5ForConditionalGeneration

from pipelines.mixture import Example
from pipelines.student.examples import tokenise
from pipelines.student.tokenizer import train_tokenizer


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    torch.set_num_threads(1)


def make_examples(count, weight=lambda i: 1.0):
    rng = random.Random(7)
    rows = []
    for i in range(count):
        a, b = rng.randint(2, 99), rng.randint(2, 99)
        story = f"Ann has {a} pens and gets {b} more. " + "She is happy. " * rng.randint(0, 4)
        steps = "".join(f"step_{k} = {a} + {k}\n" for k in range(rng.randint(0, 3)))
        rows.append(
            Example(
                example_id=f"x/{i}/pot/0",
                problem_id=f"x/{i}",
                thought="pot",
                input=f"Question: {story}How many?\nLet's break down the code step by step\n",
                target=f"{steps}total = {a} + {b}\nans = total",
                weight=weight(i),
            )
        )
    return rows


@pytest.fixture(scope="session")
def make():
    """Makes so many examples."""
    return make_examples


@pytest.fixture(scope="session")
def examples():
    return make_examples(50, weight=lambda i: (1.0, 0.5, 2.0)[i % 3])


@pytest.fixture(scope="session")
def tokenizer(examples):
    return train_tokenizer([text for row in examples for text in (row.input, row.target)], 320)


@pytest.fixture(scope="session")
def data(examples, tokenizer, tmp_path_factory):
    return tokenise(examples, tokenizer, tmp_path_factory.mktemp("train"), 256, 256)


@pytest.fixture(scope="session")
def dev(tokenizer, tmp_path_factory):
    return tokenise(make_examples(5), tokenizer, tmp_path_factory.mktemp("dev"), 256, 256)


def make_model(vocabulary, dropout=0.0, feed_forward="gated-gelu"):
    torch.manual_seed(3)
    return T5ForConditionalGeneration(
        T5Config(
            vocab_size=vocabulary,
            d_model=32,
            d_kv=8,
            d_ff=48,
            num_layers=2,
            num_heads=4,
            dropout_rate=dropout,
            feed_forward_proj=feed_forward,
            decoder_start_token_id=0,
        )
    ).train()


@pytest.fixture(scope="session")
def student(tokenizer):
    """Makes equal students: ``student(dropout=..., feed_forward=...)``."""
    return lambda **shape: make_model(len(tokenizer), **shape)


@pytest.fixture
def model(student):
    return student()
