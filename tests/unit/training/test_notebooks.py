"""The notebooks, executed on drawn photos; and what is committed of them is source alone."""

import ast
import importlib.util
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from tests.support.drawn_dataset import SPLIT_SIZES, write_dataset
from training.dataset.classes import REPOSITORY_ROOT, read_classes
from training.dataset.entries import OFFICIAL_ORDER

NOTEBOOKS = REPOSITORY_ROOT / "training" / "notebooks"
NAMES = ("01_etl", "02_eda", "03_raw", "04_pretrained", "05_tensorflow")
_RECIPE = (
    "import torch\ntorch.set_num_threads(1)\nfrom training.train.recipes import Recipe, Stage\n"
    "RECIPE = Recipe(batch_size=8, learning_rate=0.02, mixed_precision=False, stages=(Stage(epochs=1, size=32),))"
)


@pytest.fixture(scope="module")
def raw_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Drawn photos whose splits number the classes, as TrashNet's do."""
    labels = {name: str(place + 1) for place, name in enumerate(OFFICIAL_ORDER)}
    return write_dataset(tmp_path_factory.mktemp("source"), read_classes(), labels=labels)


def _read(name: str) -> Any:
    return nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)  # type: ignore[no-untyped-call]


def _execute(name: str, parameters: str, folder: Path) -> Any:
    """Run a notebook with another cell of parameters, in ``folder``."""
    notebook = _read(name)
    (cell,) = (cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", []))
    cell.source += "\n" + parameters
    NotebookClient(notebook, timeout=240, resources={"metadata": {"path": str(folder)}}).execute()
    return notebook


def _text(notebook: Any) -> str:
    outputs = (output for cell in notebook.cells for output in cell.get("outputs", []))
    return "\n".join(
        str(output.get("text", "")) + str(output.get("data", {}).get("text/plain", "")) for output in outputs
    )


def _pictures(notebook: Any) -> int:
    return sum("image/png" in output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", []))


def test_all_notebooks_are_known() -> None:
    assert sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb")) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_committed_notebook_is_valid_and_holds_no_output_and_no_logic(name: str) -> None:
    notebook = _read(name)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)
    for cell in code:
        source = "\n".join(line for line in cell.source.splitlines() if not line.startswith("%"))
        kinds = {type(node) for node in ast.walk(ast.parse(source))}
        assert not kinds & {ast.FunctionDef, ast.ClassDef, ast.While, ast.If, ast.Try}


def test_etl_lays_the_photos_out(raw_data: Path, tmp_path: Path) -> None:
    total = sum(SPLIT_SIZES.values())
    parameters = (
        f"from pathlib import Path\nSOURCE = Path({str(raw_data)!r})\nROOT = Path({str(tmp_path / 'data')!r})\n"
        f"COUNTS = dict.fromkeys(COUNTS, {total})\nSPLITS = SOURCE"
    )
    _execute("01_etl", parameters, tmp_path)
    processed = tmp_path / "data" / "processed" / "trashnet"
    assert len(list(processed.glob("images/*/*.jpg"))) == 6 * total
    assert (processed / "train.txt").read_bytes() == (raw_data / "train.txt").read_bytes()


def test_eda_shows_findings_and_figures(raw_data: Path, tmp_path: Path) -> None:
    executed = _execute("02_eda", f"from pathlib import Path\nDATASET = Path({str(raw_data)!r})", tmp_path)
    assert "120 photos (72 train, 24 val, 24 test)" in _text(executed)
    assert _pictures(executed) == 7


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("03_raw", "raw"),
        ("04_pretrained", "pretrained"),
        pytest.param(
            "05_tensorflow",
            "raw",
            marks=pytest.mark.skipif(
                importlib.util.find_spec("tensorflow") is None,
                reason="TensorFlow is not installed: `make train-cli model_provider=tensorflow` installs it",
            ),
        ),
    ],
)
def test_training_ends_with_a_report_and_figures(name: str, model: str, raw_data: Path, tmp_path: Path) -> None:
    parameters = (
        f"from pathlib import Path\nDATASET = Path({str(raw_data)!r})\nRUN = Path('run').resolve()\n"
        f"EVALUATION = Path('evaluation').resolve()\nINIT = 'none'\n{_RECIPE}"
    )
    executed = _execute(name, parameters, tmp_path)
    assert f"{model}: " in _text(executed)
    assert ("largest difference of a logit" in _text(executed)) is (name == "05_tensorflow")
    assert _pictures(executed) == 3
    assert (tmp_path / "evaluation" / f"{model}.safetensors").exists()
