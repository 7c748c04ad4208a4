"""The segment browser as a widget: a partition's directory, and how an offset is found in it.

    SegmentBrowser("/tmp/kafka/orders-0")                      # of any Kafka broker, running or not
    SegmentBrowser("orders-0", files=broker.files)             # of a simulated broker's disk
    SegmentBrowser(path, offset=1234)                          # opens with this search
    SegmentBrowser(path, timestamp_ms=1_700_000_000_000)       # or with this one
    SegmentBrowser(path, recovery=True)                        # what a start after a crash would do

The files are read once, when the widget is made, and never written. The search runs in the
browser, so that the reader can ask for another offset without a kernel; where no browser code
runs, it stands as SVG, and in a terminal as text.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import traitlets

from minikafka.viz.directory import Directory, Looking, read
from minikafka.viz.engine import run
from minikafka.viz.static import still_svg
from minikafka.viz.widgets.base import LookFor, Played

MOST_LINES = 12


class SegmentBrowser(Played, files="segment_browser"):
    """Files, index entries and batches of a partition; a search or a recovery, step by step.

    `by` is "offset", "timestamp" or "recovery", `value` the offset or the timestamp (ms): set
    them to ask for something else. `moment` is the step the reader stands at, 0 the question.
    Without a wish it asks for an offset in the middle, or, where the log is torn, for its
    recovery.
    """

    by = traitlets.Unicode("offset").tag(sync=True)
    value = traitlets.Int(0).tag(sync=True)

    def __init__(
        self,
        directory: str | os.PathLike[str],
        *,
        files: Looking | None = None,
        offset: int | None = None,
        timestamp_ms: int | None = None,
        recovery: bool = False,
        title: str = "What lies on the disk, and how is a record found in it?",
        settings: str = "",
        look_for: Sequence[LookFor] | None = None,
        caption: str = "",
    ) -> None:
        """Raises FileNotFoundError when there is no such directory."""
        self._directory = read(directory, files, offset=offset, timestamp_ms=timestamp_ms)
        self._answered: tuple[tuple[str, int] | None, dict[str, Any]] = (None, {})
        by, value = _question(self._directory, offset, timestamp_ms, recovery)
        chosen = what_to_look_for(self._directory, by) if look_for is None else look_for
        super().__init__(
            story=self._directory.to_json(),
            by=by,
            value=value,
            title=title,
            settings=settings,
            look_for=[list(item) for item in chosen],
            caption=caption,
        )
        self.moment = len(self.steps)

    def __repr__(self) -> str:
        count = len(self._directory.segments)
        segments = f"{count} segment{'' if count == 1 else 's'}"
        return f"SegmentBrowser({self._directory.name}, {segments}, {self.answer['outcome']})"

    @property
    def answer(self) -> dict[str, Any]:
        """What was found: `found` (None: nothing), `outcome` in words, `read` bytes, `steps`."""
        asked = self.by, self.value
        if self._answered[0] != asked:
            told = run("segment_browser", "told", story=self.story, by=self.by, value=self.value)
            self._answered = asked, told
        return self._answered[1]

    @property
    def steps(self) -> list[str]:
        """The steps of the search, in words."""
        return [step["words"] for step in self.answer["steps"]]

    @traitlets.observe("by", "value")
    def _asked(self, _: object) -> None:
        if self.story:  # else it is being made
            self.moment = len(self.steps)

    def svg(self, width: int = 720) -> str:
        """The search up to the step at hand as a static SVG, lettered like the look-for list."""
        lettered = [anchor for anchor, _, _ in self.look_for]
        return still_svg(
            "segment_browser",
            story=self.story,
            width=width,
            by=self.by,
            value=self.value,
            moment=self.moment,
            numbered=lettered,
        )

    def text(self) -> str:
        """The files, and the steps as far as the reader is."""
        answer = self.answer
        lines = [*_listed(self._directory), "", _asks(self.by, self.value)]
        lines += [
            f"{at:4}  {step['words']}"
            for at, step in enumerate(answer["steps"][: self.moment], start=1)
        ]
        total = self._directory.size_bytes
        return "\n".join([*lines, f"      {answer['read']:,} bytes looked at, of {total:,}"])


def what_to_look_for(directory: Directory, by: str) -> list[LookFor]:
    """The sentences that this directory can show; each stands where its anchor is drawn."""
    found: list[LookFor] = []
    if directory.segments:
        found.append(
            ("name", "A file’s name is its first offset.", "So the names alone say which file to "
             "open, and old records go by removing whole files.")
        )  # fmt: skip
    if any(segment.entries for segment in directory.segments):
        found.append(
            ("index", "An index is sparse.", "Some batches have an entry, most have none; halving "
             "finds the last entry that is not too large.")
        )  # fmt: skip
    if any(len(segment.batches) > 1 for segment in directory.segments):
        found.append(
            ("header", "From there, headers only.", "61 bytes say which offsets a batch has and "
             "how far the next one is; its records are not touched.")
        )  # fmt: skip
    if directory.cut:
        found.append(
            ("torn", "What is torn is cut.", "The log ends after its last whole batch whose CRC "
             "fits; other replicas have the rest.")
        )  # fmt: skip
    return found


def _question(
    directory: Directory, offset: int | None, timestamp_ms: int | None, recovery: bool
) -> tuple[str, int]:
    if offset is not None:
        return "offset", offset
    if timestamp_ms is not None:
        return "timestamp", timestamp_ms
    middle = (directory.log_start_offset + directory.log_end_offset) // 2
    return "recovery" if recovery or directory.cut else "offset", middle


def _asks(by: str, value: int) -> str:
    return "recovery" if by == "recovery" else f"find {by} {value}"


def _listed(directory: Directory) -> list[str]:
    lines = [f"log start {directory.log_start_offset}  LEO {directory.log_end_offset}"]
    segments = directory.segments
    for segment in segments[:MOST_LINES]:
        damage = segment.damage
        ends = f"  damaged at byte {damage.position:,}: {damage.reason}" if damage else ""
        lines.append(
            f"{segment.base_offset:020d}  .log {max(0, segment.log_bytes):>11,} B"
            f"  .index {len(segment.entries):>5}  .timeindex {len(segment.time_entries):>5}{ends}"
        )
    if len(segments) > MOST_LINES:
        lines.append(f"… {len(segments) - MOST_LINES} more")
    return lines
