"""The log strip as shapes: segments, batches and the pointers into them, at one moment.

    ┌ tag: records on their way ┐                      a row per thing, from top to bottom,
                        HW 6 ◄▌▐► LEO 8                so nothing can collide:
    orders-0  …0000.log  …0004.log                       tag, flags, file tabs, batches,
              [▭▭▭▭    ][▭▭▨▨ ┊                           log start, one row per reader,
              log start 0    ╲   ╲                        and the lens: the last records
              billing 2 ▲──lag 4──┤ ╲                     large, with key and value
              ╔0╗╔1╗ … ╔6╗╔7╗┊8 next

Everything is a function of the story, a moment's number and a width. The result is a
list of plain shapes (shapes.py). Two things read it: static.py writes it down as SVG, and
widgets/log_strip.js draws the same shapes live. The twin there follows this file function
by function, and a test holds the two against each other, shape by shape.

Each partition has its own axis. Offsets of two partitions are never aligned: they have
nothing to do with each other.

Not done: index entries, leader and epoch are not drawn: no trace event names them yet.
Not done: with more than three lanes there is no lens, and the strip itself does not zoom.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor

from minikafka.viz.shapes import Attributes, Picture, fitting, rounded, text_width
from minikafka.viz.story import NEVER_ENDED, Lane, Story, file_name, size_text, span

KEY_SHAPES = 4
"""Keys get a shape while there are not more than these; more keys stand as text alone."""

LENSES = 3
"""With more lanes than these the picture would not fit a screen: strips only."""

# -- what stands where at a moment ----------------------------------------------------


@dataclass(frozen=True, slots=True)
class Flight:
    """Records on their way: wordings of the tag, progress 0 to 1, and how far they are."""

    label: list[str]
    progress: float
    state: str  # flying, landing, landed, known, lost
    base: int


@dataclass(frozen=True, slots=True)
class LaneView:
    """One lane at one moment. In the browser the offsets glide from moment to moment."""

    log_start: float
    high_watermark: float
    log_end: float
    segments: list[tuple[int, bool]]  # base, goes at this moment
    batches: list[tuple[int, str]]  # place in the columns, kind
    readers: list[tuple[str, float, float]]  # name, offset, offset before this moment
    cut_from: int  # where the log ended before this moment cut it; -1: it did not
    flights: list[Flight]
    down: bool


def look(story: Story, index: int, moment: int) -> LaneView | None:
    """A lane at a moment; None while it does not exist."""
    lane = story.lanes[index]
    end = lane.log_end.at(moment)
    if end is None:
        return None
    readers: list[tuple[str, float, float]] = [
        (name, at, before if (before := steps.at(moment - 1)) is not None else at)
        for name, steps in lane.readers.items()
        if (at := steps.at(moment)) is not None
    ]
    return LaneView(
        log_start=lane.log_start.at(moment) or 0,
        high_watermark=lane.high_watermark.at(moment) or 0,
        log_end=end,
        segments=sorted(
            (lane.segments.base[i], gone == moment)
            for i, gone in enumerate(lane.segments.gone)
            if lane.segments.born[i] <= moment and (gone == NEVER_ENDED or gone >= moment)
        ),
        batches=[
            (i, _kind(lane, i, moment))
            for i, gone in enumerate(lane.batches.gone)
            if lane.batches.born[i] <= moment and (gone == NEVER_ENDED or gone >= moment)
        ],
        readers=readers,
        cut_from=lane.cut.get(moment, -1),
        flights=_flights(story, index, moment),
        down=lane.down.at(moment) == 1,
    )


def _kind(lane: Lane, i: int, moment: int) -> str:
    """How a batch is drawn: cut, gone, committed, landing (written just now) or written."""
    base, end, columns = lane.batches.base[i], lane.batches.end[i], lane.batches
    if base >= (lane.log_end.at(moment) or 0):
        return "cut"
    if columns.gone[i] == moment or end <= (lane.log_start.at(moment) or 0):
        return "gone"
    if end <= (lane.high_watermark.at(moment) or 0):
        return "committed"
    return "landing" if columns.born[i] == moment else "written"


def _flights(story: Story, index: int, moment: int) -> list[Flight]:
    flights, found = story.flights, []
    for i, lane in enumerate(flights.lane):
        sent, end, known = flights.sent[i], flights.end[i], flights.acknowledged[i]
        until = known if known != NEVER_ENDED else end if end != NEVER_ENDED else story.last
        if lane != index or not sent <= moment <= until:
            continue
        if end == NEVER_ENDED or moment < end:
            times = story.moments.time_us
            start, stop = times[sent], times[end if end != NEVER_ENDED else story.last]
            progress = (times[moment] - start) / max(1, stop - start)
            found.append(Flight(flights.label[i], progress, "flying", -1))
        else:
            state = "lost" if flights.lost[i] else "landing" if moment == end else "landed"
            state = "known" if moment == known else state
            found.append(Flight(flights.label[i], 1.0, state, flights.base[i]))
    return found


def describe(story: Story, moment: int) -> str:
    """The picture in one sentence per lane, for a reader who hears it."""
    sentences = []
    for index, lane in enumerate(story.lanes):
        view = look(story, index, moment)
        if view is None:
            continue
        words = [
            f"{lane.name}: log start {view.log_start}",
            f"high watermark {view.high_watermark}",
            f"log end {view.log_end}",
            f"{len(view.segments)} segment{'s' if len(view.segments) != 1 else ''}",
            *(f"{name} at {at}" for name, at, _ in view.readers),
        ]
        sentences.append(", ".join(words) + ("; broker down" if view.down else "") + ".")
    return " ".join(sentences) or "No partition yet."


# -- the picture ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Layout:
    """Lengths that all lanes share; offsets to pixels is `left + (offset - first) * scale`."""

    width: float
    left: float
    scale: float
    slot: float  # the free slot after the log end
    batch: float  # height of a batch in the strip
    cell: float  # width of a record in the lens
    capacity: int  # records that the lens holds
    lens: float  # height of the lens
    has_lens: bool
    has_flights: bool
    keys: list[str]  # keys that are drawn as a shape


def layout(story: Story, width: float) -> Layout:
    """Lay out once per width: nothing moves sideways while the story plays."""
    names = [text_width(lane.name, 14, True) for lane in story.lanes]
    brokers = [text_width(lane.broker, 11) for lane in story.lanes]
    left = min(170.0, max([76.0, *names, *brokers]) + 14)
    longest = max((max(lane.log_end.value, default=0) for lane in story.lanes), default=0)
    spans = [max(lane.log_end.value, default=0) - lane.first for lane in story.lanes]
    right = text_width(f"LEO {longest}", 11, True) + 44
    scale = min(44.0, (width - left - right) / max([1, *spans]))
    least = 70 if width >= 800 else 62
    capacity = max(3, int((width - left - 6) // least) - 1)
    pairs = [pair for lane in story.lanes for batch in lane.batches.records for pair in batch]
    keys = list(dict.fromkeys(key for key, _ in pairs if key is not None))
    return Layout(
        width=width,
        left=left,
        scale=scale,
        slot=max(10.0, min(scale, 40.0)),
        batch=42 if width >= 800 else 36,
        cell=min(84.0, (width - left - 6) / (capacity + 1)),
        capacity=capacity,
        lens=84 if any(value is not None for _, value in pairs) else 66,
        has_lens=len(story.lanes) <= LENSES,
        has_flights=bool(story.flights.lane),
        keys=keys if len(keys) <= KEY_SHAPES else [],
    )


def lens_start(view: LaneView, capacity: int, focus: float | None = None) -> float:
    """First offset in the lens: it shows the end of the log, or what surrounds `focus`."""
    first = view.segments[0][0] if view.segments else view.log_end
    latest = max(first, view.log_end - capacity)
    return latest if focus is None else max(first, min(latest, focus - capacity // 2))


def draw(
    story: Story,
    moment: int | None = None,
    width: float = 720,
    focus: dict[int, float] | None = None,
) -> Picture:
    """The strip at a moment (the last one by default).

    `focus` maps lanes to the offset that their lens shows instead of the log's end.
    """
    moment = story.last if moment is None else moment
    picture = Picture(width, label=describe(story, moment))
    common = layout(story, width)
    y = 2.0
    for index, lane in enumerate(story.lanes):
        if index:
            picture.line(0, y + 4, width, y + 4, stroke="line")
            y += 16
        strip = _Strip(picture, common, lane, y)
        view = look(story, index, moment)
        start = lens_start(view, common.capacity, (focus or {}).get(index)) if view else 0
        strip.draw(view, start)
        y = strip.bottom
    picture.height = y + 2
    return picture


class _Strip:
    """Draws one lane, top down. `y` coordinates are fixed by the layout, not by the moment."""

    def __init__(self, picture: Picture, common: Layout, lane: Lane, y: float) -> None:
        self.picture = picture
        self.layout = common
        self.lane = lane
        self.y_tag = y
        self.y_flag = y + (28 if common.has_flights else 4)
        self.y_tab = self.y_flag + 21
        self.y_box = self.y_tab + 15
        self.y_batch = self.y_box + 5
        self.y_end = self.y_box + common.batch + 10
        self.y_readers = self.y_end + 22
        self.y_lens = self.y_readers + 24 * len(lane.readers) + 26
        self.bottom = self.y_lens + common.lens + (27 if lane.readers else 8)
        if not common.has_lens:
            self.bottom = self.y_lens - 20

    def x(self, offset: float) -> float:
        return self.layout.left + (offset - self.lane.first) * self.layout.scale

    def draw(self, view: LaneView | None, start: float) -> None:
        """`start` is the first offset in the lens."""
        self._name(view)
        if view is None:
            return
        if self.layout.has_lens:
            self._beam(view, start)
        self._deleted(view)
        self._segments(view)
        self._slot(view)
        self._batches(view)
        self._pointers(view)
        self._readers(view)
        self._tags(view)
        if self.layout.has_lens:
            self._lens(view, start)

    def _name(self, view: LaneView | None) -> None:
        paint, y = self.picture, self.y_tab + 12
        paint.text(0, y, self.lane.name, size=14, bold=1)
        if view is None:
            paint.text(0, y + 17, "not there yet", "ink-3", 11)
            return
        paint.text(0, y + 17, self.lane.broker, "ink-2", 11)
        if view.down:
            paint.text(0, y + 32, "down", "lost-text", 11, bold=1)

    def _beam(self, view: LaneView, start: float) -> None:
        """The ground that ties the lens to the part of the strip it enlarges."""
        end = min(view.log_end, start + self.layout.capacity)
        if end > start:
            right = self._lens_x(end, start)
            self.picture.path(
                "M", self.x(start), self.y_end, "H", self.x(end),
                "L", right, self.y_lens, "H", self.layout.left, "Z", fill="raised",
            )  # fmt: skip

    def _deleted(self, view: LaneView) -> None:
        first = view.segments[0][0] if view.segments else self.lane.first
        x0, x1 = self.x(self.lane.first), self.x(first)
        if x1 > x0:
            y = self.y_batch + self.layout.batch / 2
            self.picture.line(x0, y, x1 - 4, y, stroke="edge", stroke_dasharray="2 3")
            words = fitting([f"{span(self.lane.first, first)} deleted", "deleted"], x1 - x0 - 8, 11)
            self.picture.text((x0 + x1) / 2, y - 6, words, "ink-3", 11, text_anchor="middle")

    def _segments(self, view: LaneView) -> None:
        paint, bases = self.picture, [base for base, _ in view.segments]
        for i, (base, goes) in enumerate(view.segments):
            is_open = i == len(bases) - 1
            end = view.log_end if is_open else bases[i + 1]
            x0, x1 = self.x(base) + 1, self.x(end) + (self.layout.slot + 8 if is_open else -1.5)
            name = file_name(base)
            tab = min((x1 - x0) * 0.92, text_width(name, 11) + 14)
            dash: Attributes = {"stroke_dasharray": "4 3"} if goes or view.down else {}
            colour: Attributes = {
                "fill": "raised",
                "stroke": "lost" if view.down else "edge",
                "stroke_width": 1.2,
                **dash,
            }
            outline: list[float | str] = ["M", x1, self.y_box, "H", x0, "V", self.y_end, "H", x1]
            paint.path(*outline, *([] if is_open else ["Z"]), **colour)
            if tab >= 10:
                paint.path(
                    "M", x0, self.y_box, "V", self.y_tab + 3,
                    "Q", x0, self.y_tab, x0 + 3, self.y_tab,
                    "H", x0 + tab - 6, "L", x0 + tab, self.y_box, **colour,
                )  # fmt: skip
                filled = self.x(end) - x0  # the posts stand at its end: no text under them
                room = min(tab - 8, filled - 6) if filled > 12 else tab - 8
                words = fitting([name, name.removesuffix(".log"), str(base)], room, 11)
                paint.text(x0 + 5, self.y_tab + 11, words, "ink-2", 11)
            if is_open:
                beyond = max(x1 + (8 if view.down else 0), self.x(view.cut_from))
                paint.anchor("open", beyond + 12, self.y_batch + self.layout.batch / 2)
            else:
                paint.anchor("closed", x0 + tab + 10, self.y_tab + 6)
        if view.down:
            self._crack(self.x(view.log_end) + self.layout.slot + 8)

    def _crack(self, x: float) -> None:
        step = (self.y_end - self.y_box + 16) / 6
        points: list[float | str] = ["M", x, self.y_box - 8]
        for i in range(1, 7):
            points += ["L", x + (0 if i == 6 else 6 if i % 2 else -6), self.y_box - 8 + i * step]
        self.picture.path(*points, stroke="surface", stroke_width=5)
        self.picture.path(*points, stroke="lost", stroke_width=1.8)

    # -- batches ------------------------------------------------------------------

    def _slot(self, view: LaneView) -> None:
        """The next free place. First of all, so that a batch that lands covers it."""
        if view.cut_from >= 0:
            return
        x = self.x(view.log_end)
        self.picture.rect(
            x + 2, self.y_batch, self.layout.slot - 3, self.layout.batch,
            rx=2, fill="none", stroke="edge", stroke_dasharray="2.5 2.5",
        )  # fmt: skip

    def _batches(self, view: LaneView) -> None:
        """Outlines; neighbours too narrow to be seen alone are drawn as one."""
        columns, scale = self.lane.batches, self.layout.scale
        run: tuple[int, int, str] | None = None
        for i, kind in view.batches:
            base, end = columns.base[i], columns.end[i]
            if run is not None and run[2] == kind and (end - run[0]) * scale < 4:
                run = (run[0], end, kind)
                continue
            self._batch(view, run)
            run = (base, end, kind)
        self._batch(view, run)
        if view.cut_from >= 0:
            self._cut(view.log_end, view.cut_from)

    def _batch(self, view: LaneView, run: tuple[int, int, str] | None) -> None:
        if run is None or run[2] == "cut":
            return
        base, end, kind = run
        x, w = self.x(base) + 1, (end - base) * self.layout.scale - 2
        y, h = self.y_batch, self.layout.batch
        fill, stroke, weight = {
            "committed": ("cell", "edge", 1.0),
            "written": ("surface", "ink-2", 1.1),
            "landing": ("write-soft", "write", 2.0),
            "gone": ("none", "edge", 1.0),
        }[kind]
        dash: Attributes = {"stroke_dasharray": "2 2.5"} if kind == "gone" else {}
        self.picture.rect(x, y, w, h, rx=2, fill=fill, stroke=stroke, stroke_width=weight, **dash)
        if kind in ("written", "landing"):
            self.picture.hatch(x, y, w, h, "write" if kind == "landing" else "edge", 4.5)
            self.picture.anchor("written", x + w / 2, self.y_end + 10)
        if base < view.log_start < end:
            gone = (view.log_start - base) * self.layout.scale - 1.4
            self.picture.rect(x + 0.5, y + 0.5, gone, h - 1, fill="raised")
            self.picture.hatch(x + 0.5, y + 0.5, gone, h - 1, "edge", 4.5)
        self._numbers(base, end, kind)

    def _numbers(self, base: int, end: int, kind: str) -> None:
        """Offsets in the strip itself, as many as there is room for."""
        scale, y = self.layout.scale, self.y_batch + self.layout.batch / 2 + 4
        ground = "surface" if kind == "written" else "write-soft" if kind == "landing" else ""
        more: Attributes = {"text_anchor": "middle", **({"halo": ground} if ground else {})}
        colour = "ink-3" if kind == "gone" else "ink-2"
        if scale >= text_width(str(end), 11) + 6:
            for offset in range(base, end):
                x = self.x(offset)
                if offset > base:
                    top, bottom = self.y_batch + 1, self.y_batch + self.layout.batch - 1
                    self.picture.line(x, top, x, bottom, stroke="edge", stroke_width=0.6)
                self.picture.text(x + scale / 2, y, str(offset), colour, 11, **more)
        else:
            words = fitting([span(base, end), str(base)], (end - base) * scale - 6, 11)
            self.picture.text((self.x(base) + self.x(end)) / 2, y, words, colour, 11, **more)

    def _cut(self, log_end: float, before: int) -> None:
        x0, x1, y, h = self.x(log_end), self.x(before), self.y_batch, self.layout.batch
        dash: Attributes = {"stroke_dasharray": "3 2.5", "stroke_width": 1.4}
        self.picture.rect(x0 + 1, y, x1 - x0 - 2, h, rx=2, fill="surface", stroke="lost", **dash)
        self._cross((x0 + x1) / 2, y + h / 2, 6)

    def _cross(self, x: float, y: float, r: float) -> None:
        points = ("M", x - r, y - r, "L", x + r, y + r, "M", x + r, y - r, "L", x - r, y + r)
        for colour, width in (("surface", 5.4), ("lost", 2.4)):
            self.picture.path(*points, stroke=colour, stroke_width=width, stroke_linecap="round")

    # -- pointers -----------------------------------------------------------------

    def _pointers(self, view: LaneView) -> None:
        paint, y0, y1 = self.picture, self.y_flag, self.y_batch + self.layout.batch + 4
        x = self.x(view.log_start)
        paint.path(
            "M", x + 6, self.y_batch - 4, "H", x, "V", y1, "H", x + 6,
            stroke="ink", stroke_width=2.4,
        )  # fmt: skip
        paint.text(x - 1, self.y_end + 14, f"log start {rounded(view.log_start):.0f}", size=11,
                   bold=1, halo="surface")  # fmt: skip
        paint.anchor("start", x - 13, self.y_end + 10)
        nudge = 1.3 if view.high_watermark == view.log_end else 0
        self._flag(self.x(view.log_end) + nudge, y0, y1, f"LEO {floor(view.log_end + 0.5)}", 1)
        high = floor(view.high_watermark + 0.5)
        self._flag(self.x(view.high_watermark) - nudge, y0, y1, f"HW {high}", -1)

    def _flag(self, x: float, y0: float, y1: float, label: str, side: int) -> None:
        """HW: solid, pointing back at what is committed. LEO: hollow, pointing at the free slot."""
        paint, w = self.picture, text_width(label, 11, True) + 11
        colour, fill = ("ink", "surface") if side > 0 else ("commit", "commit")
        paint.line(x, y0, x, y1, stroke=colour, stroke_width=1.6 if side > 0 else 2.6)
        paint.path(
            "M", x, y0 + 0.6, "H", x + side * (w - 4), "L", x + side * w, y0 + 7.5,
            "L", x + side * (w - 4), y0 + 14.4, "H", x, "Z", fill=fill, stroke=colour,
            stroke_width=1.3,
        )  # fmt: skip
        paint.text(x + side * (w / 2 - 1.5), y0 + 11.3, label, "ink" if side > 0 else "inv", 11,
                   bold=1, text_anchor="middle")  # fmt: skip
        paint.anchor("end" if side > 0 else "high", x + side * (w + 11), y0 + 7.5)

    def _readers(self, view: LaneView) -> None:
        rows = {name: self.y_readers + 24 * row for row, name in enumerate(self.lane.readers)}
        bottom = self.y_batch + self.layout.batch
        for name, at, before in view.readers:
            x, x0 = self.x(at), self.x(before)
            if at > before:  # handed over at this moment
                self.picture.rect(x0 + 1, bottom - 2, x - x0 - 2, 4, rx=2, fill="read")
            self.picture.line(x, bottom + 3, x, rows[name], stroke="read", stroke_dasharray="1.5 2")
        for name, at, _ in view.readers:
            self._reader(view, name, at, rows[name])

    def _reader(self, view: LaneView, name: str, at: float, y: float) -> None:
        """Pointer from below; a ruler from it to the high watermark is its lag."""
        paint, x, high = self.picture, self.x(at), self.x(view.high_watermark)
        lag = max(0, floor(view.high_watermark + 0.5) - floor(at + 0.5))
        where, behind = f"{name} {floor(at + 0.5)}", f"lag {lag}"
        room = text_width(behind, 12, True) + 8
        has_ruler = high - x >= room + 12
        if has_ruler:
            middle = (x + high) / 2
            paint.line(x, y + 5, middle - room / 2, y + 5, stroke="read", stroke_width=1.3)
            paint.line(middle + room / 2, y + 5, high, y + 5, stroke="read", stroke_width=1.3)
            paint.text(middle, y + 9, behind, "read-text", 12, bold=1, text_anchor="middle")
            paint.anchor("lag", middle + room / 2 + 8, y + 5)
        elif high - x > 12:
            paint.line(x, y + 5, high, y + 5, stroke="read", stroke_width=1.3)
        if high - x > 12:
            paint.line(high, y + 1, high, y + 9, stroke="read", stroke_width=1.3)
        self._triangle(x, y)
        words = where if has_ruler else f"{where} · {behind}"
        if x - 9 - text_width(words, 12, True) >= 0:
            paint.text(x - 9, y + 9, words, "read-text", 12, bold=1, halo="surface",
                       text_anchor="end")  # fmt: skip
        else:
            right = max(x, high) + 10
            paint.text(right, y + 9, words, "read-text", 12, bold=1, halo="surface")
        paint.anchor("reader", x, y + 22)

    def _triangle(self, x: float, y: float) -> None:
        self.picture.path("M", x, y, "L", x + 5, y + 8, "H", x - 5, "Z", fill="read")

    # -- records on their way -------------------------------------------------------

    def _tags(self, view: LaneView) -> None:
        taken = self.layout.width - 2
        for flight in reversed(view.flights):
            known = 18 if flight.state == "known" else 0
            label = fitting(flight.label, self.layout.width * 0.5, 12, True)
            w = text_width(label, 12, True) + 26 + known
            target = self._landing(view, flight)
            home = max(0.0, min(taken - w, target - w * 0.62))
            x = home * flight.progress
            self._tag(x, w, label, flight.state)
            if flight.state == "landing":
                self._arrow(target, self.y_tag + 20, self.y_batch - 1)
            if flight.state == "lost":
                self._cross(x + w + 4, self.y_tag + 9, 6)
            taken = x - 8

    def _landing(self, view: LaneView, flight: Flight) -> float:
        """Above the records themselves, or above the slot that they will take."""
        columns = self.lane.batches
        for i, _ in reversed(view.batches):
            if columns.base[i] == flight.base:
                return (self.x(columns.base[i]) + self.x(columns.end[i])) / 2
        return self.x(view.log_end) + self.layout.slot / 2

    def _tag(self, x: float, w: float, label: str, state: str) -> None:
        paint, y, h = self.picture, self.y_tag, 18
        ground = "write-soft" if state == "landing" else "surface"
        paint.path(
            "M", x + 1, y + 1, "H", x + w - 6, "L", x + w - 1, y + h / 2, "L", x + w - 6, y + h - 1,
            "H", x + 1, "Z", fill=ground, stroke="write", stroke_width=1.8,
        )  # fmt: skip
        middle = x + (w - 4 - (18 if state == "known" else 0)) / 2
        paint.text(middle, y + 13.2, label, "write-text", 12, bold=1, text_anchor="middle")
        if state == "known":
            tx = x + w - 20
            paint.path("M", tx - 6, y + 9, "L", tx - 1.5, y + 13.5, "L", tx + 6, y + 4.2,
                       stroke="commit", stroke_width=2.2, stroke_linecap="round")  # fmt: skip

    def _arrow(self, x: float, y0: float, y1: float) -> None:
        self.picture.line(x, y0, x, y1 - 7, stroke="write", stroke_width=3)
        self.picture.path("M", x, y1, "L", x - 4.2, y1 - 9, "H", x + 4.2, "Z", fill="write")

    # -- the lens -------------------------------------------------------------------

    def _lens(self, view: LaneView, start: float) -> None:
        columns, stop = self.lane.batches, start + self.layout.capacity
        if view.log_end <= stop:
            self._free_slot(view, start)
        for i, kind in view.batches:
            if columns.end[i] > start and columns.base[i] < stop and kind != "cut":
                self._lens_batch(i, kind, start)
        if start <= view.high_watermark <= stop:
            self._lens_high_watermark(view, start)
        self._lens_readers(view, start)

    def _lens_x(self, offset: float, start: float) -> float:
        return self.layout.left + (offset - start) * self.layout.cell

    def _lens_batch(self, i: int, kind: str, start: float) -> None:
        paint, y, h, columns = self.picture, self.y_lens, self.layout.lens, self.lane.batches
        base, end = columns.base[i], columns.end[i]
        stop = start + self.layout.capacity
        x0, x1 = self._lens_x(max(base, start), start) + 2, self._lens_x(min(end, stop), start) - 2
        is_landing = kind == "landing"
        colour: Attributes = {
            "fill": "write-soft" if is_landing else "surface",
            "stroke": "write" if is_landing else "edge",
            "stroke_width": 2.0 if is_landing else 1.3,
            **({"stroke_dasharray": "2 2.5"} if kind == "gone" else {}),
        }
        if base >= start and end <= stop:
            paint.rect(x0, y, x1 - x0, h, rx=4, **colour)
        elif base >= start:  # goes on right of the lens: no right edge
            paint.path("M", x1, y, "H", x0, "V", y + h, "H", x1, **colour)
        else:
            paint.path("M", x0, y, "H", x1, "V", y + h, "H", x0, **colour)
        count, size = end - base, size_text(columns.size_bytes[i])
        noun = "record" if count == 1 else "records"
        title = f"batch {span(base, end)}"
        words = [
            f"{title} · {count} {noun} · {size}",
            f"{span(base, end)} · {size}",
            span(base, end),
        ]
        tone = "write-text" if is_landing else "ink-2"
        paint.text(x0 + 6, y + 14, fitting(words, x1 - x0 - 9, 11, True), tone, 11, bold=1)
        for offset in range(max(base, ceil(start)), min(end, floor(stop))):
            pairs = columns.records[i]
            self._record(offset, pairs[offset - base] if pairs else [None, None], kind, start)

    def _record(self, offset: int, pair: list[str | None], kind: str, start: float) -> None:
        paint, cell = self.picture, self.layout.cell
        x, y, h = self._lens_x(offset, start) + 5, self.y_lens + 20, self.layout.lens - 24
        w, middle = cell - 10, self._lens_x(offset, start) + cell / 2
        is_hatched = kind in ("landing", "written")
        stroke = "write" if kind == "landing" else "edge" if kind in ("written", "gone") else "none"
        dash: Attributes = {"stroke_dasharray": "2 2.5"} if kind == "gone" else {}
        fill = {"committed": "cell", "gone": "none"}.get(kind, "surface")
        paint.rect(x, y, w, h, rx=2.5, fill=fill, stroke=stroke, **dash)
        if is_hatched:
            paint.hatch(x, y, w, h, "edge", 7)
        centre: Attributes = {
            "text_anchor": "middle",
            **({"halo": "surface"} if is_hatched else {}),
        }
        paint.text(middle, y + 18, str(offset), "ink-3" if kind == "gone" else "ink", 14, bold=1,
                   **centre)  # fmt: skip
        key, value = pair
        if key is not None:
            self._key(key, middle, y + 34, w, is_hatched)
        if value is not None:
            words = fitting([value[:n] + "…" * (n < len(value)) for n in range(len(value), 0, -1)],
                            w + 4, 11)  # fmt: skip
            paint.text(middle, y + 52, words, "ink-2", 11, **centre)

    def _key(self, key: str, x: float, y: float, room: float, is_hatched: bool) -> None:
        paint, halo = self.picture, {"halo": "surface"} if is_hatched else {}
        has_shape = key in self.layout.keys
        words = fitting(
            [key, key[:5] + "…", key[:3] + "…", ""], room - (15 if has_shape else 2), 11
        )
        if not has_shape:
            paint.text(x, y + 4, words, "ink-2", 11, **{"text_anchor": "middle", **halo})
            return
        start = x - (text_width(words, 11) + 13) / 2
        if is_hatched:
            paint.rect(start - 2, y - 7, text_width(words, 11) + 17, 14, rx=3, fill="surface")
        key_shape(paint, self.layout.keys.index(key), start + 5, y)
        paint.text(start + 13, y + 4, words, "ink-2", 11)

    def _free_slot(self, view: LaneView, start: float) -> None:
        x, cell, h = self._lens_x(view.log_end, start), self.layout.cell, self.layout.lens - 24
        y = self.y_lens + 20
        self.picture.rect(x + 5, y, cell - 10, h, rx=3, fill="none", stroke="edge",
                          stroke_dasharray="3 3", stroke_width=1.2)  # fmt: skip
        middle = {"text_anchor": "middle"}
        end = floor(view.log_end + 0.5)
        self.picture.text(x + cell / 2, y + 18, str(end), "ink-3", 14, **middle)
        self.picture.text(x + cell / 2, y + 36, "next", "ink-3", 11, **middle)

    def _lens_high_watermark(self, view: LaneView, start: float) -> None:
        paint, x = self.picture, self._lens_x(view.high_watermark, start)
        top, bottom = self.y_lens - 12, self.y_lens + self.layout.lens + 4
        paint.line(x, top, x, bottom, stroke="commit", stroke_width=3)
        if view.high_watermark < view.log_end:
            if view.high_watermark > start:
                paint.text(x - 6, self.y_lens - 6, "committed", "commit-text", 11, bold=1,
                           halo="surface", text_anchor="end")  # fmt: skip
            paint.text(x + 7, self.y_lens - 6, "not yet", "ink-2", 11, bold=1, halo="surface")

    def _lens_readers(self, view: LaneView, start: float) -> None:
        y, cell = self.y_lens + self.layout.lens + 6, self.layout.cell
        stop = start + self.layout.capacity
        inside = sorted({at for _, at, _ in view.readers if start <= at <= min(stop, view.log_end)})
        taken = self.layout.left  # labels reach to here
        for i, at in enumerate(inside):
            names = [name for name, offset, _ in view.readers if offset == at]
            x, who = self._lens_x(at, start) + cell / 2, ", ".join(names)
            verb = "read" if len(names) > 1 else "reads"
            wordings = [f"{who} {verb} {floor(at + 0.5)} next", who]
            after = (
                self._lens_x(inside[i + 1], start) + cell / 2 - 8
                if i + 1 < len(inside)
                else (self.layout.width)
            )
            self._triangle(x, y)
            right = fitting(wordings, after - x - 9, 11, True)
            left = "" if right == wordings[0] else fitting(wordings, x - 9 - taken, 11, True)
            if len(left) > len(right):
                self.picture.text(x - 9, y + 9, left, "read-text", 11, bold=1, text_anchor="end")
                taken = x + 8
            else:
                self.picture.text(x + 9, y + 9, right, "read-text", 11, bold=1)
                taken = x + 9 + text_width(right, 11, True) + 8


def key_shape(paint: Picture, which: int, x: float, y: float) -> None:
    """Circle, triangle, square, diamond: a key without a colour."""
    if which == 0:
        paint.circle(x, y, 4.4, fill="ink")
    elif which == 1:
        paint.path("M", x, y - 4.8, "L", x + 4.8, y + 3.8, "H", x - 4.8, "Z", fill="ink")
    elif which == 2:
        paint.rect(x - 3.9, y - 3.9, 7.8, 7.8, fill="ink")
    else:
        paint.path(
            "M", x, y - 5.2, "L", x + 5.2, y, "L", x, y + 5.2, "L", x - 5.2, y, "Z", fill="ink"
        )


def call_out(picture: Picture, label: str, x: float, y: float) -> None:
    """An ink disc with a number; the same number stands in the text."""
    picture.circle(x, y, 8.5, fill="ink", stroke="surface", stroke_width=1.5)
    picture.text(x, y + 3.9, label, "inv", 11, bold=1, text_anchor="middle")
