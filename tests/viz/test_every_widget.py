"""What every widget promises: nobody is kept out, nothing comes from outside, it runs smoothly.

A widget is entered in WIDGETS once, with a trace of its kind, and all of this holds for it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("anywidget", reason="needs the lab extra")

from minikafka.admin import NewTopic
from minikafka.runtime.disk import MemoryFiles
from minikafka.runtime.simulator import Simulator
from minikafka.trace import Trace
from minikafka.viz import LogStrip, Microscope, Pipelines, SegmentBrowser, SpaceTime, WireExplorer
from minikafka.viz.widgets.course import Outcome, Prediction, ProgressView

from .opened import Opened


def a_request(trace: Trace) -> Any:
    """The first Produce request in a trace."""
    return next(e.what for e in trace.of("sent") if "Produce" in type(e.what.body).__name__)


SITE = Path(__file__).parent.parent.parent / "minikafka/lab/site/site.css"
CHAPTERS = [{"number": "00", "title": "The whole game", "exercises": ["00.1", "00.2"]}]


def a_disk() -> MemoryFiles:
    """A broker's disk with two segments of a partition, the last one torn."""
    sim = Simulator(seed=7)
    broker = sim.broker()
    sim.admin().create_topics([NewTopic("orders", configs={"segment.bytes": "1048576"})])
    producer = sim.producer()
    for number in range(8):
        producer.send("orders", b"%d" % number * 200_000, key=b"bob").result()
    assert isinstance(broker.files, MemoryFiles)
    logs = [name for name in broker.files.list("orders-0") if name.endswith(".log")]
    broker.files.open(f"orders-0/{logs[-1]}").truncate(250_000)
    return broker.files


def a_broker() -> Any:
    return Simulator(seed=7).broker()


WIDGETS: dict[str, Callable[[Trace], Any]] = {
    "LogStrip": lambda trace: LogStrip(trace, caption="seed 7", settings="`segment.ms` = 1"),
    "Microscope": lambda _: Microscope(
        a={"linger_ms": 0}, b={"linger_ms": 5}, latency_ms=1, look_for=[("A", "b.", "a")]
    ),
    "Pipelines": lambda _trace: Pipelines(acts=[(9, "break", "search")], seconds=16, caption="a"),
    "SegmentBrowser": lambda _: SegmentBrowser("orders-0", files=a_disk(), caption="seed 7"),
    "SpaceTime": lambda trace: SpaceTime(trace, caption="seed 7", look_for=[("A", "b.")]),
    "WireExplorer": lambda trace: WireExplorer(a_request(trace), caption="seed 7"),
    "Prediction": lambda _: Prediction(name="01.a", title="Where?", choices=["(0,1)", "`key`"]),
    "Prediction in words": lambda _: Prediction(name="01.b", title="How long does it take?"),
    "Outcome": lambda _: Outcome(name="01.a", title="Where?", actual="(0,1)", answer="(1,1)"),
    "Progress": lambda _: ProgressView(title="How far", chapters=CHAPTERS, accepted=["00.1"]),
    "WireExplorer, asking": lambda trace: WireExplorer(a_request(trace), ask=a_broker().ask),
}
each_widget = pytest.mark.parametrize("make", WIDGETS.values(), ids=WIDGETS)


@each_widget
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nobody_is_kept_out(browser: Any, trace: Trace, make: Callable[[Trace], Any],
                            scheme: str, tmp_path: Path) -> None:  # fmt: skip
    """Names, roles, contrast: what the axe engine can see."""
    opened = Opened.of(browser, make(trace), tmp_path, scheme=scheme)
    assert opened.barriers() == []
    opened.close()


@each_widget
def test_the_keyboard_reaches_every_control_and_shows_where_it_is(
    browser: Any, trace: Trace, make: Callable[[Trace], Any], tmp_path: Path
) -> None:
    opened = Opened.of(browser, make(trace), tmp_path)
    controls = opened.page.locator(
        ".mk-widget button:visible, .mk-widget input:visible, .mk-widget select:visible"
    ).count()
    reached = set()
    for _ in range(controls + 12):
        opened.page.keyboard.press("Tab")
        place, outline = opened.page.evaluate(
            """() => {
              const node = document.activeElement;
              return [[...document.querySelectorAll("*")].indexOf(node),
                      getComputedStyle(node).outlineStyle + getComputedStyle(node).boxShadow];
            }"""
        )
        if opened.page.evaluate("document.activeElement.matches('button, input, select')"):
            reached.add(place)
            assert outline != "nonenone", "focus is visible"
    # Those of one group may be reached by arrow keys instead (a roving tab stop).
    roving = opened.page.locator(".mk-widget [role=radiogroup] button[tabindex='-1']").count()
    radios = opened.page.locator(".mk-widget [role=radiogroup] input[type=radio]").count()
    assert len(reached) == controls - roving - max(0, radios - 1)
    opened.close()


@each_widget
@pytest.mark.parametrize("width", [420, 760, 1280])
@pytest.mark.parametrize("size", ["", "projector"])
def test_nothing_is_cut_off(browser: Any, trace: Trace, make: Callable[[Trace], Any],
                            width: int, size: str, tmp_path: Path) -> None:  # fmt: skip
    viewport = {"width": width, "height": 900}
    opened = Opened.of(browser, make(trace), tmp_path, size=size, viewport=viewport)
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= width
    opened.close()


# How everything in a widget looks, as far as a style sheet decides it and not the room there is.
LOOKS = """names => [...document.querySelectorAll(".mk-widget, .mk-widget *")].map(node => {
  if (node.parentNode.closest("svg")) return [];
  const style = getComputedStyle(node), values = names.map(name => style.getPropertyValue(name));
  return [`${node.tagName} ${node.getAttribute("class")}`, ...values];
}).filter(found => found.length)"""
LOOKED_AT = [
    "display", "margin-top", "margin-left", "padding-top", "padding-left", "border-top-width",
    "border-left-width", "border-top-left-radius", "border-top-color", "color", "background-color",
    "font-size", "font-weight", "line-height", "letter-spacing", "text-transform", "max-height",
]  # fmt: skip
SAME_ROOM = """
  body { padding: 24px 20px !important; box-sizing: content-box !important; }
  main { padding: 0 !important; display: block !important; box-sizing: content-box !important; }
"""
ADDED = """([before, after]) => {
  for (const [text, add] of [[before, "prepend"], [after, "append"]]) {
    const style = document.createElement("style");
    style.textContent = text;
    document.head[add](style);
  }
}"""


@each_widget
@pytest.mark.parametrize("width", [420, 1280])
def test_other_style_sheets_of_a_page_change_nothing(
    browser: Any, trace: Trace, make: Callable[[Trace], Any], width: int, tmp_path: Path
) -> None:
    """Those of the site's page, and those of all widgets, which come in any order."""
    viewport = {"width": width, "height": 900}
    opened = Opened.of(browser, make(trace), tmp_path, viewport=viewport)
    alone = opened.page.evaluate(LOOKS, LOOKED_AT)
    every = "".join(str(other(trace)._css) for other in WIDGETS.values())
    opened.page.evaluate(ADDED, [SITE.read_text(encoding="utf-8"), every])
    opened.page.add_style_tag(content=SAME_ROOM)
    opened.drawn()
    together = opened.page.evaluate(LOOKS, LOOKED_AT)
    differ = [pair for pair in zip(alone, together, strict=True) if pair[0] != pair[1]]
    assert differ == []
    opened.close()


@each_widget
def test_without_a_browser_there_is_a_picture_and_text(
    trace: Trace, make: Callable[[Trace], Any]
) -> None:
    widget = make(trace)
    bundle, _ = widget._repr_mimebundle_()
    assert bundle["image/svg+xml"].startswith("<svg ")
    assert bundle["text/plain"].startswith(repr(widget)) and repr(widget).endswith(")")
    assert "object at 0x" not in bundle["text/plain"]
