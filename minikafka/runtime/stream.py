"""One socket: a stream of bytes cut into frames, and a queue of answers that may be files.

      in    …|len|frame|len|fra   ─►  FrameReader  ─►  frames, each in memory of its own
      out   frame ◄─ sendmsg(header pieces) ◄─ sendfile(log file) ◄─ sendmsg(…)

A frame's records are appended to the log as views into the frame, and an answer's records
are places in a file: in neither direction are they copied by Python.
"""

from __future__ import annotations

import errno
import os
import selectors
import socket
from collections import deque
from collections.abc import Iterator
from typing import Any

from minikafka.log.files import FileSlice
from minikafka.node import Channel
from minikafka.wire.connection import ClientConnection, frame_size

FIRST_FRAME_BYTES = 1 << 20
"""How much of a large frame's buffer exists before its bytes do; it doubles as they come."""

MAX_UNSENT_BYTES = 4 << 20
"""Answers a peer may leave untaken before it is read no further."""

SENDFILE_FROM_BYTES = 4096
"""Below this a read and a joined send are cheaper than a system call of their own."""

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
MSG_MORE = getattr(socket, "MSG_MORE", 0)
_NO_MORE = (errno.EAGAIN, errno.EWOULDBLOCK, errno.EINTR)


class FrameReader:
    """Cuts a stream into frames: four bytes of length, then as many bytes.

    Small frames are copied out of the shared scratch buffer. A frame that is not complete
    gets a buffer of its own, and the socket then writes straight into it.
    """

    __slots__ = ("_filled", "_frame", "_head", "_limit", "_size")

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._head = b""  # the first bytes of a length, when it came in pieces
        self._frame: bytearray | None = None
        self._size = 0
        self._filled = 0

    def room(self) -> memoryview | None:
        """Where the rest of the frame under way wants to be received; None: into the scratch."""
        frame = self._frame
        if frame is None:
            return None
        if self._filled == len(frame):
            frame += bytes(min(self._size, 2 * len(frame)) - len(frame))
        return memoryview(frame)[self._filled :]

    def received(self, count: int) -> bytearray | None:
        """`count` bytes arrived in `room()`; returns the frame if that completes it."""
        self._filled += count
        return self._complete() if self._filled == self._size else None

    def feed(self, data: memoryview) -> Iterator[bytearray]:
        """The frames that `data` completes; an incomplete rest is kept. Raises MalformedFrame."""
        position, end = 0, len(data)
        if self._head:
            position = 4 - len(self._head)
            self._head += bytes(data[:position])
            if len(self._head) < 4:
                return
            size = frame_size(self._head, self._limit)
            self._head = b""
        elif end >= 4:
            size = frame_size(bytes(data[:4]), self._limit)
            position = 4
        else:
            self._head = bytes(data)
            return
        while position + size <= end:
            yield bytearray(data[position : position + size])
            position += size
            if end - position < 4:
                self._head = bytes(data[position:])
                return
            size = frame_size(bytes(data[position : position + 4]), self._limit)
            position += 4
        self._size, self._filled = size, end - position
        self._frame = frame = bytearray(min(size, max(FIRST_FRAME_BYTES, self._filled)))
        frame[: self._filled] = data[position:]

    def _complete(self) -> bytearray:
        frame, self._frame = self._frame, None
        assert frame is not None and len(frame) == self._size
        return frame


class Connection:
    """One socket and the channel it carries."""

    __slots__ = ("channel", "client", "events", "out", "reader", "sock", "unsent_bytes")

    def __init__(self, sock: socket.socket, channel: Channel, limit_bytes: int) -> None:
        self.sock = sock
        self.channel = channel
        self.reader = FrameReader(limit_bytes)
        self.client: ClientConnection | None = None  # set on the connections that we opened
        self.out: deque[Any] = deque()  # bytes-like pieces and FileSlices still to be sent
        self.unsent_bytes = 0
        self.events = 0  # what the selector watches for us

    def queue(self, parts: list[Any]) -> None:
        for part in parts:
            if isinstance(part, FileSlice) and len(part) < SENDFILE_FROM_BYTES:
                part = part.read()
            if len(part):
                self.out.append(part)
                self.unsent_bytes += len(part)

    def send(self) -> None:
        """Send as much as the socket takes. Raises OSError when the peer is gone."""
        out = self.out
        try:
            while out:
                first = out[0]
                if isinstance(first, FileSlice):
                    sent = os.sendfile(
                        self.sock.fileno(), first.fileno(), first.position, len(first)
                    )
                    if sent == 0:
                        raise OSError(errno.EIO, "the file of an answer became shorter")
                    self._sent_of_slice(first, sent)
                else:
                    self._send_pieces()
        except OSError as error:
            if error.errno not in _NO_MORE:
                raise

    def _send_pieces(self) -> None:
        pieces = []
        more = 0
        for part in self.out:
            if isinstance(part, FileSlice):
                more = MSG_MORE  # the answer goes on from a file: do not send a small packet now
                break
            pieces.append(part)
            if len(pieces) == 512:
                break
        sent = self.sock.sendmsg(pieces, (), more)
        self.unsent_bytes -= sent
        while sent:
            part = self.out.popleft()
            if len(part) > sent:
                self.out.appendleft(memoryview(part)[sent:])
                return
            sent -= len(part)

    def _sent_of_slice(self, piece: FileSlice, sent: int) -> None:
        self.unsent_bytes -= sent
        self.out.popleft()
        if sent < len(piece):
            rest = FileSlice(piece.descriptor, piece.position + sent, len(piece) - sent)
            self.out.appendleft(rest)

    def wants(self) -> int:
        """The events to watch: back-pressure is what this leaves out."""
        events = WRITE if self.out else 0
        if self.unsent_bytes <= MAX_UNSENT_BYTES and not self.channel.waiting:
            events |= READ
        return events
