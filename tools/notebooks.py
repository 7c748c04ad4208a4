"""Execute the notebooks and store them with their outputs, byte for byte repeatable.

    python tools/notebooks.py [NAME …]       (default: all)

A notebook is written as a script, `notebooks/src/NAME.py` (jupytext's percent format:
readable in a diff), and read as `notebooks/NAME.ipynb`, which this command makes.
Two runs give the same bytes, so a changed output is a changed behaviour: cell ids are
numbered, timings are not recorded, and the saved state of widgets is left out (each
plotly widget would store the whole of plotly.js; a widget that is opened without a
kernel shows its static form instead).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def executed(script: Path) -> Any:
    """The notebook of a script with its outputs."""
    import jupytext
    from nbclient import NotebookClient

    notebook = jupytext.read(script)
    notebook.metadata.pop("jupytext", None)
    notebook.metadata.kernelspec = {
        "display_name": "Python 3",
        "language": "python",
        "name": "python3",
    }
    client = NotebookClient(
        notebook,
        timeout=120,
        record_timing=False,
        resources={"metadata": {"path": str(NOTEBOOKS)}},
    )
    client.execute()
    return without_chance(notebook)


def without_chance(notebook: Any) -> Any:
    """The same notebook without anything that differs from run to run."""
    notebook.metadata.pop("widgets", None)
    notebook.metadata.language_info = {"name": "python"}
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"c{number:03d}"
        for output in cell.get("outputs", []):
            # The view names its model by a random id. Any other form that the output
            # carries (text, picture) stays, so only a lone view is kept.
            data = output.get("data", {})
            if len(data) > 1:
                data.pop(WIDGET_VIEW, None)
    return notebook


def main(names: list[str]) -> None:
    """Execute the named notebooks, or all of them."""
    import nbformat

    # A widget writes a picture of itself for readers without a kernel.
    os.environ["MINIKAFKA_STATIC"] = "1"
    for script in sorted((NOTEBOOKS / "src").glob("*.py")):
        if names and script.stem not in names:
            continue
        target = NOTEBOOKS / f"{script.stem}.ipynb"
        nbformat.write(executed(script), target)  # type: ignore[no-untyped-call]
        print(f"{target.relative_to(NOTEBOOKS.parent)}  {target.stat().st_size // 1024} KB")


if __name__ == "__main__":
    main(sys.argv[1:])
