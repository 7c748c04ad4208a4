"""The timing microscope as a widget: two configurations under the same arrivals.

    view = Microscope(a={"linger_ms": 0}, b={"linger_ms": 20}, latency_ms=2)
    view                        # as a cell's last line: play, zoom, point at a batch, move a slider
    view.result.b.requests      # 8; everything that stands beside the picture (viz/microscope.py)
    view.result.a.acknowledged.p99

`a` and `b` are what differs; further settings hold for both. Names are Kafka's in snake case, and
those of the machines: `latency_ms`, `mb_per_s`, `fsync_ms`, `handle_us`. `a` may stand alone.

A slider that is released has the simulator run again, in the kernel. Without a kernel there is a
grid of runs, made when the widget is shown or saved: then `batch.size` and `linger.ms` move, and
the other settings stand fixed. To keep a release below the time that a reader notices, a rate that
a slider sets gets no more than MOST_RECORDS records: what is fast is looked at for a shorter time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import traitlets

from minikafka.config import ConfigError
from minikafka.viz.engine import run, still
from minikafka.viz.microscope import Arrivals, Measured, Run, Settings, look, settings_of
from minikafka.viz.shapes import Picture
from minikafka.viz.static import MARGIN, svg
from minikafka.viz.widgets.base import Played
from minikafka.wire.errors import KafkaError

MOST_RECORDS = 200

STOPS: dict[str, Sequence[Any]] = {
    "linger_ms": (0, 1, 2, 5, 10, 20, 50),
    "batch_size": (1_024, 4_096, 16_384, 65_536),
    "per_ms": (0.1, 0.2, 0.5, 1, 2, 5, 10),
    "record_bytes": (10, 100, 400, 1_000, 4_000),
    "compression_type": ("none", "gzip", "snappy", "lz4", "zstd"),
    "acks": ("0", "1", "all"),
    "max_in_flight_requests_per_connection": (1, 2, 3, 5),
    "buffer_memory": (16_384, 65_536, 262_144, 33_554_432),
    "fetch_min_bytes": (1, 1_000, 5_000, 20_000),
    "fetch_max_wait_ms": (5, 20, 50, 100, 500),
    "handle_us": (20, 200, 2_000),
    "latency_ms": (0.05, 0.2, 1, 2, 5, 20),
    "mb_per_s": (1, 10, 125, 1_250),
    "fsync_ms": (0, 0.1, 1, 5),
}
"""Where a slider may stand; what a widget was given is added to it. A setting that is not here
has a slider where A and B differ in it."""

STORED = ("linger_ms", "batch_size")
ARRIVING = ("per_ms", "record_bytes")


@dataclass(frozen=True, slots=True)
class Compared:
    """The numbers of both configurations; `b` is None where there is one."""

    a: Measured
    b: Measured | None


class Microscope(Played, files="microscope"):
    """What a setting does to every record: filling, waiting, flying, parked, polled.

    `knobs` has the settings at hand and is what a slider sets; `differ` names those that have a
    slider for each side; `selected` is the batch that the reader chose (`["a", 3]`, or nothing).
    `look_for` has first words, the rest, and where in the picture the number stands: "records",
    "a", "a.wire", "a.broker", "a.consumer", "a.numbers", "b", …
    """

    knobs: traitlets.Dict[str, Any] = traitlets.Dict().tag(sync=True)
    differ: traitlets.List[str] = traitlets.List().tag(sync=True)
    stops: traitlets.Dict[str, Any] = traitlets.Dict().tag(sync=True)
    stored: traitlets.Dict[str, Any] = traitlets.Dict().tag(sync=True)
    selected: traitlets.List[Any] = traitlets.List().tag(sync=True)
    trouble = traitlets.Unicode().tag(sync=True)
    asked = traitlets.Unicode().tag(sync=True)
    answered = traitlets.Unicode().tag(sync=True)

    def __init__(
        self,
        a: Mapping[str, Any],
        b: Mapping[str, Any] | None = None,
        *,
        arrivals: Arrivals | None = None,
        seed: int = 7,
        title: str = "What does waiting buy?",
        settings: str = "",
        look_for: Sequence[tuple[str, str] | tuple[str, str, str]] = (),
        caption: str = "",
        **both: Any,
    ) -> None:
        given = {"a": a} if b is None else {"a": a, "b": b}
        sides = {side: settings_of({**both, **own}) for side, own in given.items()}
        self._arrivals = arrivals or Arrivals()
        self._seed = seed
        self.runs: dict[str, Run] = {}
        self._looked_at: tuple[dict[str, Settings], Arrivals] = {}, self._arrivals
        arriving = {name: getattr(self._arrivals, name) for name in ARRIVING}
        first, last = sides["a"], sides.get("b", sides["a"])
        super().__init__(
            differ=[name for name in first if first[name] != last[name]],
            stops=_stops(first, last, arriving),
            title=title,
            settings=settings,
            look_for=[list(item) for item in look_for],
            caption=caption or f"seed {seed}",
        )
        self._look(sides, self._arrivals)
        self.knobs = {**sides, "arrivals": arriving}

    # --- runs --------------------------------------------------------------------------------
    @traitlets.observe("knobs")
    def _turned(self, _: object = None) -> None:
        """A reader has moved a slider."""
        sides = {side: knobs for side, knobs in self.knobs.items() if side != "arrivals"}
        arrivals = self._moved(self.knobs["arrivals"])
        if (sides, arrivals) == self._looked_at:
            return
        self.trouble = ""
        try:
            self._look(sides, arrivals)
        except (ConfigError, KafkaError, ValueError) as error:
            self.knobs = dict(self.story["knobs"])
            self.trouble = str(error)

    def _moved(self, told: Mapping[str, Any]) -> Arrivals:
        """The arrivals that a slider asks for, none too many for a quick answer."""
        wanted = replace(self._arrivals, **told)
        if wanted == self._arrivals:
            return wanted
        return replace(wanted, window_ms=min(wanted.window_ms, MOST_RECORDS / wanted.per_ms))

    def _look(self, sides: Mapping[str, Settings], arrivals: Arrivals) -> None:
        """Run what changed; a side that stays as it was is kept."""
        kept = self.runs if arrivals == self._looked_at[1] else {}

        def run_of(side: str, settings: Settings) -> Run:
            is_same = side in kept and kept[side].settings == settings
            return kept[side] if is_same else look(settings, arrivals, self._seed)

        self.runs = {side: run_of(side, settings) for side, settings in sides.items()}
        self._looked_at = dict(sides), arrivals
        self.story = {
            "knobs": {**sides, "arrivals": {name: getattr(arrivals, name) for name in ARRIVING}},
            "differ": list(self.differ),
            "arrivals": self.runs["a"].arrivals,
            "window_ms": arrivals.window_ms,
            "burst": [arrivals.burst, *arrivals.burst_ms],
            **{side: run.to_json() for side, run in self.runs.items()},
        }

    @traitlets.observe("asked")
    def _hello(self, _: object = None) -> None:
        """A browser asks whether somebody is here."""
        self.answered = self.asked

    def store(self) -> None:
        """Run what a reader without a kernel may ask for: all stops of the sliders in STORED."""
        sides, arrivals = self._looked_at
        if self.stored.get("knobs") == self.story["knobs"]:
            return
        cells: dict[str, dict[str, int]] = {}
        places: dict[str, int] = {}
        runs: list[Run] = []
        for side, settings in sides.items():
            cells[side] = {}
            for linger_ms, batch_size in product(*(self.stops[name] for name in STORED)):
                chosen = {**settings, "linger_ms": linger_ms, "batch_size": batch_size}
                if batch_size > settings["buffer_memory"]:
                    continue
                key = repr(chosen)
                if key not in places:
                    if not (runs and _is_same(runs[-1], chosen)):
                        runs.append(look(chosen, arrivals, self._seed))
                    places[key] = len(runs) - 1
                cells[side][f"{linger_ms}/{batch_size}"] = places[key]
        told = [run.to_json() for run in runs]
        self.stored = {"knobs": self.story["knobs"], "cells": cells, "runs": told}

    def get_state(self, key: Any = None, drop_defaults: bool = False) -> Any:
        if key is None and self.comm is not None:  # it is saved, not made
            self.store()
        return super().get_state(key, drop_defaults)

    # --- what programs read --------------------------------------------------------------------
    @property
    def result(self) -> Compared:
        """The numbers beside the picture."""
        b = self.runs.get("b")
        return Compared(self.runs["a"].measured(), b.measured() if b else None)

    def __repr__(self) -> str:
        told = [
            f"{side.upper()} {run.measured().requests} requests" for side, run in self.runs.items()
        ]
        return f"Microscope({len(self.runs['a'].arrivals)} records: {', '.join(told)})"

    def svg(self, width: int = 720) -> str:
        """Arrivals, both configurations, their histograms, and all settings as a line."""
        return svg(self._still(width))

    def _still(self, width: int) -> Picture:
        return still(
            "microscope",
            story=self.story,
            width=width - 2 * MARGIN,
            selected=self.selected,
            numbered=[item[2] if len(item) > 2 else "" for item in self.look_for],
        )

    def text(self) -> str:
        """Each configuration in a paragraph, and what differs."""
        told: str = run("microscope", "inWords", story=self.story)
        return told

    def _repr_mimebundle_(self, **options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        self.store()
        return super()._repr_mimebundle_(**options)


def _is_same(run: Run, settings: Settings) -> bool:
    """Whether a larger `batch.size` changes nothing: no batch was full, and memory has room."""
    larger = settings["batch_size"]
    return (
        {**run.settings, "batch_size": larger} == settings
        and larger > run.settings["batch_size"]
        and not any(batch.why == "full" for batch in run.batches)
        and len(run.batches) * larger <= settings["buffer_memory"]
    )


def _stops(a: Settings, b: Settings, arriving: Mapping[str, Any]) -> dict[str, list[Any]]:
    """The sliders' stops, with the values that are in use."""
    found = {}
    for name in [*STOPS, *(name for name in a if name not in STOPS and a[name] != b[name])]:
        stops = STOPS.get(name, ())
        used = [arriving[name]] if name in arriving else [a[name], b[name]]
        every = list(dict.fromkeys([*stops, *used]))
        found[name] = every if isinstance(every[0], str) else sorted(every)
    return found
