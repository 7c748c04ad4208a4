"""Chapters in JupyterLab, as a reader meets them: opened, run, played, light and dark.

Pictures of what was seen lie in build/screens (MINIKAFKA_SCREENS names another folder), for
people to look at; the tests look at the page itself.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
SCREENS = Path(os.environ.get("MINIKAFKA_SCREENS", "build/screens"))
INSIDE = re.compile(r"((https?|wss?)://(127\.0\.0\.1|localhost)[:/]|data:|blob:|about:)")
CHAPTER = "00_the_whole_game.ipynb"


class Session:
    """An open notebook and everything that its page complained about or asked the network for."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.outside: list[str] = []
        page.on("request", self._requested)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._said)

    def _requested(self, request: Any) -> None:
        if not INSIDE.match(request.url):
            self.outside.append(request.url)

    def _said(self, message: Any) -> None:
        if message.type == "error":
            self.complaints.append(message.text)

    def command(self, name: str, **arguments: str) -> None:
        self.page.evaluate(
            "([name, args]) => window.jupyterapp.commands.execute(name, args)", [name, arguments]
        )

    def picture(self, name: str) -> None:
        SCREENS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENS / f"{name}.png")


@pytest.fixture(scope="module")
def session(browser: Any, lab: str) -> Iterator[Session]:
    """Chapter 00, opened and run to its end by the menu."""
    session = opened_and_run(browser, lab, CHAPTER)
    yield session
    session.page.close()


def opened_and_run(browser: Any, lab: str, chapter: str) -> Session:
    page = browser.new_page(viewport={"width": 1440, "height": 1100})
    session = Session(page)
    page.goto(lab.format(path=chapter))
    page.wait_for_selector(".jp-NotebookPanel .jp-Cell", timeout=60_000)
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=60_000)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    page.wait_for_function(RAN, timeout=120_000)
    return session


def test_make_lab_opens_the_contents_page_and_nothing_in_front_of_it(
    browser: Any, tmp_path: Path
) -> None:
    """By the address that it prints, and with the settings of somebody who never used it."""
    private = {
        name: str(tmp_path / name)
        for name in ("JUPYTERLAB_SETTINGS_DIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR")
    }
    log = tmp_path / "lab.log"
    with log.open("w") as output:
        make = subprocess.Popen(
            ["make", "lab", "ARGS=--no-browser --ip=127.0.0.1"],
            cwd=ROOT,
            env={**os.environ, **private},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + 60
        while not (found := re.search(r"http://127\.0\.0\.1:\S+token=\w+", log.read_text())):
            assert make.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        page = browser.new_page(viewport={"width": 1440, "height": 1100})
        session = Session(page)
        page.goto(found.group())
        page.get_by_role("heading", name="Kafka, understood by running it").wait_for(timeout=60_000)
        page.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=60_000)
        assert page.locator(".Toastify__toast").count() == 0
        page.get_by_role("link", name="00 · The whole game in ten minutes").click()
        page.get_by_role("heading", name="A broker in a world of its own").wait_for(timeout=60_000)
        assert session.outside == []
        page.close()
    finally:
        os.killpg(make.pid, signal.SIGKILL)
        make.wait()


# Every code cell has its number, and none is running.
RAN = """() => {
  const notebook = window.jupyterapp.shell.currentWidget.content;
  const code = [...notebook.model.cells].filter(cell => cell.type === "code");
  return code.every(cell => cell.executionCount !== null && cell.executionState !== "running");
}"""


@pytest.fixture
def strip(session: Session) -> Any:
    """The log strip, on the screen."""
    strip = session.page.locator(".mk-strip")
    if not strip.count():  # JupyterLab draws only the cells near the screen
        session.page.evaluate(SHOW)
    strip.wait_for(timeout=20_000)
    strip.scroll_into_view_if_needed()
    strip.locator(".mk-picture text").first.wait_for(timeout=20_000)
    return strip


SHOW = """async (widget = "LogStrip(") => {
  const notebook = window.jupyterapp.shell.currentWidget.content;
  const cells = [...notebook.model.cells];
  const index = cells.findIndex(cell => cell.sharedModel.source.includes(widget));
  await notebook.scrollToItem(index, "center");
}"""


def moment(strip: Any) -> int:
    """The moment that is drawn, once what was asked for has been drawn."""
    strip.evaluate(DRAWN)
    return int(strip.get_attribute("data-moment"))


DRAWN = """() => new Promise(drawn =>
  requestAnimationFrame(() => requestAnimationFrame(drawn)))"""


def test_every_cell_ran_without_an_error(session: Session) -> None:
    errors = session.page.evaluate(
        """() => [...window.jupyterapp.shell.currentWidget.content.model.cells]
            .filter(cell => cell.type === "code")
            .flatMap(cell => cell.sharedModel.outputs)
            .filter(output => output.output_type === "error")"""
    )
    assert not errors


def test_the_strip_plays_and_stops_at_the_end_of_a_step(session: Session, strip: Any) -> None:
    last = moment(strip)
    assert last > 50, "the playhead stands at the end at first"
    strip.locator(".mk-play").click()
    session.page.wait_for_timeout(1_500)
    strip.locator(".mk-play").click()
    stopped = moment(strip)
    assert 0 < stopped < last
    strip.locator(".mk-step").click()
    assert moment(strip) == stopped + 1
    strip.locator(".mk-back").click()
    assert moment(strip) == stopped


def test_keys_belong_to_the_strip_and_not_to_the_notebook(session: Session, strip: Any) -> None:
    cells = session.page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.content.model.cells.length"
    )
    strip.focus()
    strip.press("Home")
    assert moment(strip) == 0
    for _ in range(3):
        strip.press("ArrowRight")
    assert moment(strip) == 3
    for key in "adx":  # in a notebook: insert a cell, delete, cut
        strip.press(key)
    strip.press("End")
    after = session.page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.content.model.cells.length"
    )
    assert after == cells


def test_pipelines_are_broken_and_repaired_without_touching_the_notebook(session: Session) -> None:
    session.page.evaluate(SHOW, "Pipelines(")
    pipelines = session.page.locator(".mk-pipelines")
    pipelines.wait_for(timeout=20_000)
    pipelines.scroll_into_view_if_needed()
    pipelines.locator(".mk-picture text").first.wait_for(timeout=20_000)
    count = "() => window.jupyterapp.shell.currentWidget.content.model.cells.length"
    cells = session.page.evaluate(count)
    for key in ("b", *["ArrowRight"] * 6, "a", "z", "x", "s"):
        pipelines.press(key)
    pipelines.evaluate(DRAWN)
    assert pipelines.get_attribute("data-tick") == "14"
    assert "4 pipelines must change" in pipelines.locator(".mk-now").text_content()
    assert "lag 24" in pipelines.locator(".mk-picture").text_content()
    assert session.page.evaluate(count) == cells
    session.picture("pipelines-in-lab")


def test_light_and_dark_follow_jupyterlab(session: Session, strip: Any) -> None:
    grounds = {}
    for name in ("Light", "Dark"):
        session.command("apputils:change-theme", theme=f"JupyterLab {name}")
        light = str(name == "Light").lower()
        session.page.wait_for_selector(f"body[data-jp-theme-light={light}]", state="attached")
        session.page.wait_for_timeout(600)
        grounds[name] = strip.evaluate("node => getComputedStyle(node).backgroundColor")
        session.picture(f"chapter_00_{name.lower()}")
    session.command("apputils:change-theme", theme="JupyterLab Light")
    assert grounds == {"Light": "rgb(255, 255, 255)", "Dark": "rgb(21, 24, 28)"}


def test_nothing_was_asked_from_outside_and_nothing_went_wrong(session: Session) -> None:
    assert not session.outside
    assert not session.complaints


def test_a_quota_is_seen_in_the_chapter_on_brokers(browser: Any, lab: str) -> None:
    """The space-time diagram in a live notebook: a message is walked to, explained and decoded."""
    session = opened_and_run(browser, lab, "20_looking_after_a_broker.ipynb")
    session.page.evaluate(SHOW, "SpaceTime(")
    diagram = session.page.locator(".mk-space-time")
    diagram.wait_for(timeout=20_000)
    diagram.scroll_into_view_if_needed()
    diagram.locator(".mk-picture text").first.wait_for(timeout=20_000)
    last = moment(diagram)
    diagram.press("ArrowLeft")
    assert moment(diagram) == last - 1
    for _ in range(2):
        diagram.press("ArrowDown")
    diagram.press("Enter")
    assert moment(diagram) >= 0 and diagram.get_attribute("data-selected") == "1"
    assert "ProduceResponse" in diagram.locator(".mk-detail h3").text_content()
    session.picture("space-time-in-lab")
    assert (session.complaints, session.outside) == ([], [])
    session.page.close()


def test_a_prediction_is_kept_compared_and_seen_in_the_progress(
    browser: Any, lab: str, progress_file: Path
) -> None:
    """On the contents page: chosen, compared at once, in the file, and there after a restart."""
    session = opened_and_run(browser, lab, "index.ipynb")
    page = session.page
    page.evaluate(SHOW, "predict(")
    asked, outcome = page.locator(".mk-prediction"), page.locator(".mk-outcome")
    asked.wait_for(timeout=20_000)
    asked.get_by_role("radio", name="1").focus()
    asked.get_by_role("radio", name="1").press("Space")
    assert outcome.get_by_text("You predicted 1; it is 0.").is_visible()
    asked.get_by_role("radio", name="1").press("ArrowUp")
    assert outcome.get_by_text("You predicted 0, and so it is.").is_visible()
    session.picture("prediction-in-lab")
    kept = {"actual": "0", "within": 0, "answer": "0"}
    wait_until(lambda: json.loads(progress_file.read_text())["predictions"]["try.a"] == kept)
    # Another notebook has an exercise accepted; the page looks again when it comes into sight.
    before = json.loads(progress_file.read_text())
    page.evaluate(SHOW, "The answer came from")
    wait_until(lambda: not in_sight(page, ".mk-progress"))
    progress_file.write_text(json.dumps({**before, "exercises": ["00.2"]}))
    page.evaluate(SHOW, "Progress()")
    page.get_by_title("exercise 00.2: accepted").wait_for(timeout=20_000)
    session.picture("progress-in-lab")
    assert (session.complaints, session.outside) == ([], [])
    page.close()


def in_sight(page: Any, selector: str) -> bool:
    box = page.locator(selector).bounding_box() if page.locator(selector).count() else None
    return box is not None and -box["height"] < box["y"] < page.viewport_size["height"]


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_byte_is_corrupted_in_the_chapter_on_the_wire(browser: Any, lab: str) -> None:
    """The wire explorer in a live notebook, beside other widgets."""
    session = opened_and_run(browser, lab, "03_the_wire.ipynb")
    session.page.evaluate(SHOW, "ask=judge.ask")
    explorer = session.page.locator(".mk-wire", has_text="Which bytes are guarded")
    explorer.wait_for(timeout=20_000)
    explorer.scroll_into_view_if_needed()
    explorer.locator(".mk-byte", has_text="65").last.click()  # an e of the espresso
    explorer.press("c")
    assert "CORRUPT_MESSAGE (2)" in explorer.locator(".mk-answer").text_content()
    explorer.press("a")
    assert "66 refused by the checksum" in explorer.locator(".mk-counts").text_content()
    # Every widget's style holds for the whole notebook: none may spoil another's.
    assert explorer.locator(".mk-verdict").bounding_box()["height"] > 150
    ink = explorer.evaluate("node => getComputedStyle(node).color")
    lie = explorer.locator(".mk-lie")
    assert lie.evaluate("node => getComputedStyle(node).backgroundColor") == ink
    session.picture("wire-explorer-in-lab")
    assert (session.complaints, session.outside) == ([], [])
    session.page.close()


def test_an_offset_is_looked_for_in_the_chapter_on_segments(browser: Any, lab: str) -> None:
    """The segment browser in a live notebook: stepped through, and asked for another offset."""
    session = opened_and_run(browser, lab, "02_segments_and_indexes.ipynb")
    session.page.evaluate(SHOW, "offset=1234")
    segments = session.page.locator(".mk-segments", has_text="Where is offset 1234?")
    segments.wait_for(timeout=20_000)
    segments.scroll_into_view_if_needed()
    segments.locator(".mk-picture text").first.wait_for(timeout=20_000)
    last = moment(segments)
    segments.press("ArrowLeft")
    assert moment(segments) == last - 1
    session.picture("segment-browser-in-lab")
    segments.get_by_role("spinbutton").fill("7")
    asked = "meter-0: Where is offset 7?"
    wait_until(lambda: asked in segments.locator(".mk-picture svg").get_attribute("aria-label"))
    assert (session.complaints, session.outside) == ([], [])
    session.page.close()


def test_a_slider_runs_the_simulator_again_in_the_chapter_on_the_producer(
    browser: Any, lab: str
) -> None:
    """The timing microscope in a live notebook: what a slider's release changes."""
    session = opened_and_run(browser, lab, "04_the_producer.ipynb")
    session.page.evaluate(SHOW, "What does waiting 20 ms buy?")
    view = session.page.locator(".mk-microscope", has_text="What does waiting 20 ms buy?")
    view.wait_for(timeout=20_000)
    view.scroll_into_view_if_needed()
    view.locator(".mk-picture text").first.wait_for(timeout=20_000)

    def words() -> str:
        return view.locator(".mk-picture svg").first.get_attribute("aria-label") or ""

    before = words()
    rate = view.get_by_role("slider", name="arrival rate")
    rate.press("ArrowLeft")
    wait_until(lambda: words() != before)
    session.picture("microscope-in-lab")
    assert (session.complaints, session.outside) == ([], [])
    session.page.close()
