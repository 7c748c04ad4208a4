"""The timing microscope: its story is the trace's, sliders run it again, its picture is whole."""

from __future__ import annotations

import json
import re
from collections import Counter
from functools import partial
from itertools import pairwise
from math import ceil
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("quickjs", reason="needs the lab extra")
pytest.importorskip("anywidget", reason="needs the lab extra")

from minikafka.admin import NewTopic
from minikafka.node import MS
from minikafka.runtime.hardware import Link
from minikafka.runtime.simulator import Simulator
from minikafka.viz import Microscope, microscope
from minikafka.viz.engine import run as in_js
from minikafka.viz.engine import still
from minikafka.viz.microscope import Arrivals, look

from .opened import Opened
from .widths import left_and_width

BURST = Arrivals(per_ms=0.5, record_bytes=420, burst=5, burst_ms=(44, 58))
SHORT = Arrivals(per_ms=0.4, window_ms=40)


def a_microscope(**more: Any) -> Microscope:
    told: dict[str, Any] = {"a": {"linger_ms": 0}, "b": {"linger_ms": 20}, "arrivals": BURST}
    return Microscope(**{**told, "latency_ms": 2, "batch_size": 4_096, **more})


def words_of(view: Microscope, width: int = 1_130) -> list[str]:
    """All that is written in the picture."""
    return [shape.text for shape in view._still(width).shapes if shape.tag == "text"]


# ---- the run ---------------------------------------------------------------------------------


@pytest.mark.parametrize("linger_ms", [0, 3, 20])
def test_the_story_is_that_of_the_trace(linger_ms: int) -> None:
    """The same run by hand: only the producer's events and the futures are asked."""
    sim = Simulator(7, network=Link(2_000, 50, 125.0))
    sim.broker()
    sim.admin().create_topics([NewTopic("records")])
    producer = sim.producer(linger_ms=linger_ms, batch_size=4_096)
    consumer = sim.consumer()
    producer.send("records", BURST.values(7)[0])
    producer.flush()
    consumer.assign([("records", 0)])
    consumer.position(("records", 0))
    sim.run(3 * 2 + 1)
    assert sim.trace is not None
    sim.trace.listeners.append(
        lambda _, event: event.kind == "fetched" and sim.call_later(0, consumer.poll)
    )
    begun, late, before = sim.now, [], len(sim.trace)
    for i, at in enumerate(BURST.times(7)):
        sim.run((begun + at - sim.now + 0.5) / MS)
        future = producer.send("records", BURST.values(7)[i % 61])
        future.add_callback(lambda _, at=at: late.append(sim.now - begun - at))
    sim.run((begun + 100 * MS - sim.now + 0.5) / MS)
    producer.close()

    settings = {"linger_ms": linger_ms, "batch_size": 4_096, "latency_ms": 2, "handle_us": 0}
    told = look(settings, BURST, 7)
    measured = told.measured()
    closed = [e for e in list(sim.trace)[before:] if e.kind == "batch_closed"]
    assert [batch.count for batch in told.batches] == [e.what["records"] for e in closed]
    reasons = Counter("linger" if batch.why == "slot" else batch.why for batch in told.batches)
    assert reasons == Counter(e.what["reason"] for e in closed)
    assert measured.requests == len(closed)
    ordered = sorted(late)
    assert [b - a for a, b in zip(told.arrivals, told.acknowledged, strict=True)] == late
    assert measured.acknowledged.p50 == ordered[ceil(len(ordered) / 2) - 1] / MS
    assert measured.acknowledged.p99 == ordered[ceil(len(ordered) * 0.99) - 1] / MS


def test_every_record_is_followed_from_its_arrival_to_the_program() -> None:
    told = look({"linger_ms": 5, "handle_us": 100}, BURST, 3)
    assert len(told.acknowledged) == len(told.polled) == len(told.arrivals) == len(told.taken)
    for batch in told.batches:
        steps = [batch.opened, batch.closed, batch.left, batch.arrived, batch.appended]
        steps += [batch.answered, batch.acknowledged]
        assert steps == sorted(step for step in steps if step is not None)
        first = told.taken[batch.first]
        assert batch.opened == first
    for i, arrived in enumerate(told.arrivals):
        fetch = next(f for f in told.fetches if f.first <= i < f.end)
        assert fetch.fetched is not None
        assert arrived < fetch.fetched <= told.polled[i]
    for (at, first, end), (following, *_) in zip(told.polls, told.polls[1:], strict=False):
        assert following >= at + (end - first) * 100, "it polls when it has handled what it got"


def test_both_sides_and_every_setting_get_the_same_arrivals() -> None:
    view = a_microscope()
    assert view.runs["a"].arrivals == view.runs["b"].arrivals == BURST.times(7)
    fast = [at // 2 for at in Arrivals(per_ms=1, window_ms=100).times(7)]
    slow = Arrivals(per_ms=2, window_ms=50).times(7)
    assert all(abs(a - b) <= 1 for a, b in zip(fast, slow, strict=True))


def test_the_reasons_for_which_a_batch_closes() -> None:
    steady = Arrivals(per_ms=2, window_ms=60, flush_ms=(30,))
    assert set(look({"batch_size": 2_000, "linger_ms": 20}, steady).measured().batches) >= {
        "full", "flush", "close",
    }  # fmt: skip
    assert set(look({"linger_ms": 3}, steady).measured().batches) == {"linger", "flush", "close"}
    alone = {"max_in_flight_requests_per_connection": 1, "latency_ms": 5, "linger_ms": 0}
    one = look(alone, steady)
    for batch, following in zip(one.batches, one.batches[1:], strict=False):
        assert (following.left or 0) >= (batch.acknowledged or 0)
    assert one.measured().batches["slot"] >= 2, "the answer to the one before lets it go"


def test_a_slot_is_named_where_one_was_missing_and_only_there() -> None:
    told = look({"acks": "all", "fsync_ms": 5, "linger_ms": 2, "latency_ms": 1}, BURST)
    for i, batch in enumerate(told.batches):
        due = batch.opened + 2 * MS
        out = [
            b for b in told.batches[:i] if (b.sent or 0) <= due < (b.acknowledged or 0)
        ]  # fmt: skip
        if batch.why in ("linger", "slot"):
            assert (batch.why == "slot") == (len(out) >= 5 and (batch.closed or 0) > due)
    assert any(batch.why == "slot" for batch in told.batches)


def test_without_linger_a_batch_that_stays_open_waits_for_a_slot() -> None:
    told = look({"linger_ms": 0, "latency_ms": 2}, Arrivals(10, 100, window_ms=40))
    stayed = [b for b in told.batches if (b.closed or 0) > b.opened + 100 and b.why != "close"]
    assert len(stayed) > 5 and {batch.why for batch in stayed} == {"slot"}


def test_memory_that_is_used_up_makes_the_program_late() -> None:
    narrow = {"buffer_memory": 16_384, "batch_size": 4_096, "latency_ms": 5}
    told = look(narrow, Arrivals(per_ms=5))
    late = [at - due for at, due in zip(told.taken, told.arrivals, strict=True)]
    assert max(late) > 5 * MS and told.measured().blocked_ms > 10
    assert look({}, Arrivals(per_ms=2)).measured().blocked_ms == 0
    why = "the program is late: send() blocks, buffer.memory is used up"
    assert why in words_of(Microscope(narrow, arrivals=Arrivals(per_ms=5)))
    flushes = Arrivals(per_ms=5, flush_ms=(20, 40))
    assert why not in words_of(Microscope(narrow, arrivals=flushes)), "it may be flush() as well"


def test_why_a_parked_fetch_is_answered() -> None:
    told = look({"fetch_min_bytes": 20_000, "fetch_max_wait_ms": 70, "linger_ms": 20}, BURST)
    parked = [fetch for fetch in told.fetches if fetch.parked is not None and fetch.why]
    assert {fetch.why for fetch in parked} == {"bytes", "timeout"}
    for fetch in parked:
        waited = (fetch.answered or 0) - (fetch.parked or 0)
        assert (fetch.size_bytes >= 20_000) if fetch.why == "bytes" else waited >= 70 * MS
    assert told.measured().fetches_because["timeout"] == sum(f.why == "timeout" for f in parked)


def test_a_fetch_that_waits_beyond_the_picture_runs_out_of_it() -> None:
    view = a_microscope(fetch_min_bytes=20_000)
    last = view.runs["a"].fetches[-2]
    assert last.why == "timeout" and last.answered is not None and last.answered > 500 * MS
    assert f"time is up at {last.answered / MS:.1f} ms" in " ".join(words_of(view))
    said = in_js("microscope", """(({ story }) => {
      const sides = sidesOf(story), end = endOf(story, sides);
      return [momentWords(story, sides, end, end), momentWords(story, sides, end - 1, end)];
    })""", story=view.story)  # fmt: skip
    assert f"the last at {view.runs['a'].polls[-1][0] / MS:.1f} ms" in said[0]
    assert "the last" not in said[1]


def test_what_waits_in_the_consumer_stands_above_what_is_in_hand() -> None:
    """A slow program has both at once, and neither covers the other."""
    view = Microscope({"handle_us": 2_000}, arrivals=BURST)
    boxes = [shape.attributes for shape in view._still(1_130).shapes
             if shape.tag == "rect" and shape.attributes.get("stroke") == "read"]  # fmt: skip
    assert len(boxes) > 10
    for a in boxes:
        for b in boxes:
            is_apart = (
                float(a["x"]) + float(a["width"]) <= float(b["x"]) + 0.2
                or float(b["x"]) + float(b["width"]) <= float(a["x"]) + 0.2
                or float(a["y"]) + float(a["height"]) <= float(b["y"])
                or float(b["y"]) + float(b["height"]) <= float(a["y"])
            )
            assert a is b or is_apart


def test_acks_0_is_never_answered() -> None:
    told = look({"acks": "0"}, SHORT)
    assert all(batch.answered is None for batch in told.batches)
    assert len(told.polled) == len(told.arrivals), "though it arrives"


def test_who_has_no_answer_is_not_told_of_acknowledgements() -> None:
    words = words_of(Microscope({"acks": "0"}, {"acks": "1"}, arrivals=SHORT))
    assert "median until sent" in words and "median to the ack" in words
    assert "acks 0: it arrives, and nobody says so" in words
    assert "acks 1 is as good as all: there are no replicas here" in words
    said = in_js("microscope", "(each => momentWords(each.story, sidesOf(each.story), 1e9, 1e9))",
                 story=Microscope({"acks": "0"}, arrivals=SHORT).story)  # fmt: skip
    assert "none acknowledged" in said


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_compression_makes_requests_smaller(codec: str) -> None:
    plain, packed = (look({"compression_type": c}, Arrivals(per_ms=3)) for c in ("none", codec))
    assert packed.measured().sent_bytes < plain.measured().sent_bytes / 2


def test_what_the_machine_does_before_a_batch_leaves_is_drawn_as_long_as_it_takes() -> None:
    """From the batch's height to that of what goes on the wire."""
    view = Microscope({"compression_type": "zstd", "linger_ms": 20}, arrivals=Arrivals(per_ms=3))
    for batch in view.runs["a"].batches:
        assert batch.closed is not None and batch.sent is not None and batch.left is not None
        assert batch.closed <= batch.sent <= batch.left
        batch.left = batch.sent + 4 * MS
    view.story = {**view.story, "a": view.runs["a"].to_json()}
    drawn = [shape for shape in view._still(1_130).shapes
             if shape.tag == "path" and shape.attributes["fill"] == "write-soft"]  # fmt: skip
    assert len(drawn) == len(view.runs["a"].batches)
    left, top, right, narrow = (
        float(n) for n in re.findall(r"[\d.]+", drawn[0].attributes["d"])[:4]
    )
    assert right - left > 20 and narrow - top > 3


def test_what_is_sent_twice_is_not_shown_as_sent_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No slider breaks a connection; a link that does is refused, and not drawn wrong."""
    monkeypatch.setattr(microscope, "Link", partial(Link, loss=0.05))
    with pytest.raises(ValueError, match="sent again"):
        look({}, BURST)


def test_a_run_that_does_not_end_is_refused() -> None:
    with pytest.raises(ValueError, match="not read"):
        look({"mb_per_s": 0.02}, Arrivals(record_bytes=1_000_000, per_ms=0.02))


def test_the_same_seed_tells_the_same() -> None:
    first, second = a_microscope(), a_microscope()
    assert json.dumps(first.story) == json.dumps(second.story)
    assert first.svg() == second.svg()
    assert a_microscope(seed=8).story != first.story


def test_what_is_not_a_setting_is_said() -> None:
    with pytest.raises(ValueError, match="lingerr_ms"):
        Microscope(a={"lingerr_ms": 1})


# ---- the widget -------------------------------------------------------------------------------


def test_waiting_trades_latency_for_requests() -> None:
    result = a_microscope().result
    assert result.b is not None
    assert result.a.records == result.b.records == len(BURST.times(7))
    assert result.b.requests * 5 < result.a.requests
    assert result.b.acknowledged.p99 > 3 * result.a.acknowledged.p99
    assert result.b.sent_bytes < result.a.sent_bytes
    assert sum(result.a.batches.values()) == result.a.requests


def test_a_configuration_may_stand_alone() -> None:
    alone = Microscope(a={"linger_ms": 5}, arrivals=SHORT)
    assert alone.result.b is None
    assert "one configuration" in alone.text()
    assert alone.svg().count(">broker<") == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [("linger_ms", 1), ("batch_size", 1_024), ("acks", "0"), ("compression_type", "gzip"),
     ("compression_type", "zstd"), ("max_in_flight_requests_per_connection", 1),
     ("fetch_min_bytes", 5_000), ("fetch_max_wait_ms", 5), ("handle_us", 2_000),
     ("latency_ms", 5), ("mb_per_s", 1), ("fsync_ms", 5)],
)  # fmt: skip
def test_each_slider_has_the_simulator_run_again(name: str, value: Any) -> None:
    view = a_microscope(fetch_min_bytes=1_000, fetch_max_wait_ms=20, linger_ms=5, b=None, a={})
    before = view.story["a"]
    view.knobs = {**view.knobs, "a": {**view.knobs["a"], name: value}}
    settings = {**view.runs["a"].settings}
    assert settings[name] == value
    assert view.story["a"] != before
    assert view.story["a"] == look(settings, BURST, 7).to_json()


@pytest.mark.parametrize(("name", "value"), [("per_ms", 5), ("record_bytes", 1_000)])
def test_sliders_change_what_arrives_for_both(name: str, value: float) -> None:
    view = a_microscope()
    view.knobs = {**view.knobs, "arrivals": {**view.knobs["arrivals"], name: value}}
    assert view.runs["a"].arrivals == view.runs["b"].arrivals
    assert view.story["knobs"]["arrivals"][name] == value
    assert len(view.runs["a"].arrivals) < 450, "what is fast is looked at for a shorter time"


def test_a_contradiction_is_told_and_the_run_stays() -> None:
    view = a_microscope(buffer_memory=8_192)
    before = view.story
    view.knobs = {**view.knobs, "a": {**view.knobs["a"], "batch_size": 16_384}}
    assert "buffer.memory" in view.trouble
    assert view.story == before


def test_the_stored_grid_holds_what_the_simulator_says() -> None:
    view = Microscope(a={"acks": "1"}, b={"acks": "0"}, arrivals=SHORT, latency_ms=1)
    view.store()
    for side in ("a", "b"):
        for linger_ms, batch_size in ((0, 1_024), (50, 65_536), (5, 4_096)):
            place = view.stored["cells"][side][f"{linger_ms}/{batch_size}"]
            chosen = {**view.knobs[side], "linger_ms": linger_ms, "batch_size": batch_size}
            assert view.stored["runs"][place] == look(chosen, SHORT, 7).to_json()
    assert len(json.dumps(view.stored)) < 1_000_000


def test_the_numbers_in_the_picture_are_those_of_the_result() -> None:
    view = a_microscope()
    words = [shape.text for shape in view._still(720).shapes if shape.tag == "text"]
    result = view.result
    assert result.b is not None
    for measured in (result.a, result.b):
        assert f"{measured.requests}" in words
        p99 = measured.acknowledged.p99
        assert (f"{p99:.1f}" if p99 >= 10 else f"{p99:.2f}") in words
    bins = in_js("microscope", "(each => binsOf(each.latencies, each.most))",
                 latencies=[0, 999, 1_000, 99_000], most=24)  # fmt: skip
    assert bins[:2] == [2, 1] and bins[-1] == 1 and sum(bins) == 4


@pytest.mark.parametrize("latency_ms", [0.2, 20, 300])
@pytest.mark.parametrize("width", [380, 690, 1130])
def test_the_words_of_a_line_do_not_touch(width: int, latency_ms: float) -> None:
    """Ticks, histograms, numbers: wherever two texts stand at one height."""
    view = a_microscope(latency_ms=latency_ms)
    lines: dict[float, list[tuple[float, float, str]]] = {}
    for shape in view._still(width).shapes:
        if shape.tag == "text" and "stroke" not in shape.attributes:
            left, wide = left_and_width(shape)
            lines.setdefault(float(shape.attributes["y"]), []).append((left, wide, shape.text))
    for texts in lines.values():
        for (left, wide, text), (next_left, _, following) in pairwise(sorted(texts)):
            assert left + wide <= next_left + 3, f"{text} touches {following}"


@pytest.mark.parametrize("width", [380, 690, 1130])
@pytest.mark.parametrize("acks", ["0", "all"])
def test_no_batch_lies_over_another_and_nothing_leaves_the_picture(width: int, acks: str) -> None:
    view = a_microscope(acks=acks, latency_ms=30)
    place = in_js("microscope", "(each => layout(each.story, each.width))",
                  story=view.story, width=width)  # fmt: skip
    for side in place["sides"]:
        rows: dict[int, int] = {}
        for batch in side["batches"]:
            assert rows.get(batch["row"], -1) <= batch["opened"]
            rows[batch["row"]] = max(batch["acked"], batch["arrived"])
    picture = still("microscope", story=view.story, width=width)
    for shape in picture.shapes:
        if shape.tag == "text":
            assert 0 <= float(shape.attributes["y"]) <= picture.height


def test_without_a_browser_all_of_it_stands_there() -> None:
    view = a_microscope()
    plain = view.svg()
    view.selected = ["b", 2]
    assert view.svg() != plain
    drawn = view.svg()
    assert 'width="720"' in drawn and "style" not in drawn and "class" not in drawn
    for words in ("records", "A", "B", "broker", "consumer", "arrival to poll()",
                  "max.in.flight.requests.per.connection 5",
                  "linger.ms A 0 ms, B 20 ms", "closed because", "full: A 0, B 8"):  # fmt: skip
        assert words in drawn
    assert "61 requests" in repr(view) or re.search(r"A \d+ requests", repr(view))
    assert "Only linger.ms differs" in view.text()


# ---- in a browser ----------------------------------------------------------------------------


def kernel(opened: Opened, view: Microscope) -> None:
    """Stand in for the comm: what the page saves reaches the widget, and its changes come back."""

    def save(asked: str, differ: list[str], knobs: dict[str, Any]) -> dict[str, Any]:
        view.set_state({"asked": asked, "differ": differ, "knobs": knobs})
        return {"answered": view.answered, "story": view.story, "trouble": view.trouble}

    opened.page.expose_function("save", save)
    opened.page.evaluate(
        """async () => {
          const { model } = window.minikafka, saved = ["asked", "differ", "knobs"];
          model.save_changes = async () => {
            const told = await window.save(...saved.map(name => model.get(name)));
            const same = JSON.stringify(told.story) === JSON.stringify(model.get("story"));
            model.set("answered", told.answered);
            model.set("trouble", told.trouble);
            if (!same) model.set("story", told.story);
          };
          await model.save_changes();
        }"""
    )
    opened.page.wait_for_selector("[data-knob^=acks]")


def release(opened: Opened, knob: str, stop: int) -> None:
    """Move a slider with the keys, one stop at a time, and wait for each new run."""
    slider = opened.page.locator(f"[data-knob='{knob}']")
    while (now := int(slider.input_value())) != stop:
        opened.page.evaluate("document.querySelector('.mk-widget').dataset.redrawn = ''")
        slider.press("ArrowRight" if now < stop else "ArrowLeft")
        opened.page.wait_for_function("document.querySelector('.mk-widget').dataset.redrawn !== ''")
    opened.drawn()


def test_without_a_kernel_two_sliders_move_and_the_others_stand_in_words(
    browser: Any, tmp_path: Path
) -> None:
    view = a_microscope()
    opened = Opened.of(browser, view, tmp_path)
    assert opened.page.locator("[data-knob]").count() == 3  # linger.ms A and B, batch.size
    assert "acks all" in opened.page.locator(".mk-fixed").inner_text()
    before = opened.text()
    release(opened, "linger_ms A", 6)
    after = opened.text()
    assert before != after and "50 ms" in after
    fresh = look({**view.knobs["a"], "linger_ms": 50}, BURST, 7).measured()
    assert f" {fresh.requests} " in f" {after} "
    opened.close()


def test_keys_on_a_slider_are_not_heard_around_the_widget(browser: Any, tmp_path: Path) -> None:
    """A notebook would take an arrow for a move to another cell."""
    opened = Opened.of(browser, a_microscope(), tmp_path)
    opened.page.evaluate(
        "window.heard = 0; document.addEventListener('keydown', event => { window.heard++; })"
    )
    release(opened, "batch_size", 3)
    assert opened.page.evaluate("window.heard") == 0
    opened.close()


def test_with_a_kernel_every_slider_draws_a_new_run(browser: Any, tmp_path: Path) -> None:
    view = a_microscope()
    opened = Opened.of(browser, view, tmp_path)
    kernel(opened, view)
    knobs = opened.page.locator("[data-knob]")
    names = [knobs.nth(i).get_attribute("data-knob") for i in range(knobs.count())]
    assert len(names) == 15
    for name in names:
        before = view.story
        slider = opened.page.locator(f"[data-knob='{name}']")
        now = int(slider.input_value())
        release(opened, name, now - 1 if now else now + 1)
        assert view.story["knobs"] != before["knobs"], name
    opened.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_with_all_its_sliders_it_keeps_nobody_out(
    browser: Any, tmp_path: Path, scheme: str
) -> None:
    opened = Opened.of(browser, view := a_microscope(), tmp_path, scheme=scheme)
    kernel(opened, view)
    assert opened.barriers() == []
    opened.close()


def test_reduced_motion_steps_from_event_to_event(browser: Any, tmp_path: Path) -> None:
    opened = Opened.of(browser, a_microscope(), tmp_path, reduced_motion="reduce")
    opened.press("Home")
    opened.press(" ")
    opened.page.wait_for_function("+document.querySelector('.mk-widget').dataset.moment === 1")
    place = opened.page.locator(".mk-track input").input_value()
    opened.page.wait_for_function("+document.querySelector('.mk-widget').dataset.moment === 2")
    opened.press(" ")
    assert int(place) < int(opened.page.locator(".mk-track input").input_value())
    opened.close()


def test_the_reader_chooses_what_differs(browser: Any, tmp_path: Path) -> None:
    view = a_microscope()
    opened = Opened.of(browser, view, tmp_path)
    kernel(opened, view)
    opened.page.locator(".mk-knobs select").select_option("acks")
    opened.page.wait_for_selector("[data-knob='acks B']")
    assert opened.page.locator("[data-knob]").count() == 15
    a, b = view.runs["a"].settings, view.runs["b"].settings
    assert (a["acks"], b["acks"]) == ("all", "1")
    assert {name for name in a if a[name] != b[name]} == {"acks"}
    assert "Only acks differs" in opened.page.locator("header p").inner_text()
    release(opened, "acks B", 0)
    assert view.runs["b"].settings["acks"] == "0"
    opened.close()


def test_a_batch_is_followed_through_all_lanes(browser: Any, tmp_path: Path) -> None:
    view = a_microscope()
    opened = Opened.of(browser, view, tmp_path)
    opened.press("b")
    opened.press("ArrowDown")
    side, index = opened.widget.get_attribute("data-selected").split()
    batch = view.runs[side].batches[int(index)]
    said = opened.page.locator(".mk-now").inner_text()
    assert (side, int(index)) == ("b", 1)
    assert f"records {batch.first} to {batch.first + batch.count - 1}" in said
    assert "closed because: full" in said and "parked" in said and "Polled" in said
    assert opened.page.evaluate("minikafka.model.get('selected')") == ["b", 1]
    opened.press("Escape")
    assert opened.widget.get_attribute("data-selected") == ""
    opened.close()


def test_pointing_at_a_batch_says_its_numbers(browser: Any, tmp_path: Path) -> None:
    view = a_microscope()
    opened = Opened.of(browser, view, tmp_path)
    svg = opened.page.locator(".mk-picture svg")
    box = svg.bounding_box()
    width = int(svg.get_attribute("viewBox").split()[2])
    place = in_js("microscope", "(each => layout(each.story, each.width))",
                  story=view.story, width=width)  # fmt: skip
    side, batch = place["sides"][1], place["sides"][1]["batches"][0]
    x = place["left"] + (batch["opened"] + batch["closed"]) / 2 / place["end"] * (
        place["right"] - place["left"]
    )
    opened.page.mouse.move(box["x"] + x, box["y"] + side["top"] + 12 + side["tall"] / 2)
    opened.drawn()
    assert opened.widget.get_attribute("data-selected") == "b 0"
    opened.page.mouse.move(box["x"] + 5, box["y"] + 5)
    opened.drawn()
    assert opened.widget.get_attribute("data-selected") == ""
    opened.close()


def test_scrubbing_shows_what_was_there_and_zooming_a_part(browser: Any, tmp_path: Path) -> None:
    opened = Opened.of(browser, a_microscope(), tmp_path)
    whole = opened.text()
    assert opened.press("Home") == 0
    opened.press("ArrowRight")
    early = opened.text()
    assert "9 rec" not in early and "9 rec" in whole
    assert opened.press("End") > 100
    assert opened.text() == whole
    span = float(opened.widget.get_attribute("data-span"))
    opened.press("+")
    assert float(opened.widget.get_attribute("data-span")) == pytest.approx(span / 2, rel=0.01)
    opened.press("PageUp")
    opened.press("PageUp")
    assert opened.widget.get_attribute("data-from") == "0"
    opened.press("0")
    assert float(opened.widget.get_attribute("data-span")) == span
    opened.close()


def test_play_runs_to_the_end(browser: Any, tmp_path: Path) -> None:
    opened = Opened.of(browser, Microscope(a={}, arrivals=SHORT), tmp_path)
    for _ in range(3):
        opened.page.locator(".mk-speed").click()  # × 2, × 4, × ½
    opened.press("Home")
    opened.press(" ")
    opened.page.wait_for_function("+document.querySelector('.mk-widget').dataset.moment > 2")
    opened.press(" ")
    stopped = opened.moment
    opened.drawn()
    assert opened.moment == stopped
    opened.close()
