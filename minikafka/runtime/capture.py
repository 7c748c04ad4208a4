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
from collections import deque
from contextlib import suppress
from typing import NamedTuple

from minikafka.wire.anatomy import Piece, dissect_request, dissect_response
from minikafka.wire.messages import API_KEYS, REQUESTS
from minikafka.wire.messages.api_versions import ApiVersionsRequest

SIZE_BYTES = 4
HEADER_BYTES = 12
"""Of a request, up to its correlation id, the size among them."""

PIECE_BYTES = 1 << 16
API_VERSIONS = ApiVersionsRequest.API_KEY


class Captured(NamedTuple):
    """One frame, its size in front. `version` is of its body; an answer has its request's."""

    is_answer: bool
    api_key: int
    version: int
    correlation_id: int
    frame: bytes

    @property
    def name(self) -> str:
        known = self.api_key in API_KEYS
        return REQUESTS[self.api_key].NAME if known else f"API {self.api_key}"

    @property
    def tree(self) -> Piece:
        """Its pieces, as far as it can be read."""
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
        self._sockets: set[socket.socket] = set()
        threading.Thread(target=self._accept, name="capture", daemon=True).start()

    @property
    def listener(self) -> str:
        """What a broker's `advertised.listeners` has to be."""
        return f"PLAINTEXT://{self.address}"

    def forward_to(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self._target = host, int(port)

    def close(self) -> None:
        with suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)  # or who waits in accept would go on
        self._door.close()
        with self._lock:
            for each in self._sockets:
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Capture:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._door.accept()
            except OSError:
                return
            try:
                broker = socket.create_connection(self._target or ("", 0))
            except OSError:
                client.close()
                continue
            with self._lock:
                self._sockets |= {client, broker}
            threading.Thread(target=self._carry, args=(client, broker), daemon=True).start()

    def _carry(self, client: socket.socket, broker: socket.socket) -> None:
        """One connection, until both sides have ended."""
        asked: deque[Captured] = deque()  # requests without an answer
        there = threading.Thread(
            target=self._pump, args=(client, broker, asked, False), daemon=True
        )
        there.start()
        self._pump(broker, client, asked, True)
        there.join()
        with self._lock:
            self._sockets -= {client, broker}
        client.close()
        broker.close()

    def _pump(
        self, source: socket.socket, target: socket.socket, asked: deque[Captured], is_answer: bool
    ) -> None:
        """Carry bytes on as they come; what they are is looked at on the side."""
        rest = bytearray()
        with suppress(OSError):
            while data := source.recv(PIECE_BYTES):
                rest += data
                for frame in _frames(rest):
                    self._keep(frame, asked, is_answer)
                target.sendall(data)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    def _keep(self, frame: bytes, asked: deque[Captured], is_answer: bool) -> None:
        if not is_answer and len(frame) >= HEADER_BYTES:
            key, version, number = _int(frame, 4, 2), _int(frame, 6, 2), _int(frame, 8, 4)
            kept = Captured(False, key, version, number, frame)
            asked.append(kept)
        elif is_answer and len(frame) >= 2 * SIZE_BYTES:
            number = _int(frame, 4, 4)
            # A produce with acks=0 has no answer.
            while asked and asked[0].correlation_id != number:
                asked.popleft()
            if not asked:
                return
            question = asked.popleft()
            version = question.version
            if question.api_key == API_VERSIONS and version not in ApiVersionsRequest.VERSIONS:
                version = 0  # a broker that does not know it answers so
            kept = Captured(True, question.api_key, version, number, frame)
        else:
            return
        with self._lock:
            self.frames.append(kept)


def _int(frame: bytes, at: int, size: int) -> int:
    return int.from_bytes(frame[at : at + size], "big", signed=True)


def _frames(rest: bytearray) -> list[bytes]:
    """Take the whole frames off the front of what has come."""
    found = []
    while len(rest) >= SIZE_BYTES:
        end = SIZE_BYTES + int.from_bytes(rest[:SIZE_BYTES], "big", signed=True)
        if end < SIZE_BYTES or len(rest) < end:
            break
        found.append(bytes(rest[:end]))
        del rest[:end]
    return found
