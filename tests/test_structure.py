"""The cut of the project: who may import whom (DESIGN §2)."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BASE = ("errors", "config", "storage")
PACKAGES = ("problems", "solvers", "thoughts", "teacher", "mixture", "inference", "student", "report")


def imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def modules(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_only_those_to_its_left(package: str) -> None:
    """problems → solvers → thoughts → teacher → mixture → inference → student → report."""
    allowed = set(PACKAGES[: PACKAGES.index(package) + 1]) | set(BASE)
    found = {
        (file.name, name)
        for file in modules(f"pipelines/{package}")
        for name in imported(file)
        if name.startswith("pipelines.") and name.split(".")[1] not in allowed
    }
    assert set() == found


def test_pipelines_never_imports_ray() -> None:
    """The domain is plain Python; only ray_jobs knows how rows are spread."""
    found = {
        (file.name, name)
        for file in modules("pipelines")
        for name in imported(file)
        if name.split(".")[0] in ("ray", "ray_jobs")
    }
    assert set() == found


@pytest.mark.parametrize("name", BASE)
def test_the_base_stands_left_of_all_packages(name: str) -> None:
    """config, errors and storage import none of the packages."""
    found = {m for m in imported(ROOT / "pipelines" / f"{name}.py") if m.startswith("pipelines.")}
    assert set() == {m for m in found if m.split(".")[1] in PACKAGES}


def test_every_package_is_in_the_order() -> None:
    """A new package has to take its place in the order."""
    folders = {folder.name for folder in (ROOT / "pipelines").iterdir() if (folder / "__init__.py").exists()}
    assert set(PACKAGES) == folders


SCORERS = ("pipelines/inference", "pipelines/report", "ray_jobs")
VOTES = {"pipelines/report": "judged.py", "pipelines/inference": "solving.py"}
"""The one module of each that asks which paths of a problem give the same answer."""


def scoring_names() -> set[str]:
    """Every function that tells whether answers are equal or finds one in text, and the libraries others use for it."""
    own = {f"pipelines.solvers.{name}" for name in ("answers", "numerals", "markup")}
    return own | {"math_verify", "latex2sympy2_extended", "lm_eval", "sympy", "decimal"}


@pytest.mark.parametrize("folder", SCORERS)
def test_evaluation_has_no_scorer_of_its_own(folder: str) -> None:
    """Equality of answers comes from ``pipelines.solvers`` alone, and where gold is, through ``judge``."""
    found = {(file.name, name) for file in modules(folder) for name in imported(file)}
    scorers = scoring_names()
    assert set() == {(file, name) for file, name in found if name in scorers or name.split(".")[0] in scorers}
    equality = {file for file, name in found if name == "pipelines.solvers.equal"}
    assert {VOTES.get(folder)} - {None} == equality


@pytest.mark.parametrize("folder", SCORERS)
def test_nothing_compares_an_answer_with_gold_by_itself(folder: str) -> None:
    """No ``==`` or ``!=`` has the gold answer or a path's answer beside another value, but for None."""
    compared = [
        (file.name, ast.unparse(node))
        for file in modules(folder)
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Compare) and any(isinstance(operator, (ast.Eq, ast.NotEq)) for operator in node.ops)
        if any(side in ("answer", "gold") for value in (node.left, *node.comparators) for side in named(value))
    ]
    assert [] == compared


def named(value: ast.expr) -> list[str]:
    """The name, attribute or constant key that an expression ends in."""
    match value:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.Subscript(slice=ast.Constant(value=str(name))):
            return [name]
    return []
