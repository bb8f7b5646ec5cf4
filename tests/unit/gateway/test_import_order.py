"""The direction of imports between the gateway's packages: routes -> inference -> triton, and none upwards."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import gateway

ROOT = Path(gateway.__file__).parent
#: From the top down: a package may import those after it, and ``errors`` and ``settings``.
PACKAGES = ("routes", "telemetry", "http", "inference", "triton", "uploads", "images")
SHARED = {"errors", "settings"}
#: For programs that ask a gateway: it imports nothing of one, and no package imports it.
CLIENT = "client"


def imported(path: Path) -> set[str]:
    """Return what a file imports of the gateway: packages, and modules that lie beside them."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path} imports relatively"
            module = node.module or ""
            names = [f"gateway.{alias.name}" for alias in node.names] if module == "gateway" else [module]
        found |= {name.split(".")[1] for name in names if name.startswith("gateway.")}
    return found


def test_every_package_has_its_place() -> None:
    assert {path.name for path in ROOT.iterdir() if path.is_dir() and path.name != "__pycache__"} == {
        *PACKAGES,
        CLIENT,
        "web",
    }


@pytest.mark.parametrize("package", PACKAGES)
def test_no_package_imports_upwards(package: str) -> None:
    files = sorted((ROOT / package).rglob("*.py"))
    assert files
    allowed = {*PACKAGES[PACKAGES.index(package) :]} | SHARED
    wrong = {str(path.relative_to(ROOT)): bad for path in files if (bad := imported(path) - allowed)}
    assert not wrong


def test_the_client_imports_nothing_of_the_gateway() -> None:
    files = sorted((ROOT / CLIENT).rglob("*.py"))
    assert files
    assert {name for path in files for name in imported(path)} == {CLIENT}
    code = "import sys; import gateway.client; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "httpx2" in loaded
    assert not {"fastapi", "starlette", "pydantic", "uvicorn", "numpy", "grpc", "PIL", "torch"} & set(loaded)


def test_errors_and_settings_import_no_package() -> None:
    assert not any(imported(ROOT / f"{name}.py") for name in SHARED)


def test_calls_go_from_routes_to_inference_to_triton() -> None:
    """Guards the tests above against a reader of imports that finds none."""
    assert "inference" in imported(ROOT / "routes" / "predict.py")
    assert "triton" in imported(ROOT / "inference" / "protocol.py")
