"""The exported student."""

import pytest
import torch
import yaml
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer, GenerationConfig

from pipelines.student.export import ModelCard, export, readme

CARD = ModelCard(
    base_model="Salesforce/codet5-small",
    datasets={"gsm8k": "MIT", "asdiv": "CC BY-NC 4.0"},
    recipe="etd",
    examples={"pot": 7012},
    triggers={"pot": "Let's break down the code step by step"},
    teacher="gpt-4.1-mini",
    scores={"gsm8k, pot": 0.4063},
    licence="apache-2.0",
)


@pytest.fixture
def directory(model, tokenizer, tmp_path):
    model.generation_config.num_beams = 4
    export(model, tokenizer, tmp_path, CARD)
    return tmp_path


def test_directory_opens_with_transformers_alone(directory, model, tokenizer):
    """Weights in safetensors and fp32, and the tokenizer, come back."""
    again = AutoModelForSeq2SeqLM.from_pretrained(directory)
    assert (directory / "model.safetensors").is_file()
    assert all(torch.equal(a, b) for a, b in zip(again.parameters(), model.parameters(), strict=True))
    assert tokenizer.encode("ans = 1\n") == AutoTokenizer.from_pretrained(directory).encode("ans = 1\n")


def test_generation_is_greedy(directory):
    """Nothing of the checkpoint's earlier generation settings is left."""
    generation = GenerationConfig.from_pretrained(directory)
    assert (0, 1, 0) == (generation.decoder_start_token_id, generation.eos_token_id, generation.pad_token_id)
    assert generation.num_beams in (None, 1)


def test_card_says_data_recipe_triggers_scores_and_licences():
    """The head is YAML; the text names what a user must know."""
    text = readme(CARD)
    head = yaml.safe_load(text.split("---")[1])
    assert {"apache-2.0", "Salesforce/codet5-small"} == {head["license"], head["base_model"]}
    for said in (
        "recipe `etd`",
        "| pot | `Let's break down the code step by step` | 7012 |",
        "| asdiv | CC BY-NC 4.0 |",
        "| gsm8k, pot | 40.6 % |",
        "gpt-4.1-mini",
    ):
        assert said in text


def test_unmeasured_student_says_so(model):
    """No scores, no table."""
    text = readme(ModelCard(**{**vars(CARD), "scores": {}, "base_model": None, "teacher": None}))
    assert "Not measured yet" in text
    assert "random weights" in text
