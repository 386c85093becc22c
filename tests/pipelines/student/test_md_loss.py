"""MD's loss, written out by hand term by term as in the paper (arXiv 2312.10730, equations 2-4), is what trains."""

import numpy as np
import pytest
import torch

from pipelines.config import MixtureConfig
from pipelines.mixture import RECIPES, Example, Judged
from pipelines.problems import Problem
from pipelines.student.batches import collate
from pipelines.student.examples import tokenise
from pipelines.student.loss import WeightedCrossEntropy, target_weight, tensors

CPU = torch.device("cpu")
UPSAMPLE = 2

# (question, CoT answers, PoT answers); 8 is right. n1 and n2 of the paper are the correct CoT and PoT paths.
TYPE_1 = ("Pens in 2 boxes of 4?", ["7", "7", "8"], ["8", "8", "7"])  # PoT alone wins its vote
TYPE_2 = ("Nuts in 4 bags of 2?", ["8", "8", "7"], ["7", "7", "7"])  # CoT alone wins its vote
TYPE_3 = ("Caps in 1 box of 8?", ["8", "8", "8"], ["8", "8", "7"])  # n1 = 3, n2 = 2, λ = 2/5
TYPE_4 = ("Cups in 8 boxes of 1?", ["7", "7", "8"], ["7", "7", "8"])  # neither


def completion(thought: str, draw: int, answer: str) -> str:
    return (
        f"Step {draw}. The answer is {answer}."
        if thought == "cot"
        else f"step_{draw} = {answer}\nans = step_{draw}" + " + 0" * draw
    )


def mixed(question: str, cot: list[str], pot: list[str]) -> list[Example]:
    """What the MD recipe makes of a question."""
    problem = Problem(
        problem_id=question,
        question=question,
        answer="8",
        answer_kind="number",
        rationale=None,
        dataset="d",
        split="train",
    )
    judged = [
        Judged(
            sample_id=f"{question}/{thought}/{draw}",
            thought=thought,
            draw=draw,
            completion=completion(thought, draw, answer),
            status="solved",
            answer=answer,
            correct=answer == "8",
        )
        for thought, answers in (("cot", cot), ("pot", pot))
        for draw, answer in enumerate(answers)
    ]
    entries = RECIPES["md"](problem, judged, MixtureConfig(recipe="md", upsample=UPSAMPLE))
    return [entry for entry in entries if isinstance(entry, Example)]


@pytest.fixture
def cross_entropy(student, tokenizer):
    """CE(question, thought, draw, answer): Hugging Face's own, summed over the target's tokens."""
    model = student()
    triggers = {"cot": "Let's think step by step.", "pot": "Let's break down the code step by step"}

    def summed(question: str, thought: str, draw: int) -> torch.Tensor:
        inputs = tokenizer(f"Question: {question}\n{triggers[thought]}\n", return_tensors="pt").input_ids
        labels = tokenizer(completion(thought, draw, "8"), return_tensors="pt").input_ids
        return model(input_ids=inputs, labels=labels).loss * labels.shape[1]

    return summed


def test_the_papers_loss_term_by_term(student, tokenizer, cross_entropy, tmp_path):
    """L₁,₂ + L₃ of a batch with all four types equals the weighted numerator, and one constant divides both."""
    one, two, three = TYPE_1[0], TYPE_2[0], TYPE_3[0]
    l_12 = UPSAMPLE * (
        cross_entropy(one, "pot", 0)  # type 1: L_PoT of its two correct programs
        + cross_entropy(one, "pot", 1)
        + cross_entropy(two, "cot", 0)  # type 2: L_CoT of its two correct proses
        + cross_entropy(two, "cot", 1)
    )
    lam = 2 / (3 + 2)
    l_cot = cross_entropy(three, "cot", 0) + cross_entropy(three, "cot", 1) + cross_entropy(three, "cot", 2)
    l_pot = cross_entropy(three, "pot", 0) + cross_entropy(three, "pot", 1)
    l_3 = (1 - lam) * l_cot + lam * l_pot

    examples = [example for question in (TYPE_1, TYPE_2, TYPE_3, TYPE_4) for example in mixed(*question)]
    data = tokenise(examples, tokenizer, tmp_path / "md", 256, 256)
    rows = np.arange(len(data))
    numerator = WeightedCrossEntropy(student())(*tensors(collate(data, rows), CPU))
    torch.testing.assert_close(numerator, l_12 + l_3, rtol=1e-5, atol=1e-4)

    def tokens(thought: str, draw: int) -> int:
        return len(tokenizer(completion(thought, draw, "8")).input_ids)

    constant = UPSAMPLE * (tokens("pot", 0) + tokens("pot", 1) + tokens("cot", 0) + tokens("cot", 1))
    constant += (1 - lam) * (tokens("cot", 0) + tokens("cot", 1) + tokens("cot", 2))
    constant += lam * (tokens("pot", 0) + tokens("pot", 1))
    assert constant == pytest.approx(target_weight(data, rows))
    assert 2 * UPSAMPLE + 2 * UPSAMPLE + 5 == len(data)
