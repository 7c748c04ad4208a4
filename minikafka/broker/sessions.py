"""Fetch sessions (KIP-227): a consumer of a thousand partitions does not name them every time.

      full fetch        session 0, epoch 0    all partitions   → answer: session 71, everything
      incremental       session 71, epoch 1   only changes     → answer: only what changed
      incremental       session 71, epoch 2   + forgotten      → …
      final             session 71, epoch -1                   → the session is closed

The broker remembers per session which partitions are wanted, from which offset, and what
it last said about each (high watermark, log start offset). An incremental request names
only partitions that are new or whose offset moved; an incremental answer leaves out every
partition that has no records, no error and no news.

The epoch numbers the requests of a session. A request that was sent twice, or lost, shows
as a wrong epoch, and the client falls back to a full fetch: no guess is ever made about
what the other side knows.

The cache is bounded (`max.incremental.fetch.session.cache.slots`). A full cache refuses a
new session (the answer says session 0, and that client goes on with full fetches) unless
it can evict one that is worth less, see `_evict_for`. See Kafka's FetchSession.

Not done: shards of the cache, which Kafka has for its threads' sake.
"""

from __future__ import annotations

from itertools import islice
from operator import attrgetter
from random import Random

from minikafka.node import MS
from minikafka.replica.manager import TopicKey
from minikafka.wire.errors import ErrorCode, KafkaError
from minikafka.wire.messages.fetch import (
    FetchableTopicResponse,
    FetchPartition,
    FetchRequest,
    FetchResponse,
    PartitionData,
)
from minikafka.wire.types import uuid_text

NO_SESSION = 0
INITIAL_EPOCH = 0
FINAL_EPOCH = -1
LARGEST_INT = (1 << 31) - 1
TOPIC_ID_VERSION = 13
"""From this version of Fetch on, topics are named by their ids (KIP-516)."""

MIN_EVICTION_MS = 120_000
"""A session younger than this, or used within it, is not evicted for a larger one."""


class Wanted:
    """One partition that a client wants to read, and what it was last told about it.

    `high_watermark` and `log_start_offset` are -1 until something was told.
    """

    __slots__ = (
        "high_watermark", "index", "last_fetched_epoch", "leader_epoch",
        "log_start_offset", "max_bytes", "offset", "topic",
    )  # fmt: skip

    def __init__(self, topic: TopicKey, asked: FetchPartition) -> None:
        self.topic = topic
        self.index = asked.partition
        self.high_watermark = self.log_start_offset = -1
        self.update(asked)

    def update(self, asked: FetchPartition) -> None:
        """What a request says about the partition, for the first time or anew."""
        self.offset = asked.fetch_offset
        self.max_bytes = asked.partition_max_bytes
        self.leader_epoch = asked.current_leader_epoch
        self.last_fetched_epoch = asked.last_fetched_epoch

    def learn_news(self, told: PartitionData) -> bool:
        """Whether an incremental answer has to mention this partition; remembers that it was."""
        news = (
            told.error_code != 0
            or len(told.records or b"") > 0
            or told.high_watermark != self.high_watermark
            or told.log_start_offset != self.log_start_offset
            or told.diverging_epoch.end_offset >= 0
        )
        # After an error the next good answer is news again, whatever it says.
        self.high_watermark = told.high_watermark if told.error_code == 0 else -1
        self.log_start_offset = told.log_start_offset
        return news

    def __repr__(self) -> str:
        topic = self.topic if isinstance(self.topic, str) else uuid_text(self.topic)
        return f"{topic}-{self.index}@{self.offset}"


Told = list[tuple[Wanted, PartitionData]]
"""What a fetch found, in the order in which partitions were asked for."""


class FetchSession:
    """What one client wants. Invariant: `epoch` is the one its next request must carry."""

    __slots__ = ("by_id", "created", "epoch", "ident", "last_used", "privileged", "wanted")

    def __init__(self, ident: int, wanted: list[Wanted], *, privileged: bool, by_id: bool) -> None:
        self.ident = ident
        self.wanted = {(each.topic, each.index): each for each in wanted}
        self.privileged = privileged  # a follower's: worth more than any consumer's
        self.by_id = by_id  # names topics by id; a client may not change that in mid-session
        self.epoch = INITIAL_EPOCH + 1
        self.created = self.last_used = 0

    @property
    def worth(self) -> tuple[bool, int, int]:
        """What eviction compares: followers first, then sessions of many partitions."""
        return self.privileged, len(self.wanted), self.ident

    def update(self, request: FetchRequest) -> None:
        """Take in what an incremental request says: changed, new and forgotten partitions."""
        for topic in request.topics:
            key = topic.topic_id if self.by_id else topic.topic
            for asked in topic.partitions:
                known = self.wanted.get((key, asked.partition))
                if known is None:
                    self.wanted[key, asked.partition] = Wanted(key, asked)
                else:
                    known.update(asked)
        for forgotten in request.forgotten_topics_data:
            key = forgotten.topic_id if self.by_id else forgotten.topic
            for index in forgotten.partitions:
                self.wanted.pop((key, index), None)

    def __repr__(self) -> str:
        return f"FetchSession({self.ident}, epoch {self.epoch}, {len(self.wanted)} partitions)"


class SessionlessFetch:
    """A fetch that stands alone. Base of those that belong to a session."""

    @property
    def is_superseded(self) -> bool:
        """Whether the session has gone on with another fetch, so that this one's answer is void."""
        return False

    def __init__(self, wanted: list[Wanted]) -> None:
        self.wanted = wanted

    def answer(self, told: Told, now: int) -> FetchResponse:
        return response(NO_SESSION, told)

    def refuse(self) -> FetchResponse:
        """An answer that tells nothing, to a client that is to be slower: it will ask again."""
        return response(NO_SESSION, [])


class FullFetch(SessionlessFetch):
    """A fetch that names everything and asks for a session."""

    def __init__(self, wanted: list[Wanted], cache: SessionCache, privileged: bool, by_id: bool):
        super().__init__(wanted)
        self.cache = cache
        self.privileged = privileged
        self.by_id = by_id

    def answer(self, told: Told, now: int) -> FetchResponse:
        for wanted, partition in told:
            wanted.learn_news(partition)
        session = self.cache.maybe_create(self.wanted, now, self.privileged, self.by_id)
        return response(session.ident if session else NO_SESSION, told)


class IncrementalFetch(SessionlessFetch):
    """A fetch within a session: wants what the session holds, says what is news."""

    def __init__(self, session: FetchSession) -> None:
        super().__init__(list(session.wanted.values()))
        self.session = session
        self.epoch = session.epoch

    @property
    def is_superseded(self) -> bool:
        return self.session.epoch != self.epoch

    def answer(self, told: Told, now: int) -> FetchResponse:
        session = self.session
        if self.is_superseded:  # the client gave up on this request and sent another
            return self.refuse()
        news = [each for each in told if each[0].learn_news(each[1])]
        for wanted, partition in news:
            if partition.records:  # to the end of the line, so that no partition starves
                key = wanted.topic, wanted.index
                session.wanted[key] = session.wanted.pop(key)
        return response(session.ident, news)

    def refuse(self) -> FetchResponse:
        session = self.session
        error = ErrorCode.INVALID_FETCH_SESSION_EPOCH if self.is_superseded else ErrorCode.NONE
        return FetchResponse(error_code=error, session_id=session.ident, responses=[])


class SessionCache:
    """All sessions of a broker, least recently used first."""

    def __init__(self, slots: int, random: Random) -> None:
        self.slots = slots
        self.random = random
        self._sessions: dict[int, FetchSession] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    def begin(self, request: FetchRequest, version: int, now: int) -> SessionlessFetch:
        """What this request wants, as far as session and request say it together.

        Raises KafkaError with FETCH_SESSION_ID_NOT_FOUND, INVALID_FETCH_SESSION_EPOCH or
        FETCH_SESSION_TOPIC_ID_ERROR; the client then starts again with a full fetch.
        """
        by_id = version >= TOPIC_ID_VERSION
        if request.session_epoch in (INITIAL_EPOCH, FINAL_EPOCH):
            self._sessions.pop(request.session_id, None)  # a full fetch ends the session it names
            wanted = wanted_of(request, by_id)
            if request.session_epoch == FINAL_EPOCH:
                return SessionlessFetch(wanted)
            return FullFetch(wanted, self, is_follower(request, version), by_id)
        return self._continue(request, by_id, now)

    def _continue(self, request: FetchRequest, by_id: bool, now: int) -> SessionlessFetch:
        session = self._sessions.get(request.session_id)
        if session is None:
            raise KafkaError(ErrorCode.FETCH_SESSION_ID_NOT_FOUND)
        if session.epoch != request.session_epoch:
            raise KafkaError(ErrorCode.INVALID_FETCH_SESSION_EPOCH)
        if session.by_id != by_id:
            raise KafkaError(ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR)
        session.update(request)
        session.epoch = session.epoch + 1 if session.epoch < LARGEST_INT else INITIAL_EPOCH + 1
        session.last_used = now
        if not session.wanted:
            del self._sessions[session.ident]
            return SessionlessFetch([])
        self._sessions[session.ident] = self._sessions.pop(session.ident)
        return IncrementalFetch(session)

    def maybe_create(
        self, wanted: list[Wanted], now: int, privileged: bool, by_id: bool
    ) -> FetchSession | None:
        """A new session for these partitions, or None when the cache has no room for it."""
        if len(self._sessions) >= self.slots and not self._evict_for(privileged, len(wanted), now):
            return None
        ident = NO_SESSION
        while ident == NO_SESSION or ident in self._sessions:
            ident = self.random.randrange(1, LARGEST_INT)
        session = FetchSession(ident, wanted, privileged=privileged, by_id=by_id)
        session.created = session.last_used = now
        self._sessions[ident] = session
        return session

    def _evict_for(self, privileged: bool, size: int, now: int) -> bool:
        """Make room for a session of `size` partitions, if something there is worth less.

        That is: one that nobody used for two minutes; else the least worthy among those
        that exist for two minutes (a follower may also take any consumer's place), if the
        newcomer is worth more.
        """
        sessions = self._sessions.values()
        old = now - MIN_EVICTION_MS * MS
        stale = [session for session in islice(sessions, 1) if session.last_used < old]
        evictable = stale or [
            session
            for session in sessions
            if session.created < old or (privileged and not session.privileged)
        ]
        if not evictable:
            return False
        victim = min(evictable, key=attrgetter("worth"))
        if not stale and (privileged, size, 0) < victim.worth:
            return False
        del self._sessions[victim.ident]
        return True


def wanted_of(request: FetchRequest, by_id: bool) -> list[Wanted]:
    """The partitions that a request names, in its order."""
    return [
        Wanted(topic.topic_id if by_id else topic.topic, partition)
        for topic in request.topics
        for partition in topic.partitions
    ]


def response(session_id: int, told: Told) -> FetchResponse:
    """The answer, partitions in the order given; neighbours of one topic share its entry."""
    topics: list[FetchableTopicResponse] = []
    last: TopicKey | None = None
    for wanted, partition in told:
        key = wanted.topic
        if key != last:
            last = key
            topics.append(
                FetchableTopicResponse(topic=key)
                if isinstance(key, str)
                else FetchableTopicResponse(topic_id=key)
            )
        topics[-1].partitions.append(partition)
    return FetchResponse(session_id=session_id, responses=topics)


def is_follower(request: FetchRequest, version: int) -> bool:
    """Whether a replica asks, not a consumer (KIP-903 moved the field)."""
    replica = request.replica_state.replica_id if version >= 15 else request.replica_id
    return replica >= 0
