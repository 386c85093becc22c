"""The readers of original files on small files of their own: what a row becomes, and what is refused."""

import json
from pathlib import Path

import pytest

from pipelines.config import ProblemSource
from pipelines.errors import ConfigError, DataError
from pipelines.problems import Problem, check, load, source_files
from pipelines.problems.asdiv import asdiv_answer

_SVAMP = {
    "ID": "chal-1",
    "Body": "Each pack costs 76 dollars. If there is a discount of 25 dollars on each pack",
    "Question": "How much is a pack?",
    "Equation": "( 76.0 - 25.0 )",
    "Answer": 51.0,
    "Type": "Subtraction",
}
_ASDIV = """<?xml version="1.0"?><Machine-Reading-Corpus-File><ProblemSet>
<Problem ID="nluds-0001" Grade="1" Source="here"><Body>Seven red apples and two green ones are there.</Body>
<Question>How many apples?</Question><Solution-Type>Addition</Solution-Type><Answer>9 (apples)</Answer>
<Formula>7+2=9</Formula></Problem></ProblemSet></Machine-Reading-Corpus-File>"""
_FOLD = """Question,Numbers,Equation,Answer,Grade,Type
Tom has number0 pens and number1 cups . number10 is no number . How many ?,8.0 0.25 1 1 1 1 1 1 1 1 7,- number0 * number1 2.0,7.5,3,Subtraction
"""  # noqa: E501 - one CSV row


def written(tmp_path: Path, files: dict[str, object]) -> str:
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return str(tmp_path)


def only(source: str, path: str, split: str = "train") -> Problem:
    (problem,) = load(ProblemSource(source=source, path=path, split=split), seed=0)
    return problem


def test_svamp_joins_body_and_question_and_keeps_its_own_id(tmp_path: Path) -> None:
    """A body without a full stop gets one, as in the usual copies; the split is a list of identifiers."""
    second = {**_SVAMP, "ID": "chal-2", "Body": "Two periods.."}
    ids = {"train_ids": ["chal-2"], "test_ids": ["chal-1"]}
    folder = written(tmp_path, {"SVAMP.json": [_SVAMP, second], "split_ids.json": ids})
    problem = only("svamp", folder, "test")
    assert ("svamp/test/chal-1", "51", "Subtraction") == (problem.problem_id, problem.answer, problem.category)
    assert problem.question.endswith("discount of 25 dollars on each pack. How much is a pack?")
    assert "76 - 25 = <<difference=76-25=51>>51.\n#### 51" == problem.rationale
    assert "Two periods. How much is a pack?" == only("svamp", f"{folder}/SVAMP.json", "train").question


def test_asdiv_is_read_from_its_xml(tmp_path: Path) -> None:
    """Body and question are joined, the unit is dropped, the grade is part of the category."""
    problem = only("asdiv", written(tmp_path, {"ASDiv.xml": _ASDIV}))
    assert "Seven red apples and two green ones are there. How many apples?" == problem.question
    assert ("asdiv/train/0", "9", "grade 1/Addition") == (problem.problem_id, problem.answer, problem.category)


@pytest.mark.parametrize(
    ("text", "kind_of_solution", "expected"),
    [
        ("9 (apples)", "Addition", ("9", "number")),
        ("14  (seats)", "TVQ-Final", ("14", "number")),
        ("-(1/3)", "Algebra-1", ("-1/3", "number")),
        ("8 (ft); 128 (sq. ft)", "Geometry", ("8; 128", "numbers")),
        ("6:4", "Ratio", ("3:2", "ratio")),
        ("3:30 p.m.", "Sum", ("15:30", "time")),
        ("12:10", "Addition", ("12:10", "time")),
        ("9:03:36 a.m.", "Addition", ("09:03", "time")),
        ("Yes", "Comparison", ("yes", "boolean")),
        ("The 60th caller.", "LCM", ("the 60th caller", "text")),
    ],
)
def test_asdiv_answers_are_canonical(text: str, kind_of_solution: str, expected: tuple[str, str]) -> None:
    """Each kind of answer has one text; 6:4 is a ratio where the problem is about one."""
    assert expected == asdiv_answer(text, kind_of_solution)


def test_placeholders_are_replaced_by_their_own_number(tmp_path: Path) -> None:
    """number1 and number10 are two numbers; 8.0 is written 8, constants of the equation stay."""
    problem = only("mawps", written(tmp_path, {"fold0/train.csv": _FOLD}), "fold0/train")
    assert "Tom has 8 pens and 0.25 cups . 7 is no number . How many ?" == problem.question
    assert ("7.5", "grade 3/Subtraction") == (problem.answer, problem.category)
    assert (
        "0.25 * 2 = <<product=0.25*2=0.5>>0.5.\n8 - 0.5 = <<difference=8-0.5=7.5>>7.5.\n#### 7.5" == problem.rationale
    )


def test_a_fold_row_whose_equation_is_wrong_stays_without_a_rationale(tmp_path: Path) -> None:
    """Nothing is dropped, and nothing is taught that contradicts the answer."""
    problem = only("mawps", written(tmp_path, {"fold0/train.csv": _FOLD.replace(",7.5,", ",9,")}), "fold0/train")
    assert ("9", None) == (problem.answer, problem.rationale)


def test_strategyqa_asks_for_yes_or_no(tmp_path: Path) -> None:
    """true is yes."""
    problem = only("strategyqa", written(tmp_path, {"train.json": [{"question": "Is it?", "answer": True}]}))
    assert ("yes", "boolean", None) == (problem.answer, problem.answer_kind, problem.rationale)


def test_an_equation_of_mawps_becomes_a_worked_solution(tmp_path: Path) -> None:
    """Also where the unknown does not stand alone."""
    row = {"iIndex": 0, "lEquations": ["70.0 = 27.0 + X"], "lSolutions": [43.0], "sQuestion": " How many? "}
    problem = only("multiarith", written(tmp_path, {"MultiArith.json": [row]}))
    assert "70 = 27 + x.<<?70 = 27 + x>>\n70 - 27 = <<x=70-27=43>>43.\n#### 43" == problem.rationale


@pytest.mark.parametrize(
    ("source", "split", "files", "message"),
    [
        (
            "svamp",
            "test",
            {"SVAMP.json": [_SVAMP]},
            r"split_ids\.json: no such file; expected the original SVAMP.json and",
        ),
        ("svamp", "all", {"SVAMP.json": [{"ID": "a", "Body": "b"}]}, r"SVAMP\.json, element 1: no text in 'Answer'"),
        ("svamp", "all", {"SVAMP.json": "[{]"}, r"SVAMP\.json, line 1: not JSON"),
        ("svamp", "all", {"SVAMP.json": "{}"}, r"SVAMP\.json: dict; expected a JSON list"),
        ("asdiv", "train", {"ASDiv.xml": "<a><Problem></a>"}, r"ASDiv\.xml, line 1: not well-formed XML"),
        ("asdiv", "train", {"ASDiv.xml": "<a><Problem/></a>"}, r"ASDiv\.xml, Problem 1: no text in Solution-Type"),
        (
            "mawps",
            "fold0/dev",
            {"fold0/dev.csv": "Question,Numbers\na\n"},
            r"dev\.csv, row 1: another number of fields",
        ),
        (
            "mawps",
            "fold0/dev",
            {"fold0/dev.csv": "Question,Numbers,Equation,Answer\nnumber1 ?,3,number0,3\n"},
            r"dev\.csv, row 1: Numbers '3' do not fit",
        ),
        (
            "strategyqa",
            "dev",
            {"dev.json": [{"question": "?", "answer": "x"}]},
            r"element 1: 'answer' is 'x', expected true",
        ),
        (
            "multiarith",
            "train",
            {"MultiArith.json": [{"lSolutions": []}]},
            r"element 1: expected one number in 'lSolutions'",
        ),
        (
            "algebra222",
            "train",
            {"algebra222.csv": "question,final_answer\na,b\n"},
            r"row 1: 'final_answer' is 'b', expected a n",
        ),
        ("addsub", "train", {}, r"mawpsaddsub\.jsonl: no such file; expected the original"),
    ],
)
def test_a_malformed_file_is_named_with_the_place(
    tmp_path: Path, source: str, split: str, files: dict[str, object], message: str
) -> None:
    """File, and line, row or element; what was expected."""
    with pytest.raises(DataError, match=message) as error:
        load(ProblemSource(source=source, path=written(tmp_path, files), split=split), seed=0)
    assert "\n" not in str(error.value)


def test_a_split_that_names_a_missing_problem_is_refused(tmp_path: Path) -> None:
    """The identifier is said."""
    folder = written(tmp_path, {"SVAMP.json": [_SVAMP], "split_ids.json": {"train_ids": ["chal-1", "chal-9"]}})
    with pytest.raises(DataError, match=r"has no problem chal-9, which .*split_ids\.json names"):
        load(ProblemSource(source="svamp", path=folder, split="train"), seed=0)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            {"source": "asdiv"},
            r"problems\.path: source 'asdiv' .* give ASDiv\.xml or its folder, published at github\.com/",
        ),
        (
            {"source": "strategyqa", "split": "test"},
            r"problems\.split: 'test' is no split of strategyqa; expected train \| dev",
        ),
        (
            {"source": "mawps", "path": "x"},
            r"problems\.split: 'train' is no split of mawps; expected fold0/train \| fold0/dev",
        ),
        ({"source": "svmap"}, r"problems\.source: 'svmap' is not .*; did you mean 'svamp'\?"),
    ],
)
def test_a_source_that_cannot_be_read_is_refused_by_its_field(source: dict[str, str], message: str) -> None:
    """Said before any file is opened."""
    with pytest.raises(ConfigError, match=message):
        check(ProblemSource(**source), "problems")


@pytest.mark.parametrize("source", [{"source": "svamp"}, {"source": "gsm_hard", "split": "test"}, {"source": "gsm8k"}])
def test_some_sets_need_no_file(source: dict[str, str]) -> None:
    """Those that the hub has in their own form."""
    assert check(ProblemSource(**source), "problems") is None


def test_the_hub_copy_is_read_like_the_original(monkeypatch: pytest.MonkeyPatch) -> None:
    """SVAMP by its splits; GSM-Hard has one split on the hub, whatever it is called here."""
    copies = {
        ("ChilleD/SVAMP", "test"): [{**_SVAMP, "Answer": "51.0", "question_concat": "ignored"}],
        ("reasoning-machines/gsm-hard", "train"): [{"input": "How many?", "code": "", "target": 2.5}],
    }
    monkeypatch.setattr("pipelines.problems.hub.rows", lambda name, split: enumerate(copies[name, split], start=1))
    (svamp,) = load(ProblemSource(source="svamp", split="test"), seed=0)
    (gsm_hard,) = load(ProblemSource(source="gsm_hard", split="test"), seed=0)
    assert ("svamp/test/chal-1", "51") == (svamp.problem_id, svamp.answer)
    assert ("gsm_hard/test/0", "2.5") == (gsm_hard.problem_id, gsm_hard.answer)


def test_the_file_of_another_split_is_refused(tmp_path: Path) -> None:
    """dev.json is never read as the training split."""
    folder = written(tmp_path, {"dev.json": []})
    with pytest.raises(DataError, match=r"dev\.json: is the file of split 'dev', not of 'train'"):
        load(ProblemSource(source="strategyqa", path=f"{folder}/dev.json"), seed=0)


def test_a_source_says_which_files_it_reads(tmp_path: Path) -> None:
    """So that a run notices when one of them changes."""
    folder = written(tmp_path, {"SVAMP.json": [], "split_ids.json": {}})
    files = [f"{folder}/SVAMP.json", f"{folder}/split_ids.json"]
    assert files == source_files(ProblemSource(source="svamp", path=folder))
    assert files == source_files(ProblemSource(source="svamp", path=f"{folder}/SVAMP.json"))
