"""The consumer's machine: knows where each partition stands, and fetches ahead of poll.

      assign ─► no position ─ListOffsets─► position 40 ─Fetch─► fetched 40-59 ─take─► 60
                    ▲      (auto.offset.reset)            │
                    └───────── OFFSET_OUT_OF_RANGE ◄──────┘

A partition is fetched when it has a position and nothing fetched lies unread. That is all
the flow control a consumer has and needs: a program that is slow in calling poll leaves one
answer per partition unread, and nothing more is asked for. Each broker has at most one fetch
open, for all its partitions together, on a connection of its own: it may wait there for
fetch.max.wait.ms, and whatever stood behind it would wait as long (client/node.py).

So would a busy partition, if the quiet ones were asked about while its records are read. While
something of a broker lies unread, it is asked only if it has told of another partition that it
holds more: then it answers at once, about the quiet ones too (Kafka asks it nothing then, since
KAFKA-17182).

An answer counts only if the partition still stands where it stood when the fetch left;
after a `seek` what comes back for the old position is dropped. What was fetched of a
partition that is paused is kept.

A partition whose records were taken goes to the end of the line, in requests and in poll:
with answers that are cut at fetch.max.bytes, and polls at max.poll.records, each has its turn.

Unlike Kafka's consumers, which make fetches only when poll is called (also the newer one, with
its background thread), the machine goes on by itself between two polls. And a new leader is
asked about the position (partition.py) when the next fetch is due: what an older one had sent
already is handed out before, where Kafka drops it and fetches it again.

With auto.offset.reset = by_duration a log may hold no record that young. Like Kafka's, the
machine then asks again after request.timeout.ms, until there is one.

Sources: `AbstractFetch`, `FetchCollector`, `SubscriptionState`, KIP-227, KIP-320, KIP-392.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, NoReturn

from minikafka.client.arguments import TopicPartition
from minikafka.client.metadata import PartitionInfo
from minikafka.client.node import ClientNode, Connection, Pending
from minikafka.consumer.config import BY_DURATION, ConsumerConfig, duration_ms
from minikafka.consumer.offsets import (
    PASSING,
    EpochEnd,
    EpochEnds,
    LogTruncation,
    NoOffsetForPartition,
    OffsetAndTimestamp,
    OffsetsByTime,
    Question,
)
from minikafka.consumer.partition import NO_EPOCH, NO_REPLICA, PartitionState
from minikafka.consumer.records import ConsumerRecord, Fetched
from minikafka.consumer.session import (
    FULL,
    NO_SESSION,
    FetchSession,
    SessionRequest,
    Wanted,
    fetch_topics,
    forgotten_topics,
)
from minikafka.consumer.statistics import ConsumerStatistics, Counters, PartitionStatistics
from minikafka.node import MS
from minikafka.record.errors import RecordError
from minikafka.wire.errors import ErrorCode, KafkaError
from minikafka.wire.messages.fetch import FetchRequest
from minikafka.wire.messages.list_offsets import EARLIEST, LATEST
from minikafka.wire.types import ZERO_UUID

FETCH_LANE = "fetch"
LAST_VERSION_WITH_NAMES = 12  # from Fetch 13 on topics go by their id (KIP-516)

RESET_TIMESTAMPS = {"earliest": EARLIEST, "latest": LATEST}
READ_COMMITTED = 1


class FetcherNode(ClientNode):
    """Positions and fetches of one consumer."""

    def __init__(self, config: ConsumerConfig) -> None:
        super().__init__(config)
        self.config = config
        self.allow_auto_topic_creation = config.allow_auto_create_topics
        self.isolation_level = int(config.isolation_level == "read_committed")
        self.partitions: dict[TopicPartition, PartitionState] = {}
        self.counters = Counters()
        self._offsets = OffsetsByTime(self, self.isolation_level, config.request_timeout_ms)
        self._epoch_ends = EpochEnds(self)
        # Those with records to take or an error to raise, in the order in which it came.
        self._ready: dict[TopicPartition, PartitionState] = {}
        self._sessions: dict[int, FetchSession] = {}
        self._fetching: dict[int, int] = {}  # brokers with an open fetch, and when it was sent
        self._closing = False

    def start(self, now: int) -> None:
        self.counters.since = now

    def statistics(self, now: int) -> ConsumerStatistics:
        partitions = tuple(self._told(self.partitions[tp]) for tp in sorted(self.partitions))
        return self.counters.told(now, partitions, len(self._fetching))

    def _told(self, state: PartitionState) -> PartitionStatistics:
        return PartitionStatistics(
            topic=state.tp.topic,
            partition=state.tp.partition,
            position=-1 if state.position is None else state.position,
            leader_epoch=state.epoch,
            high_watermark=state.high_watermark,
            last_stable_offset=state.last_stable_offset,
            log_start_offset=state.log_start_offset,
            records_lag=self._lag(state),
            records_lead=state.records_lead(),
            preferred_read_replica=state.replica,
            paused=state.paused,
        )

    def _lag(self, state: PartitionState) -> int:
        return state.records_lag(self.isolation_level == READ_COMMITTED)

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

    def seek(self, tp: TopicPartition, offset: int, leader_epoch: int = NO_EPOCH) -> None:
        """Read on from `offset`, which is checked by the broker when it is fetched.

        With the epoch of the record before it, the leader is asked first whether its log has
        that record.
        """
        self.state(tp).move(offset, leader_epoch)
        self._moved(tp, offset)

    def seek_to(self, tp: TopicPartition, reset: str) -> None:
        """Read on from the log's beginning ("earliest") or end ("latest")."""
        state = self.state(tp)
        state.move(None)
        self._look_up_position(state, RESET_TIMESTAMPS[reset])

    def has_news(self) -> bool:
        """Whether `take` would return records or raise."""
        return any(not state.paused or state.error is not None for state in self._ready.values())

    def take(self, count: int) -> list[ConsumerRecord]:
        """Hand over up to `count` records, partition by partition as they were fetched.

        Raises the KafkaError of a partition (once) when it is that one's turn. Records of those
        before it go first; so the next call raises, whatever else there is by then.
        """
        records: list[ConsumerRecord] = []
        for tp, state in list(self._ready.items()):
            if state.error is None and not state.paused:
                records += self._take_from(state, count - len(records))
            if state.error is None and state.fetched is None:
                del self._ready[tp]
            if records and (state.error is not None or len(records) == count):
                break
            if state.error is not None:
                self._raise(state.error)
        self.counters.records += len(records)
        return records

    def _take_from(self, state: PartitionState, count: int) -> list[ConsumerRecord]:
        fetched = state.fetched
        if fetched is None:  # moved away meanwhile
            return []
        records: list[ConsumerRecord] = []
        try:
            records = fetched.take(count)
        except KafkaError as error:
            state.error = error
        if fetched.position != state.position:
            state.position, state.epoch = fetched.position, fetched.epoch
            self._moved(state.tp, fetched.position)
        if fetched.is_empty or state.error is not None:
            state.fetched = None
            self.partitions[state.tp] = self.partitions.pop(state.tp)  # to the end of the line
        return records

    def _fail(self, state: PartitionState, error: KafkaError) -> None:
        """Let poll raise it, when the partition has its turn."""
        state.error = error
        self._ready[state.tp] = state

    def _raise(self, error: KafkaError) -> NoReturn:
        """Once, even where several partitions have met the same error."""
        for state in self.partitions.values():
            if state.error is error:
                state.error = None
        raise error

    def _moved(self, tp: TopicPartition, offset: int) -> None:
        self.emit("position", topic=tp.topic, partition=tp.partition, offset=offset)

    def close(self) -> None:
        """Ask for nothing any more, and give the sessions back; `is_over` when that is done."""
        self._closing = True
        self.partitions, self._ready = {}, {}

    def is_over(self) -> bool:
        return not self._sessions

    # --- the machine's turn ------------------------------------------------------------------
    def work(self, now: int) -> None:
        if self._closing:
            self._give_sessions_back(now)
            return
        for state in self.partitions.values():
            if state.position is None and state.question is None and state.error is None:
                self._reset(now, state)
        self._offsets.work(now)
        self._fetch(now)
        self._epoch_ends.work(now)

    def _learn_metadata(self, now: int, answer: Any) -> None:
        super()._learn_metadata(now, answer)
        for tp, state in self.partitions.items():
            info = self.metadata.topics.get(tp.topic)
            if info is not None and info.error is not None and not info.error.retriable:
                self._fail(state, info.error)

    # --- positions ---------------------------------------------------------------------------
    def _reset(self, now: int, state: PartitionState) -> None:
        """Begin where auto.offset.reset says."""
        policy = self.config.auto_offset_reset
        if policy == "none":
            why = f"{state.tp} has no position and auto.offset.reset is none: seek first"
            self._fail(state, NoOffsetForPartition(ErrorCode.OFFSET_OUT_OF_RANGE, why))
        elif state.retry_at > now:
            self.wake_at(state.retry_at)
        elif policy.startswith(BY_DURATION):
            age_ms = duration_ms(policy.removeprefix(BY_DURATION)) or 0
            self._look_up_position(state, max(0, now // MS - age_ms))
        else:
            self._look_up_position(state, RESET_TIMESTAMPS[policy])

    def _look_up_position(self, state: PartitionState, timestamp: int) -> None:
        then = partial(self._learn_position, state)
        state.question = Question(state.tp, timestamp, then, is_void=self._is_void)
        self._offsets.open.append(state.question)

    def _is_void(self, question: Question) -> bool:
        """Whether a question about a position is one that its partition does not ask any more."""
        state = self.partitions.get(question.tp)
        return state is None or state.question is not question

    def _learn_position(self, state: PartitionState, now: int, answer: Any) -> None:
        state.move(None)
        if isinstance(answer, KafkaError):
            self._fail(state, answer)
        elif answer.offset < 0:  # no record is that young yet
            state.retry_at = now + self.config.request_timeout_ms * MS
        else:
            # As in Kafka without the epoch: what is looked up now needs no check.
            state.move(answer.offset)
            self._moved(state.tp, answer.offset)

    def _check_position(self, state: PartitionState) -> None:
        """Ask a new leader whether its log has the record before the position (KIP-320)."""
        then = partial(self._learn_epoch_end, state)
        state.question = Question(state.tp, state.epoch, then, is_void=self._is_void)
        self._epoch_ends.open.append(state.question)

    def _learn_epoch_end(
        self, state: PartitionState, now: int, answer: EpochEnd | KafkaError
    ) -> None:
        state.question = None
        position, leader = state.position, state.leader
        assert position is not None
        if isinstance(answer, KafkaError):
            if answer.code is ErrorCode.UNSUPPORTED_VERSION:  # said by ourselves, in this turn
                self.wake_at(now + 1)
            else:
                state.leader = None
                self._fail(state, answer)
            return
        unknown = answer.end_offset < 0 or answer.leader_epoch < 0
        if not unknown and answer.end_offset >= position:
            self.emit("position_checked", **state.tp._asdict(), offset=position, epoch=state.epoch)
            return
        end = None if unknown else answer.end_offset
        self.emit(
            "truncation_found", **state.tp._asdict(), offset=position, epoch=state.epoch, end=end
        )
        if self.config.auto_offset_reset == "none":
            state.leader = None  # so that it is asked again, unless a seek comes first
            why = (
                f"{state.tp}: the log of epoch {state.epoch} ends at "
                f"{'an unknown offset' if unknown else end}, before the position {position}"
            )
            self._fail(state, LogTruncation(why, end))
        elif end is None:
            state.move(None)
        else:
            state.move(end, answer.leader_epoch)
            state.leader = leader
            self._moved(state.tp, end)

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
            self._offsets.open.append(Question(tp, timestamp, partial(learn, tp), deadline))
        if not times:
            question.succeed({})
        return question

    # --- records: Fetch ----------------------------------------
    def _fetch(self, now: int) -> None:
        wanted: dict[int, dict[TopicPartition, Wanted]] = {}
        unread = self._unread(now)
        for tp, state in self.partitions.items():
            if not state.is_fetchable():
                continue
            if state.retry_at > now:
                self.wake_at(state.retry_at)
                continue
            if self.metadata.leader_of(*tp) < 0:
                continue
            topic = self.metadata.topics[tp.topic]
            leader = topic.partitions[tp.partition]
            if leader is not state.leader and state.follow(leader):
                self._check_position(state)
                continue
            broker = self._source(now, state, leader)
            if broker not in self._fetching:
                assert state.position is not None
                wanted.setdefault(broker, {})[tp] = Wanted(
                    topic.topic_id,
                    state.position,
                    leader.leader_epoch,
                    self.config.max_partition_fetch_bytes,
                )
        for broker, partitions in wanted.items():
            if broker in unread and all(self._lag(self.partitions[tp]) <= 0 for tp in partitions):
                continue
            connection = self.ready(now, broker, FETCH_LANE)
            if connection is not None:
                self._send_fetch(now, connection, broker, partitions)

    def _unread(self, now: int) -> set[int]:
        """The brokers of whose answers something waits for poll."""
        return {
            self._source(now, state, state.leader)
            for state in self._ready.values()
            if state.fetched is not None and state.leader is not None and not state.paused
        }

    def _source(self, now: int, state: PartitionState, leader: PartitionInfo) -> int:
        """Whom to fetch from: the leader, or for a while the follower that it has named."""
        replica = state.replica
        if replica == NO_REPLICA:
            return leader.leader
        if now > state.replica_until:
            state.replica = NO_REPLICA
        elif replica not in self.metadata.brokers or replica not in leader.replicas:
            state.replica = NO_REPLICA
            self.metadata.request_update()
        return leader.leader if state.replica == NO_REPLICA else replica

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
        named = any(partition.topic_id == ZERO_UUID for partition in wanted.values())
        self._fetching[broker] = now
        self.send(
            now,
            connection,
            self._fetch_request(session.request(wanted)),
            partial(self._fetched, broker, session),
            LAST_VERSION_WITH_NAMES if named else None,
        )

    def _fetch_request(self, request: SessionRequest) -> FetchRequest:
        return FetchRequest(
            max_wait_ms=self.config.fetch_max_wait_ms,
            min_bytes=self.config.fetch_min_bytes,
            max_bytes=self.config.fetch_max_bytes,
            isolation_level=self.isolation_level,
            session_id=request.session_id,
            session_epoch=request.epoch,
            topics=fetch_topics(request.added),
            forgotten_topics_data=forgotten_topics(request.forgotten),
            rack_id=self.config.client_rack,
        )

    def _fetched(self, broker: int, session: FetchSession, now: int, answer: Any) -> None:
        sent_at = self._fetching.pop(broker)
        if self._closing:
            return
        if isinstance(answer, KafkaError):
            session.lost()
            self._all_failed(session, answer)
            return
        self.counters.answered(
            now - sent_at,
            sum(len(each.records or b"") for told in answer.responses for each in told.partitions),
        )
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
                if state is None or asked is None or not state.awaits_records():
                    continue
                if state.position == asked.offset:
                    self._fetched_partition(now, state, partition)

    def _all_failed(self, session: FetchSession, error: KafkaError) -> None:
        for tp in session.partitions:
            if tp in self.partitions:
                self.partitions[tp].replica = NO_REPLICA
                if not error.retriable:
                    self._fail(self.partitions[tp], error)

    def _fetched_partition(self, now: int, state: PartitionState, answer: Any) -> None:
        code = ErrorCode.of(answer.error_code)
        if code is ErrorCode.NONE:
            state.high_watermark = answer.high_watermark
            state.last_stable_offset = answer.last_stable_offset
            state.log_start_offset = answer.log_start_offset
            state.attempts = 0
            self._maybe_turn_to(now, state, answer.preferred_read_replica)
            if answer.records:
                self._keep(state, answer)
        elif code is ErrorCode.OFFSET_OUT_OF_RANGE:
            self._out_of_range(state)
        elif code is not ErrorCode.CORRUPT_MESSAGE and (code.retriable or code in PASSING):
            self._fetch_later(now, state)
        else:
            why = f"{state.tp} at offset {state.position}: {code.description}"
            self._fail(state, KafkaError(code, why))

    def _maybe_turn_to(self, now: int, state: PartitionState, replica: int) -> None:
        """The leader has named a follower nearby; read there, until the picture is as old as
        metadata.max.age.ms, or something goes wrong (KIP-392)."""
        if replica in (NO_REPLICA, state.replica):
            return
        state.replica = replica
        state.replica_until = now + self.config.metadata_max_age_ms * MS
        self.emit("read_replica", **state.tp._asdict(), replica=replica)

    def _fetch_later(self, now: int, state: PartitionState) -> None:
        """It did not work. Perhaps somebody else leads by now; try again after a backoff."""
        state.replica = NO_REPLICA
        self.metadata.request_update()
        state.retry_at = now + self.backoff.delay_us(state.attempts, self.random)
        state.attempts += 1

    def _keep(self, state: PartitionState, answer: Any) -> None:
        position, records = state.position, answer.records
        assert position is not None
        aborted = answer.aborted_transactions if self.isolation_level == READ_COMMITTED else None
        ranges = [(each.first_offset, each.producer_id) for each in aborted or ()]
        try:
            fetched = Fetched(state.tp, position, records, self.config.check_crcs, ranges)
        except RecordError as error:
            why = f"{state.tp} at offset {position}: {error}"
            self._fail(state, KafkaError(ErrorCode.CORRUPT_MESSAGE, why))
            return
        if fetched.is_empty:
            # A broker always answers with one whole batch; without one there is no way on.
            why = f"{state.tp} at offset {position}: {len(records)} bytes, but no whole batch"
            self._fail(state, KafkaError(ErrorCode.CORRUPT_MESSAGE, why))
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
        """The log does not hold the position, any more or yet: auto.offset.reset decides.

        A follower may only lag behind; then the leader is asked.
        """
        if state.replica != NO_REPLICA:
            state.replica = NO_REPLICA
        elif self.config.auto_offset_reset == "none":
            why = f"{state.tp} does not hold offset {state.position}, auto.offset.reset is none"
            self._fail(state, KafkaError(ErrorCode.OFFSET_OUT_OF_RANGE, why))
        else:
            state.move(None)

    # --- the end -------------------------------------------------------------------------------
    def _give_sessions_back(self, now: int) -> None:
        """Tell each broker that its session is over, unless there is no way to it.

        Where a fetch waits, the connection of the other requests is used: behind it this one
        would wait too.
        """
        for broker, session in list(self._sessions.items()):
            if session.session_id == NO_SESSION:
                del self._sessions[broker]
            elif not session.is_closing:
                lane = "" if broker in self._fetching else FETCH_LANE
                connection = self.ready(now, broker, lane)
                if connection is not None:
                    body = self._fetch_request(session.last_request())
                    self.send(now, connection, body, partial(self._gave_back, broker))
                elif not self.is_connecting(broker, lane):
                    del self._sessions[broker]

    def _gave_back(self, broker: int, now: int, answer: Any) -> None:
        self._sessions.pop(broker, None)
