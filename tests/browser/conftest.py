"""JupyterLab and Chromium for the tests that play a notebook as a reader would."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from minikafka.bench.lab import jupyterlab
from minikafka.viz.chromium import chromium, executable

ROOT = Path(__file__).parent.parent.parent


# Per module: Playwright's loop must have ended before another folder's tests start theirs.
@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    pytest.importorskip("playwright", reason="needs playwright")
    if executable() is None:
        pytest.skip("needs Chromium (apt-get install chromium)")
    with chromium() as running:
        yield running


@pytest.fixture(scope="session")
def progress_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the notebooks of `lab` keep what was done."""
    return tmp_path_factory.mktemp("progress") / "progress.json"


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory, progress_file: Path) -> Iterator[str]:
    """A JupyterLab on a copy of the notebooks; its address has a place for a notebook's path."""
    home = tmp_path_factory.mktemp("lab")
    shutil.copytree(ROOT / "notebooks", home / "notebooks")
    own = {
        "JUPYTER_CONFIG_PATH": str(ROOT / "minikafka/lab/jupyter"),
        "MINIKAFKA_PROGRESS": str(progress_file),
    }
    with jupyterlab(home / "notebooks", home, **own) as address:
        yield address
