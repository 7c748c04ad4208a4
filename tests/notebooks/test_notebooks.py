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

from minikafka.cli.lab import CONTENTS
from minikafka.lab.course import CHAPTERS, Chapter
from minikafka.lab.exercises import EXERCISES

ROOT = Path(__file__).parent.parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
each_chapter = pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.number)

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


def test_the_list_of_chapters_is_that_of_the_notebooks() -> None:
    files = [f"{path.stem}.ipynb" for path in NOTEBOOKS]
    assert [chapter.file for chapter in CHAPTERS] == [name for name in files if name != CONTENTS]
    assert {name.partition(".")[0] for name in EXERCISES} <= {each.number for each in CHAPTERS}


@each_chapter
def test_a_chapter_is_called_what_the_list_calls_it(chapter: Chapter) -> None:
    (first, *_), titles = cells(NOTEBOOKS[0].parent / chapter.file), set()
    titles = {line for line in source(first).splitlines() if line.startswith("# ")}
    assert titles == {f"# {chapter.number} · {chapter.title}"}
    assert chapter.file.startswith(f"{chapter.number}_")


@each_notebook
def test_predictions_belong_to_their_chapter_and_each_is_revealed(path: Path) -> None:
    """In this order: the question, then what came of it; and nothing is asked twice."""
    code = "\n".join(source(cell) for cell in cells(path) if cell["cell_type"] == "code")
    asked, revealed = (
        re.findall(rf'\b{verb}\(\s*"([^"]+)"', code) for verb in ("predict", "reveal")
    )
    assert asked == revealed and len(set(asked)) == len(asked)
    chapter = path.stem.partition("_")[0]
    assert path.name == CONTENTS or all(name.startswith(f"{chapter}.") for name in asked)


@each_notebook
def test_what_came_of_a_prediction_is_one_of_its_choices(path: Path) -> None:
    """As stored: an outcome that no choice says would make every reader wrong."""
    texts = [
        "".join(output["data"].get("text/plain", ""))
        for cell in cells(path)
        for output in cell.get("outputs", [])
        if "data" in output
    ]
    questions = {text[11:].partition(":")[0]: text for text in texts if text.startswith("Predict")}
    for outcome in texts:
        if found := re.match(r"Outcome\((\S+): (.*)\)\n", outcome):
            choices = [line[6:] for line in questions[found[1]].splitlines() if line[2:6] == "( ) "]
            assert not choices or found[2] in choices


@each_chapter
def test_exercises_refuse_the_untouched_cell_and_accept_the_folded_answer(
    chapter: Chapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = NOTEBOOKS[0].parent / chapter.file
    monkeypatch.chdir(path.parent)
    world: dict[str, Any] = {}
    exec("import minikafka as mk\nfrom minikafka.lab import check", world)
    all_cells = cells(path)
    exercises = [i for i, cell in enumerate(all_cells) if "check(" in source(cell)
                 and cell["cell_type"] == "code"]  # fmt: skip
    assert exercises, "a chapter ends with exercises"
    names = [re.findall(r'check\("([^"]+)"', source(all_cells[i])) for i in exercises]
    assert names == [[name] for name in chapter.exercises], "each judge has its cell"
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
