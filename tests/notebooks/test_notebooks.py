"""What every notebook promises beyond its outputs, which `pytest --nbval` compares.

tests/test_project.py holds stored notebooks against their scripts; here are the rules that
keep nbval meaningful, the exercises, and that a second build gives the same file.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)

# What would make a cell's output differ from run to run, or reach nbval as noise.
UNSTABLE = re.compile(r"clear_output|display_id|\binteract\(|\bOutput\(|\.show\(|time\.time\(")
ANSWER = re.compile(r"<details>.*?```python\n(.*?)```.*?</details>", re.DOTALL)
TRUSTED_TAGS = {"raises-exception", "nbval-ignore-output"}


def cells(path: Path) -> list[dict[str, Any]]:
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def source(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def test_every_script_has_its_notebook() -> None:
    scripts = {path.stem for path in (ROOT / "notebooks/src").glob("*.py")}
    assert scripts == {path.stem for path in NOTEBOOKS}


@each_notebook
def test_cells_are_short_and_their_outputs_stable(path: Path) -> None:
    for cell in cells(path):
        if cell["cell_type"] == "code":
            assert 0 < len(source(cell).splitlines()) <= 25
            assert not UNSTABLE.search(source(cell))
            assert set(cell["metadata"].get("tags", [])) <= TRUSTED_TAGS


@each_notebook
def test_a_reader_without_a_kernel_sees_every_drawing(path: Path) -> None:
    for cell in cells(path):
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            assert "application/vnd.jupyter.widget-view+json" not in data
            is_drawn = {"image/svg+xml", "application/vnd.plotly.v1+json"} & data.keys()
            assert bool(is_drawn) == ("image/png" in data), "PNG for code hosts"


@each_notebook
def test_exercises_refuse_the_untouched_cell_and_accept_the_folded_answer(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(path.parent)
    world: dict[str, Any] = {}
    exec("import minikafka as mk\nfrom minikafka.lab.exercises import check", world)
    all_cells = cells(path)
    exercises = [i for i, cell in enumerate(all_cells) if "check(" in source(cell)
                 and cell["cell_type"] == "code"]  # fmt: skip
    assert exercises, "a chapter ends with exercises"
    for i in exercises:
        work, _, call = source(all_cells[i]).rpartition("check(")
        answer = ANSWER.search(source(all_cells[i + 1]))
        assert answer, "the next cell begins with the folded answer"
        exec(work, world)
        refused = eval(f"check({call}", world)
        assert not refused.is_accepted
        assert repr(refused).startswith("not yet: ")
        exec(answer[1], world)
        accepted = eval(f"check({call}", world)
        assert accepted.is_accepted, accepted


@each_notebook
def test_a_second_build_gives_the_same_file(path: Path) -> None:
    pytest.importorskip("nbclient", reason="needs nbclient to build notebooks")
    command = [sys.executable, "tools/notebooks.py", "--check", path.stem]
    build = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert build.returncode == 0, build.stdout + build.stderr
