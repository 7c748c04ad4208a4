"""Where requests wait: a fetch that found too few bytes, until there are more or its time is up.

      park(fetch, keys = t-0, t-1)         watched:   t-0 ─► {fetch A, fetch B}
                                                      t-1 ─► {fetch A}
      wake(t-1)    asks A: enough now?     deadlines: (12 ms, A) (500 ms, B)
      expire(now)  tells A: answer with what there is
      forget(ch)   the client has gone: A is dropped without an answer

The textbook answer to "wait until there is data" is a thread per waiting client, or a
future that the writer completes. Both hide *when* the answer is made. Here an append
only marks its partition; at the end of the turn the broker wakes each marked partition
once, so fifty appends in one turn cost one look at each waiting fetch, and the answer
holds the records of all fifty.

A deadline heap with lazy removal stands where Kafka has a hierarchy of timing wheels:
a fetch that was answered stays in the heap as a stale entry until its time comes or
until stale entries are the majority. See Kafka's DelayedOperationPurgatory.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from heapq import heapify, heappop, heappush
from typing import Protocol

from minikafka.node import NEVER, Channel


class Delayed(Protocol):
    """A request that waits (Kafka's DelayedOperation). It answers for itself."""

    channel: Channel
    deadline: int

    def try_complete(self, now: int) -> bool:
        """Answer if there is now enough to answer with, and say whether that was so."""
        ...

    def expire(self, now: int) -> None:
        """The deadline has come: answer with what there is."""
        ...

    def leave(self, now: int) -> None:
        """The client has gone: there is nobody to answer."""
        ...


class Purgatory:
    """All waiting requests, by what could complete them, by deadline, and by channel.

    A channel has at most one: its next request is not served before this one is answered.
    """

    def __init__(self) -> None:
        self._watched: dict[Hashable, dict[Delayed, None]] = {}  # dicts: sets that keep order
        self._parked: dict[Channel, tuple[Delayed, tuple[Hashable, ...]]] = {}
        self._deadlines: list[tuple[int, int, Delayed]] = []
        self._count = 0  # makes heap entries of one deadline come out in the order they went in

    def __len__(self) -> int:
        return len(self._parked)

    def park(self, operation: Delayed, keys: Iterable[Hashable]) -> None:
        """Let `operation` wait until its deadline, or until one of `keys` is woken with effect."""
        watched = tuple(dict.fromkeys(keys))
        assert operation.channel not in self._parked, f"{operation.channel} waits twice"
        self._parked[operation.channel] = operation, watched
        for key in watched:
            self._watched.setdefault(key, {})[operation] = None
        self._count += 1
        heappush(self._deadlines, (operation.deadline, self._count, operation))

    def wake(self, key: Hashable, now: int) -> None:
        """Something happened to `key`: let everything that watches it look again."""
        for operation in list(self._watched.get(key, ())):
            if operation.try_complete(now):
                self._remove(operation)

    def expire(self, now: int) -> int:
        """Complete what has waited long enough; returns the next deadline, or NEVER."""
        while self._deadlines:
            deadline, _, operation = self._deadlines[0]
            waits = self._is_parked(operation)
            if waits and deadline > now:
                return deadline
            heappop(self._deadlines)
            if waits:
                operation.expire(now)
                self._remove(operation)
        return NEVER

    def forget(self, channel: Channel, now: int) -> None:
        """The channel has closed: nobody is left to answer."""
        if channel in self._parked:
            operation = self._parked[channel][0]
            operation.leave(now)
            self._remove(operation)

    def _is_parked(self, operation: Delayed) -> bool:
        entry = self._parked.get(operation.channel)
        return entry is not None and entry[0] is operation

    def _remove(self, operation: Delayed) -> None:
        _, keys = self._parked.pop(operation.channel)
        for key in keys:
            watchers = self._watched[key]
            del watchers[operation]
            if not watchers:
                del self._watched[key]
        if len(self._deadlines) > 2 * len(self._parked) + 100:
            self._deadlines = [entry for entry in self._deadlines if self._is_parked(entry[2])]
            heapify(self._deadlines)
