"""The course's own widgets: a question before a run, what came of it, how far a reader is.

    predict("01.a", "Where does it go?", ["0", "1"])    lab/predictions.py makes the first two,
    reveal("01.a", record.partition)                     and keeps what is answered
    Progress()                                           lab/course.py makes the third

An answer given in one of them is shown by the others on the same page, by the browser alone.
Whether it was right is decided there too (course.js), for pages without a kernel.
"""

from __future__ import annotations

from typing import Any

import traitlets

from minikafka.viz.engine import still
from minikafka.viz.shapes import Picture
from minikafka.viz.static import MARGIN, svg
from minikafka.viz.widgets.base import Widget


class CourseWidget(Widget, files="course"):
    """One of the three kinds; `shown` are the traits that its picture is made of."""

    kind = traitlets.Unicode().tag(sync=True)
    shown: tuple[str, ...] = ()

    def _picture(self, width: int) -> Picture:
        what = {name: getattr(self, name) for name in self.shown}
        return still("course", kind=self.kind, title=self.title, width=width, **what)

    def svg(self, width: int = 720) -> str:
        """What stands there, as a static SVG."""
        return svg(self._picture(width - 2 * MARGIN))

    def text(self) -> str:
        """The picture in one sentence."""
        return self._picture(720).label


class Prediction(CourseWidget):
    """A question with choices, or with a field where there are none. `answer` is the reader's."""

    kind = traitlets.Unicode("prediction").tag(sync=True)
    name = traitlets.Unicode().tag(sync=True)
    choices: traitlets.List[str] = traitlets.List().tag(sync=True)
    answer = traitlets.Unicode().tag(sync=True)
    shown = ("choices", "answer")

    def __repr__(self) -> str:
        return f"Prediction({self.name}: {self.answer or 'nothing yet'})"

    def text(self) -> str:
        """The question and its choices."""
        choices = (f"  ({'x' if c == self.answer else ' '}) {c}" for c in self.choices)
        return "\n".join([self.title, *choices])


class Outcome(CourseWidget):
    """What happened, beside what was predicted. Numbers may differ by `within`."""

    kind = traitlets.Unicode("outcome").tag(sync=True)
    name = traitlets.Unicode().tag(sync=True)
    actual = traitlets.Unicode().tag(sync=True)
    within = traitlets.Float(0.0).tag(sync=True)
    answer = traitlets.Unicode().tag(sync=True)
    shown = ("answer", "actual", "within")

    def __repr__(self) -> str:
        return f"Outcome({self.name}: {self.actual})"


class ProgressView(CourseWidget):
    """Chapters, their exercises with a tick each, predictions made, and what is next.

    `asked` counts how often the page wants to know anew.
    """

    kind = traitlets.Unicode("progress").tag(sync=True)
    chapters: traitlets.List[dict[str, Any]] = traitlets.List().tag(sync=True)
    accepted: traitlets.List[str] = traitlets.List().tag(sync=True)
    predictions: traitlets.Dict[str, dict[str, Any]] = traitlets.Dict().tag(sync=True)
    asked = traitlets.Int(0).tag(sync=True)
    shown = ("chapters", "accepted", "predictions")

    def __repr__(self) -> str:
        return f"Progress({len(self.accepted)} accepted)"
