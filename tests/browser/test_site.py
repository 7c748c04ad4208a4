"""The course as web pages: every page, from a file server and from a folder, asking nobody.

Built once. Pictures of the pages lie in build/screens, like those of JupyterLab.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("nbclient", reason="needs nbclient to execute notebooks")

from minikafka.lab.course import CHAPTERS

ROOT = Path(__file__).parent.parent.parent
SCREENS = Path(os.environ.get("MINIKAFKA_SCREENS", "build/screens"))
PAGES = ["index.html", *(Path(chapter.file).stem + ".html" for chapter in CHAPTERS)]
PLAYED = ".mk-widget[data-moment]:has(.mk-play)"
STEPPED = ".mk-widget:not([data-moment]):has(.mk-step)"
TWO_FRAMES = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where `make site` has written."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "tools/website.py", "--folder", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="session")
def server(folder: Path) -> Iterator[str]:
    """The folder, served by the plainest of file servers."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()


class Visit:
    """A page in a browser of its own; `wrong` is what it complained about or asked others for."""

    def __init__(self, browser: Any, home: str, name: str, **options: Any) -> None:
        self.context = browser.new_context(viewport={"width": 1280, "height": 900}, **options)
        self.page = self.context.new_page()
        self.home = home
        self.wrong: list[str] = []
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("console", lambda m: m.type == "error" and self.wrong.append(m.text))
        self.page.on("request", self._requested)
        self.go(name)

    def go(self, name: str) -> None:
        self.page.goto(f"{self.home}/{name}")
        self.page.wait_for_function("globalThis.minikafka?.widgets")

    def _requested(self, request: Any) -> None:
        if not request.url.startswith((self.home, "blob:", "data:")):
            self.wrong.append(f"asked for {request.url}")

    def leave(self) -> None:
        self.context.close()
        assert self.wrong == []


@pytest.mark.parametrize("name", PAGES)
def test_every_page_lives(browser: Any, server: str, name: str) -> None:
    """All that its notebook shows is drawn, and what plays makes a step and plays."""
    visit = Visit(browser, server, name)
    page = visit.page
    assert page.locator(".widget > .mk-widget").count() == page.locator(".widget").count()
    page.evaluate(TWO_FRAMES)
    for strip in page.locator(PLAYED).all():
        last = int(strip.get_attribute("data-moment"))
        strip.locator(".mk-back").click()
        page.wait_for_function(
            "([node, n]) => +node.dataset.moment < n", arg=[strip.element_handle(), last]
        )
        strip.press("Home")
        strip.press(" ")
        page.wait_for_function("node => +node.dataset.moment > 1", arg=strip.element_handle())
        strip.press(" ")
    for model in page.locator(STEPPED).all():
        node, before = model.element_handle(), model.inner_html()
        model.locator(".mk-step").click()
        page.wait_for_function("([node, before]) => node.innerHTML !== before", arg=[node, before])
    for plot in page.locator(".plot").all():
        plot.locator(".main-svg").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    SCREENS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENS / f"site-{Path(name).stem}.png", full_page=True)
    visit.leave()


@pytest.mark.parametrize("name", PAGES)
def test_nobody_is_kept_out_of_a_page(browser: Any, server: str, name: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    visit = Visit(browser, server, name, color_scheme="dark")
    found = Axe().run(visit.page).response["violations"]
    assert [(each["id"], [node["target"] for node in each["nodes"]]) for each in found] == []
    visit.leave()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_a_telephone(browser: Any, server: str, name: str) -> None:
    visit = Visit(browser, server, name, color_scheme="dark")
    visit.page.set_viewport_size({"width": 390, "height": 844})
    visit.page.evaluate(TWO_FRAMES)
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= 390
    visit.page.screenshot(path=SCREENS / f"site-{Path(name).stem}-phone.png", full_page=True)
    visit.leave()


def test_links_lead_from_page_to_page(browser: Any, server: str) -> None:
    visit = Visit(browser, server, "index.html")
    for chapter in CHAPTERS:
        link = visit.page.get_by_role("link", name=f"{chapter.number} · {chapter.title}").first
        link.click()
        visit.page.get_by_role("heading", level=1, name=chapter.title).wait_for()
        visit.page.get_by_role("link", name="minikafka").click()
    visit.leave()


def test_what_a_page_links_to_is_there(browser: Any, server: str, folder: Path) -> None:
    visit = Visit(browser, server, "index.html")
    for name in PAGES:
        visit.go(name)
        targets = visit.page.evaluate(
            """() => [...document.querySelectorAll("a, img")]
                .map(node => node.getAttribute("href") ?? node.getAttribute("src"))"""
        )
        for target in targets:
            path, _, fragment = target.partition("#")
            if not path.startswith(("http", "data:")):
                assert not path or (folder / path).is_file(), target
                where = (folder / (path or name)).read_text(encoding="utf-8")
                assert not fragment or f'id="{fragment}"' in where, target
    visit.leave()


def test_a_prediction_made_from_a_folder_is_compared_and_remembered(
    browser: Any, folder: Path
) -> None:
    """Opened without any server."""
    visit = Visit(browser, folder.as_uri(), "index.html")
    page = visit.page
    assert page.get_by_text("You did not predict; it is 0.").is_visible()
    page.get_by_role("radio", name="1", exact=True).check()
    assert page.get_by_text("You predicted 1; it is 0.").is_visible()
    page.reload()
    page.get_by_text("You predicted 1; it is 0.").wait_for()
    assert page.get_by_role("radio", name="1", exact=True).is_checked()
    visit.leave()


def test_answers_fold_and_exercises_say_what_they_need(browser: Any, server: str) -> None:
    visit = Visit(browser, server, PAGES[1])
    answer = visit.page.locator("details").first
    code = answer.locator("pre")
    assert not code.is_visible()
    answer.locator("summary").click()
    assert code.is_visible()
    assert visit.page.get_by_text("To be done in the notebook").count() == len(
        CHAPTERS[0].exercises
    )
    visit.leave()


def test_a_plot_has_the_theme_of_the_page(browser: Any, tmp_path: Path) -> None:
    import plotly.graph_objects as go
    from nbformat import v4

    from minikafka.lab.site.page import Place, start
    from minikafka.viz.theme import DARK, LIGHT, plotly_template

    bars = go.Bar(x=["a", "b"], y=[1, 2], marker_color=LIGHT["commit"])
    figure = go.Figure(bars, layout={"template": plotly_template(), "title": "Bars"})
    data = {"application/vnd.plotly.v1+json": json.loads(figure.to_json())}
    cell = v4.new_code_cell("figure", outputs=[v4.new_output("display_data", data=data)])
    start(tmp_path / "site", tmp_path).add(Place("p.html", "P"), v4.new_notebook(cells=[cell]))
    visit = Visit(browser, (tmp_path / "site").as_uri(), "p.html", color_scheme="light")
    bar = visit.page.locator(".plot .bars path").first
    bar.wait_for()
    fill = "node => getComputedStyle(node).fill"
    for scheme, tokens in (("light", LIGHT), ("dark", DARK), ("light", LIGHT)):
        visit.page.emulate_media(color_scheme=scheme)
        visit.page.evaluate(TWO_FRAMES)
        wanted = "rgb({}, {}, {})".format(*bytes.fromhex(tokens["commit"][1:]))
        assert bar.evaluate(fill) == wanted
    visit.leave()
