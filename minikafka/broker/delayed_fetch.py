"""One fetch, from the first look at its partitions to its answer, with maybe a wait between.

      max_bytes 100     t-0: 60 bytes there    t-1: 60 there, 40 fit    t-2: nothing fits
      min_bytes 200     60 + 40 < 200: park, watch t-0 t-1 t-2; look again when one grows

A second look reads everything anew; nothing of the first one is kept. What it reads are
slices of log files that nobody opens before they are sent, so a look costs a bisection
and a hop over some batch headers per partition, and the answer of a fetch that waited
holds all that has come in the meantime. Kafka counts bytes while it waits and reads once
at the end; the outcome is the same. See Kafka's DelayedFetch and ReplicaManager.

The trace says why a parked fetch is over ("completed", with its reason):

      bytes      min_bytes are there, in all its partitions together
      timeout    max_wait_ms have passed
      segment    it reads in a segment that is full; an answer has bytes of one, so no more can come
      error      a partition cannot be read any more; the event names the error and the partition
      diverged   the reader's last records are not in this log: it is told where to cut (KIP-595)
      session    its session has gone on with another fetch meanwhile, so this one is told nothing
      closed     its connection has ended: nobody is there to be answered

Not done: while a fetch waits, Kafka counts no more than the partition's max_bytes of each; a
batch larger than that, and than min_bytes, ends the wait here and not there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minikafka.broker.sessions import SessionlessFetch, Told, Wanted, is_follower
from minikafka.node import MS, Request
from minikafka.quorum.quotas import CONSUMER_BYTE_RATE
from minikafka.wire.errors import ErrorCode, KafkaError
from minikafka.wire.messages.common import LeaderIdAndEpoch, NodeEndpoint
from minikafka.wire.messages.fetch import (
    EpochEndOffset,
    FetchRequest,
    FetchResponse,
    PartitionData,
)
from minikafka.wire.types import uuid_text

if TYPE_CHECKING:
    from minikafka.broker.broker import Broker

READ_COMMITTED = 1
LEADER_VERSION = 16
"""From this version of Fetch on, the answer to a client with an old epoch says who leads."""

Fields = dict[str, str]
BYTES = {"reason": "bytes"}
SESSION = {"reason": "session"}

UNKNOWN = (ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, ErrorCode.UNKNOWN_TOPIC_ID)


class DelayedFetch:
    """One fetch on its way to its answer; the purgatory keeps it while it waits."""

    __slots__ = (
        "broker", "channel", "context", "deadline", "is_follower", "max_bytes", "min_bytes",
        "older", "request", "since", "size_bytes", "trouble", "unknown",
    )  # fmt: skip

    def __init__(
        self, broker: Broker, request: Request, context: SessionlessFetch, now: int
    ) -> None:
        body: FetchRequest = request.body
        self.broker = broker
        self.request = request
        self.channel = request.channel
        self.context = context
        self.since = now
        self.deadline = now + body.max_wait_ms * MS
        self.max_bytes = min(body.max_bytes, broker.config.fetch_max_bytes)
        quota = broker.quotas.most_at_once(CONSUMER_BYTE_RATE, request.client_id)
        if quota is not None:
            self.max_bytes = min(self.max_bytes, int(quota))
        self.min_bytes = min(body.min_bytes, self.max_bytes)
        self.is_follower = is_follower(body, request.version)
        self.unknown: int | None = None  # partitions not there at the first look
        self.size_bytes = 0
        self.older: Wanted | None = None  # one that reads in a segment that does not grow any more
        self.trouble: Fields = {}  # something besides records that the client must hear of

    # --- what the purgatory asks (Delayed) ---
    def try_complete(self, now: int) -> bool:
        told = self.read()
        if not self.is_ready(told):
            return False
        self._complete(told, now, **self.trouble or BYTES)
        return True

    def expire(self, now: int) -> None:
        self._complete(self.read(), now, reason="timeout")

    def leave(self, now: int) -> None:
        self._say_completed(now, reason="closed")

    # --- the fetch itself ---
    def read(self) -> Told:
        """Look at every wanted partition, in order, within `max_bytes` together.

        The first batch found comes whole, however large it is, so that no batch can
        block its partition for ever (KIP-74). Notes in `size_bytes` and `trouble` what
        decides whether to wait.
        """
        left, size, unknown = self.max_bytes, 0, 0
        gone: Fields = {}
        self.trouble, self.older = {}, None
        told: Told = []
        for wanted in self.context.wanted:
            try:
                found = self._read_one(wanted, left, size == 0)
            except KafkaError as error:
                told.append((wanted, self._refusal(wanted, error)))
                trouble = {
                    "reason": "error",
                    "error": error.code.name,
                    "partition": self._name(wanted),
                }
                if error.code in UNKNOWN:
                    unknown += 1
                    gone = gone or trouble
                else:
                    self.trouble = self.trouble or trouble
                continue
            told.append((wanted, found))
            if found.records:
                size += len(found.records)
                left = max(0, self.max_bytes - size)
            elif found.diverging_epoch.end_offset >= 0:
                self.trouble = {"reason": "diverged", "partition": self._name(wanted)}
        if self.unknown is None:
            self.unknown = unknown
        # A client that keeps asking for a deleted topic must not spin, so only the news
        # that one has gone is worth an early answer.
        if unknown > self.unknown or unknown == len(told):
            self.trouble = self.trouble or gone
        if self.older is not None and size < self.min_bytes:
            self.trouble = self.trouble or {
                "reason": "segment",
                "partition": self._name(self.older),
            }
        self.size_bytes = size
        return told

    def is_ready(self, told: Told) -> bool:
        """Whether there is a reason to answer now."""
        return (
            self.size_bytes >= self.min_bytes
            or bool(self.trouble)
            or not told
            or self.deadline <= self.since
        )

    def answer(self, told: Told, now: int) -> FetchResponse:
        quotas, client_id = self.broker.quotas, self.request.client_id
        throttle_ms = quotas.charge(CONSUMER_BYTE_RATE, client_id, self.size_bytes, now)
        if throttle_ms > 0:
            quotas.refund(CONSUMER_BYTE_RATE, client_id, self.size_bytes, now)
            answer = self.context.refuse()
            answer.throttle_time_ms = throttle_ms
            return answer
        answer = self.context.answer(told, now)
        if self.trouble and self.request.version >= LEADER_VERSION:
            self._name_leaders(answer)
        return answer

    def park(self) -> None:
        broker = self.broker
        partitions = (broker.replicas.find(each.topic, each.index) for each in self.context.wanted)
        broker.purgatory.park(self, [each for each in partitions if each is not None])
        if broker.trace is not None:
            broker.emit(
                "parked",
                api="Fetch",
                channel=str(self.channel),
                reason=f"{self.size_bytes} of {self.min_bytes} bytes",
            )

    def _complete(self, told: Told, now: int, **why: str) -> None:
        self._say_completed(now, **SESSION if self.context.is_superseded else why)
        self.broker.respond(now, self.request, self.answer(told, now))

    def _say_completed(self, now: int, **why: str) -> None:
        broker = self.broker
        if broker.trace is not None:
            waited_us = now - self.since
            broker.emit(
                "completed", api="Fetch", channel=str(self.channel), **why, waited_us=waited_us
            )

    def _name(self, wanted: Wanted) -> str:
        """A partition as the trace names it; a topic that has gone has only an id any more."""
        partition = self.broker.replicas.find(wanted.topic, wanted.index)
        topic = wanted.topic if isinstance(wanted.topic, str) else uuid_text(wanted.topic)
        return str(partition) if partition is not None else f"{topic}-{wanted.index}"

    def _read_one(self, wanted: Wanted, left: int, at_least_one: bool) -> PartitionData:
        """What one partition has for this fetch. Raises KafkaError."""
        partition = self.broker.replicas.partition(wanted.topic, wanted.index)
        if self.is_follower:
            raise KafkaError(ErrorCode.NOT_LEADER_OR_FOLLOWER, f"{partition} has no followers")
        if wanted.leader_epoch >= 0:  # Fetch alone takes every negative one for none
            partition.check_leader_epoch(wanted.leader_epoch)
        diverging = partition.diverging_epoch(wanted.offset, wanted.last_fetched_epoch)
        high_watermark = partition.high_watermark
        isolation = self.request.body.isolation_level
        told = PartitionData(
            partition_index=wanted.index,
            high_watermark=high_watermark,
            last_stable_offset=high_watermark,
            log_start_offset=partition.log.log_start_offset,
            aborted_transactions=[] if isolation == READ_COMMITTED else None,
            records=b"",
        )
        if diverging is not None:
            told.diverging_epoch = EpochEndOffset(epoch=diverging[0], end_offset=diverging[1])
        else:
            limit = min(wanted.max_bytes, left)
            told.records = partition.read(wanted.offset, limit, at_least_one).records
            if told.records and wanted.offset < partition.log.base_offsets[-1]:
                self.older = self.older or wanted
        return told

    def _refusal(self, wanted: Wanted, error: KafkaError) -> PartitionData:
        return PartitionData(
            partition_index=wanted.index,
            error_code=error.code,
            high_watermark=-1,
            aborted_transactions=[] if error.code in UNKNOWN else None,
            records=b"",
        )

    def _name_leaders(self, answer: FetchResponse) -> None:
        """Tell clients that live in an old epoch who leads now, so they need not ask (KIP-951)."""
        node_id, (host, port) = self.broker.config.node_id, self.broker.advertised
        for topic in answer.responses:
            for told in topic.partitions:
                if told.error_code == ErrorCode.FENCED_LEADER_EPOCH:
                    partition = self.broker.replicas.partition(topic.topic_id, told.partition_index)
                    told.current_leader = LeaderIdAndEpoch(
                        leader_id=node_id, leader_epoch=partition.leader_epoch
                    )
                    answer.node_endpoints = [NodeEndpoint(node_id=node_id, host=host, port=port)]
