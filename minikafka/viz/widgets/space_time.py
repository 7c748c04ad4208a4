"""The space-time diagram as a widget: `SpaceTime(sim.trace)`.

    diagram = SpaceTime(sim.trace, since_ms=10, until_ms=40, title="Who waits for whom?")
    diagram                     # as a cell's last line: play, step, scrub; point at a message
    diagram.selected            # which message the reader chose, -1 for none

The browser is sent the story once and needs no kernel to play it. Where no browser code runs, the
end of the story stands as SVG, and in a terminal as a list of its messages.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import traitlets

from minikafka.trace import Trace
from minikafka.viz.journeys import LOST, Journeys, journeys
from minikafka.viz.static import space_time_svg
from minikafka.viz.widgets.base import Played

MS = 1_000
MOST_LINES = 24


class SpaceTime(Played, files="space_time"):
    """Who says what to whom, when; who waits; why it happened and what came of it.

    `since_ms` and `until_ms` count from the beginning of the trace. `nodes` picks nodes by name.
    `with_chatter` also shows how clients find their way (ApiVersions, Metadata, …). `look_for` has
    pairs of first words and the rest.
    """

    selected = traitlets.Int(-1).tag(sync=True)

    def __init__(
        self,
        trace: Trace,
        *,
        since_ms: float | None = None,
        until_ms: float | None = None,
        nodes: Collection[str] | None = None,
        with_chatter: bool = False,
        title: str = "Who says what to whom",
        settings: str = "",
        look_for: Sequence[tuple[str, str]] = (),
        caption: str = "",
    ) -> None:
        first = trace.events[0].time if trace.events else 0

        def absolute(ms: float | None) -> int | None:
            return None if ms is None else first + int(ms * MS)

        self._story = journeys(
            trace,
            since_us=absolute(since_ms),
            until_us=absolute(until_ms),
            nodes=nodes,
            with_chatter=with_chatter,
        )
        super().__init__(
            story=self._story.to_json(),
            title=title,
            settings=settings,
            look_for=[list(item) for item in look_for],
            caption=caption,
        )

    def __repr__(self) -> str:
        count = len(self._story.messages)
        names = ", ".join(lane.name for lane in self._story.lanes)
        return f"SpaceTime({count} messages between {names or 'nobody'})"

    def svg(self, width: int = 720) -> str:
        """The end of the story as a static SVG, with the selection."""
        return space_time_svg(self._story, width=width, selected=self.selected)

    def text(self) -> str:
        """The messages, one a line."""
        return "\n".join(lines(self._story))


def lines(story: Journeys) -> list[str]:
    """The messages, one a line, in the order in which they were sent."""
    names = [lane.name for lane in story.lanes]
    width = max((len(name) for name in names), default=0)
    found = []
    for message in story.messages[:MOST_LINES]:
        source, target = names[message.source], names[message.target]
        end = "lost" if message.arrived == LOST else ""
        words = f"{message.title} {message.more} {end}".rstrip()
        found.append(
            f"{message.sent / MS:10.3f} ms  {source:>{width}} → {target:<{width}}  {words}"
        )
    more = len(story.messages) - MOST_LINES
    return [*found, f"… and {more} more"] if more > 0 else found
