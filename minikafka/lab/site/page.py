"""A notebook as a page, and the files that all pages share.

    site = start(folder, notebooks)                  an empty folder
    site.add(Place("03_the_wire.html", "03 · The wire"), notebook)

    03_the_wire.html              prose, code, outputs; each widget's state as JSON
    assets/course-3f2a.css, .js   what every page needs
    assets/widget-91c4.js         a widget's module, once for all pages that show one
    assets/plotly-77d0.js         only where there is a plotly figure

A file is called after its content, so that a browser may keep it for ever. Modules are strings in
ordinary scripts: a page that was opened from a folder may not import files.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from minikafka.lab.site.markup import code, markdown, plain
from minikafka.viz import theme
from minikafka.viz.page import MOUNT, in_script, own_state

HERE = Path(__file__).parent
VIEW = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"
PLOTLY = "application/vnd.plotly.v1+json"

Notebook = Any  # nbformat's NotebookNode
Cell = Any

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>{title}</title>
{styles}
</head>
<body class="mk">
<a class="skip" href="#text">To the text</a>
<nav aria-label="Course"><a href="index.html">minikafka</a><span>{title}</span>
<small>to read and to play; <code>make lab</code> runs the code</small></nav>
<main id="text">
{cells}
</main>
<nav class="turn" aria-label="Chapters">{turn}</nav>
{scripts}
</body>
</html>
"""
_AS_SCRIPT = "(globalThis.modules ??= {{}})[document.currentScript.getAttribute('src')] = {};\n"
_EXERCISE = re.compile(r"\bcheck\(\s*\"")
_MARK = ".site-of-minikafka"
_TO_DO = (
    '<p class="to-do"><b>To be done in the notebook.</b> It checks your answer and says what is '
    "missing: <code>make lab</code>.</p>"
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page is in the course: its file, its title, and its neighbours as (file, title)."""

    file: str
    title: str
    before: tuple[str, str] | None = None
    after: tuple[str, str] | None = None


class Site:
    """A folder that fills with pages. `notebooks` is where the chapters' links start."""

    def __init__(self, folder: Path, notebooks: Path) -> None:
        self.folder, self._notebooks = folder, notebooks
        (folder / "assets").mkdir(parents=True, exist_ok=True)
        tokens = {theme.LIGHT[name]: theme.DARK[name] for name in theme.LIGHT}
        script = (HERE / "site.js").read_text(encoding="utf-8")
        self._script = self.asset(
            "course.js", f"{MOUNT}\nconst DARK = {json.dumps(tokens)};\n{script}"
        )
        style = (HERE / "site.css").read_text(encoding="utf-8")
        self._style = self.asset("course.css", theme.css() + style)

    def add(self, place: Place, notebook: Notebook) -> None:
        """Write a page."""
        page = _Page(self, notebook)
        cells = "\n".join(page.cell(cell) for cell in notebook.cells)
        styles = [self._style, *page.styles]
        scripts = [*page.scripts, self._script]
        text = _PAGE.format(
            title=escape(place.title),
            styles="\n".join(f'<link rel="stylesheet" href="{name}">' for name in styles),
            scripts="\n".join(f'<script src="{name}"></script>' for name in scripts),
            cells=cells,
            turn="".join(
                f'<a rel="{rel}" href="{there[0]}"><small>{words}</small>{escape(there[1])}</a>'
                for rel, words, there in (
                    ("prev", "before", place.before),
                    ("next", "next", place.after),
                )
                if there
            ),
        )
        (self.folder / place.file).write_text(text, encoding="utf-8")

    def asset(self, name: str, content: str | bytes) -> str:
        """Keep a file once, whoever asks for it; says where it is from a page."""
        data = content.encode() if isinstance(content, str) else content
        stem, _, suffix = name.rpartition(".")
        path = f"assets/{stem}-{hashlib.sha256(data).hexdigest()[:8]}.{suffix}"
        if not (self.folder / path).exists():
            (self.folder / path).write_bytes(data)
        return path

    def link(self, target: str) -> str:
        """Where a link of a chapter leads here. A file of the repository comes along.

        Raises FileNotFoundError for one that is not there.
        """
        parts = urlsplit(target)
        if parts.scheme or not parts.path:
            return target
        if parts.path.endswith(".ipynb"):
            return target.replace(".ipynb", ".html")
        file = self._notebooks / parts.path
        return self.asset(file.name, file.read_bytes())


@dataclass(slots=True)
class _Page:
    """A page while it is written: what it needs besides its text."""

    site: Site
    notebook: Notebook
    styles: list[str] = field(default_factory=list)
    scripts: list[str] = field(default_factory=list)

    def cell(self, cell: Cell) -> str:
        if cell.cell_type == "markdown":
            return f'<div class="prose">{markdown(cell.source, self.site.link)}</div>'
        shown = f'<pre class="code" tabindex="0"><code>{code(cell.source)}</code></pre>'
        if _EXERCISE.search(cell.source):
            return f"{shown}\n{_TO_DO}"
        return "\n".join([shown, *map(self.output, cell.outputs)])

    def output(self, output: Any) -> str:
        if output.output_type == "stream":
            return f'<pre class="output" tabindex="0">{plain(output.text)}</pre>'
        if output.output_type == "error":
            return f'<pre class="output" tabindex="0">{plain(chr(10).join(output.traceback))}</pre>'
        return self.bundle(output.data)

    def bundle(self, data: dict[str, Any]) -> str:
        """The richest form of a value that a page without a kernel can show."""
        if (state := self._state(data)) is not None:
            return self._widget(state)
        if PLOTLY in data:
            return self._plot(data[PLOTLY])
        if "text/html" in data:
            return f'<div class="output">{data["text/html"]}</div>'
        if "text/markdown" in data:
            return f'<div class="prose">{markdown(data["text/markdown"], self.site.link)}</div>'
        if "image/svg+xml" in data:
            return f'<figure class="output">{data["image/svg+xml"]}</figure>'
        if "image/png" in data:
            picture = f"data:image/png;base64,{data['image/png'].strip()}"
            words = escape(data.get("text/plain", "a picture"))
            return f'<figure class="output"><img alt="{words}" src="{picture}"></figure>'
        return f'<pre class="output" tabindex="0">{plain(data.get("text/plain", ""))}</pre>'

    def _state(self, data: dict[str, Any]) -> dict[str, Any] | None:
        """What a widget of ours was told by the kernel; None when the value is not one."""
        if VIEW not in data:
            return None
        models = self.notebook.metadata["widgets"][STATE]["state"]
        state: dict[str, Any] = models[data[VIEW]["model_id"]]["state"]
        return state if "_esm" in state else None

    def _widget(self, state: dict[str, Any]) -> str:
        module = self.site.asset("widget.js", _AS_SCRIPT.format(in_script(state["_esm"])))
        self._need(self.scripts, module)
        if state.get("_css"):
            self._need(self.styles, self.site.asset("widget.css", state["_css"]))
        told = in_script(own_state(state))
        return (
            f'<div class="widget" data-module="{module}"></div>'
            f'<script type="application/json">{told}</script>'
        )

    def _plot(self, figure: dict[str, Any]) -> str:
        from plotly.offline import get_plotlyjs

        self._need(self.scripts, self.site.asset("plotly.js", get_plotlyjs()))
        return (
            f'<div class="plot"></div><script type="application/json">{in_script(figure)}</script>'
        )

    @staticmethod
    def _need(what: list[str], name: str) -> None:
        if name not in what:
            what.append(name)


def start(folder: Path, notebooks: Path) -> Site:
    """An empty folder for a site. Raises FileExistsError when something else is in it."""
    mark = folder / _MARK
    if mark.exists():
        shutil.rmtree(folder)
    elif folder.exists() and any(folder.iterdir()):
        raise FileExistsError(f"{folder} has files that no site put there")
    site = Site(folder, notebooks)
    mark.touch()
    return site
