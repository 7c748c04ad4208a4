"""One assigned partition: where its reader stands, and what it knows about who leads there.

                     ListOffsets              Fetch
      no position ───────────────► position ◄───────► records fetched, taken, next position
           ▲                      │        ▲
           │     the leader is    │        │ its log of that epoch reaches at least so far
           │     another, or of   ▼        │
           │     a newer epoch   OffsetForLeaderEpoch: "where do records of epoch 3 end?"
           │                      │        │
           └──────────────────────┘        └─ it ends before the position: go on from that end
             it knows no such epoch

A position is an offset and the leader epoch of the record before it (KIP-320). The offset
alone does not say which record is meant: after an unclean election another record may have
the same offset. So when the leader changes, the new one is asked first.

Sources: `SubscriptionState`, KIP-320, KIP-392.
"""

from __future__ import annotations

from minikafka.client.arguments import TopicPartition
from minikafka.client.metadata import PartitionInfo
from minikafka.consumer.offsets import Question
from minikafka.consumer.records import Fetched
from minikafka.wire.errors import KafkaError

NO_EPOCH = -1
NO_REPLICA = -1


class PartitionState:
    """What the consumer knows about one partition that it reads."""

    __slots__ = (
        "attempts", "epoch", "error", "fetched", "high_watermark", "last_stable_offset", "leader",
        "log_start_offset", "paused", "position", "question", "replica", "replica_until",
        "retry_at", "tp",
    )  # fmt: skip

    def __init__(self, tp: TopicPartition) -> None:
        self.tp = tp
        self.paused = False
        self.high_watermark = -1
        self.last_stable_offset = -1
        self.log_start_offset = -1
        self.replica = NO_REPLICA  # a follower that the leader has told us to read from (KIP-392)
        self.replica_until = 0
        self.move(None)

    def move(self, position: int | None, epoch: int = NO_EPOCH) -> None:
        """Stand somewhere else; what was fetched or asked for the old place is void.

        `epoch` is that of the record before it, where that is known.
        """
        self.position = position  # None: look it up, by `question` or auto.offset.reset
        self.epoch = epoch
        self.leader: PartitionInfo | None = None  # the one with whom the position was checked
        self.question: Question | None = None  # to the leader, about the position
        self.fetched: Fetched | None = None
        self.error: KafkaError | None = None  # for the next poll to raise
        self.attempts = 0  # fetches in vain since the last one that worked
        self.retry_at = 0

    def awaits_records(self) -> bool:
        """Whether the answer to a fetch is welcome; it is while the partition is paused."""
        return (
            self.position is not None
            and self.fetched is None
            and self.error is None
            and self.question is None
        )

    def is_fetchable(self) -> bool:
        return not self.paused and self.awaits_records()

    def follow(self, leader: PartitionInfo) -> bool:
        """Take note of who leads; says whether that one has to be asked about the position."""
        before, self.leader = self.leader, leader
        if before is not None and before[:2] == leader[:2]:
            return False
        self.replica = NO_REPLICA
        return self.epoch >= 0 and leader.leader_epoch >= 0

    def records_lag(self, read_committed: bool) -> int:
        """How many offsets lie between the position and what can be read. -1: not known."""
        end = self.last_stable_offset if read_committed else self.high_watermark
        return -1 if self.position is None or end < 0 else max(0, end - self.position)

    def records_lead(self) -> int:
        """How many offsets the position is ahead of the log's start. -1: not known."""
        if self.position is None or self.log_start_offset < 0:
            return -1
        return max(0, self.position - self.log_start_offset)
