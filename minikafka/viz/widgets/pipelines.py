"""Why a log, as a widget: the same systems joined each to each, and through one log.

    Pipelines()                         # 4 systems that write, 5 that read
    Pipelines(sources=2, targets=3)     # begin smaller, and add
    Pipelines(acts=[(8, "break", "search"), (20, "repair", "search")], seconds=30)

A model that runs in the browser: records are made in seconds of its own, buffers fill, programs are
written one after the other. The reader adds and removes systems, breaks and repairs them, and
swaps their databases. The rules are in widgets/pipelines.js and stand beside the picture; they are
not Kafka's. What is simpler: the log has one partition and one copy, keeps everything and never
breaks; written is committed; messages take no time; and what a record means is agreed on once.

Where no browser code runs, two moments stand as SVG and as text: the start, and later.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import traitlets

from minikafka.viz.engine import still
from minikafka.viz.shapes import Picture
from minikafka.viz.static import MARGIN, svg
from minikafka.viz.widgets.base import Widget

Act = tuple[int, str, str]
"""When, in seconds; "add", "remove", "break", "repair" or "swap"; and the name of a system."""

Moment = tuple[str, Sequence[Act], int]
"""Its caption, what was done until then, and when it is."""

START = 8
"""Seconds after which the reader comes: the log has something in it."""


class Pipelines(Widget, files="pipelines"):
    """N × M pipelines against N + M programs, and what each costs when something changes.

    `sources` and `targets` are how many of each there are (at most 6). `acts` is what was done to
    them, in order of time, and grows with what the reader does; `tick` is the second it is.
    """

    start: traitlets.Dict[str, int] = traitlets.Dict().tag(sync=True)
    acts: traitlets.List[Any] = traitlets.List().tag(sync=True)
    tick = traitlets.Int().tag(sync=True)

    def __init__(
        self,
        *,
        sources: int = 4,
        targets: int = 5,
        acts: Sequence[Act] = (),
        seconds: int = START,
        title: str = "How many programs does it take?",
        settings: str = "",
        caption: str = "",
    ) -> None:
        super().__init__(
            start={"sources": sources, "targets": targets},
            acts=[list(act) for act in acts],
            tick=seconds,
            title=title,
            settings=settings,
            caption=caption,
        )

    def __repr__(self) -> str:
        n, m = self.start["sources"], self.start["targets"]
        return f"Pipelines({n} × {m} against {n} + {m})"

    def svg(self, width: int = 720) -> str:
        """The start, and below it the moment at hand."""
        return svg(self._still(width))

    def text(self) -> str:
        """Both moments in words, with all counts."""
        return self._still(720).label

    def _still(self, width: int) -> Picture:
        return still(
            "pipelines", start=dict(self.start), frames=self._moments(), width=width - 2 * MARGIN
        )

    def _moments(self) -> list[Moment]:
        """The start and now; before anything was done, what a break does."""
        start: Moment = (f"At the start, after {START} s", [], START)
        if self.acts:
            return [start, (f"And after {self.tick} s", self.acts, self.tick)]
        broken: Act = (START, "break", "search")
        return [start, ("search breaks, and 12 s pass", [broken], START + 12)]
