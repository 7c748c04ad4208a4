"""The consumer's machine: knows where each partition stands, and fetches ahead of poll.

      assign ─► no position ─ListOffsets─► position 40 ─Fetch─► fetched 40-59 ─take─► 60
                    ▲      (auto.offset.reset)            │
                    └───────── OFFSET_OUT_OF_RANGE ◄──────┘

A partition is fetched when it has a position and nothing fetched lies unread. That is all
the flow control a consumer has and needs: a program that is slow in calling poll leaves one
answer per partition unread, and nothing more is asked for. Each broker has at most one fetch
open, for all its partitions together, on a connection of its own: it may wait there for
fetch.max.wait.ms, and whatever stood behind it would wait as long (client/node.py).

An answer counts only if the partition still stands where it stood when the fetch left;
after a `seek` what comes back for the old position is dropped.

Unlike Kafka's classic consumer, which sends only inside poll, the machine goes on by itself
between two polls, as the newer one does with its background thread (KIP-848).

Sources: `AbstractFetch`, `FetchCollector`, `OffsetFetcher`, `SubscriptionState`.

Not done: KIP-320's check of the position against the leader's epochs after a leader change
(an unclean election can go unnoticed); fetching from followers (KIP-392).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from minikafka.client.arguments import TopicPartition
from minikafka.client.node import ClientNode, Connection, Pending
from minikafka.consumer.config import ConsumerConfig
from minikafka.consumer.records import ConsumerRecord, Fetched
from minikafka.consumer.session import FULL, FetchSession, Wanted
from minikafka.node import NEVER
from minikafka.record.errors import RecordError
from minikafka.wire.errors import ErrorCode, KafkaError
from minikafka.wire.messages.fetch import FetchPartition, FetchRequest, FetchTopic, ForgottenTopic
from minikafka.wire.messages.list_offsets import (
    EARLIEST,
    LATEST,
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsTopic,
)
from minikafka.wire.types import ZERO_UUID

FETCH_LANE = "fetch"
LAST_VERSION_WITH_NAMES = 12  # from Fetch 13 on topics go by their id (KIP-516)
CONSUMER = -1  # where a follower would put its broker id

RESET_TIMESTAMPS = {"earliest": EARLIEST, "latest": LATEST}

PASSING = (
    ErrorCode.OFFSET_NOT_AVAILABLE,
    ErrorCode.KAFKA_STORAGE_ERROR,
    ErrorCode.UNKNOWN_SERVER_ERROR,
)
"""Fetch errors that pass by themselves, beside the retriable ones."""


class OffsetAndTimestamp(NamedTuple):
    """An answer of `offsets_for_times`: the first record at or after the time asked for."""

    offset: int
    timestamp_ms: int
    leader_epoch: int


@dataclass(frozen=True, slots=True)
class PartitionStatistics:
    """Where a consumer stands in one partition. -1: not known yet."""

    topic: str
    partition: int
    position: int
    high_watermark: int
    log_start_offset: int
    paused: bool


@dataclass(frozen=True, slots=True)
class ConsumerStatistics:
    partitions: tuple[PartitionStatistics, ...]
    open_fetches: int


class PartitionState:
    """One assigned partition."""

    __slots__ = (
        "attempts",
        "error",
        "fetched",
        "high_watermark",
        "log_start_offset",
        "lookup",
        "paused",
        "position",
        "retry_at",
        "tp",
    )

    def __init__(self, tp: TopicPartition) -> None:
        self.tp = tp
        self.position: int | None = None  # None: look it up, by `lookup` or auto.offset.reset
        self.lookup: Lookup | None = None
        self.fetched: Fetched | None = None
        self.error: KafkaError | None = None  # for the next poll to raise
        self.paused = False
        self.attempts = 0  # fetches in vain since the last one that worked
        self.retry_at = 0
        self.high_watermark = -1
        self.log_start_offset = -1

    def move(self, position: int | None) -> None:
        """Stand somewhere else; what was fetched or asked for the old place is void."""
        self.position = position
        self.lookup = None
        self.fetched = None
        self.error = None
        self.attempts = 0
        self.retry_at = 0

    def is_fetchable(self) -> bool:
        return (
            self.position is not None
            and self.fetched is None
            and self.error is None
            and not self.paused
        )


class Lookup:
    """A question to a partition's leader: which offset belongs to this time (ListOffsets)?"""

    __slots__ = ("asking", "attempts", "deadline", "retry_at", "then", "timestamp", "tp")

    def __init__(
        self, tp: TopicPartition, timestamp: int, deadline: int, then: Callable[[int, Any], None]
    ) -> None:
        self.tp = tp
        self.timestamp = timestamp  # ms, or EARLIEST or LATEST
        self.deadline = deadline
        self.then = then  # called with `now` and OffsetAndTimestamp or KafkaError
        self.asking = False
        self.attempts = 0
        self.retry_at = 0


class FetcherNode(ClientNode):
    """Positions, lookups and fetches of one consumer."""

    def __init__(self, config: ConsumerConfig) -> None:
        super().__init__(config)
        self.config = config
        self.allow_auto_topic_creation = config.allow_auto_create_topics
        self.partitions: dict[TopicPartition, PartitionState] = {}
        self._lookups: list[Lookup] = []
        self._ready: dict[
            TopicPartition, PartitionState
        ] = {}  # those with records to take, in order
        self._sessions: dict[int, FetchSession] = {}
        self._fetching: dict[int, None] = {}  # brokers with a fetch that is not answered

    def statistics(self) -> ConsumerStatistics:
        return ConsumerStatistics(
            tuple(
                PartitionStatistics(
                    *state.tp,
                    -1 if state.position is None else state.position,
                    state.high_watermark,
                    state.log_start_offset,
                    state.paused,
                )
                for state in self.partitions.values()
            ),
            len(self._fetching),
        )

    # --- what the application asks for -----------------------------------------------------
    def assign(self, partitions: Iterable[TopicPartition]) -> None:
        """Read exactly these partitions; those that were assigned before keep their place."""
        before = self.partitions
        self.partitions = {tp: before.get(tp) or PartitionState(tp) for tp in partitions}
        self._ready = {tp: state for tp, state in self._ready.items() if tp in self.partitions}
        topics = {tp.topic: None for tp in self.partitions}
        for topic in [topic for topic in self.metadata.wanted if topic not in topics]:
            self.metadata.forget(topic)
        for topic in topics:
            self.metadata.want(topic)

    def state(self, tp: TopicPartition) -> PartitionState:
        """Raises ValueError when the partition is not assigned."""
        state = self.partitions.get(tp)
        if state is None:
            raise ValueError(f"{tp} is not assigned; assign([{tuple(tp)}]) first")
        return state

    def seek(self, tp: TopicPartition, offset: int) -> None:
        """Read on from `offset`, which is checked by the broker when it is fetched."""
        self.state(tp).move(offset)
        self._moved(tp, offset)

    def seek_to(self, tp: TopicPartition, reset: str) -> None:
        """Read on from the log's beginning ("earliest") or end ("latest")."""
        state = self.state(tp)
        state.move(None)
        self._reset(state, reset)

    def has_news(self) -> bool:
        """Whether `take` would return records or raise."""
        return any(not state.paused for state in self._ready.values()) or any(
            state.error is not None for state in self.partitions.values()
        )

    def take(self, count: int) -> list[ConsumerRecord]:
        """Hand over up to `count` records, partition by partition as they were fetched.

        Raises the KafkaError of a partition that has one (once), if there is nothing else.
        """
        records: list[ConsumerRecord] = []
        for tp, state in list(self._ready.items()):
            if len(records) == count or state.paused:
                continue
            records += self._take_from(state, count - len(records))
            if state.fetched is None:
                del self._ready[tp]
        if not records:
            self._raise_error()
        return records

    def _take_from(self, state: PartitionState, count: int) -> list[ConsumerRecord]:
        fetched = state.fetched
        if fetched is None:  # moved away meanwhile
            return []
        try:
            records = fetched.take(count)
        except KafkaError as error:
            state.move(fetched.position)
            state.error = error
            return []
        if fetched.position != state.position:
            state.position = fetched.position
            self._moved(state.tp, fetched.position)
        if fetched.is_empty:
            state.fetched = None
        return records

    def _raise_error(self) -> None:
        for state in self.partitions.values():
            if state.error is not None:
                error, state.error = state.error, None
                raise error

    def _moved(self, tp: TopicPartition, offset: int) -> None:
        self.emit("position", topic=tp.topic, partition=tp.partition, offset=offset)

    # --- the machine's turn ------------------------------------------------------------------
    def work(self, now: int) -> None:
        for state in self.partitions.values():
            if state.position is None and state.lookup is None and state.error is None:
                self._reset(state, self.config.auto_offset_reset)
        if self._lookups:
            self._look_up(now)
        self._fetch(now)

    # --- positions and offsets: ListOffsets ----------------------------------------------------
    def _reset(self, state: PartitionState, reset: str) -> None:
        if reset == "none":
            why = f"{state.tp} has no position and auto.offset.reset is none: seek first"
            state.error = KafkaError(ErrorCode.OFFSET_OUT_OF_RANGE, why)
            return
        then = partial(self._learn_position, state)
        state.lookup = Lookup(state.tp, RESET_TIMESTAMPS[reset], NEVER, then)
        self._lookups.append(state.lookup)

    def _learn_position(self, state: PartitionState, now: int, answer: Any) -> None:
        if isinstance(answer, KafkaError):
            state.move(None)
            state.error = answer
        else:
            state.move(answer.offset)
            self._moved(state.tp, answer.offset)

    def look_up(
        self, times: Mapping[TopicPartition, int], deadline: int
    ) -> Pending[dict[TopicPartition, OffsetAndTimestamp | None]]:
        """Ask for the offsets that belong to these times (ms, EARLIEST, LATEST).

        None for a partition without a record that late. Fails when `deadline` passes.
        """
        question: Pending[dict[TopicPartition, OffsetAndTimestamp | None]] = Pending()
        found: dict[TopicPartition, OffsetAndTimestamp | None] = {}

        def learn(tp: TopicPartition, now: int, answer: Any) -> None:
            if isinstance(answer, KafkaError):
                question.fail(answer)
                return
            found[tp] = answer if answer.offset >= 0 else None
            if len(found) == len(times) and not question.done:
                question.succeed({tp: found[tp] for tp in times})

        for tp, timestamp in times.items():
            self._lookups.append(Lookup(tp, timestamp, deadline, partial(learn, tp)))
        if not times:
            question.succeed({})
        return question

    def _look_up(self, now: int) -> None:
        self._drop_void_lookups(now)
        asked: dict[int, list[Lookup]] = {}
        # A request that names a partition twice is refused whole: a second question about it
        # waits for the first one's answer.
        taken = {lookup.tp for lookup in self._lookups if lookup.asking}
        for lookup in self._lookups:
            self.wake_at(lookup.deadline)
            if lookup.asking or lookup.tp in taken:
                continue
            if lookup.retry_at > now:
                self.wake_at(lookup.retry_at)
                continue
            leader = self.metadata.leader_of(*lookup.tp)
            if leader >= 0:
                asked.setdefault(leader, []).append(lookup)
                taken.add(lookup.tp)
        for leader, lookups in asked.items():
            connection = self.ready(now, leader)
            if connection is not None:
                self._list_offsets(now, connection, lookups)

    def _drop_void_lookups(self, now: int) -> None:
        """Forget those whose partition has moved on; fail those whose time is up."""
        kept = []
        for lookup in self._lookups:
            state = self.partitions.get(lookup.tp)
            if lookup.deadline == NEVER and (state is None or state.lookup is not lookup):
                continue
            if lookup.deadline <= now:
                code = ErrorCode.REQUEST_TIMED_OUT
                lookup.then(now, KafkaError(code, f"no offset of {lookup.tp} in time"))
                continue
            kept.append(lookup)
        self._lookups = kept

    def _list_offsets(self, now: int, connection: Connection, lookups: list[Lookup]) -> None:
        topics: dict[str, ListOffsetsTopic] = {}
        for lookup in lookups:
            name, index = lookup.tp
            topic = topics.get(name)
            if topic is None:
                topic = topics[name] = ListOffsetsTopic(name=name, partitions=[])
            topic.partitions.append(
                ListOffsetsPartition(partition_index=index, timestamp=lookup.timestamp)
            )
            lookup.asking = True
        body = ListOffsetsRequest(
            replica_id=CONSUMER,
            isolation_level=0,
            topics=list(topics.values()),
            timeout_ms=self.config.request_timeout_ms,
        )
        self.send(now, connection, body, partial(self._learn_offsets, lookups))

    def _learn_offsets(self, lookups: list[Lookup], now: int, answer: Any) -> None:
        if isinstance(answer, KafkaError):
            results: dict[tuple[str, int], Any] = {}
            missing = answer
        else:
            results = {
                (topic.name, partition.partition_index): partition
                for topic in answer.topics
                for partition in topic.partitions
            }
            missing = KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, "missing in the broker's answer")
        for lookup in lookups:
            lookup.asking = False
            if lookup not in self._lookups:
                continue
            result = results.get(lookup.tp)
            if result is None:
                self._looked_up(now, lookup, missing)
            elif result.error_code != ErrorCode.NONE:
                code = ErrorCode.of(result.error_code)
                self._looked_up(now, lookup, KafkaError(code, f"{lookup.tp}: {code.description}"))
            else:
                self._looked_up(
                    now,
                    lookup,
                    OffsetAndTimestamp(result.offset, result.timestamp, result.leader_epoch),
                )

    def _looked_up(self, now: int, lookup: Lookup, answer: OffsetAndTimestamp | KafkaError) -> None:
        if isinstance(answer, KafkaError) and answer.retriable:
            self.metadata.request_update()
            lookup.retry_at = now + self.backoff.delay_us(lookup.attempts, self.random)
            lookup.attempts += 1
            return
        self._lookups.remove(lookup)
        lookup.then(now, answer)

    # --- records: Fetch ----------------------------------------
    def _fetch(self, now: int) -> None:
        wanted: dict[int, dict[TopicPartition, Wanted]] = {}
        for tp, state in self.partitions.items():
            if not state.is_fetchable():
                continue
            if state.retry_at > now:
                self.wake_at(state.retry_at)
                continue
            leader = self.metadata.leader_of(*tp)
            if leader >= 0 and leader not in self._fetching:
                wanted.setdefault(leader, {})[tp] = self._wanted(tp, state.position or 0)
        for leader, partitions in wanted.items():
            connection = self.ready(now, leader, FETCH_LANE)
            if connection is not None:
                self._send_fetch(now, connection, leader, partitions)

    def _wanted(self, tp: TopicPartition, offset: int) -> Wanted:
        topic = self.metadata.topics[tp.topic]
        epoch = topic.partitions[tp.partition].leader_epoch
        return Wanted(topic.topic_id, offset, epoch, self.config.max_partition_fetch_bytes)

    def _send_fetch(
        self,
        now: int,
        connection: Connection,
        broker: int,
        wanted: dict[TopicPartition, Wanted],
    ) -> None:
        session = self._sessions.get(broker)
        if session is None:
            session = self._sessions[broker] = FetchSession()
        request = session.request(wanted)
        topics: dict[tuple[str, bytes], FetchTopic] = {}
        for tp, partition in request.added.items():
            key = tp.topic, partition.topic_id
            topic = topics.get(key)
            if topic is None:
                topic = topics[key] = FetchTopic(topic=key[0], topic_id=key[1], partitions=[])
            topic.partitions.append(
                FetchPartition(
                    partition=tp.partition,
                    current_leader_epoch=partition.leader_epoch,
                    fetch_offset=partition.offset,
                    partition_max_bytes=partition.max_bytes,
                )
            )
        forgotten: dict[tuple[str, bytes], ForgottenTopic] = {}
        for tp, partition in request.forgotten.items():
            key = tp.topic, partition.topic_id
            if key not in forgotten:
                forgotten[key] = ForgottenTopic(topic=key[0], topic_id=key[1], partitions=[])
            forgotten[key].partitions.append(tp.partition)
        body = FetchRequest(
            max_wait_ms=self.config.fetch_max_wait_ms,
            min_bytes=self.config.fetch_min_bytes,
            max_bytes=self.config.fetch_max_bytes,
            session_id=request.session_id,
            session_epoch=request.epoch,
            topics=list(topics.values()),
            forgotten_topics_data=list(forgotten.values()),
        )
        named = any(partition.topic_id == ZERO_UUID for partition in wanted.values())
        self._fetching[broker] = None
        self.send(
            now,
            connection,
            body,
            partial(self._fetched, broker, session),
            LAST_VERSION_WITH_NAMES if named else None,
        )

    def _fetched(self, broker: int, session: FetchSession, now: int, answer: Any) -> None:
        del self._fetching[broker]
        if isinstance(answer, KafkaError):
            session.lost()
            if not answer.retriable:
                self._all_failed(session, answer)
            return
        was_full = session.epoch == FULL
        if not session.answered(answer.error_code, answer.session_id):
            if was_full:  # then it was not about the session, and the next might fare the same
                for tp in session.partitions:
                    if tp in self.partitions:
                        self._fetch_later(now, self.partitions[tp])
            elif answer.error_code == ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR:
                self.metadata.request_update()
            return
        for topic in answer.responses:
            name = topic.topic or self.metadata.names.get(topic.topic_id)
            if name is None:
                self.metadata.request_update()  # a topic that was deleted, or made anew
                continue
            for partition in topic.partitions:
                tp = TopicPartition(name, partition.partition_index)
                state, asked = self.partitions.get(tp), session.partitions.get(tp)
                if state is None or asked is None or not state.is_fetchable():
                    continue
                if state.position == asked.offset:
                    self._fetched_partition(now, state, partition)

    def _all_failed(self, session: FetchSession, error: KafkaError) -> None:
        for tp in session.partitions:
            if tp in self.partitions:
                self.partitions[tp].error = error

    def _fetched_partition(self, now: int, state: PartitionState, answer: Any) -> None:
        code = ErrorCode.of(answer.error_code)
        if code is ErrorCode.NONE:
            state.high_watermark = answer.high_watermark
            state.log_start_offset = answer.log_start_offset
            state.attempts = 0
            if answer.records:
                self._keep(state, answer.records)
        elif code is ErrorCode.OFFSET_OUT_OF_RANGE:
            self._out_of_range(state)
        elif code.retriable or code in PASSING:
            self._fetch_later(now, state)
        else:
            state.error = KafkaError(code, f"{state.tp}: {code.description}")

    def _fetch_later(self, now: int, state: PartitionState) -> None:
        """It did not work. Perhaps somebody else leads by now; try again after a backoff."""
        self.metadata.request_update()
        state.retry_at = now + self.backoff.delay_us(state.attempts, self.random)
        state.attempts += 1

    def _keep(self, state: PartitionState, records: Any) -> None:
        position = state.position
        assert position is not None
        try:
            fetched = Fetched(state.tp, position, records, self.config.check_crcs)
        except RecordError as error:
            why = f"{state.tp} at offset {position}: {error}"
            state.error = KafkaError(ErrorCode.CORRUPT_MESSAGE, why)
            return
        if fetched.is_empty:
            # A broker always answers with one whole batch; without one there is no way on.
            why = f"{state.tp} at offset {position}: {len(records)} bytes, but no whole batch"
            state.error = KafkaError(ErrorCode.CORRUPT_MESSAGE, why)
            return
        state.fetched = fetched
        self._ready[state.tp] = state
        self.emit(
            "fetched",
            topic=state.tp.topic,
            partition=state.tp.partition,
            first_offset=position,
            last_offset=fetched.last_offset,
            size_bytes=len(records),
        )

    def _out_of_range(self, state: PartitionState) -> None:
        """The log does not hold the position, any more or yet: auto.offset.reset decides."""
        reset = self.config.auto_offset_reset
        if reset == "none":
            why = f"{state.tp} does not hold offset {state.position}, auto.offset.reset is none"
            state.error = KafkaError(ErrorCode.OFFSET_OUT_OF_RANGE, why)
        else:
            state.move(None)
            self._reset(state, reset)
