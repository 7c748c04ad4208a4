"""The space-time diagram as a widget: `SpaceTime(sim.trace)`.

    diagram = SpaceTime(sim.trace, since_ms=10, until_ms=40, title="Who waits for whom?")
    diagram                     # as a cell's last line: play, step, scrub; point at a message
    diagram.selected            # which message the reader chose, -1 for none

The browser is sent the story once, with the bytes of its messages, and needs no kernel to play it,
to filter it or to take a message to pieces. Where no browser code runs, the
end of the story stands as SVG, and in a terminal as a list of its messages.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import traitlets

from minikafka.trace import Trace
from minikafka.viz.journeys import LOST, Message, journeys
from minikafka.viz.static import space_time_svg
from minikafka.viz.widgets.base import Played

MS = 1_000
MOST_LINES = 24


class SpaceTime(Played, files="space_time"):
    """Who says what to whom, when; who waits; why it happened and what came of it.

    `since_ms` and `until_ms` count from the beginning of the trace. `nodes` picks nodes by name.
    `with_chatter` shows from the beginning how clients find their way (ApiVersions, Metadata, …).
    `look_for` has pairs of first words and the rest.

    What the reader filters can be set and read here too: kinds of messages and nodes that are
    hidden, and whether only what is linked to the selection is drawn.
    """

    selected = traitlets.Int(-1).tag(sync=True)
    hidden_kinds: traitlets.List[str] = traitlets.List().tag(sync=True)
    hidden_nodes: traitlets.List[str] = traitlets.List().tag(sync=True)
    only_linked = traitlets.Bool(False).tag(sync=True)

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
        )
        super().__init__(
            story=self._story.to_json(),
            hidden_kinds=[] if with_chatter else self._story.chatter,
            title=title,
            settings=settings,
            look_for=[list(item) for item in look_for],
            caption=caption,
        )

    def __repr__(self) -> str:
        shown = self._shown()
        ends = {end for message in shown for end in (message.source, message.target)}
        names = [lane.name for i, lane in enumerate(self._story.lanes) if i in ends]
        return f"SpaceTime({len(shown)} messages between {', '.join(names) or 'nobody'})"

    def _shown(self) -> list[Message]:
        names, hidden = [lane.name for lane in self._story.lanes], set(self.hidden_nodes)
        return [
            message
            for message in self._story.messages
            if message.api not in self.hidden_kinds
            and not {names[message.source], names[message.target]} & hidden
        ]

    def svg(self, width: int = 720) -> str:
        """The end of the story as a static SVG, with the selection."""
        return space_time_svg(
            self._story,
            width=width,
            selected=self.selected,
            hidden_kinds=self.hidden_kinds,
            hidden_nodes=self.hidden_nodes,
            only_linked=self.only_linked,
        )

    def text(self) -> str:
        """The messages, one a line."""
        return "\n".join(lines([lane.name for lane in self._story.lanes], self._shown()))


def lines(names: list[str], messages: Sequence[Message]) -> list[str]:
    """The messages, one a line, in the order in which they were sent."""
    width = max((len(name) for name in names), default=0)
    found = []
    for message in messages[:MOST_LINES]:
        source, target = names[message.source], names[message.target]
        end = "lost" if message.arrived == LOST else ""
        words = f"{message.title} {message.more} {end}".rstrip()
        found.append(
            f"{message.sent / MS:10.3f} ms  {source:>{width}} → {target:<{width}}  {words}"
        )
    more = len(messages) - MOST_LINES
    return [*found, f"… and {more} more"] if more > 0 else found
