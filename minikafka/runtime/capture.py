"""A listener in between: every frame that a client and a broker send each other, kept.

      client ──► Capture ──► broker          capture.frames ─► request, answer, request, …
             ◄──         ◄──

    with Capture() as capture, mk.local_broker(advertised_listeners=capture.listener) as broker:
        capture.forward_to(broker.address)
        …                                  # any client, with capture.address as its bootstrap
    capture.frames[0].tree                 # what each byte is (wire/anatomy.py)

Clients connect to where a broker says it is, so the broker has to name the capture.

Not done: it is for looking, not for load: a thread for each direction of each connection.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import NamedTuple

from minikafka.wire.anatomy import Piece, dissect_request, dissect_response
from minikafka.wire.messages import REQUESTS

SIZE_BYTES = 4


class Captured(NamedTuple):
    """One frame, its size in front. `version` is of its body; an answer has its request's."""

    is_answer: bool
    api_key: int
    version: int
    correlation_id: int
    frame: bytes

    @property
    def name(self) -> str:
        return REQUESTS[self.api_key].NAME

    @property
    def tree(self) -> Piece:
        """Its pieces. Raises MalformedFrame."""
        if self.is_answer:
            return dissect_response(self.frame, self.api_key, self.version)
        return dissect_request(self.frame)

    def __repr__(self) -> str:
        kind = "response" if self.is_answer else "request"
        return f"{self.name} {kind} v{self.version} #{self.correlation_id}, {len(self.frame)} bytes"


class Capture:
    """Listens at `address`; everything goes on to the broker named by `forward_to`."""

    def __init__(self) -> None:
        self._door = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._door.getsockname()[1]}"
        self.frames: list[Captured] = []
        self._target: tuple[str, int] | None = None
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        threading.Thread(target=self._accept, name="capture", daemon=True).start()

    @property
    def listener(self) -> str:
        """What a broker's `advertised.listeners` has to be."""
        return f"PLAINTEXT://{self.address}"

    def forward_to(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self._target = host, int(port)

    def close(self) -> None:
        self._door.close()
        with self._lock:
            for each in self._sockets:
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
                each.close()

    def __enter__(self) -> Capture:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._door.accept()
                if self._target is None:
                    client.close()
                    continue
                broker = socket.create_connection(self._target)
            except OSError:
                return
            with self._lock:
                self._sockets += [client, broker]
            asked: dict[int, tuple[int, int]] = {}  # by correlation id: API key and version
            for source, target, is_answer in ((client, broker, False), (broker, client, True)):
                pump = threading.Thread(
                    target=self._pump, args=(source, target, is_answer, asked), daemon=True
                )
                pump.start()

    def _pump(
        self,
        source: socket.socket,
        target: socket.socket,
        is_answer: bool,
        asked: dict[int, tuple[int, int]],
    ) -> None:
        with suppress(OSError, KeyError):
            while (frame := _read(source)) is not None:
                if is_answer:
                    correlation_id = _int(frame, 4, 4)
                    api_key, version = asked.pop(correlation_id)
                else:
                    correlation_id = _int(frame, 8, 4)
                    api_key, version = _int(frame, 4, 2), _int(frame, 6, 2)
                    asked[correlation_id] = api_key, version
                kept = Captured(is_answer, api_key, version, correlation_id, frame)
                with self._lock:
                    self.frames.append(kept)
                target.sendall(frame)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)


def _int(frame: bytes, at: int, size: int) -> int:
    return int.from_bytes(frame[at : at + size], "big", signed=True)


def _read(source: socket.socket) -> bytes | None:
    """The next frame with its size; None at the end."""
    head = _exactly(source, SIZE_BYTES)
    if head is None:
        return None
    body = _exactly(source, _int(head, 0, SIZE_BYTES))
    return None if body is None else head + body


def _exactly(source: socket.socket, count: int) -> bytes | None:
    data = b""
    while len(data) < count:
        more = source.recv(min(1 << 20, count - len(data)))
        if not more:
            return None
        data += more
    return data
