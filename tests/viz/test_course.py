"""The course's widgets in a browser without a kernel: they answer each other and remember."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("anywidget", reason="needs the lab extra")

from minikafka.viz.widgets.course import Outcome, Prediction, ProgressView

from .opened import Opened

CHOICES = ["(0,1) and (0,2)", "(0,1) and (1,1)"]
CHAPTERS = [{"number": "01", "title": "The log", "exercises": ["01.1", "01.2"]}]


class Reader:
    """A browser with one memory for all its pages."""

    def __init__(self, context: Any) -> None:
        self.context = context

    def new_page(self, **options: Any) -> Any:
        page = self.context.new_page()
        page.set_viewport_size(options["viewport"])
        return page


@pytest.fixture
def reader(browser: Any) -> Iterator[Reader]:
    context = browser.new_context()
    yield Reader(context)
    context.close()


def asked(**more: Any) -> Prediction:
    return Prediction(name="01.a", title="Which addresses?", choices=CHOICES, **more)


def test_the_keyboard_chooses_and_the_widget_says_what_is_kept(
    reader: Reader, tmp_path: Path
) -> None:
    opened = Opened.of(reader, asked(), tmp_path)
    first, second = (opened.page.get_by_role("radio", name=choice) for choice in CHOICES)
    assert not first.is_checked() and not second.is_checked()
    first.press("Space")
    assert opened.widget.locator("footer").text_content() == f"kept: {CHOICES[0]}"
    first.press("ArrowDown")
    assert second.is_checked()
    assert opened.page.evaluate("minikafka.model.get('answer')") == CHOICES[1]
    opened.close()


def test_a_click_anywhere_on_a_line_chooses_it(reader: Reader, tmp_path: Path) -> None:
    opened = Opened.of(reader, asked(), tmp_path)
    opened.page.get_by_text(CHOICES[1]).click()
    assert opened.widget.get_attribute("data-answer") == CHOICES[1]
    opened.close()


def test_the_browser_remembers_and_the_outcome_compares(reader: Reader, tmp_path: Path) -> None:
    outcome = Outcome(name="01.a", title="Which addresses?", actual=CHOICES[0])
    opened = Opened.of(reader, outcome, tmp_path)
    assert "You did not predict" in opened.widget.text_content()
    opened.close()
    opened = Opened.of(reader, asked(), tmp_path)
    opened.page.get_by_text(CHOICES[1]).click()
    opened.page.reload()
    opened.widget.wait_for()
    assert opened.page.get_by_role("radio", name=CHOICES[1]).is_checked()
    opened.close()
    opened = Opened.of(reader, outcome, tmp_path)
    assert f"You predicted {CHOICES[1]}; it is {CHOICES[0]}." in opened.widget.text_content()
    assert opened.widget.get_attribute("data-right") == "false"
    opened.close()
    progress = ProgressView(title="How far you are", chapters=CHAPTERS)
    opened = Opened.of(reader, progress, tmp_path)
    assert "1 prediction, 0 right" in opened.widget.text_content()
    opened.close()


def test_words_are_kept_with_enter(reader: Reader, tmp_path: Path) -> None:
    opened = Opened.of(reader, Prediction(name="01.b", title="How long?"), tmp_path)
    field = opened.page.get_by_label("How long?").locator("visible=true").last
    field.fill("20 s")
    field.press("Enter")
    assert opened.widget.locator("footer").text_content() == "kept: 20 s"
    opened.close()


def test_a_browser_that_may_keep_nothing_still_compares_on_the_page(
    reader: Reader, tmp_path: Path
) -> None:
    reader.context.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new Error('no'); } });"
    )
    opened = Opened.of(reader, asked(), tmp_path)
    opened.page.get_by_text(CHOICES[0]).click()
    opened.page.evaluate(  # another widget comes to the same page
        """async actual => {
          const state = { kind: "outcome", name: "01.a", title: "", actual, within: 0, answer: "" };
          const nothing = () => {};
          const model = { get: name => state[name] ?? "", on: nothing, off: nothing };
          minikafka.widget.default.render({ model, el: document.body });
        }""",
        CHOICES[0],
    )
    outcome = opened.page.locator(".mk-outcome")
    assert "and so it is" in outcome.text_content()
    opened.page.get_by_text(CHOICES[1]).first.click()
    assert outcome.get_attribute("data-right") == "false"
    opened.close()
