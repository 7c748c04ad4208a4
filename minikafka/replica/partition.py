"""One partition as its leader sees it: a log, and the line up to which it may be read.

      log start            high watermark          log end
          │                       │                   │
          ▼                       ▼                   ▼
          3   4   5   6   7   8 │ 9   10   11         12
          └── readers see these ┘ └ written, but not ┘
                                    on every in-sync replica yet

A record counts as committed when every replica of the in-sync set has it; a leader
change cannot lose it then. The high watermark is the end of what is committed, and a
consumer never reads past it: what it has read stays true.

Textbook Raft commits by majority. Kafka commits by *all in-sync replicas*, and lets the
in-sync set shrink when one falls behind: f + 1 copies then survive f failures, where a
majority needs 2f + 1. `min.insync.replicas` bounds how far the set may shrink before
`acks=all` is refused.

The leader epoch numbers the reigns of leaders. Every batch carries the epoch it was
written in, and a client says which epoch it believes in, so that neither side acts on
a leader change that the other has not seen (KIP-320). See Kafka's Partition.

Not done: followers. The in-sync set is the leader alone, and the high watermark the log end.
Not done: transactions, so the last stable offset is the high watermark.
Not done: a new leader epoch at each start of the broker; the first reign never ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from minikafka.log.checkpoint import Emit
from minikafka.log.log import Appended, FetchedData, Log, SegmentStatistics
from minikafka.quorum.controller import INTERNAL_TOPICS
from minikafka.quorum.image import PartitionImage
from minikafka.wire.errors import ErrorCode, KafkaError

if TYPE_CHECKING:
    from minikafka.log.files import Bytes

ACKS_ALL = -1
NO_EPOCH = -1
"""What a client sends that does not know the leader epoch, or does not care."""


class PartitionStatistics(NamedTuple):
    """A partition from outside, for figures, tests and the command line."""

    topic: str
    partition: int
    leader_epoch: int
    log_start_offset: int
    high_watermark: int
    log_end_offset: int
    isr: tuple[int, ...]
    size_bytes: int
    segments: tuple[SegmentStatistics, ...]


class Partition:
    """See the module's text. `emit` puts an event into its broker's trace, if it has one.

    Invariant: log.log_start_offset <= high_watermark <= log.log_end_offset.
    """

    __slots__ = (
        "emit", "high_watermark", "image", "index", "is_internal", "leader_epoch", "log", "topic",
    )  # fmt: skip

    def __init__(self, topic: str, index: int, image: PartitionImage, log: Log, emit: Emit) -> None:
        self.topic = topic
        self.is_internal = topic in INTERNAL_TOPICS
        self.index = index
        self.image = image
        self.leader_epoch = image.leader_epoch
        self.log = log
        self.high_watermark = log.log_end_offset
        self.emit = emit
        # A reign begins at the log's end, even if nothing is ever written in it (KIP-101).
        log.epochs.note(self.leader_epoch, log.log_end_offset)

    def append(self, records: Bytes, now: int, acks: int) -> Appended:
        """Write a producer's batch; it is stamped in place when its memory is writable.

        Raises KafkaError: NOT_ENOUGH_REPLICAS when acks=all asks for more copies than there
        are in sync, else whatever the log finds wrong with the batch. Nothing is written then.
        """
        if acks == ACKS_ALL and len(self.image.isr) < len(self.image.replicas):
            needed = min(self.log.config.min_insync_replicas, len(self.image.replicas))
            if len(self.image.isr) < needed:
                raise KafkaError(
                    ErrorCode.NOT_ENOUGH_REPLICAS,
                    f"{self}: {len(self.image.isr)} in sync, {needed} are needed",
                )
        appended = self.log.append(records, now, self.leader_epoch)
        self._maybe_advance_high_watermark()
        return appended

    def read(self, offset: int, max_bytes: int, at_least_one: bool) -> FetchedData:
        """Committed batches from the one that holds `offset`; KafkaError OFFSET_OUT_OF_RANGE.

        At most `max_bytes`, where the last batch may be cut, but never the first: it comes
        whole if `at_least_one`, else not at all.
        """
        return self.log.read(offset, max_bytes, end=self.high_watermark, at_least_one=at_least_one)

    def check_leader_epoch(self, epoch: int) -> None:
        """Refuse a client of another reign: FENCED_LEADER_EPOCH or UNKNOWN_LEADER_EPOCH."""
        if epoch == self.leader_epoch or epoch == NO_EPOCH:
            return
        older = epoch < self.leader_epoch
        raise KafkaError(
            ErrorCode.FENCED_LEADER_EPOCH if older else ErrorCode.UNKNOWN_LEADER_EPOCH,
            f"{self}: the leader epoch is {self.leader_epoch}, not {epoch}",
        )

    def diverging_epoch(self, offset: int, last_fetched_epoch: int) -> tuple[int, int] | None:
        """Where the reader's log leaves ours, or None while it is a prefix of ours (KIP-595).

        A reader at `offset` whose last record is of `last_fetched_epoch` agrees with this
        log if that epoch reaches that far here. Else the answer is the largest epoch that
        both can have, and where it ends here: (epoch, end offset).
        """
        if last_fetched_epoch < 0:
            return None
        epoch, end_offset = self.log.end_offset_for_epoch(last_fetched_epoch)
        if epoch == NO_EPOCH or offset < self.log.log_start_offset:
            raise KafkaError(
                ErrorCode.OFFSET_OUT_OF_RANGE,
                f"{self}: nothing is known of epoch {last_fetched_epoch} at offset {offset}",
            )
        if epoch < last_fetched_epoch or end_offset < offset:
            return epoch, end_offset
        return None

    def _maybe_advance_high_watermark(self) -> bool:
        """Commit what every in-sync replica has: the leader's log end, as long as it is alone."""
        committed = self.log.log_end_offset
        if committed <= self.high_watermark:
            return False
        self.high_watermark = committed
        if self.emit is not None:
            self.emit("high_watermark", topic=self.topic, partition=self.index, offset=committed)
        return True

    def statistics(self) -> PartitionStatistics:
        log = self.log.statistics()
        return PartitionStatistics(
            topic=self.topic,
            partition=self.index,
            leader_epoch=self.leader_epoch,
            log_start_offset=log.log_start_offset,
            high_watermark=self.high_watermark,
            log_end_offset=log.log_end_offset,
            isr=self.image.isr,
            size_bytes=log.size_bytes,
            segments=log.segments,
        )

    def __repr__(self) -> str:
        return f"{self.topic}-{self.index}"
