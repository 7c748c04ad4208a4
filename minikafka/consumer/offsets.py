"""Questions about offsets, each to the leader of its partition, asked until it is answered.

      ListOffsets            which offset belongs to this time, or to this end of the log?
      OffsetForLeaderEpoch   where do the records of this leader epoch end?

Both go the same way: all questions to one broker travel in one request; an error that passes
is waited out, with fresh metadata, as perhaps somebody else leads by now; a question whose
partition has moved on meanwhile is dropped.

Sources: `OffsetFetcher`, `OffsetsRequestManager`, `OffsetsForLeaderEpochClient`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from minikafka.client.arguments import TopicPartition
from minikafka.client.node import ClientNode, Connection
from minikafka.node import NEVER
from minikafka.wire.errors import ErrorCode, KafkaError
from minikafka.wire.messages.list_offsets import (
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsTopic,
)
from minikafka.wire.messages.offset_for_leader_epoch import (
    OffsetForLeaderEpochRequest,
    OffsetForLeaderPartition,
    OffsetForLeaderTopic,
)

CONSUMER = -1  # where a follower would put its broker id

PASSING = (
    ErrorCode.OFFSET_NOT_AVAILABLE,
    ErrorCode.KAFKA_STORAGE_ERROR,
    ErrorCode.UNKNOWN_SERVER_ERROR,
)
"""Errors about a partition that pass by themselves, beside the retriable ones."""


class OffsetAndTimestamp(NamedTuple):
    """An answer of `offsets_for_times`: the first record at or after the time asked for."""

    offset: int
    timestamp_ms: int
    leader_epoch: int


class EpochEnd(NamedTuple):
    """The largest epoch that the leader has and that is not above the one asked for; its end."""

    leader_epoch: int
    end_offset: int


class NoOffsetForPartition(KafkaError):
    """There is no position, and auto.offset.reset is none (`NoOffsetForPartitionException`).

    Kafka has no number for this; its code is that of a position out of range. But nothing was
    lost here, as it may have been there.
    """


class LogTruncation(KafkaError):
    """The records before the position are gone, others stand there (`LogTruncationException`).

    `divergent_offset` is where the two logs part, None where the leader does not know it.
    """

    def __init__(self, why: str, divergent_offset: int | None) -> None:
        super().__init__(ErrorCode.OFFSET_OUT_OF_RANGE, why)
        self.divergent_offset = divergent_offset

    def __reduce__(self) -> tuple[type[LogTruncation], tuple[str, int | None]]:  # type: ignore[override]
        return type(self), (self.message, self.divergent_offset)


class Question:
    """One question about one partition."""

    __slots__ = ("about", "asking", "attempts", "deadline", "is_void", "retry_at", "then", "tp")

    def __init__(
        self,
        tp: TopicPartition,
        about: int,
        then: Callable[[int, Any], None],
        deadline: int = NEVER,
        is_void: Callable[[Question], bool] = lambda question: False,
    ) -> None:
        self.tp = tp
        self.about = about  # a time in ms, EARLIEST, LATEST; or a leader epoch
        self.then = then  # called with `now`, and the answer or a KafkaError
        self.deadline = deadline
        self.is_void = is_void  # whether nobody wants to know any more
        self.asking = False
        self.attempts = 0
        self.retry_at = 0


class Questions:
    """The open questions of one kind. A subclass says how they are put into a request."""

    def __init__(self, node: ClientNode) -> None:
        self.node = node
        self.open: list[Question] = []

    def body(self, questions: list[Question]) -> Any:
        """The request that asks them."""
        raise NotImplementedError

    def results(self, answer: Any) -> dict[tuple[str, int], Any]:
        """The partitions of an answer."""
        raise NotImplementedError

    def value(self, result: Any) -> Any:
        """What is told about a partition without an error."""
        raise NotImplementedError

    def work(self, now: int) -> None:
        """Send what can be sent."""
        if not self.open:
            return
        self._drop(now)
        asked: dict[int, list[Question]] = {}
        # A request that names a partition twice is refused whole: a second question about it
        # waits for the first one's answer.
        taken = {question.tp for question in self.open if question.asking}
        for question in self.open:
            self.node.wake_at(question.deadline)
            if question.asking or question.tp in taken:
                continue
            if question.retry_at > now:
                self.node.wake_at(question.retry_at)
                continue
            leader = self.node.metadata.leader_of(*question.tp)
            if leader >= 0:
                asked.setdefault(leader, []).append(question)
                taken.add(question.tp)
        for leader, questions in asked.items():
            connection = self.node.ready(now, leader)
            if connection is not None:
                self._ask(now, connection, questions)

    def leader_epoch(self, tp: TopicPartition) -> int:
        """The epoch in which we believe the leader to be: a broker in another one refuses."""
        return self.node.metadata.topics[tp.topic].partitions[tp.partition].leader_epoch

    def _drop(self, now: int) -> None:
        """Forget what nobody wants to know any more; fail what is late."""
        kept = []
        for question in self.open:
            if question.is_void(question):
                continue
            if question.deadline <= now:
                code = ErrorCode.REQUEST_TIMED_OUT
                question.then(now, KafkaError(code, f"no offset of {question.tp} in time"))
                continue
            kept.append(question)
        self.open = kept

    def _ask(self, now: int, connection: Connection, questions: list[Question]) -> None:
        for question in questions:
            question.asking = True
        self.node.send(now, connection, self.body(questions), partial(self._answered, questions))

    def _answered(self, questions: list[Question], now: int, answer: Any) -> None:
        if isinstance(answer, KafkaError):
            results: dict[tuple[str, int], Any] = {}
            missing = answer
        else:
            results = self.results(answer)
            missing = KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, "missing in the broker's answer")
        for question in questions:
            question.asking = False
            if question not in self.open or question.is_void(question):
                continue
            result = results.get(question.tp)
            if result is None:
                self._learn(now, question, missing)
            elif result.error_code != ErrorCode.NONE:
                code = ErrorCode.of(result.error_code)
                self._learn(now, question, KafkaError(code, f"{question.tp}: {code.description}"))
            else:
                self._learn(now, question, self.value(result))

    def _learn(self, now: int, question: Question, answer: Any) -> None:
        node = self.node
        if isinstance(answer, KafkaError) and (answer.retriable or answer.code in PASSING):
            node.metadata.request_update()
            question.retry_at = now + node.backoff.delay_us(question.attempts, node.random)
            question.attempts += 1
            return
        self.open.remove(question)
        question.then(now, answer)


class OffsetsByTime(Questions):
    """ListOffsets. With read_committed, the log's end is its last stable offset."""

    def __init__(self, node: ClientNode, isolation_level: int, timeout_ms: int) -> None:
        super().__init__(node)
        self.isolation_level = isolation_level
        self.timeout_ms = timeout_ms

    def body(self, questions: list[Question]) -> ListOffsetsRequest:
        topics: dict[str, ListOffsetsTopic] = {}
        for question in questions:
            name, index = question.tp
            if name not in topics:
                topics[name] = ListOffsetsTopic(name=name, partitions=[])
            topics[name].partitions.append(
                ListOffsetsPartition(
                    partition_index=index,
                    current_leader_epoch=self.leader_epoch(question.tp),
                    timestamp=question.about,
                )
            )
        return ListOffsetsRequest(
            replica_id=CONSUMER,
            isolation_level=self.isolation_level,
            topics=list(topics.values()),
            timeout_ms=self.timeout_ms,
        )

    def results(self, answer: Any) -> dict[tuple[str, int], Any]:
        return {
            (topic.name, partition.partition_index): partition
            for topic in answer.topics
            for partition in topic.partitions
        }

    def value(self, result: Any) -> OffsetAndTimestamp:
        return OffsetAndTimestamp(result.offset, result.timestamp, result.leader_epoch)


class EpochEnds(Questions):
    """OffsetForLeaderEpoch."""

    def body(self, questions: list[Question]) -> OffsetForLeaderEpochRequest:
        topics: dict[str, OffsetForLeaderTopic] = {}
        for question in questions:
            name, index = question.tp
            if name not in topics:
                topics[name] = OffsetForLeaderTopic(topic=name, partitions=[])
            topics[name].partitions.append(
                OffsetForLeaderPartition(
                    partition=index,
                    current_leader_epoch=self.leader_epoch(question.tp),
                    leader_epoch=question.about,
                )
            )
        return OffsetForLeaderEpochRequest(replica_id=CONSUMER, topics=list(topics.values()))

    def results(self, answer: Any) -> dict[tuple[str, int], Any]:
        return {
            (topic.topic, partition.partition): partition
            for topic in answer.topics
            for partition in topic.partitions
        }

    def value(self, result: Any) -> EpochEnd:
        return EpochEnd(result.leader_epoch, result.end_offset)
