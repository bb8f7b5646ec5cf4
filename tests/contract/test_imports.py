"""The parts meet in model_repository/ alone: none imports another, and only the command line imports all."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("gateway", "training", "embedded_triton")


def imported_packages(path: Path) -> Iterator[str]:
    """Yield the top-level package of every import in a file, those inside functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


@pytest.mark.parametrize("part", [*PARTS, "imaging"])
def test_a_part_imports_no_other(part: str) -> None:
    files = sorted((ROOT / part).rglob("*.py"))
    assert files, f"{part} has no file"
    forbidden = {*PARTS, "scripts", "tests"} - {part}
    found = {str(path.relative_to(ROOT)): bad for path in files if (bad := forbidden & set(imported_packages(path)))}
    assert not found


def test_only_the_command_line_imports_all_three_and_lazily() -> None:
    for path in sorted((ROOT / "scripts").rglob("*.py")):
        imported = set(imported_packages(path)) & set(PARTS)
        if "cli" not in path.relative_to(ROOT).parts:
            assert len(imported) < len(PARTS), f"{path} imports {imported}"
        elif imported:
            top_level = ast.parse(path.read_text(encoding="utf-8")).body
            eager = [node for node in top_level if isinstance(node, ast.Import | ast.ImportFrom)]
            # The client imports nothing of the gateway; tests/unit/gateway/test_import_order.py says so.
            eager = [node for node in eager if getattr(node, "module", None) != "gateway.client"]
            names = {package for node in eager for package in imported_packages_of(node)}
            assert not names & set(PARTS), f"{path} imports {names & set(PARTS)} before it knows whether it needs them"


def imported_packages_of(node: ast.Import | ast.ImportFrom) -> set[str]:
    """Return the top-level packages that one statement imports."""
    if isinstance(node, ast.Import):
        return {alias.name.partition(".")[0] for alias in node.names}
    return {(node.module or "").partition(".")[0]}


def test_the_command_line_reaches_all_three() -> None:
    """Guards the test above against looking at an empty folder."""
    reached = {package for path in (ROOT / "scripts" / "cli").rglob("*.py") for package in imported_packages(path)}
    assert {"training", "embedded_triton"} <= reached


#: What the packages of a part may import of it besides themselves; one that is not named here may import all of it.
PACKAGES = {
    "embedded_triton/process": {"errors"},
    "embedded_triton/install": {"errors", "settings"},
    "embedded_triton/backends": {"install"},
}


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_none_above_it(package: str) -> None:
    part, own = package.split("/")
    allowed = PACKAGES[package] | {own}
    files = sorted((ROOT / package).rglob("*.py"))
    assert files, f"{package} has no file"
    imported = {
        f"{path.relative_to(ROOT)}: {node.module}"
        for path in files
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(f"{part}.")
        if node.module.split(".")[1] not in allowed
    }
    assert not imported


@pytest.mark.parametrize("part", PARTS)
def test_unit_tests_stand_where_the_code_stands(part: str) -> None:
    tests = ROOT / "tests" / "unit" / part
    folders = [path.parent.relative_to(tests) for path in tests.rglob("test_*.py")]
    assert folders
    assert {str(folder) for folder in folders if not (ROOT / part / folder).is_dir()} == set()
