"""Waiting for many sockets: Linux' `epoll`, or `poll` with the same interface elsewhere.

      poller.register(number, READ)
      poller.poll(0.5)              ─►  [(number, READ), (number, READ | WRITE), …]

`selectors` of the standard library hides such differences too, behind an object for each
event. A broker that answers one small request at a time would pay more for these than
for reading the request.
"""

from __future__ import annotations

import math
import sys

READ, WRITE = 1, 4
"""POLLIN and POLLOUT, which are EPOLLIN and EPOLLOUT.

Errors and hang-ups come unasked, as other bits: the next read or write says what they mean.
"""

HANG_UP = 0x2000 if sys.platform == "linux" else 16
"""EPOLLRDHUP: that the peer has ended its side is told without reading what it sent before.

Elsewhere POLLHUP: that both sides have ended is told, as always."""

QUIET = 8
"""EPOLLERR, which comes unasked: nothing is wanted, not even that the peer ends its side."""

if sys.platform == "linux":
    from select import epoll

    Poller = epoll
else:
    from select import poll

    class Poller:
        """`poll`, with the time in seconds."""

        def __init__(self) -> None:
            self._poll = poll()
            self.register, self.modify = self._poll.register, self._poll.modify
            self.unregister = self._poll.unregister

        def poll(self, timeout: float | None) -> list[tuple[int, int]]:
            return self._poll.poll(None if timeout is None else math.ceil(1000 * timeout))

        def close(self) -> None:
            """There is nothing to close."""
