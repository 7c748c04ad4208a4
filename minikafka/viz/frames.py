"""The bytes of many messages for a browser: what each is, said once for all that are alike.

    [piece, piece, …] of a Fetch ─► layout 3: names, depths, forms      once per story
                                 └► hex, where pieces end, their values   once per message

A message taken to pieces (wire/anatomy.py) is forty times as large as its bytes, and most of that
is the names of fields, the same in every message of its kind. So a story of thousands of messages
can show the bytes of nearly all of them; what is too large stays behind, and the browser says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from minikafka.node import Request, Response
from minikafka.wire.anatomy import Piece, dissect_request, dissect_response
from minikafka.wire.connection import SIZE_BYTES, encode_request, encode_response, frame_size
from minikafka.wire.types import joined

MOST_BYTES = 4_000
"""Of a larger message the bytes are left out."""
MOST_IN_ALL = 3_000_000
"""Characters that the bytes of a whole story may take."""

Frame = dict[str, Any]


class Frames:
    """Packs frames until there are too many. `layouts` are the parts that frames share."""

    def __init__(self) -> None:
        self.layouts: list[list[tuple[str, int, str]]] = []
        self._numbers: dict[tuple[tuple[str, int, str], ...], int] = {}
        self._left = MOST_IN_ALL

    def of(self, message: Request | Response) -> tuple[int, Frame | None]:
        """How large a message is, and its bytes; None when they are left out."""
        is_request = isinstance(message, Request)
        parts = encode_request(message) if is_request else encode_response(message)  # type: ignore[arg-type]
        size = sum(len(part) for part in parts)
        if size > MOST_BYTES or self._left <= 0:
            return size, None
        frame = joined(parts)
        if frame_size(frame) + SIZE_BYTES != len(frame):  # a part of a file that was cut since
            return size, None
        tree = (
            dissect_request(frame)
            if is_request
            else dissect_response(frame, message.body.API_KEY, message.version)
        )
        packed = self._pack(frame, tree)
        self._left -= sum(map(len, packed["values"])) + 4 * len(packed["values"])
        self._left -= len(packed["hex"]) + 8 * len(packed["spans"])
        return size, packed

    def _pack(self, frame: bytes, tree: Piece) -> Frame:
        pieces = list(_walk(tree))
        layout = tuple((piece.name, depth, piece.form) for piece, depth in pieces)
        number = self._numbers.setdefault(layout, len(self.layouts))
        if number == len(self.layouts):
            self.layouts.append(list(layout))
        return {
            "layout": number,
            "hex": frame.hex(),
            "spans": [end for piece, _ in pieces for end in (piece.start, piece.end)],
            "values": [piece.value for piece, _ in pieces],
        }


def _walk(piece: Piece, depth: int = 0) -> Iterator[tuple[Piece, int]]:
    """A piece and all in it, in the order of their bytes."""
    yield piece, depth
    for each in piece.pieces:
        yield from _walk(each, depth + 1)
