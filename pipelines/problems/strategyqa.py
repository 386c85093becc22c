"""StrategyQA in its original form (Geva et al. 2021, arXiv 2101.02235): a JSON list per split, yes-or-no questions.

    {"qid": "2bc9c4f9c19c167187f2", "term": "Genghis Khan", "description": "founder and first Great Khan of ...",
     "question": "Are more people today related to Genghis Khan than Julius Caesar?", "answer": true,
     "facts": ["Julius Caesar had three children.", ...], "decomposition": [...], "evidence": [...]}

train.json holds 2,061 questions, dev.json 229, MD's test set. The answer is ``yes`` or ``no``, so only CoT and PoT can
give it; the configuration refuses EoT. Facts and decomposition are no calculation and are not read.
"""

from collections.abc import Iterator

from pipelines.errors import DataError
from pipelines.problems.original import json_rows, text_field
from pipelines.problems.schema import Problem


def problems(files: list[str], name: str, split: str) -> Iterator[Problem]:
    """The questions of one file.

    Raises:
        DataError: a row has no question, or its answer is not true or false.
    """
    for index, (where, row) in enumerate(json_rows(files[0])):
        answer = row.get("answer")
        if not isinstance(answer, bool):
            raise DataError(f"{where}: 'answer' is {answer!r}, expected true or false")
        yield Problem(
            problem_id=f"{name}/{split}/{index}",
            question=text_field(row, "question", where),
            answer="yes" if answer else "no",
            answer_kind="boolean",
            rationale=None,
            dataset=name,
            split=split,
        )
