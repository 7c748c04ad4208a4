"""All partitions that this broker holds: from the image to logs on the disk.

      image                              disk                     here
      topic t: partitions 0, 1     ──►   t-0/  t-1/          ──►  t ─► {0: Partition, 1: Partition}
                                                                  id of t ─► the same
      (nothing about u)            ──►   u-0/ → u-0.…-stray/      "stray": set aside, reported

The image decides. A partition that it names and the disk lacks is created, empty: the
broker died between deciding and doing. A directory that it does not name is somebody
else's or a deletion that was cut short; its records may be precious, so it is renamed
out of the way and left to a person. One that holds no log at all, whatever its name, is not
touched. See Kafka's ReplicaManager and LogManager.

Not done: replicas on other brokers, and moving a partition between directories.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from minikafka.log.checkpoint import Emit
from minikafka.log.directory import Intervals, LogDirectory
from minikafka.log.log import Log
from minikafka.log.names import STRAY_SUFFIX, aside
from minikafka.quorum.image import MetadataImage, TopicImage
from minikafka.replica.partition import Partition
from minikafka.wire.errors import ErrorCode, KafkaError
from minikafka.wire.types import uuid_text

if TYPE_CHECKING:
    from minikafka.broker.config import BrokerConfig
    from minikafka.log.files import Files

TopicKey = str | bytes
"""How requests name a topic: by its name, or (since KIP-516) by its 16 bytes of id."""


class ReplicaManager:
    """The partitions of this broker. Invariant: every partition of the image has its log open."""

    def __init__(
        self,
        files: Files,
        config: BrokerConfig,
        image: MetadataImage,
        now: int,
        emit: Emit,
        tells_appends: bool = True,
    ) -> None:
        self.files = files
        self.config = config
        self.image = image
        self.emit = emit
        self.tells_appends = tells_appends  # and each high watermark: what happens all the time
        intervals = Intervals._make(getattr(config, name) for name in Intervals._fields)
        self.logs = LogDirectory.open(
            files, lambda topic: config.topic(image.topic_configs(topic)), now, emit, intervals
        )
        self._topics: dict[TopicKey, dict[int, Partition]] = {}
        for log in list(self.logs.logs.values()):
            reason = self._why_stray(log)
            if reason is not None:
                self._set_aside(log, now, reason)
        for topic in image.topics.values():
            self.add(topic, now)

    def __iter__(self) -> Iterator[Partition]:
        for topic in self.image.topics:
            yield from self._topics[topic].values()

    def partition(self, topic: TopicKey, index: int) -> Partition:
        """Raises KafkaError UNKNOWN_TOPIC_OR_PARTITION or UNKNOWN_TOPIC_ID."""
        partitions = self._topics.get(topic)
        if partitions is None:
            if isinstance(topic, str):
                raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, topic)
            raise KafkaError(ErrorCode.UNKNOWN_TOPIC_ID, uuid_text(topic))
        partition = partitions.get(index)
        if partition is None:
            raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, f"no partition {index}")
        return partition

    def find(self, topic: TopicKey, index: int) -> Partition | None:
        """The same without an error."""
        return self._topics.get(topic, {}).get(index)

    def add(self, topic: TopicImage, now: int) -> None:
        """Open the logs of a topic of the image, making those that are not there.

        For a topic that is known already: of the partitions that it has got since.
        """
        config = self.config.topic(self.image.topic_configs(topic.name))
        text = uuid_text(topic.topic_id)
        partitions = self._topics.setdefault(topic.name, {})
        self._topics[topic.topic_id] = partitions
        for index, image in topic.partitions.items():
            if index not in partitions:
                log = self.logs.create(topic.name, index, text, config, now)
                log.tells_appends = self.tells_appends
                often = self.emit if self.tells_appends else None
                partitions[index] = Partition(topic.name, index, image, log, often)

    def configure(self, config: BrokerConfig, topics: Iterable[str]) -> None:
        """Go by the broker's `config` from now on; it or their own have changed for `topics`."""
        self.config = config
        for name in topics:
            changed = config.topic(self.image.topic_configs(name))
            for partition in self._topics.get(name, {}).values():
                partition.log.configure(changed)

    def remove(self, topic: TopicImage, now: int) -> list[Partition]:
        """Delete the logs of a topic that has gone from the image; returns what it was."""
        partitions = self._topics.pop(topic.name)
        del self._topics[topic.topic_id]
        for index in partitions:
            self.logs.delete(topic.name, index, now)
        return list(partitions.values())

    def poll(self, now: int) -> int:
        """Care for the logs (retention, flushes, checkpoints); returns when to come again."""
        return self.logs.poll(now)

    def close(self, now: int) -> None:
        """Flush and close all logs, and leave the mark of a clean stop."""
        self.logs.checkpoint_high_watermarks(
            {(each.topic, each.index): each.high_watermark for each in self}
        )
        self.logs.close(now)

    def _why_stray(self, log: Log) -> str | None:
        """Why this log is none of ours; None when the image has a partition for it."""
        topic = self.image.topics.get(log.topic)
        if topic is None or log.partition not in topic.partitions:
            return "no such partition in the metadata"
        topic_id = uuid_text(topic.topic_id)
        if log.topic_id not in (None, topic_id):
            return f"it is of topic {log.topic_id}, the metadata has {topic_id} by this name"
        return None

    def _set_aside(self, log: Log, now: int, reason: str) -> None:
        del self.logs.logs[log.topic, log.partition]
        log.abandon()
        name = aside(self.files, log.directory, now, STRAY_SUFFIX)
        self.files.rename(log.directory, name)
        if self.emit is not None:
            self.emit("stray", directory=log.directory, renamed=name, reason=reason)
