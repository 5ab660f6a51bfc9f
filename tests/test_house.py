"""The house rules that a program can check: who may import whom."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ENGINE = sorted((ROOT / "viz_core").rglob("*.py"))
SECTIONS = ("look", "embed", "explain", "generate", "learn")


def imported(path: Path) -> set[str]:
    """Every module name that a file imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


@pytest.mark.parametrize("path", ENGINE, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_engine_knows_no_page(path):
    roots = {name.split(".")[0] for name in imported(path)}
    assert not roots & {"streamlit", "pages", "app"}


@pytest.mark.parametrize("section", SECTIONS)
def test_sections_do_not_know_each_other(section):
    others = tuple(f"viz_core.{other}" for other in SECTIONS if other != section)
    for path in (ROOT / "viz_core" / section).glob("*.py"):
        assert not [name for name in imported(path) if name.startswith(others)], path


def test_networks_and_pictures_know_no_technique():
    for path in [*(ROOT / "viz_core" / "models").glob("*.py"), *(ROOT / "viz_core" / "images").glob("*.py")]:
        above = tuple(f"viz_core.{section}" for section in (*SECTIONS, "technique", "registry", "jobs"))
        assert not [name for name in imported(path) if name.startswith(above)], path


def test_a_page_is_short():
    for path in (ROOT / "pages").glob("*/*.py"):
        if path.parent.name != "ui":
            assert len(path.read_text(encoding="utf-8").splitlines()) <= 110, path
