"""Do the widgets keep up with the display? Frame times while they play, and the first drawing.

    for each      LogStrip, SpaceTime, SegmentBrowser, Microscope
    with          20, 500 and 5,000 events, from 1, 3 and 5 brokers
    first         ms from the page's beginning until the picture stands, the best of three
    p50, p95      ms between two frames while it plays; 16.7 is as fast as a display asks
    work          ms of the browser's main thread for each frame
    rerun         ms of the kernel for a slider's release, the median (Microscope)
    page_, lab_   ms from a slider's release until the new picture is painted, in a page and in
                  JupyterLab, where the kernel runs it: the median, p95 and the worst

Frame times belong to the machine as much as to the widget: an overloaded one skips frames whatever
they cost. So the work for a frame stands beside them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter
from typing import TYPE_CHECKING, Any

from minikafka.admin import Admin, NewTopic
from minikafka.bench.lab import in_jupyterlab
from minikafka.consumer.consumer import Consumer
from minikafka.producer.producer import Producer
from minikafka.runtime.machine import SimulatedBroker
from minikafka.runtime.simulator import Simulator
from minikafka.trace import Trace
from minikafka.viz import LogStrip, Microscope, SegmentBrowser, SpaceTime
from minikafka.viz.chromium import chromium
from minikafka.viz.page import page

if TYPE_CHECKING:
    from playwright.sync_api import Browser, CDPSession, Page

EVENTS = (20, 500, 5_000)
BROKERS = (1, 3, 5)
PLAYS_MS = 3_000

ROUNDS = 3
KNOBS = (
    "linger_ms A", "linger_ms B", "batch_size", "per_ms", "record_bytes", "compression_type",
    "acks", "max_in_flight_requests_per_connection", "fetch_min_bytes", "latency_ms", "fsync_ms",
)  # fmt: skip

FIRST = """() => new Promise(done => {
  const look = () => document.querySelector(".mk-picture text") ? done(performance.now())
    : requestAnimationFrame(look);
  look();
})"""
FRAMES = """ms => new Promise(done => {
  const times = [], began = performance.now();
  let before = began;
  const frame = now => {
    times.push(now - before);
    before = now;
    if (now - began < ms) requestAnimationFrame(frame); else done(times.slice(1));
  };
  requestAnimationFrame(frame);
})"""


# The frame after the one in which the new picture is drawn begins when that was painted.
RELEASE = """(slider, stop) => new Promise(done => {
  const began = performance.now();
  new MutationObserver((_, watch) => {
    watch.disconnect();
    requestAnimationFrame(() => requestAnimationFrame(now => done(now - began)));
  }).observe(slider.closest(".mk-widget"), { attributes: true, attributeFilter: ["data-redrawn"] });
  slider.value = stop;
  for (const name of ["input", "change"]) slider.dispatchEvent(new Event(name, { bubbles: true }));
})"""


def measure(events: tuple[int, ...] = EVENTS, plays_ms: int = PLAYS_MS) -> Iterator[dict[str, Any]]:
    """A row for each widget and world. Raises FileNotFoundError without a browser."""
    with chromium() as browser, tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "widget.html")
        for row, widget in _widgets(events):
            file.write_text(page(widget), encoding="utf-8")
            yield {"widget": type(widget).__name__, **row, **_measured(browser, file, plays_ms)}


def _widgets(events: tuple[int, ...]) -> Iterator[tuple[dict[str, float], Any]]:
    for count in events:
        for brokers in BROKERS if count == max(events) else BROKERS[:1]:
            trace = a_world(count, brokers, producers=brokers, consumers=brokers)
            for widget in (LogStrip(trace), SpaceTime(trace)):
                yield {"events": count, "brokers": brokers}, widget
    yield {"records": 5_000, "brokers": 1}, SegmentBrowser("orders-0", files=a_long_log().files)
    view = a_microscope()
    rerun = round(median(_reruns(view)), 1)
    yield {"records": view.result.a.records, "brokers": 1, "rerun": rerun}, view


def a_microscope() -> Microscope:
    return Microscope(a={"linger_ms": 0}, b={"linger_ms": 20})


# ---- a slider's release ---------------------------------------------------------------


def releases(rounds: int = ROUNDS) -> Iterator[dict[str, Any]]:
    """A row of what a release takes: a round in a page, one in JupyterLab, and so on."""
    view = a_microscope()
    source = "from minikafka.bench.widgets import a_microscope\na_microscope()"
    with chromium() as browser, tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "widget.html")
        file.write_text(page(view), encoding="utf-8")
        with in_jupyterlab(browser, source) as lab:
            alone = browser.new_page(viewport={"width": 1280, "height": 900})
            alone.goto(file.as_uri())
            alone.locator(".mk-picture text").first.wait_for()
            lab.locator(f"[data-knob={KNOBS[-1]}]").wait_for()
            took: dict[str, list[float]] = {"page": [], "lab": []}
            for _ in range(rounds):
                took["page"] += _released(alone, ["linger_ms A", "linger_ms B", "batch_size"])
                took["lab"] += _released(lab, KNOBS)
    row: dict[str, Any] = {"widget": "Microscope", "releases": len(took["lab"])}
    for where, every in took.items():
        told = {"p50": median(every), "p95": quantiles(every, n=20)[-1], "worst": max(every)}
        row |= {f"{where}_{name}": round(ms, 1) for name, ms in told.items()}
    yield row


def _released(tab: Page, knobs: Sequence[str]) -> Iterator[float]:
    """Each slider to each other stop and back to where it was."""
    for knob in knobs:
        slider = tab.locator(f"[data-knob='{knob}']")
        was, stops = int(slider.input_value()), int(slider.get_attribute("max") or 0) + 1
        for stop in [*(stop for stop in range(stops) if stop != was), was]:
            yield float(slider.evaluate(RELEASE, stop))


def _reruns(view: Microscope) -> Iterator[float]:
    """How long the kernel takes when a slider is released, in ms, at each of its stops."""
    for name in ("linger_ms", "batch_size", "fetch_min_bytes", "latency_ms"):
        for stop in view.stops[name]:
            sides = {side: {**view.knobs[side], name: stop} for side in ("a", "b")}
            began = perf_counter()
            view.knobs = {**view.knobs, **sides}
            yield (perf_counter() - began) * 1_000


def _measured(browser: Browser, file: Path, plays_ms: int) -> dict[str, float]:
    first = []
    for _ in range(3):
        tab = browser.new_page(viewport={"width": 1280, "height": 900})
        tab.goto(file.as_uri(), wait_until="commit")
        first.append(tab.evaluate(FIRST))
        if len(first) < 3:
            tab.close()
    times, work = _played(tab, plays_ms)
    tab.close()
    cuts = quantiles(times, n=20)
    row = {"first": min(first), "p50": median(times), "p95": cuts[-1], "work": work}
    return {name: round(ms, 1) for name, ms in row.items()}


def _played(tab: Page, plays_ms: int) -> tuple[list[float], float]:
    """Times between frames, and the main thread's work for one, in ms."""
    session = tab.context.new_cdp_session(tab)
    session.send("Performance.enable")
    tab.locator(".mk-widget").press("Home")
    tab.locator(".mk-play").click()
    before = _busy_s(session)
    times = tab.evaluate(FRAMES, plays_ms)
    return times, 1_000 * (_busy_s(session) - before) / len(times)


def _busy_s(session: CDPSession) -> float:
    metrics = session.send("Performance.getMetrics")["metrics"]
    return float(next(each["value"] for each in metrics if each["name"] == "TaskDuration"))


# --- worlds ------------------------------------------------------------------------
@cache
def a_world(events: int, brokers: int = 1, producers: int = 1, consumers: int = 1) -> Trace:
    """A trace of about so many events: producers that linger, consumers that wait for 150 bytes.

    Several brokers know nothing of each other; each has clients of its own.
    """
    sim = Simulator(seed=7)
    hosts = [str(sim.broker(i + 1).address) for i in range(brokers)]
    assert sim.trace is not None
    for host in hosts:
        Admin(host, world=sim, client_id="admin").create_topics([NewTopic("orders")])
    tills = [
        Producer(hosts[i % brokers], world=sim, client_id=f"till-{i + 1}", linger_ms=5)
        for i in range(producers)
    ]
    readers = [
        Consumer(
            hosts[i % brokers],
            world=sim,
            client_id=f"billing-{i + 1}",
            auto_offset_reset="earliest",
            fetch_min_bytes=150,
            fetch_max_wait_ms=30,
        )
        for i in range(consumers)
    ]
    for reader in readers:
        reader.assign([("orders", 0)])
    turn = 0
    while len(sim.trace) < events:
        for _ in range(1 + turn % 3):
            tills[turn % producers].send("orders", b"tea", key=b"bob")
        sim.run(3 + turn % 4 * 2)
        readers[turn % consumers].poll(timeout_ms=3)
        turn += 1
    return sim.trace


def a_long_log() -> SimulatedBroker:
    """A broker whose disk has 5,000 records in some twenty files."""
    sim = Simulator(seed=7)
    broker = sim.broker()
    configs = {"internal.segment.bytes": "20000", "index.interval.bytes": "1000"}
    sim.admin().create_topics([NewTopic("orders", configs=configs)])
    batched: Callable[..., Any] = sim.producer(linger_ms=5, batch_size=500).send
    for number in range(5_000):
        batched("orders", b"order number %d" % number, key=b"bob")
        if number % 4 == 0:
            sim.run(10)
    sim.run(100)
    return broker
