"""The log strip as a widget: `LogStrip(sim.trace)`.

    strip = LogStrip(sim.trace, title="Where does a record go?")
    strip                       # as a cell's last line: play, step, scrub
    strip.moment = 12           # moves the playhead
    strip.moment                # where the reader left it

The browser is sent the story once and needs no kernel to play it. Where no browser code
runs, the same moment is shown as SVG, and in a terminal as text.
"""

from __future__ import annotations

from collections.abc import Sequence

from minikafka.trace import Trace
from minikafka.viz.picture import story_picture
from minikafka.viz.static import log_strip_svg
from minikafka.viz.story import Story, tell
from minikafka.viz.widgets.base import LookFor, Played


class LogStrip(Played, files="log_strip"):
    """Segments, offsets, log end, high watermark, log start and readers, as a trace plays.

    It zooms from single records to whole files; with many partitions one of them is
    unfolded, the others stand small around it.

    `topics` picks the topics to show (all but internal ones by default). `look_for` names
    at most five things to see; by default what this trace has to show. The playhead
    stands at the end of the trace until the reader moves it.
    """

    def __init__(
        self,
        trace: Trace,
        *,
        topics: list[str] | None = None,
        title: str = "A partition is a log that only grows at one end",
        settings: str = "",
        look_for: Sequence[LookFor] | None = None,
        caption: str = "",
    ) -> None:
        self._story = tell(trace, topics=topics)
        chosen = what_to_look_for(self._story) if look_for is None else look_for
        super().__init__(
            story=self._story.to_json(),
            moment=self._story.last,
            title=title,
            settings=settings,
            look_for=[list(item) for item in chosen],
            caption=caption,
        )

    def __repr__(self) -> str:
        lanes = ", ".join(f"{lane.name} to {lane.log_end.last}" for lane in self._story.lanes)
        return f"LogStrip({lanes or 'no partition'}; {self._story.last + 1} moments)"

    def svg(self, width: int = 720) -> str:
        """The moment at the playhead as a static SVG, numbered like the look-for list."""
        numbered = [anchor for anchor, _, _ in self.look_for]
        return log_strip_svg(self._story, self.moment, width=width, numbered=numbered)

    def text(self) -> str:
        """The logs at the playhead, as `picture` draws them."""
        return story_picture(self._story, self.moment)


def what_to_look_for(story: Story) -> list[LookFor]:
    """The sentences that this story can show; each stands where its anchor is drawn."""
    lanes = story.lanes
    found: list[LookFor] = []
    if lanes:
        found.append(
            ("open", "Only one file is open.", "The log grows into the one without a right edge.")
        )
    if any(moment for lane in lanes for moment in _uncommitted(lane.log_end.moment, story)):
        found.append(
            ("written", "Hatched is written, not committed.", "The high watermark (HW) has yet "
             "to pass it, and until then no consumer sees it.")
        )  # fmt: skip
    if any(lane.readers for lane in lanes):
        found.append(
            ("lag", "Lag is a distance", "from a consumer’s next offset to the high watermark. "
             "Reading moves the pointer and removes nothing.")
        )  # fmt: skip
    if any(len(lane.log_start.value) > 1 for lane in lanes):
        found.append(
            ("start", "The log start moves too.", "What lies before the bracket is out of reach, "
             "and whole files in front of it are deleted.")
        )  # fmt: skip
    if any(indexed for lane in lanes for indexed in lane.batches.indexed):
        found.append(
            ("index", "A pin is an index entry.", "Only some batches get one. A search begins at "
             "the pin before its offset and reads on from there.")
        )  # fmt: skip
    return found


def _uncommitted(moments: list[int], story: Story) -> list[int]:
    """Of these moments, those at which something was appended."""
    return [moment for moment in moments if story.moments.kind[moment] == "append"]
