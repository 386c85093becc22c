"""The readers of original files, on the real data: every row is there, every answer has its kind."""

from collections import Counter
from pathlib import Path

import pytest

from pipelines.config import ProblemSource
from pipelines.problems import Problem, load
from pipelines.storage import read_jsonl

_FOLDS = [f"fold{number}" for number in range(5)]


def read(data: Path, source: str, path: str, split: str = "test") -> list[Problem]:
    problems = load(ProblemSource(source=source, path=str(data / path), split=split), seed=0)
    assert [p.problem_id for p in problems] == list(dict.fromkeys(p.problem_id for p in problems))
    assert all(p.question and p.answer and p.dataset == source and p.split == split for p in problems)
    return problems


def kinds(problems: list[Problem]) -> dict[str, int]:
    return dict(Counter(problem.answer_kind for problem in problems))


@pytest.mark.parametrize(
    ("source", "path", "split", "expected"),
    [
        ("gsm8k", "gsm8k", "train", {"number": 7473}),
        ("svamp", "svamp", "train", {"number": 700}),
        ("svamp", "svamp/SVAMP.json", "test", {"number": 300}),
        ("svamp", "svamp", "all", {"number": 1000}),
        ("multiarith", "multiarith", "test", {"number": 600}),
        ("multiarith", "multiarith/mawpsmultiarith.jsonl", "test", {"number": 600}),
        ("addsub", "mawps", "test", {"number": 395}),
        ("singleeq", "mawps", "test", {"number": 508}),
        ("singleop", "mawps/mawpssingleop.jsonl", "test", {"number": 562}),
        ("gsm_hard", "gsm_hard", "test", {"number": 1319}),
        ("strategyqa", "strategyqa", "train", {"boolean": 2061}),
        ("strategyqa", "strategyqa/dev.json", "dev", {"boolean": 229}),
        ("algebra222", "algebra222", "test", {"number": 222}),
        ("mawps_asdiv_a", "svamp/mawps-asdiv-a_svamp", "train", {"number": 3138}),
        ("mawps_asdiv_a", "svamp/mawps-asdiv-a_svamp", "test", {"number": 1000}),
    ],
)
def test_no_row_is_dropped(data: Path, source: str, path: str, split: str, expected: dict[str, int]) -> None:
    """The counts of METHOD section 7, from the folder or from the file itself."""
    assert expected == kinds(read(data, source, path, split))


def test_asdiv_keeps_answers_of_every_kind(data: Path) -> None:
    """2,305: of these 90 have several answers, 61 are ratios or times, 61 words or yes and no, the rest numbers."""
    problems = read(data, "asdiv", "asdiv/ASDiv.xml")
    expected = {"number": 2093, "numbers": 90, "text": 56, "ratio": 43, "time": 18, "boolean": 5}
    assert expected == kinds(problems)
    by_row = {int(problem.problem_id.rsplit("/", 1)[1]): problem.answer for problem in problems}
    assert {
        0: "9",  # 9 (apples)
        165: "15:30",  # 3:30 p.m.
        174: "05:45",  # 5:45
        1294: "5; 15; 20",  # 5 (years old); 15 (years old); 20 (years old)
        1330: "-1/3",  # -(1/3)
        849: "5:6",  # 5:6
        1344: "8; 128",  # 8 (ft); 128 (sq. ft)
        75: "yes",
        188: "6th",
    } == {row: by_row[row] for row in (0, 165, 174, 1294, 1330, 849, 1344, 75, 188)}


@pytest.mark.parametrize(
    ("source", "path", "rows", "dev"),
    [("mawps", "svamp/cv_mawps", 1921, 1920), ("asdiv_a", "svamp/cv_asdiv-a", 1217, 1217)],
)
def test_folds_cover_their_set(data: Path, source: str, path: str, rows: int, dev: int) -> None:
    """Train and dev of a fold are the whole set, and its dev parts together too, but for one row of MAWPS."""
    parts = {(fold, part): read(data, source, path, f"{fold}/{part}") for fold in _FOLDS for part in ("train", "dev")}
    assert [rows] * 5 == [len(parts[fold, "train"]) + len(parts[fold, "dev"]) for fold in _FOLDS]
    assert dev == sum(len(parts[fold, "dev"]) for fold in _FOLDS)


def test_folds_put_their_numbers_back_as_the_question_had_them(data: Path) -> None:
    """Every tokenised AddSub question, read from its own file, stands among those of MAWPS with its answer."""
    put_back = {" ".join(p.question.split()): p.answer for p in read(data, "mawps", "svamp/cv_mawps", "fold0/train")}
    put_back |= {" ".join(p.question.split()): p.answer for p in read(data, "mawps", "svamp/cv_mawps", "fold0/dev")}
    assert not any("number0" in question for question in put_back)
    shared = [p for p in read(data, "addsub", "mawps") if " ".join(p.question.split()) in put_back]
    wrong = [
        p.problem_id for p in shared if float(put_back[" ".join(p.question.split())]) != pytest.approx(float(p.answer))
    ]
    assert (len(shared) >= 300, []) == (True, wrong)


def test_multiarith_is_the_same_in_both_its_forms(data: Path) -> None:
    """The file with equations and the JSONL copy hold the same questions and answers in the same order."""
    forms = [
        [(" ".join(p.question.split()), p.answer) for p in read(data, "multiarith", path)]
        for path in ("multiarith/MultiArith.json", "multiarith/mawpsmultiarith.jsonl")
    ]
    assert forms[0] == forms[1]


@pytest.mark.parametrize("recorded", ["svamp_train_codex_pot", "svamp_train_gpt35_cot"])
def test_recorded_completions_meet_their_problems(data: Path, recorded: str) -> None:
    """Identifier and question of recordings made elsewhere are those of our reader."""
    ours = {p.problem_id: p.question for p in read(data, "svamp", "svamp", "train")}
    rows = [row for _, row in read_jsonl(str(data / f"recorded/{recorded}.jsonl"))]
    assert [] == [row for row in rows if ours.get(row["problem_id"]) != row["question"]]


def test_categories_are_those_of_the_data_set(data: Path) -> None:
    """SVAMP's type, ASDiv's grade and type."""
    svamp = Counter(problem.category for problem in read(data, "svamp", "svamp", "all"))
    assert {"Subtraction": 531, "Addition": 195, "Common-Division": 165, "Multiplication": 108} == {
        name: count for name, count in svamp.items() if count > 1
    }
    assert "grade 1/Addition" == read(data, "asdiv", "asdiv")[0].category


def test_asdiv_has_a_draw_for_mds_test(data: Path) -> None:
    """695 by grade, the same by their rule as listed; the two sides are the whole, each problem with its own number."""
    parts = {split: read(data, "asdiv", "asdiv", split) for split in ("all", "md_train", "md_test")}
    numbers = {split: [one.problem_id.rpartition("/")[2] for one in found] for split, found in parts.items()}
    assert (2305, 1610, 695) == tuple(map(len, parts.values()))
    assert set(numbers["all"]) == {*numbers["md_train"], *numbers["md_test"]}
    questions = [one.question for one in parts["all"]]
    assert all(
        one.question == questions[int(number)] for one, number in zip(parts["md_test"], numbers["md_test"], strict=True)
    )
    grades = {split: Counter(str(one.category).split("/")[0] for one in found) for split, found in parts.items()}
    assert GRADES == {grade: (count, grades["md_test"][grade]) for grade, count in sorted(grades["all"].items())}


GRADES = {
    "grade 1": (195, 59),
    "grade 2": (340, 102),
    "grade 3": (808, 244),
    "grade 4": (301, 91),
    "grade 5": (146, 44),
    "grade 6": (515, 155),
}
