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
