"""The configs of a topic, as Kafka 4.3 defines them, and where their defaults come from.

A topic's config is found in three layers; the first that sets it wins:

    topic      segment.ms = 60000                     (CreateTopics, IncrementalAlterConfigs)
    broker     log.roll.ms, else log.roll.hours       (server.properties)
    built in   604800000                              (LogConfig below)

The broker's names differ from the topic's for historic reasons, and some carry a unit:
`SYNONYMS` lists them, first choice first, with what one of their units is worth.

See Kafka's TopicConfig, LogConfig and ServerTopicConfigSynonyms; KIP-1030 for
the bounds.

Not done: compaction. `cleanup.policy=compact` is accepted, and records need keys, but no
cleaner runs, so such a topic keeps everything.
Not done: tiered storage (KIP-405). `remote.storage.enable` can only be false.
Not done: preallocation. `preallocate=true` is accepted and changes nothing.
Not done: replication throttling. The two lists are accepted and change nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from minikafka.config import (
    Allowed,
    Config,
    ConfigError,
    ConfigKey,
    ConfigType,
    Importance,
    ListOf,
    Range,
    Value,
    at_least,
    between,
    boolean,
    double,
    int_,
    list_,
    long,
    one_of,
    string,
)

UNLIMITED = (1 << 63) - 1
"""Java's Long.MAX_VALUE: how Kafka says "never" in a number of ms or messages."""

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


class ThrottledReplicas:
    """`0:1,1:2` (partition 0 on broker 1, …) or `*` (Kafka's ThrottledReplicaListValidator)."""

    def allows(self, value: Value) -> bool:
        pairs = value if isinstance(value, tuple) else ("?",)
        return pairs == ("*",) or all(re.fullmatch("[0-9]+:[0-9]+", pair) for pair in pairs)

    def __str__(self) -> str:
        return "a list of partition:broker pairs, or *"


class LogConfig(Config, kind="topic"):
    """What a log is told about itself: the topic's configs."""

    cleanup_policy: tuple[str, ...] = list_(
        ("delete",),
        "What happens to old segments: delete removes whole segments by age and size, compact"
        " keeps the last record of each key.",
        ListOf(("compact", "delete")),
    )
    compression_gzip_level: int = int_(
        -1,
        "Effort of gzip when compression.type is gzip; -1 lets the codec choose.",
        Range(1, 9, also=(-1,)),
    )
    compression_lz4_level: int = int_(
        9, "Effort of lz4 when compression.type is lz4.", between(1, 17)
    )
    compression_type: str = string(
        "producer",
        "The codec in which batches are stored. producer keeps what the producer chose; any "
        "other value makes the broker compress again where it differs.",
        one_of("uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"),
    )
    compression_zstd_level: int = int_(
        3, "Effort of zstd when compression.type is zstd.", between(-131072, 22)
    )
    delete_retention_ms: int = long(
        DAY_MS,
        "How long a compacted topic keeps a tombstone, so that slow readers still see it.",
        at_least(0),
    )
    file_delete_delay_ms: int = long(
        60_000, "How long the directory of a deleted partition stays on the disk.", at_least(0)
    )
    flush_messages: int = long(
        UNLIMITED,
        "Flush to the disk as soon as this many records are not there yet, before the last of "
        "them is acknowledged. With 1, no acknowledged record is lost when the machine loses "
        "power, and each append waits for the disk. By default a flush comes when a segment is "
        "full, and at a clean stop: until then, what only this machine has is lost with its power.",
        at_least(1),
    )
    flush_ms: int = long(
        UNLIMITED,
        "Flush to the disk when the oldest unflushed record is this old. The broker looks for "
        "such logs every log.flush.scheduler.interval.ms, which is never by default: without "
        "that, this does nothing. With it, a loss of power takes at most what was written within "
        "the two times together.",
        at_least(0),
    )
    follower_replication_throttled_replicas: tuple[str, ...] = list_(
        (),
        "Followers whose replication is throttled, as partition:broker pairs, or *.",
        ThrottledReplicas(),
    )
    index_interval_bytes: int = int_(
        4096,
        "Distance in the log between two index entries. Smaller finds an offset with less "
        "reading and makes the indexes larger.",
        at_least(0),
    )
    internal_segment_bytes: int | None = int_(
        None, "Overrides segment.bytes and may be smaller than it allows. For tests."
    )
    leader_replication_throttled_replicas: tuple[str, ...] = list_(
        (),
        "Leaders whose replication is throttled, as partition:broker pairs, or *.",
        ThrottledReplicas(),
    )
    local_retention_bytes: int = long(
        -2,
        "With tiered storage, retention.bytes of the local part; -2 means the same value.",
        at_least(-2),
    )
    local_retention_ms: int = long(
        -2,
        "With tiered storage, retention.ms of the local part; -2 means the same value.",
        at_least(-2),
    )
    max_compaction_lag_ms: int = long(
        UNLIMITED, "The longest time a record may stay uncompacted.", at_least(1)
    )
    max_message_bytes: int = int_(
        1_048_588,
        "The largest batch that is taken, in bytes, compressed if it is compressed.",
        at_least(0),
    )
    message_timestamp_after_max_ms: int = long(
        HOUR_MS, "How far a producer's timestamp may lie ahead of the broker's clock.", at_least(0)
    )
    message_timestamp_before_max_ms: int = long(
        UNLIMITED, "How far a producer's timestamp may lie behind the broker's clock.", at_least(0)
    )
    message_timestamp_type: str = string(
        "CreateTime",
        "Whose time a record carries: the producer's (CreateTime) or that of the append "
        "(LogAppendTime).",
        one_of("CreateTime", "LogAppendTime"),
    )
    min_cleanable_dirty_ratio: float = double(
        0.5, "The uncompacted share of a log at which compaction starts.", between(0, 1)
    )
    min_compaction_lag_ms: int = long(
        0, "The shortest time a record stays uncompacted.", at_least(0)
    )
    min_insync_replicas: int = int_(
        1, "How many replicas must be in sync for a write with acks=all to be taken.", at_least(1)
    )
    preallocate: bool = boolean(
        False, "Whether to reserve the disk space of a new segment at once."
    )
    remote_log_copy_disable: bool = boolean(
        False, "With tiered storage, stop copying segments to the remote tier."
    )
    remote_log_delete_on_disable: bool = boolean(
        False, "With tiered storage, delete the remote part when it is disabled."
    )
    remote_storage_enable: bool = boolean(
        False, "Tiered storage, which this broker does not have.", one_of(False)
    )
    retention_bytes: int = long(
        -1, "Delete the oldest segments while the partition is larger than this; -1: no limit."
    )
    retention_ms: int = long(
        7 * DAY_MS,
        "Delete segments whose newest record is older than this; -1: keep for ever.",
        at_least(-1),
    )
    segment_bytes: int = int_(
        1 << 30, "The size of a segment file. Deletion works on whole segments.", at_least(1 << 20)
    )
    segment_index_bytes: int = int_(
        10 << 20,
        "The largest size of an index file; a segment whose index is full is closed.",
        at_least(4),
    )
    segment_jitter_ms: int = long(
        0,
        "The most by which segment.ms is shortened, a different amount for each segment, so "
        "that not all partitions roll at once.",
        at_least(0),
    )
    segment_ms: int = long(
        7 * DAY_MS, "Close a segment when its first record is this old, full or not.", at_least(1)
    )
    unclean_leader_election_enable: bool = boolean(
        False,
        "Whether a replica that is not in sync may lead when no other is left, losing records.",
    )

    producer_id_expiration_ms: int = DAY_MS
    """Not a topic's config but the broker's, the same for all its logs."""

    @classmethod
    def of_topic(cls, topic: Mapping[str, object], broker: Mapping[str, Value]) -> LogConfig:
        """The config of a topic that sets `topic`, on a broker with the parsed configs `broker`.

        What cannot be is left out: it was checked when it was set, perhaps by another version.
        """
        values: dict[str, Any] = {**broker_defaults(broker), **cls.TABLE.parse_known(topic)}
        return cls(**values)

    @classmethod
    def check_together(cls, topic: Mapping[str, object]) -> None:
        """Raises ConfigError for values of a topic that contradict each other."""
        config = cls(**{**cls.DEFAULTS, **cls.TABLE.parse_known(topic)})
        least, most = config.min_compaction_lag_ms, config.max_compaction_lag_ms
        if least > most:
            raise ConfigError(f"min.compaction.lag.ms ({least}) > max.compaction.lag.ms ({most})")

    @property
    def compact(self) -> bool:
        """Whether the last record of each key must be kept; then every record needs a key."""
        return "compact" in self.cleanup_policy

    @property
    def roll_bytes(self) -> int:
        """The size at which a segment is full. The internal one may be small, for tests."""
        return self.internal_segment_bytes or self.segment_bytes

    @property
    def roll_ms(self) -> int:
        """The age at which a segment is full; compaction needs closed segments in time."""
        return min(self.segment_ms, self.max_compaction_lag_ms) if self.compact else self.segment_ms


INTERNAL = frozenset({"internal.segment.bytes"})
"""Keys that DescribeConfigs does not show."""

SYNONYMS: dict[str, tuple[tuple[str, int], ...]] = {
    "cleanup.policy": (("log.cleanup.policy", 1),),
    "compression.gzip.level": (("compression.gzip.level", 1),),
    "compression.lz4.level": (("compression.lz4.level", 1),),
    "compression.type": (("compression.type", 1),),
    "compression.zstd.level": (("compression.zstd.level", 1),),
    "delete.retention.ms": (("log.cleaner.delete.retention.ms", 1),),
    "file.delete.delay.ms": (("log.segment.delete.delay.ms", 1),),
    "flush.messages": (("log.flush.interval.messages", 1),),
    "flush.ms": (("log.flush.interval.ms", 1), ("log.flush.scheduler.interval.ms", 1)),
    "index.interval.bytes": (("log.index.interval.bytes", 1),),
    "local.retention.bytes": (("log.local.retention.bytes", 1),),
    "local.retention.ms": (("log.local.retention.ms", 1),),
    "max.compaction.lag.ms": (("log.cleaner.max.compaction.lag.ms", 1),),
    "max.message.bytes": (("message.max.bytes", 1),),
    "message.timestamp.after.max.ms": (("log.message.timestamp.after.max.ms", 1),),
    "message.timestamp.before.max.ms": (("log.message.timestamp.before.max.ms", 1),),
    "message.timestamp.type": (("log.message.timestamp.type", 1),),
    "min.cleanable.dirty.ratio": (("log.cleaner.min.cleanable.ratio", 1),),
    "min.compaction.lag.ms": (("log.cleaner.min.compaction.lag.ms", 1),),
    "min.insync.replicas": (("min.insync.replicas", 1),),
    "preallocate": (("log.preallocate", 1),),
    "retention.bytes": (("log.retention.bytes", 1),),
    "retention.ms": (
        ("log.retention.ms", 1),
        ("log.retention.minutes", 60_000),
        ("log.retention.hours", HOUR_MS),
    ),
    "segment.bytes": (("log.segment.bytes", 1),),
    "segment.index.bytes": (("log.index.size.max.bytes", 1),),
    "segment.jitter.ms": (("log.roll.jitter.ms", 1), ("log.roll.jitter.hours", HOUR_MS)),
    "segment.ms": (("log.roll.ms", 1), ("log.roll.hours", HOUR_MS)),
    "unclean.leader.election.enable": (("unclean.leader.election.enable", 1),),
}
"""The broker's names of a topic config, first choice first, and what one of its units is worth."""


def _broker_keys() -> list[ConfigKey]:
    """The broker's side of SYNONYMS: same bounds; unset where a coarser unit has the default."""
    keys = []
    for name, synonyms in SYNONYMS.items():
        topic_key = LogConfig.TABLE[name]
        for place, (synonym, unit_ms) in enumerate(synonyms):
            if synonym == "log.flush.scheduler.interval.ms":
                continue  # a config of its own, below
            is_last = place == len(synonyms) - 1
            keys.append(
                topic_key._replace(
                    name=synonym,
                    type=topic_key.type if unit_ms == 1 else ConfigType.INT,
                    default=_in_units(topic_key.default, unit_ms) if is_last else None,
                    allowed=_allowed(name, unit_ms),
                    importance=Importance.HIGH,
                )
            )
    return keys


def _allowed(name: str, unit_ms: int) -> Allowed | None:
    """A broker's bounds: the topic's. Retention may have any sign, negative is for ever."""
    if name == "retention.ms":
        return NotZero()
    return LogConfig.TABLE[name].allowed if unit_ms == 1 else None


class NotZero:
    """Any number but 0."""

    def allows(self, value: Value) -> bool:
        return value != 0

    def __str__(self) -> str:
        return "any number but 0; a negative one is no limit"


def _in_units(value: Value, unit_ms: int) -> Value:
    return value // unit_ms if isinstance(value, int) and unit_ms > 1 else value


class BrokerLogConfig(Config, kind="broker", more=_broker_keys()):
    """What a broker's configs say about its logs, the defaults of topics among it."""

    log_flush_offset_checkpoint_interval_ms: int = int_(
        60_000,
        "How often the recovery points are written, from where a crashed log is checked. "
        "It flushes no log.",
        at_least(0),
        importance=Importance.HIGH,
    )
    log_flush_scheduler_interval_ms: int = long(
        UNLIMITED,
        "How often the broker looks for logs whose flush.ms is over, and flushes them; by default "
        "never. It is also the default of flush.ms where log.flush.interval.ms is not set.",
        importance=Importance.HIGH,
    )
    log_flush_start_offset_checkpoint_interval_ms: int = int_(
        60_000,
        "How often the log start offsets are written. A crash before that brings deleted "
        "records back, as far as their files are still there.",
        at_least(0),
        importance=Importance.HIGH,
    )
    log_retention_check_interval_ms: int = long(
        300_000, "How often the broker looks for segments to delete.", at_least(1)
    )
    producer_id_expiration_check_interval_ms: int = int_(
        600_000,
        "How often the broker looks for producers to forget.",
        at_least(1),
        importance=Importance.LOW,
    )
    producer_id_expiration_ms: int = int_(
        DAY_MS,
        "After this long without a write a producer is forgotten, and with it what would "
        "reveal its retries as duplicates.",
        at_least(1),
        importance=Importance.LOW,
    )


def broker_defaults(broker: Mapping[str, Value]) -> dict[str, Value]:
    """What a broker's parsed configs (snake names) make the topics' configs, where they say so."""
    defaults: dict[str, Value] = {}
    for name, synonyms in SYNONYMS.items():
        for synonym, unit_ms in synonyms:
            value = broker.get(synonym.replace(".", "_"))
            if value is not None:
                if isinstance(value, int) and (unit_ms > 1 or name == "retention.ms"):
                    value = max(-1, value * unit_ms)  # -1 hours of retention: for ever
                defaults[name.replace(".", "_")] = value
                break
    if "producer_id_expiration_ms" in broker:
        defaults["producer_id_expiration_ms"] = broker["producer_id_expiration_ms"]
    return defaults
