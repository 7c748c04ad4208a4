"""The wire explorer as a widget: a frame as bytes beside its fields, each pointing at the other.

    message = sim.trace.of("sent")[5].what      # a Request or a Response
    WireExplorer(message)                       # in every version that can say it
    WireExplorer(capture.frames[3])             # what somebody really sent (runtime/capture.py)
    WireExplorer(frame)                         # the bytes of a request
    WireExplorer(message, ask=broker.ask)       # and what this broker says when one byte is wrong

The browser is sent all of it once and needs no kernel, all the answers among it: those to the
version at hand, and with a kernel those to each version that the reader turns to. Where no browser
code runs, the version at hand stands as SVG, and in a terminal as text.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import traitlets

from minikafka.node import Request, Response
from minikafka.runtime.capture import Captured
from minikafka.runtime.network import message_bytes
from minikafka.viz.lies import MASKS, Ask, as_text, kinds_of, lies
from minikafka.viz.static import still_svg
from minikafka.viz.widgets.base import Widget
from minikafka.wire.anatomy import Piece, dissect_request, dissect_response
from minikafka.wire.connection import encode_request, encode_response
from minikafka.wire.errors import UnsupportedVersion
from minikafka.wire.types import joined

MOST_LINES = 40
LARGE_BYTES = 8_000
"""Of a larger message only the version that it was sent in is taken to pieces."""


class WireExplorer(Widget, files="wire_explorer"):
    """Which byte is which field, down to the varints of a record; and what other versions change.

    `selected` is the path of the piece that the reader chose: places from the root down. `lies` has
    the answers to wrong bytes by version, `lie` says what is wrong in them (viz/lies.py), and
    `revealed` that all of them are shown and not only those that the reader has asked for.
    """

    frames: traitlets.List[dict[str, Any]] = traitlets.List().tag(sync=True)
    version = traitlets.Int().tag(sync=True)
    selected: traitlets.List[int] = traitlets.List().tag(sync=True)
    lies = traitlets.Dict().tag(sync=True)
    lie = traitlets.Unicode(next(iter(MASKS))).tag(sync=True)
    revealed = traitlets.Bool(False).tag(sync=True)

    def __init__(
        self,
        message: Request | Response | Captured | bytes,
        *,
        ask: Ask | None = None,
        title: str = "",
        settings: str = "",
        caption: str = "",
    ) -> None:
        """`ask` hands a request to a broker and returns what it says: `broker.ask` of a simulated
        one. It is asked about two wrong bytes for each right one."""
        if isinstance(message, Captured):
            found, version = [(message.version, message.frame, message.tree)], message.version
        elif isinstance(message, bytes):
            found = [(_version_of(message), message, dissect_request(message))]
            version = found[0][0]
        else:
            found, version = _in_all_versions(message), message.version
        self._trees = {number: tree for number, _, tree in found}
        is_answer = message.is_answer if isinstance(message, Captured) else False
        if ask is not None and (is_answer or isinstance(message, Response)):
            raise ValueError("a broker can be asked about requests only")
        self._ask = ask
        super().__init__(
            frames=[
                {"version": number, "hex": frame.hex(), "tree": tree.to_json()}
                for number, frame, tree in found
            ],
            version=version,
            title=title or self._trees[version].name,
            settings=settings,
            caption=caption,
        )
        self._ask_about()  # a version of 0 is no change

    @traitlets.observe("version")
    def _ask_about(self, _: object = None) -> None:
        """Let there be answers to the version at hand."""
        if self._ask is not None and str(self.version) not in self.lies:
            told = lies(bytes.fromhex(self._frame["hex"]), self._ask)
            self.lies = {**self.lies, str(self.version): told}

    @property
    def outcomes(self) -> dict[str, int]:
        """How many bytes, wrong as `lie` says, come to what: `{"checksum": 66, "same": 17, …}`."""
        told = self.lies.get(str(self.version))
        return dict(Counter(kinds_of(told, self.lie))) if told else {}

    @property
    def _frame(self) -> dict[str, Any]:
        return next(frame for frame in self.frames if frame["version"] == self.version)

    def __repr__(self) -> str:
        tree = self._trees[self.version]
        return f"WireExplorer({tree.name}, {tree.end} bytes)"

    def svg(self, width: int = 720) -> str:
        """The version at hand as a static SVG."""
        return still_svg(
            "wire_explorer",
            width=width,
            frame=self._frame,
            selected=self.selected,
            asked=self.lies.get(str(self.version)),
            lie=self.lie,
        )

    def text(self) -> str:
        """The tree, piece by piece, and a map of the answers to wrong bytes."""
        lines = str(self._trees[self.version]).splitlines()
        more = [f"… {len(lines) - MOST_LINES} more"] if len(lines) > MOST_LINES else []
        told = self.lies.get(str(self.version))
        answers = as_text(told, self.lie) if told else []
        return "\n".join([*lines[:MOST_LINES], *more, *answers])


def _version_of(frame: bytes) -> int:
    return int.from_bytes(frame[6:8], "big", signed=True) if len(frame) >= 8 else -1


def _in_all_versions(message: Request | Response) -> list[tuple[int, bytes, Piece]]:
    """The message in each version that can say it: its number, its bytes, their pieces."""
    found = []
    body = message.body
    every = range(body.VERSIONS.min, body.VERSIONS.max + 1)
    if message_bytes(message) > LARGE_BYTES:
        every = range(message.version, message.version + 1)
    for version in every:
        try:
            if isinstance(message, Request):
                client = message.client_id
                other = Request(message.channel, body, version, message.correlation_id, client)
                frame = joined(encode_request(other))
                tree = dissect_request(frame)
            else:
                answer = Response(message.channel, body, version, message.correlation_id)
                frame = joined(encode_response(answer))
                tree = dissect_response(frame, body.API_KEY, version)
        except UnsupportedVersion:
            continue
        found.append((version, frame, tree))
    return found
