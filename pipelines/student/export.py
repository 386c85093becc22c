"""A trained student as a Hugging Face directory: safetensors, tokenizer, generation config and a model card.

    export(model, tokenizer, "runs/quickstart/student", ModelCard(base_model=None, datasets={"gsm8k": "MIT"},
           recipe="etd", examples={"pot": 7012, "eot": 6240}, triggers={"pot": "Let's break down the code ..."},
           teacher="gpt-4.1-mini", scores={}, licence="apache-2.0"))

``AutoModelForSeq2SeqLM.from_pretrained`` opens it with nothing of this project installed. Nothing is uploaded.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml
from transformers import GenerationConfig


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """What the README says.

    ``datasets``: licence of each data set by its name. ``examples``: training examples by thought. ``triggers``: the
    input suffix by thought. ``scores``: accuracies in [0, 1] by what was measured, empty where nothing was yet.
    ``base_model`` and ``teacher`` are names, None where there is none. ``licence`` is that of the weights.
    """

    base_model: str | None
    datasets: Mapping[str, str]
    recipe: str
    examples: Mapping[str, int]
    triggers: Mapping[str, str]
    teacher: str | None
    scores: Mapping[str, float]
    licence: str


def export(model: Any, tokenizer: Any, directory: str | Path, card: ModelCard) -> None:
    """Write the student to ``directory``, weights in fp32; files of the same names are replaced, others left.

    The generation config says greedy decoding with the model's own start, end and padding tokens, and nothing of a
    checkpoint's earlier habits (beams, forced tokens).
    """
    config = model.config
    model.generation_config = GenerationConfig(
        decoder_start_token_id=config.decoder_start_token_id,
        eos_token_id=config.eos_token_id,
        pad_token_id=config.pad_token_id,
        max_new_tokens=256,
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
        f"Distilled by [thought-distill](https://github.com/thought-distill/thought-distill), recipe `{card.recipe}`, "
        f"from {card.base_model or 'random weights'}; every training example was proven by solving it.",
        "",
        "## Use",
        "",
        "The input is the question and a trigger that picks the form of reasoning:",
        "",
        "```",
        "Question: {question}",
        "{trigger}",
        "",
        "```",
        "",
        *_table(("thought", "trigger", "training examples"), _thoughts(card)),
        "",
        "The answer comes from solving the completion: reading a CoT's last sentence, running a PoT, solving the "
        "equations of an EoT. Run what it writes only in a sandbox.",
        "",
        "## Data",
        "",
        *_table(("data set", "licence"), card.datasets.items()),
        "",
        f"Reasoning written by {card.teacher or 'no language model'}. "
        "The terms of the teacher's provider may limit what may be done with its output and with this model.",
        "",
        "## Scores",
        "",
        *(
            _table(("measured", "accuracy"), [(name, f"{100 * score:.1f} %") for name, score in card.scores.items()])
            if card.scores
            else ["Not measured yet; see the run's report."]
        ),
        "",
        "## Licence",
        "",
        f"Weights: {card.licence}. The data sets keep their own licences, above.",
        "",
    ]
    return "\n".join(lines)


def _thoughts(card: ModelCard) -> list[tuple[str, ...]]:
    return [(name, f"`{trigger}`", str(card.examples.get(name, 0))) for name, trigger in card.triggers.items()]


def _table(names: tuple[str, ...], rows: Any) -> list[str]:
    return [" | ".join(("", *cells, "")).strip() for cells in (names, ["---"] * len(names), *rows)]
