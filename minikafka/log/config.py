"""The configs of a topic, as Kafka 4.3 defines them, and where their defaults come from.

A topic's config is found in three layers; the first that sets it wins:

    topic      segment.ms = 60000                     (CreateTopics, IncrementalAlterConfigs)
    broker     log.roll.ms, else log.roll.hours       (server.properties)
    built in   604800000                              (LogConfig below)

The broker's names differ from the topic's for historic reasons, and some carry a unit:
`SYNONYMS` lists them, first choice first, with what one of their units is worth.

Types and defaults are written once, in `LogConfig`; `TOPIC_CONFIGS` adds meaning and
bounds. See Kafka's TopicConfig, LogConfig and ServerTopicConfigSynonyms; KIP-1030 for
the bounds.

Not done: compaction. `cleanup.policy=compact` is accepted, and records need keys, but no
cleaner runs, so such a topic keeps everything.
Not done: tiered storage (KIP-405). `remote.storage.enable` can only be false.
Not done: preallocation. `preallocate=true` is accepted and changes nothing.
Not done: replication throttling. The two lists are accepted and change nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, cast

from minikafka.config import (
    Allowed,
    ConfigKey,
    ConfigTable,
    ConfigType,
    Importance,
    ListOf,
    Range,
    Value,
    at_least,
    between,
    one_of,
)

UNLIMITED = (1 << 63) - 1
"""Java's Long.MAX_VALUE: how Kafka says "never" in a number of ms or messages."""

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


class LogConfig(NamedTuple):
    """What a log is told about itself. Field names, types and defaults are those of the topic.

    `producer_id_expiration_ms` is the exception: a broker's config, the same for all its logs.
    """

    cleanup_policy: tuple[str, ...] = ("delete",)
    compression_gzip_level: int = -1
    compression_lz4_level: int = 9
    compression_type: str = "producer"
    compression_zstd_level: int = 3
    delete_retention_ms: int = DAY_MS
    file_delete_delay_ms: int = 60_000
    flush_messages: int = UNLIMITED
    flush_ms: int = UNLIMITED
    follower_replication_throttled_replicas: tuple[str, ...] = ()
    index_interval_bytes: int = 4096
    internal_segment_bytes: int | None = None
    leader_replication_throttled_replicas: tuple[str, ...] = ()
    local_retention_bytes: int = -2
    local_retention_ms: int = -2
    max_compaction_lag_ms: int = UNLIMITED
    max_message_bytes: int = 1_048_588
    message_timestamp_after_max_ms: int = HOUR_MS
    message_timestamp_before_max_ms: int = UNLIMITED
    message_timestamp_type: str = "CreateTime"
    min_cleanable_dirty_ratio: float = 0.5
    min_compaction_lag_ms: int = 0
    min_insync_replicas: int = 1
    preallocate: bool = False
    remote_log_copy_disable: bool = False
    remote_log_delete_on_disable: bool = False
    remote_storage_enable: bool = False
    retention_bytes: int = -1
    retention_ms: int = 7 * DAY_MS
    segment_bytes: int = 1 << 30
    segment_index_bytes: int = 10 << 20
    segment_jitter_ms: int = 0
    segment_ms: int = 7 * DAY_MS
    unclean_leader_election_enable: bool = False
    producer_id_expiration_ms: int = DAY_MS

    @classmethod
    def of(
        cls, topic: Mapping[str, object], broker: Mapping[str, Value] | None = None
    ) -> LogConfig:
        """The config of a topic that sets `topic`, on a broker with the parsed configs `broker`.

        Raises ConfigError for what a topic must not set, and `broker` is believed.
        """
        values: dict[str, Value] = broker_defaults(broker or {})
        values.update(TOPIC_CONFIGS.parse_given(topic))
        return cls(**cast("dict[str, Any]", values))

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


def _key(
    name: str,
    kind: ConfigType,
    documentation: str,
    allowed: Allowed | None = None,
) -> ConfigKey:
    default = LogConfig._field_defaults[name.replace(".", "_")]
    return ConfigKey(name, kind, default, documentation, allowed)


_BOOLEAN, _DOUBLE, _INT = ConfigType.BOOLEAN, ConfigType.DOUBLE, ConfigType.INT
_LIST, _LONG, _STRING = ConfigType.LIST, ConfigType.LONG, ConfigType.STRING

TOPIC_CONFIGS = ConfigTable(
    "topic",
    [
        _key(
            "cleanup.policy",
            _LIST,
            "What happens to old segments: delete removes whole segments by age and size, "
            "compact keeps the last record of each key.",
            ListOf(("compact", "delete")),
        ),
        _key(
            "compression.gzip.level",
            _INT,
            "Effort of gzip when compression.type is gzip; -1 lets the codec choose.",
            Range(1, 9, also=(-1,)),
        ),
        _key(
            "compression.lz4.level",
            _INT,
            "Effort of lz4 when compression.type is lz4.",
            between(1, 17),
        ),
        _key(
            "compression.type",
            _STRING,
            "The codec in which batches are stored. producer keeps what the producer chose; "
            "any other value makes the broker compress again where it differs.",
            one_of("uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"),
        ),
        _key(
            "compression.zstd.level",
            _INT,
            "Effort of zstd when compression.type is zstd.",
            between(-131072, 22),
        ),
        _key(
            "delete.retention.ms",
            _LONG,
            "How long a compacted topic keeps a tombstone, so that slow readers still see it.",
            at_least(0),
        ),
        _key(
            "file.delete.delay.ms",
            _LONG,
            "How long the directory of a deleted partition stays on the disk.",
            at_least(0),
        ),
        _key(
            "flush.messages",
            _LONG,
            "Flush to the disk after this many records. 1 flushes every append before it is "
            "acknowledged. By default replication provides durability.",
            at_least(1),
        ),
        _key(
            "flush.ms",
            _LONG,
            "Flush to the disk when the oldest unflushed record is this old.",
            at_least(0),
        ),
        _key(
            "follower.replication.throttled.replicas",
            _LIST,
            "Followers whose replication is throttled, as partition:broker pairs, or *.",
        ),
        _key(
            "index.interval.bytes",
            _INT,
            "Distance in the log between two index entries. Smaller finds an offset with less "
            "reading and makes the indexes larger.",
            at_least(0),
        ),
        _key(
            "internal.segment.bytes",
            _INT,
            "Overrides segment.bytes and may be smaller than it allows. For tests.",
        ),
        _key(
            "leader.replication.throttled.replicas",
            _LIST,
            "Leaders whose replication is throttled, as partition:broker pairs, or *.",
        ),
        _key(
            "local.retention.bytes",
            _LONG,
            "With tiered storage, retention.bytes of the local part; -2 means the same value.",
            at_least(-2),
        ),
        _key(
            "local.retention.ms",
            _LONG,
            "With tiered storage, retention.ms of the local part; -2 means the same value.",
            at_least(-2),
        ),
        _key(
            "max.compaction.lag.ms",
            _LONG,
            "The longest time a record may stay uncompacted.",
            at_least(1),
        ),
        _key(
            "max.message.bytes",
            _INT,
            "The largest batch that is taken, in bytes, compressed if it is compressed.",
            at_least(0),
        ),
        _key(
            "message.timestamp.after.max.ms",
            _LONG,
            "How far a producer's timestamp may lie ahead of the broker's clock.",
            at_least(0),
        ),
        _key(
            "message.timestamp.before.max.ms",
            _LONG,
            "How far a producer's timestamp may lie behind the broker's clock.",
            at_least(0),
        ),
        _key(
            "message.timestamp.type",
            _STRING,
            "Whose time a record carries: the producer's (CreateTime) or that of the append "
            "(LogAppendTime).",
            one_of("CreateTime", "LogAppendTime"),
        ),
        _key(
            "min.cleanable.dirty.ratio",
            _DOUBLE,
            "The uncompacted share of a log at which compaction starts.",
            between(0, 1),
        ),
        _key(
            "min.compaction.lag.ms",
            _LONG,
            "The shortest time a record stays uncompacted.",
            at_least(0),
        ),
        _key(
            "min.insync.replicas",
            _INT,
            "How many replicas must be in sync for a write with acks=all to be taken.",
            at_least(1),
        ),
        _key(
            "preallocate", _BOOLEAN, "Whether to reserve the disk space of a new segment at once."
        ),
        _key(
            "remote.log.copy.disable",
            _BOOLEAN,
            "With tiered storage, stop copying segments to the remote tier.",
        ),
        _key(
            "remote.log.delete.on.disable",
            _BOOLEAN,
            "With tiered storage, delete the remote part when it is disabled.",
        ),
        _key(
            "remote.storage.enable",
            _BOOLEAN,
            "Tiered storage, which this broker does not have.",
            one_of(False),
        ),
        _key(
            "retention.bytes",
            _LONG,
            "Delete the oldest segments while the partition is larger than this; -1: no limit.",
        ),
        _key(
            "retention.ms",
            _LONG,
            "Delete segments whose newest record is older than this; -1: keep for ever.",
            at_least(-1),
        ),
        _key(
            "segment.bytes",
            _INT,
            "The size of a segment file. Deletion works on whole segments.",
            at_least(1 << 20),
        ),
        _key(
            "segment.index.bytes",
            _INT,
            "The largest size of an index file; a segment whose index is full is closed.",
            at_least(4),
        ),
        _key(
            "segment.jitter.ms",
            _LONG,
            "The most by which segment.ms is shortened, a different amount for each segment, "
            "so that not all partitions roll at once.",
            at_least(0),
        ),
        _key(
            "segment.ms",
            _LONG,
            "Close a segment when its first record is this old, full or not.",
            at_least(1),
        ),
        _key(
            "unclean.leader.election.enable",
            _BOOLEAN,
            "Whether a replica that is not in sync may lead when no other is left, losing records.",
        ),
    ],
)

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
        topic_key = TOPIC_CONFIGS[name]
        for place, (synonym, unit_ms) in enumerate(synonyms):
            if synonym == "log.flush.scheduler.interval.ms":
                continue  # a config of its own, below
            is_last = place == len(synonyms) - 1
            keys.append(
                topic_key._replace(
                    name=synonym,
                    type=topic_key.type if unit_ms == 1 else ConfigType.INT,
                    default=_in_units(topic_key.default, unit_ms) if is_last else None,
                    allowed=topic_key.allowed if unit_ms == 1 else None,
                    importance=Importance.HIGH,
                )
            )
    return keys


def _in_units(value: Value, unit_ms: int) -> Value:
    return value // unit_ms if isinstance(value, int) and unit_ms > 1 else value


BROKER_LOG_CONFIGS: tuple[ConfigKey, ...] = (
    *_broker_keys(),
    ConfigKey(
        "log.flush.offset.checkpoint.interval.ms",
        _INT,
        60_000,
        "How often the recovery points are written, from where a crashed log is checked.",
        at_least(0),
        Importance.HIGH,
    ),
    ConfigKey(
        "log.flush.scheduler.interval.ms",
        _LONG,
        UNLIMITED,
        "How often the broker looks for logs whose flush.ms is over.",
        None,
        Importance.HIGH,
    ),
    ConfigKey(
        "log.flush.start.offset.checkpoint.interval.ms",
        _INT,
        60_000,
        "How often the log start offsets are written.",
        at_least(0),
        Importance.HIGH,
    ),
    ConfigKey(
        "log.retention.check.interval.ms",
        _LONG,
        300_000,
        "How often the broker looks for segments to delete.",
        at_least(1),
        Importance.MEDIUM,
    ),
    ConfigKey(
        "producer.id.expiration.check.interval.ms",
        _INT,
        600_000,
        "How often the broker looks for producers to forget.",
        at_least(1),
        Importance.LOW,
    ),
    ConfigKey(
        "producer.id.expiration.ms",
        _INT,
        DAY_MS,
        "After this long without a write a producer is forgotten, and with it what would "
        "reveal its retries as duplicates.",
        at_least(1),
        Importance.LOW,
    ),
)
"""What a broker's config table needs so that its logs can be configured."""


def broker_defaults(broker: Mapping[str, Value]) -> dict[str, Value]:
    """What a broker's parsed configs (snake names) make the topics' configs, where they say so."""
    defaults: dict[str, Value] = {}
    for name, synonyms in SYNONYMS.items():
        for synonym, unit_ms in synonyms:
            value = broker.get(synonym.replace(".", "_"))
            if value is not None:
                if unit_ms > 1 and isinstance(value, int):
                    value = max(-1, value * unit_ms)  # -1 hours of retention: for ever
                defaults[name.replace(".", "_")] = value
                break
    if "producer_id_expiration_ms" in broker:
        defaults["producer_id_expiration_ms"] = broker["producer_id_expiration_ms"]
    return defaults
