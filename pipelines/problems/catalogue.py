"""The data sets that have a name of their own: their original files, who reads them, where they are published.

    ORIGINALS["strategyqa"].files("dev")  ->  ("dev.json",)      of its two splits, train and dev

A set whose ``splits`` is None has one file without a split, or names its files after any split; the split is then
only a part of the problem ids. ``hub`` is the copy on the Hugging Face hub that is read where no path is given;
sets without one need their file. No row of any set is dropped.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pipelines.problems import algebra222, asdiv, gsm8k, mawps, placeholders, strategyqa, svamp
from pipelines.problems.schema import Problem

_FOLDS = tuple(f"fold{fold}/{part}" for fold in range(5) for part in ("train", "dev"))
_SVAMP_REPOSITORY = "github.com/arkilpatel/SVAMP"
_PAL_REPOSITORY = "github.com/reasoning-machines/pal, datasets"

HubRows = Callable[[Iterable[tuple[str, dict[str, Any]]], str, str], Iterator[Problem]]


@dataclass(frozen=True, kw_only=True)
class Original:
    """``files`` names a split's files inside the data set's folder; ``read`` gets them with data set name and split.

    ``hub`` is ORG/NAME or ORG/NAME/SUBSET, ``hub_split`` the one split it has, or None for those of ours;
    ``read_hub`` gets its rows, each with where it stands.
    """

    read: Callable[[list[str], str, str], Iterator[Problem]]
    files: Callable[[str], tuple[str, ...]]
    published: str
    licence: str
    splits: tuple[str, ...] | None = None
    hub: str | None = None
    hub_split: str | None = None
    read_hub: HubRows | None = None


def _only(file: str) -> Callable[[str], tuple[str, ...]]:
    return lambda _: (file,)


ORIGINALS: dict[str, Original] = {
    "gsm8k": Original(
        read=gsm8k.problems,
        files=lambda split: (f"{split}.jsonl",),
        published="github.com/openai/grade-school-math",
        licence="MIT",
        hub="openai/gsm8k/main",
        read_hub=gsm8k.from_rows,
    ),
    "svamp": Original(
        read=svamp.problems,
        files=lambda split: ("SVAMP.json",) if split == "all" else ("SVAMP.json", "split_ids.json"),
        splits=("train", "test", "all"),
        published=_SVAMP_REPOSITORY,
        licence="MIT",
        hub="ChilleD/SVAMP",
        read_hub=svamp.from_rows,
    ),
    "asdiv": Original(
        read=asdiv.problems,
        files=_only("ASDiv.xml"),
        published="github.com/chaochun/nlu-asdiv-dataset",
        licence="CC BY-NC 4.0",
    ),
    "multiarith": Original(
        read=mawps.problems,
        files=_only("MultiArith.json"),
        published="github.com/wangxr14/Algebraic-Word-Problem-Solver, data; without equations " + _PAL_REPOSITORY,
        licence="not stated; Apache-2.0 for PAL's copy",
    ),
    "addsub": Original(
        read=mawps.problems, files=_only("mawpsaddsub.jsonl"), published=_PAL_REPOSITORY, licence="Apache-2.0"
    ),
    "singleeq": Original(
        read=mawps.problems, files=_only("mawpssingleeq.jsonl"), published=_PAL_REPOSITORY, licence="Apache-2.0"
    ),
    "singleop": Original(
        read=mawps.problems, files=_only("mawpssingleop.jsonl"), published=_PAL_REPOSITORY, licence="Apache-2.0"
    ),
    "gsm_hard": Original(
        read=mawps.problems,
        files=_only("gsmhardv2.jsonl"),
        published=_PAL_REPOSITORY,
        licence="Apache-2.0",
        hub="reasoning-machines/gsm-hard",
        hub_split="train",
        read_hub=mawps.from_rows,
    ),
    "mawps": Original(
        read=placeholders.problems,
        files=lambda split: (f"{split}.csv",),
        splits=_FOLDS,
        published=f"{_SVAMP_REPOSITORY}, data/cv_mawps",
        licence="MIT",
    ),
    "asdiv_a": Original(
        read=placeholders.problems,
        files=lambda split: (f"{split}.csv",),
        splits=_FOLDS,
        published=f"{_SVAMP_REPOSITORY}, data/cv_asdiv-a",
        licence="MIT",
    ),
    "mawps_asdiv_a": Original(
        read=placeholders.problems,
        files=lambda split: ("dev.csv" if split == "test" else "train.csv",),
        splits=("train", "test"),
        published=f"{_SVAMP_REPOSITORY}, data/mawps-asdiv-a_svamp",
        licence="MIT",
    ),
    "strategyqa": Original(
        read=strategyqa.problems,
        files=lambda split: (f"{split}.json",),
        splits=("train", "dev"),
        published="github.com/eladsegal/strategyqa, data/strategyqa",
        licence="MIT",
    ),
    "algebra222": Original(
        read=algebra222.problems,
        files=_only("algebra222.csv"),
        published="github.com/joyheyueya/declarative-math-word-problem",
        licence="CC BY-SA 4.0",
    ),
}
