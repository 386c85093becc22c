"""A trained student as a Hugging Face directory: safetensors, tokenizer, generation config and a model card.

    export(model, tokenizer, "runs/quickstart/student", ModelCard(base_model=None, datasets={"gsm8k": "MIT"},
           recipe="etd", examples={"pot": 7012, "eot": 6240}, triggers={"pot": "Let's break down the code ..."},
           first="pot", teachers={"gpt-4.1-mini": "OpenAI: output may not ..."}, licence="apache-2.0"))
    scored(card_text, metrics["evaluation"])    the card with its table of scores, which evaluation gives later

``AutoModelForSeq2SeqLM.from_pretrained`` opens it with nothing of this project installed. Nothing is uploaded.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml
from transformers import GenerationConfig

_PROJECT = "[thought-distill](https://github.com/thought-distill/thought-distill)"
_SCORES, _AFTER_SCORES = "## Scores\n", "\n## Licence\n"


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """What the README says.

    ``datasets``: licence of each data set by its name. ``examples``: training examples by thought. ``triggers``: the
    input suffix by thought, ``first`` the thought that the example asks for. ``teachers``: by model name what its
    provider says about training on its output, None where that is not known. ``base_model`` is a name, None for
    random weights. ``licence`` is that of the weights.
    """

    base_model: str | None
    datasets: Mapping[str, str]
    recipe: str
    examples: Mapping[str, int]
    triggers: Mapping[str, str]
    first: str
    teachers: Mapping[str, str | None]
    licence: str


def export(model: Any, tokenizer: Any, directory: str | Path, card: ModelCard, max_new_tokens: int = 256) -> None:
    """Write the student to ``directory``, weights in fp32; files of the same names are replaced, others left.

    ``max_new_tokens``: of a completion; as many as a training target may have. The generation config says greedy
    decoding with the model's own start, end and padding tokens, and nothing of a checkpoint's earlier habits (beams,
    forced tokens).
    """
    config = model.config
    model.generation_config = GenerationConfig(
        decoder_start_token_id=config.decoder_start_token_id,
        eos_token_id=config.eos_token_id,
        pad_token_id=config.pad_token_id,
        max_new_tokens=max_new_tokens,
    )
    folder = Path(directory)
    model.to(torch.float32).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    (folder / "README.md").write_text(readme(card), encoding="utf-8")


def readme(card: ModelCard) -> str:
    """The model card: Hugging Face's YAML head, then Markdown."""
    head: dict[str, Any] = {"license": card.licence, "library_name": "transformers", "datasets": list(card.datasets)}
    if card.base_model:
        head["base_model"] = card.base_model
    lines = [
        "---",
        yaml.safe_dump(head, sort_keys=False).strip(),
        "---",
        "",
        "# A student of mathematical reasoning",
        "",
        f"Distilled by {_PROJECT}, recipe `{card.recipe}`, from {card.base_model or 'random weights'}.",
        "",
        "## Use",
        "",
        "The input is the question and a trigger that picks the form of reasoning:",
        "",
        *_table(("thought", "trigger", "training examples"), _thoughts(card)),
        "",
        "```python",
        "from transformers import AutoModelForSeq2SeqLM, AutoTokenizer",
        "",
        'folder = "."  # or the name of this repository',
        "student, tokenizer = AutoModelForSeq2SeqLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)",
        'question = "Ann has 3 boxes of 12 pens each. How many pens does she have?"',
        f'text = f"Question: {{question}}\\n{card.triggers[card.first]}\\n"',
        'output = student.generate(**tokenizer(text, return_tensors="pt"))[0]',
        "print(tokenizer.decode(output, skip_special_tokens=True, clean_up_tokenization_spaces=False))",
        "```",
        "",
        "The answer comes from solving the completion: reading a CoT's last sentence, running a PoT, solving the "
        "equations of an EoT. Run what it writes only in a sandbox.",
        "",
        "## Data",
        "",
        *_table(("data set of the questions", "licence"), card.datasets.items()),
        "",
        *provenance(card.teachers),
        "",
        _SCORES.strip(),
        "",
        "Not measured yet.",
        _AFTER_SCORES.rstrip("\n"),
        "",
        f"Weights: {card.licence}. The data sets keep their own licences, above.",
        "",
    ]
    return "\n".join(lines)


def provenance(teachers: Mapping[str, str | None]) -> list[str]:
    """Lines on who wrote the reasoning and what its provider says of training on it."""
    if not teachers:
        return ["The reasoning was written by a program, not by a language model."]
    known = [f"- {terms}" for terms in dict.fromkeys(teachers.values()) if terms]
    return [
        f"The reasoning was written by {', '.join(f'`{name}`' for name in teachers)}. The terms of its provider may "
        "limit what may be done with it and with models trained on it; read their current text.",
        *(["", *known] if known else []),
    ]


def scored(text: str, evaluation: Iterable[Mapping[str, Any]]) -> str:
    """A card's text with ``metrics.json``'s ``evaluation`` as its table of scores; a card of another kind as it is."""
    before, found, rest = text.partition(_SCORES)
    _, ended, after = rest.partition(_AFTER_SCORES)
    if not found or not ended:
        return text
    rows = [
        (
            record["dataset"],
            record["selection"],
            record["decoding"],
            f"{record['correct']:,} of {record['n']:,}",
            f"{100 * record['accuracy']:.1f} %",
            f"{100 * record['low']:.1f}-{100 * record['high']:.1f}",
        )
        for record in evaluation
        if record["n"]
    ]
    names = ("test set", "answer chosen by", "decoding", "right", "accuracy", "95 % interval")
    lines = _table(names, rows) if rows else ["Not measured yet."]
    return before + _SCORES + "\n" + "\n".join(lines) + "\n" + _AFTER_SCORES + after


def _thoughts(card: ModelCard) -> list[tuple[str, ...]]:
    return [(name, f"`{trigger}`", f"{card.examples.get(name, 0):,}") for name, trigger in card.triggers.items()]


def _table(names: tuple[str, ...], rows: Any) -> list[str]:
    return [" | ".join(("", *cells, "")).strip() for cells in (names, ["---"] * len(names), *rows)]
