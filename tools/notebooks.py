"""Build the notebooks: scripts in notebooks/src become executed .ipynb files beside that folder.

    python tools/notebooks.py              build and execute all of them
    python tools/notebooks.py 00 03        only those whose names start so
    python tools/notebooks.py --check      build aside; fail when a stored one differs

The scripts (py:percent) are the source, readable in a diff; the notebooks are a build
product that is committed, because a reader without a kernel wants to see its outputs and
because `pytest --nbval` compares them with a fresh run. Built twice, a notebook is the same
file: ids are numbered, and what only a live session needs (widget state, the random
ids of views, execution times) is left out.

Where an output is a drawing (SVG, or a plotly figure), the same drawing is stored as PNG too,
since code hosts may refuse to show the other forms. Pixels depend on fonts, so a PNG is kept as
long as what it was made of is the same, and never compared.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jupytext
import nbformat
from nbclient import NotebookClient

from minikafka.viz.chromium import chromium, executable, png_of_svg, with_palette

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
SVG, PLOTLY, PNG = "image/svg+xml", "application/vnd.plotly.v1+json", "image/png"

Notebook = Any  # nbformat's NotebookNode: a dict that also answers to attributes


def main(arguments: list[str] | None = None) -> int:
    """Returns the process's exit code: 1 when `--check` found a difference."""
    parser = argparse.ArgumentParser(description="Build and execute the notebooks.")
    parser.add_argument("names", nargs="*", help="first letters of the notebooks to build")
    parser.add_argument("--check", action="store_true", help="change nothing, report differences")
    options = parser.parse_args(arguments)
    sources = [
        path
        for path in sorted((NOTEBOOKS / "src").glob("*.py"))
        if not options.names or path.name.startswith(tuple(options.names))
    ]
    if not sources:
        parser.error(f"no notebook starts with {', '.join(options.names)}")
    stale = [source for source in sources if not _build(source, check=options.check)]
    for source in stale:
        print(f"{_target(source).relative_to(ROOT)} is not what {source.name} gives")
    return 1 if stale else 0


def _target(source: Path) -> Path:
    return NOTEBOOKS / f"{source.stem}.ipynb"


def _build(source: Path, *, check: bool) -> bool:
    """Execute one script; store it, or say whether the stored one is equal."""
    target = _target(source)
    notebook = execute(source)
    stored = _read(target) if target.exists() else None
    if check:
        return stored is not None and _text(_without_png(stored)) == _text(notebook)
    _add_png(notebook, stored)
    target.write_text(_text(notebook), encoding="utf-8")
    print(f"{target.relative_to(ROOT)}  {target.stat().st_size / 1000:.0f} kB")
    return True


def run(source: Path) -> Notebook:
    """A script as an executed notebook, with all that a live session leaves behind.

    Nobody has predicted anything in it: a reader's own progress is not looked at.
    """
    notebook = jupytext.read(source)
    notebook.metadata = {
        "kernelspec": {
            "display_name": "Python 3 (ipykernel)",
            "language": "python",
            "name": "python3",
        },
        "language_info": {"name": "python"},
    }
    notebook.nbformat_minor = 5
    client = NotebookClient(
        notebook, timeout=120, record_timing=False, resources={"metadata": {"path": str(NOTEBOOKS)}}
    )
    client.execute(env={**os.environ, "MINIKAFKA_PROGRESS": ""})
    return notebook


def execute(source: Path) -> Notebook:
    """A script as an executed notebook, the same bytes each time."""
    notebook = run(source)
    notebook.metadata.pop("widgets", None)
    notebook.metadata["language_info"] = {"name": "python"}
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"c{number:03d}"
        cell.metadata = {k: v for k, v in cell.metadata.items() if k == "tags"}
        for data in _bundles(cell):
            if len(data) > 1:
                data.pop(WIDGET_VIEW, None)  # names a model of a session that is over
    return notebook


def _bundles(cell: Notebook) -> list[dict[str, Any]]:
    """The mime bundles of a cell's outputs."""
    return [output["data"] for output in cell.get("outputs", []) if "data" in output]


def _read(path: Path) -> Notebook:
    return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]


def _text(notebook: Notebook) -> str:
    return str(nbformat.writes(notebook)) + "\n"  # type: ignore[no-untyped-call]


def _drawing(data: dict[str, Any]) -> str | None:
    """What a PNG is made of: the text of an SVG, or of a plotly figure."""
    if SVG in data:
        return str(data[SVG])
    return json.dumps(data[PLOTLY], sort_keys=True) if PLOTLY in data else None


def _without_png(notebook: Notebook) -> Notebook:
    for cell in notebook.cells:
        for data in _bundles(cell):
            if _drawing(data):
                data.pop(PNG, None)
    return notebook


def _add_png(notebook: Notebook, stored: Notebook | None) -> None:
    known = {
        _drawing(data): data[PNG]
        for cell in (stored.cells if stored is not None else [])
        for data in _bundles(cell)
        if PNG in data
    }
    bundles = [data for cell in notebook.cells for data in _bundles(cell) if _drawing(data)]
    missing = [data for data in bundles if _drawing(data) not in known]
    if missing and executable() is not None:
        with chromium() as browser:
            for data in missing:
                png = png_of_svg(browser, data[SVG]) if SVG in data else _plotted(browser, data)
                known[_drawing(data)] = base64.b64encode(png).decode() + "\n"
    elif missing:
        print("no Chromium here: some drawings are stored without a PNG")
    for data in bundles:
        if _drawing(data) in known:
            data[PNG] = known[_drawing(data)]


def _plotted(browser: Browser, data: dict[str, Any]) -> bytes:
    """A plotly figure as PNG."""
    from plotly.offline import get_plotlyjs

    figure = {**data[PLOTLY], "config": {"staticPlot": True}}
    figure["layout"] = {"width": 720, "height": 360, **figure["layout"]}
    page = browser.new_page(device_scale_factor=1.5)
    try:
        page.set_content("<body style='margin:0'><div></div>")
        page.add_script_tag(content=get_plotlyjs())
        page.evaluate("figure => Plotly.newPlot(document.querySelector('div'), figure)", figure)
        width, height = (figure["layout"][name] for name in ("width", "height"))
        page.set_viewport_size({"width": width, "height": height})
        return with_palette(page, page.screenshot())
    finally:
        page.close()


if __name__ == "__main__":
    sys.exit(main())
