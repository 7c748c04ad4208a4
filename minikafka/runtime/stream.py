"""One socket: a stream of bytes cut into frames, and a queue of answers that may be files.

      in    …|len|frame|len|fra   ─►  FrameReader  ─►  frames, each in memory of its own
      out   frame ◄─ sendmsg(header pieces) ◄─ sendfile(log file) ◄─ sendmsg(…)

A frame's records are appended to the log as views into the frame, and an answer's records
are places in a file: in neither direction are they copied by Python.
"""

from __future__ import annotations

import errno
import os
import socket
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from minikafka.log.files import FileSlice
from minikafka.node import Channel, Response
from minikafka.runtime.poller import HANG_UP, QUIET, READ, WRITE
from minikafka.wire.connection import SIZE_BYTES, ClientConnection, frame_size

FIRST_FRAME_BYTES = 1 << 16
"""How much of a large frame's buffer exists at least before its bytes do. It is four times what
has come with the length, and doubles as more comes."""

MAX_FRAMES = 32
"""Frames that one connection may hand in at a time. What is behind them waits as bytes."""

MAX_UNSENT_BYTES = 4 << 20
"""Answers a peer may leave untaken before it is read no further."""

SENDFILE_FROM_BYTES = 4096
"""Below this a read and a joined send are cheaper than a system call of their own."""

MSG_MORE = getattr(socket, "MSG_MORE", 0)
MAX_PIECES = 512
"""Pieces handed to one `sendmsg`; the kernel's own limit (IOV_MAX) is 1024."""

_NOTHING = memoryview(b"")
_ROUND_OF_FRAMES = range(MAX_FRAMES)
_NO_MORE = (errno.EAGAIN, errno.EWOULDBLOCK, errno.EINTR)


class FrameReader:
    """Cuts a stream into frames: four bytes of length, then as many bytes.

    Small frames are copied out of the shared scratch buffer, `MAX_FRAMES` at a time; while
    `has_more`, the next ones are to be had by feeding nothing. A frame that is not complete
    gets a buffer of its own, and the socket then writes straight into it.
    """

    __slots__ = ("_filled", "_frame", "_limit", "_rest", "_size", "has_more")

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._rest = _NOTHING  # a part of a length, or what was beyond MAX_FRAMES
        self.has_more = False  # the rest may hold whole frames
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

    def feed(self, data: memoryview) -> Iterable[bytearray]:
        """The frames that `data` completes; what is left is kept. Raises MalformedFrame.

        Who waits for each answer sends one whole frame, and that needs no generator.
        """
        size = len(data) - SIZE_BYTES
        if size >= 0 and not self._rest and frame_size(data, 0, self._limit) == size:
            return (bytearray(data[SIZE_BYTES:]),)
        return self._cut(data)

    def _cut(self, data: memoryview) -> Iterator[bytearray]:
        """`feed`, for all that there can be. What is kept is copied once, however long it waits."""
        kept, self._rest = self._rest, _NOTHING
        if kept:
            data = memoryview(bytes(kept) + data) if data else kept
        position, end = 0, len(data)
        for _ in _ROUND_OF_FRAMES:
            if end - position < SIZE_BYTES:
                self.has_more = False
                break
            size = frame_size(data, position, self._limit)
            position += SIZE_BYTES
            if position + size > end:
                self.has_more = False
                self._begin(size, data[position:])
                return
            yield bytearray(data[position : position + size])
            position += size
        else:
            self.has_more = True
        if position < end:
            self._rest = data[position:] if kept else memoryview(bytes(data[position:]))

    def _begin(self, size: int, data: memoryview) -> None:
        """A frame of which `data` is the beginning: the rest is received into its buffer."""
        self._size, self._filled = size, len(data)
        self._frame = frame = bytearray(min(size, max(FIRST_FRAME_BYTES, 4 * self._filled)))
        frame[: self._filled] = data

    def _complete(self) -> bytearray:
        frame, self._frame = self._frame, None
        assert frame is not None and len(frame) == self._size
        return frame


class Connection:
    """One socket and the channel it carries."""

    __slots__ = (
        "active_at", "channel", "client", "ended", "events", "number", "out", "peer",
        "queued_bytes", "reader", "sock", "unanswered", "unsent_bytes",
    )  # fmt: skip

    def __init__(self, sock: socket.socket, channel: Channel, limit_bytes: int) -> None:
        self.sock = sock
        self.number = sock.fileno()
        self.channel = channel
        self.reader = FrameReader(limit_bytes)
        self.client: ClientConnection | None = None  # set on the connections that we opened
        self.peer: str | None = None  # the address of who opened it, on the others
        self.out: deque[Any] = deque()  # bytes-like pieces and FileSlices still to be sent
        self.unsent_bytes = 0
        self.queued_bytes = 0  # so far, the unsent ones among them
        # Requests without an answer, each with what `queued_bytes` was behind its last byte.
        self.unanswered: deque[tuple[int, Response]] = deque()
        self.events = 0  # what the poller watches for us
        self.active_at = 0  # µs; when something last came or went
        self.ended = False  # the peer sends nothing more, but may still read

    def receive(self, scratch: memoryview) -> Iterable[bytearray]:
        """Read what has come, once; the frames that it completes, `MAX_FRAMES` at the most.

        A client that has sent its last request (a half-closed socket) is still answered.
        Raises OSError when the peer is gone, and MalformedFrame where a length is a lie.
        """
        reader = self.reader
        if reader.has_more:
            return reader.feed(scratch[:0])
        room = reader.room()
        try:
            count = self.sock.recv_into(scratch if room is None else room)
        except BlockingIOError:
            return ()
        if count == 0:
            if self.ended or self.client is not None:
                raise ConnectionResetError(errno.ECONNRESET, "closed by the peer")
            self.ended = True
            return ()
        if room is None:
            return reader.feed(scratch[:count])
        room.release()
        whole = reader.received(count)
        return () if whole is None else (whole,)

    def queue(self, parts: list[Any]) -> None:
        for part in parts:
            if type(part) is FileSlice and len(part) < SENDFILE_FROM_BYTES:
                part = part.read()
            self.out.append(part)
            self.unsent_bytes += len(part)
            self.queued_bytes += len(part)

    def send(self) -> None:
        """Send as much as the socket takes. Raises OSError when the peer is gone."""
        out = self.out
        try:
            while out:
                if type(out[0]) is FileSlice:
                    self._send_slice(out[0])
                elif len(out) == 1:
                    self._sent(self.sock.send(out[0]))
                else:
                    self._send_pieces()
        except OSError as error:
            if error.errno not in _NO_MORE:
                raise

    def _send_slice(self, piece: FileSlice) -> None:
        sent = os.sendfile(self.number, piece.fileno(), piece.position, len(piece))
        if sent == 0:
            raise OSError(errno.EIO, "the file of an answer became shorter")
        self.unsent_bytes -= sent
        self.out.popleft()
        if sent < len(piece):
            rest = FileSlice(piece.descriptor, piece.position + sent, len(piece) - sent)
            self.out.appendleft(rest)

    def _send_pieces(self) -> None:
        """Send what is in memory, up to the first file."""
        out, flags = self.out, 0
        pieces = list(out) if len(out) <= MAX_PIECES else list(islice(out, MAX_PIECES))
        for index, part in enumerate(pieces):
            if type(part) is FileSlice:
                del pieces[index:]
                flags = MSG_MORE  # the answer goes on from a file: do not send a small packet now
                break
        self._sent(self.sock.sendmsg(pieces, (), flags))

    def _sent(self, sent: int) -> None:
        """So many bytes of the first pieces are on their way."""
        out = self.out
        self.unsent_bytes -= sent
        while out and sent >= len(out[0]):
            sent -= len(out.popleft())
        if sent:
            out[0] = memoryview(out[0])[sent:]

    def departed(self) -> Iterator[Response]:
        """For each request without an answer that has left since: that it has."""
        sent_bytes = self.queued_bytes - self.unsent_bytes
        while self.unanswered and self.unanswered[0][0] <= sent_bytes:
            yield self.unanswered.popleft()[1]

    def may_hand_in(self) -> bool:
        """Whether more of its requests may be taken; that they may not is back-pressure."""
        return self.unsent_bytes <= MAX_UNSENT_BYTES and not self.channel.waiting

    def wants(self) -> int:
        """The events to watch: at least whether the peer goes away."""
        events = WRITE if self.out else 0
        if not self.ended and self.may_hand_in():
            events |= READ
        return events or (QUIET if self.channel.muted else HANG_UP)

    def is_over(self) -> bool:
        """Whether the peer has sent its last request and was told all that could be told at once.

        What would have to wait, a parked fetch and what stands behind it, is not waited for: a peer
        that ended its side and one that is gone look the same from here. But what stands behind a
        mute is: nobody may lose records by being slowed down.
        """
        if not self.ended or self.out or (self.channel.muted and self.channel.waiting):
            return False
        return not (self.reader.has_more and self.may_hand_in())
