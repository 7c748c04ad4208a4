"""Drawings in text: `picture(x)` for the REPL, notebooks, transcripts and assertion messages.

    >>> picture(broker.statistics())
    orders-0  [2 3 4 5 6/7 8 9|10 11       LEO 12  HW 10  log start 2  epoch 0
    orders-1  [0 1 2|                      LEO 3   HW 3   log start 0  epoch 0
              [ log start   / next file   | high watermark

    >>> picture(sim.trace)                 # the end of a run, with its readers
    orders-0  [2 3 4 5 6/7 8 9|10 11       LEO 12  HW 10  log start 2  epoch 0
      billing      ^                       next 5, lag 5
              [ log start   / next file   | high watermark   ^ next to be read

The same order and the same words as in the drawn strip. A log that is too long keeps
its first and its last offsets around an `…`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from minikafka.viz.story import Lane, Story, tell

if TYPE_CHECKING:
    from minikafka.trace import Trace

ROOM = 56
"""Columns for the offsets of one log."""

HEAD = 3
"""Offsets kept from the start of a log that does not fit."""


class Text(str):
    """Text whose repr is itself, so that a notebook shows lines and not `\\n`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def picture(thing: Trace | Story | Any) -> Text:
    """Draw a trace, a story, or anything with `statistics()` (or a result of it) as text.

    Statistics are those of a log, a partition, or a broker with its `partitions`.
    """
    from minikafka.trace import Trace

    if isinstance(thing, Trace):
        return story_picture(tell(thing))
    if isinstance(thing, Story):
        return story_picture(thing)
    if hasattr(thing, "statistics"):
        return picture(thing.statistics())
    partitions = getattr(thing, "partitions", (thing,))
    return _drawing([_of_statistics(partition) for partition in partitions])


def story_picture(story: Story, moment: int | None = None) -> Text:
    """The logs of a story at a moment (the last one by default)."""
    moment = story.last if moment is None else moment
    rows = [_of_lane(lane, moment) for lane in story.lanes if lane.log_end.at(moment) is not None]
    return _drawing(rows)


@dataclass(slots=True)
class _Row:
    """One log, however it was told about."""

    name: str
    log_start: int
    log_end: int
    bases: Sequence[int]
    readers: dict[str, int] = field(default_factory=dict)
    note: str = ""
    high_watermark: int | None = None  # a log alone does not know it


def _of_lane(lane: Lane, moment: int) -> _Row:
    files = zip(lane.segments.base, lane.segments.born, lane.segments.gone, strict=True)
    alive = (base for base, born, gone in files if born <= moment and not -1 < gone <= moment)
    at = {name: steps.at(moment) for name, steps in lane.readers.items()}
    readers = {name: offset for name, offset in at.items() if offset is not None}
    epoch = lane.epoch.at(moment)
    note = f"  epoch {epoch}" if epoch is not None else ""
    note += "  broker down" if lane.down.at(moment) == 1 else ""
    start, end = lane.log_start.at(moment) or 0, lane.log_end.at(moment) or 0
    row = _Row(lane.name, start, end, sorted(alive), readers, note)
    row.high_watermark = lane.high_watermark.at(moment) or 0
    return row


def _of_statistics(statistics: Any) -> _Row:
    row = _Row(
        f"{statistics.topic}-{statistics.partition}",
        statistics.log_start_offset,
        statistics.log_end_offset,
        [segment.base_offset for segment in statistics.segments],
    )
    row.high_watermark = getattr(statistics, "high_watermark", None)
    epoch = getattr(statistics, "leader_epoch", None)
    row.note = f"  epoch {epoch}" if epoch is not None else ""
    return row


def _drawing(rows: list[_Row]) -> Text:
    if not rows:
        return Text("no partition")
    names = [row.name for row in rows] + [f"  {name}" for row in rows for name in row.readers]
    indent = max(len(name) for name in names) + 2
    drawn = [_offsets(row) for row in rows]
    room = max(len(text) for text, _ in drawn) + 2
    lines = []
    for row, (text, columns) in zip(rows, drawn, strict=True):
        high = "" if row.high_watermark is None else f"  HW {row.high_watermark:<4}"
        numbers = f"LEO {row.log_end:<4}{high}  log start {row.log_start}{row.note}"
        lines.append(f"{row.name:<{indent}}{text:<{room}}{numbers}")
        for name, at in row.readers.items():
            pointer = " " * _column(columns, at) + "^"
            lag = "" if row.high_watermark is None else f", lag {max(0, row.high_watermark - at)}"
            lines.append(f"{'  ' + name:<{indent}}{pointer:<{room}}next {at}{lag}")
    lines.append(" " * indent + _legend(rows))
    return Text("\n".join(line.rstrip() for line in lines))


def _legend(rows: list[_Row]) -> str:
    marks = ["[ log start"]
    if any(len(row.bases) > 1 for row in rows):
        marks.append("/ next file")
    if any(row.high_watermark is not None for row in rows):
        marks.append("| high watermark")
    if any(row.readers for row in rows):
        marks.append("^ next to be read")
    return "   ".join(marks)


def _offsets(row: _Row) -> tuple[str, list[tuple[int, int]]]:
    """The offsets with their marks, and where each drawn offset begins: (offset, column)."""
    every = range(row.log_start, row.log_end)
    width = len(str(row.log_end)) + 1
    if len(every) * width > ROOM:
        tail = max(HEAD, ROOM // width - HEAD - 1)
        shown = [*every[:HEAD], -1, *every[-tail:]]
    else:
        shown = list(every)
    text, columns = "", []
    for offset in [*shown, row.log_end]:
        text += _mark(row, offset)
        if offset >= 0:
            columns.append((offset, len(text)))
        text += "…" if offset < 0 else str(offset) if offset < row.log_end else ""
    return text, columns


def _mark(row: _Row, offset: int) -> str:
    """What stands before an offset; the high watermark hides a file's end."""
    if offset == row.high_watermark and offset > row.log_start:
        return "|"
    if offset == row.log_start:
        return "[|" if offset == row.high_watermark else "["
    return "/" if offset in row.bases and offset < row.log_end else " "


def _column(columns: list[tuple[int, int]], at: int) -> int:
    """Column of an offset; of the last one drawn before it when it is left out."""
    return max((column for offset, column in columns if offset <= at), default=0)
