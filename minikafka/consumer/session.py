"""Fetch sessions: how a consumer of a thousand partitions avoids naming them in every fetch.

      request   session 0, epoch 0, all partitions         ─►  a full one; may I have a session?
      answer    session 9                              ◄─      you may
      request   session 9, epoch 1, what has changed       ─►  partitions added, moved on, dropped
      answer    session 9, the partitions with news    ◄─
      request   session 9, epoch 2, …                      ─►

Both sides remember the same list of partitions with the same offsets, and only tell each
other what changes: in a request the partitions whose offset moved (they had records), in an
answer those that have records or an error. The epoch counts the requests, so a side that has
missed one notices, and then everything starts again with a full request.

This is the client's half (KIP-227, `FetchSessionHandler`). The broker may refuse a session
(it answers 0): then every request is full, and all that is lost are bytes. A consumer that
closes gives its session back, with a request of epoch -1 that wants nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from minikafka.client.arguments import TopicPartition
from minikafka.wire.errors import ErrorCode
from minikafka.wire.messages.fetch import FetchPartition, FetchTopic, ForgottenTopic

NO_SESSION = 0
FULL = 0  # the epoch of a request that names everything
FINAL = -1  # of the one that ends the session
LAST_EPOCH = (1 << 31) - 1


class Wanted(NamedTuple):
    """What the broker is told, and remembers, about one partition."""

    topic_id: bytes
    offset: int
    leader_epoch: int
    max_bytes: int


class SessionRequest(NamedTuple):
    """What a fetch request says: its session and epoch, and what is new in it."""

    session_id: int
    epoch: int
    added: dict[TopicPartition, Wanted]
    forgotten: dict[TopicPartition, Wanted]


class FetchSession:
    """The session of one consumer with one broker."""

    __slots__ = ("epoch", "partitions", "session_id")

    def __init__(self) -> None:
        self.session_id = NO_SESSION
        self.epoch = FULL
        # Invariant: with an epoch above 0 the broker has the same partitions and offsets.
        self.partitions: dict[TopicPartition, Wanted] = {}

    def __repr__(self) -> str:
        count = len(self.partitions)
        return f"FetchSession({self.session_id}, epoch {self.epoch}, {count} partitions)"

    def request(self, wanted: Mapping[TopicPartition, Wanted]) -> SessionRequest:
        """The next request, which shall fetch exactly `wanted`."""
        before, self.partitions = self.partitions, dict(wanted)
        if self.epoch == FULL:
            return SessionRequest(self.session_id, FULL, dict(wanted), {})
        added = {tp: now for tp, now in wanted.items() if before.get(tp) != now}
        # A topic that was deleted and made anew has another id: to the broker, another partition.
        forgotten = {
            tp: then
            for tp, then in before.items()
            if tp not in wanted or wanted[tp].topic_id != then.topic_id
        }
        return SessionRequest(self.session_id, self.epoch, added, forgotten)

    def answered(self, error_code: int, session_id: int) -> bool:
        """Take an answer's header; says whether the rest of the answer counts."""
        if error_code != ErrorCode.NONE:
            if error_code == ErrorCode.FETCH_SESSION_ID_NOT_FOUND:
                self.session_id = NO_SESSION
            self.epoch = FULL
            return False
        self.session_id = session_id
        if session_id == NO_SESSION:
            self.epoch = FULL
        else:
            self.epoch = 1 if self.epoch == LAST_EPOCH else self.epoch + 1
        return True

    @property
    def is_closing(self) -> bool:
        return self.epoch == FINAL

    def last_request(self) -> SessionRequest:
        """The request that gives the session back."""
        self.epoch = FINAL
        self.partitions = {}
        return SessionRequest(self.session_id, FINAL, {}, {})

    def lost(self) -> None:
        """No answer came: the broker may have counted the request, or not. Begin a new session.

        The old id goes with the next full request, so that the broker can drop it.
        """
        self.epoch = FULL


def fetch_topics(partitions: Mapping[TopicPartition, Wanted]) -> list[FetchTopic]:
    """Partitions as a request names them, by topic."""
    topics: dict[tuple[str, bytes], FetchTopic] = {}
    for tp, wanted in partitions.items():
        key = tp.topic, wanted.topic_id
        if key not in topics:
            topics[key] = FetchTopic(topic=key[0], topic_id=key[1], partitions=[])
        topics[key].partitions.append(
            FetchPartition(
                partition=tp.partition,
                current_leader_epoch=wanted.leader_epoch,
                fetch_offset=wanted.offset,
                partition_max_bytes=wanted.max_bytes,
            )
        )
    return list(topics.values())


def forgotten_topics(partitions: Mapping[TopicPartition, Wanted]) -> list[ForgottenTopic]:
    """The same for those that the broker may forget."""
    topics: dict[tuple[str, bytes], ForgottenTopic] = {}
    for tp, wanted in partitions.items():
        key = tp.topic, wanted.topic_id
        if key not in topics:
            topics[key] = ForgottenTopic(topic=key[0], topic_id=key[1], partitions=[])
        topics[key].partitions.append(tp.partition)
    return list(topics.values())
