"""The wire explorer as a widget: a frame as bytes beside its fields, each pointing at the other.

    message = sim.trace.of("sent")[5].what      # a Request or a Response
    WireExplorer(message)                       # in every version that can say it
    WireExplorer(capture.frames[3])             # what somebody really sent (runtime/capture.py)
    WireExplorer(frame)                         # the bytes of a request

The browser is sent all of it once and needs no kernel. Where no browser code runs, the version at
hand stands as SVG, and in a terminal as text.

Not done: changing a byte and asking a broker what it says to that.
"""

from __future__ import annotations

from typing import Any

import traitlets

from minikafka.node import Request, Response
from minikafka.runtime.capture import Captured
from minikafka.runtime.network import message_bytes
from minikafka.viz.static import wire_svg
from minikafka.viz.widgets.base import Widget
from minikafka.wire.anatomy import Piece, dissect_request, dissect_response
from minikafka.wire.connection import encode_request, encode_response
from minikafka.wire.errors import UnsupportedVersion

MOST_LINES = 40
LARGE_BYTES = 8_000
"""Of a larger message only the version that it was sent in is taken to pieces."""


class WireExplorer(Widget, files="wire_explorer"):
    """Which byte is which field, down to the varints of a record; and what other versions change.

    `selected` is the path of the piece that the reader chose: places from the root down.
    """

    frames: traitlets.List[dict[str, Any]] = traitlets.List().tag(sync=True)
    version = traitlets.Int().tag(sync=True)
    selected: traitlets.List[int] = traitlets.List().tag(sync=True)

    def __init__(
        self,
        message: Request | Response | Captured | bytes,
        *,
        title: str = "",
        settings: str = "",
        caption: str = "",
    ) -> None:
        """Raises MalformedFrame for bytes that are no request."""
        if isinstance(message, Captured):
            found, version = [(message.version, message.frame, message.tree)], message.version
        elif isinstance(message, bytes):
            found = [(_version_of(message), message, dissect_request(message))]
            version = found[0][0]
        else:
            found, version = _in_all_versions(message), message.version
        self._trees = {number: tree for number, _, tree in found}
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

    def __repr__(self) -> str:
        tree = self._trees[self.version]
        return f"WireExplorer({tree.name}, {tree.end} bytes)"

    def svg(self, width: int = 720) -> str:
        """The version at hand as a static SVG."""
        frame = next(frame for frame in self.frames if frame["version"] == self.version)
        return wire_svg(frame, width=width, selected=self.selected)

    def text(self) -> str:
        """The tree, piece by piece."""
        lines = str(self._trees[self.version]).splitlines()
        more = [f"… {len(lines) - MOST_LINES} more"] if len(lines) > MOST_LINES else []
        return "\n".join([*lines[:MOST_LINES], *more])


def _version_of(frame: bytes) -> int:
    return int.from_bytes(frame[6:8], "big", signed=True)


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
                frame = _joined(encode_request(other))
                tree = dissect_request(frame)
            else:
                answer = Response(message.channel, body, version, message.correlation_id)
                frame = _joined(encode_response(answer))
                tree = dissect_response(frame, body.API_KEY, version)
        except UnsupportedVersion:
            continue
        found.append((version, frame, tree))
    return found


def _joined(parts: list[Any]) -> bytes:
    return b"".join(part.read() if hasattr(part, "read") else bytes(part) for part in parts)
