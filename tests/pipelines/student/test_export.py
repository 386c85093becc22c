"""The exported student."""

import re
import subprocess
import sys

import pytest
import torch
import yaml
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer, GenerationConfig

from pipelines.config import StudentConfig
from pipelines.student import load
from pipelines.student.export import ModelCard, export, readme, scored

CARD = ModelCard(
    base_model="Salesforce/codet5-small",
    datasets={"gsm8k": "MIT", "asdiv": "CC BY-NC 4.0"},
    recipe="etd",
    examples={"pot": 7012},
    triggers={"cot": "Let's think step by step.", "pot": "Let's break down the code step by step"},
    first="pot",
    teachers={"gpt-4.1-mini": "OpenAI: output may not train competitors"},
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


def test_card_says_data_recipe_triggers_and_terms():
    """The head is YAML; the text names what a user must know."""
    text = readme(CARD)
    head = yaml.safe_load(text.split("---")[1])
    assert {"apache-2.0", "Salesforce/codet5-small"} == {head["license"], head["base_model"]}
    for said in (
        "recipe `etd`",
        "| pot | `Let's break down the code step by step` | 7,012 |",
        "| asdiv | CC BY-NC 4.0 |",
        "written by `gpt-4.1-mini`",
        "- OpenAI: output may not train competitors",
    ):
        assert said in text


def test_card_of_a_student_that_no_language_model_taught_says_so():
    """No teacher, no terms; random weights have no base model."""
    text = readme(ModelCard(**{**vars(CARD), "base_model": None, "teachers": {}}))
    assert "by a program, not by a language model" in text
    assert "random weights" in text


SCORE = {"dataset": "gsm8k", "selection": "pot>eot", "decoding": "greedy", "n": 1319, "correct": 536}
SCORE |= {"accuracy": 0.40637, "low": 0.38, "high": 0.433}


def test_scores_take_their_place_in_the_card():
    """Before evaluation the card says that nothing was measured; afterwards it has the newest table, once."""
    text = readme(CARD)
    assert "Not measured yet." in text
    once = scored(text, [SCORE])
    assert "| gsm8k | pot>eot | greedy | 536 of 1,319 | 40.6 % | 38.0-43.3 |" in once
    assert "Not measured yet." not in once
    assert once == scored(scored(text, [SCORE | {"correct": 7}]), [SCORE])
    assert once.startswith(text.split("## Scores")[0]) and once.endswith(text.split("## Licence")[1])


def test_card_of_others_is_left_alone():
    """A text without our headings stays as it is."""
    assert "# Mine" == scored("# Mine", [SCORE])


ALONE = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("pipelines", "ray_jobs", "ray"):
            raise ImportError(name)

sys.meta_path.insert(0, Refuse())
"""


def test_cards_example_runs_without_this_project(directory, model, tokenizer):
    """The Python of the card, in a process that refuses our packages and Ray, prints what the student writes."""
    example = re.search(r"```python\n(.*?)```", (directory / "README.md").read_text(), re.DOTALL)[1]
    command = [sys.executable, "-W", "error::UserWarning", "-c", ALONE + example]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    question = "Ann has 3 boxes of 12 pens each. How many pens does she have?"
    text = f"Question: {question}\nLet's break down the code step by step\n"
    output = model.eval().generate(**tokenizer(text, return_tensors="pt"), do_sample=False)[0]
    assert (0, tokenizer.decode(output, skip_special_tokens=True) + "\n") == (done.returncode, done.stdout), done.stderr


def test_a_t5_that_learned_a_program_writes_it_with_transformers_alone(t5_files, tmp_path):
    """Newlines, indentation and braces in training, in generation and from the exported files."""
    model, tokenizer = load(StudentConfig(model=str(t5_files)), (), seed=0)
    question = "Question: Ann has 3 boxes of 12 pens each. How many pens does she have?"
    target = 'for box in {1}:\n    pens = 3 * 12\nans = f"{pens}" if pens < 40 else 0'
    batch = tokenizer(f"{question}\nLet's break down the code step by step\n", return_tensors="pt")
    labels = tokenizer(target, return_tensors="pt")["input_ids"]
    optimizer = torch.optim.AdamW(model.eval().parameters(), lr=1e-2)
    for _ in range(300):
        loss = model(**batch, labels=labels).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        if loss < 0.01:
            break
    export(model, tokenizer, tmp_path, CARD)
    example = re.search(r"```python\n(.*?)```", (tmp_path / "README.md").read_text(), re.DOTALL)[1]
    command = [sys.executable, "-W", "error::UserWarning", "-c", ALONE + example]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (0, target + "\n") == (done.returncode, done.stdout), done.stderr
