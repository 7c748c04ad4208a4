"""The consumer's configs: Kafka 4.x's names, defaults and bounds.

Not done: everything about groups (`group.id`, …); `isolation.level=read_committed`;
`auto.offset.reset=by_duration:…` (KIP-1106); `client.rack`; deserializers (keys and values
are bytes), interceptors, metrics.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from minikafka.client import COMMON_CONFIGS, ClientConfig
from minikafka.config import ConfigKey, ConfigTable, ConfigType, at_least, one_of

CONSUMER_CONFIGS = ConfigTable(
    "consumer",
    [
        *COMMON_CONFIGS,
        ConfigKey(
            "auto.offset.reset",
            ConfigType.STRING,
            "latest",
            "Where to begin without a position, or with one that the log does not hold any more: "
            "at the log's beginning, at its end, or nowhere (poll raises).",
            one_of("earliest", "latest", "none"),
        ),
        ConfigKey(
            "fetch.min.bytes",
            ConfigType.INT,
            1,
            "The broker waits with its answer until it has this many bytes, …",
            at_least(0),
        ),
        ConfigKey(
            "fetch.max.wait.ms", ConfigType.INT, 500, "… but not longer than this.", at_least(0)
        ),
        ConfigKey(
            "fetch.max.bytes",
            ConfigType.INT,
            52_428_800,
            "The most that one answer should hold, beyond its first batch.",
            at_least(0),
        ),
        ConfigKey(
            "max.partition.fetch.bytes",
            ConfigType.INT,
            1_048_576,
            "The most that it should hold of one partition, beyond its first batch.",
            at_least(0),
        ),
        ConfigKey(
            "max.poll.records",
            ConfigType.INT,
            500,
            "The most records that one poll returns. It changes nothing about what is fetched.",
            at_least(1),
        ),
        ConfigKey(
            "check.crcs",
            ConfigType.BOOLEAN,
            True,
            "Verify the checksum of each batch before its records are handed over.",
        ),
        ConfigKey(
            "isolation.level",
            ConfigType.STRING,
            "read_uncommitted",
            "Which records of transactions are handed over.",
            one_of("read_uncommitted"),
        ),
        ConfigKey(
            "allow.auto.create.topics",
            ConfigType.BOOLEAN,
            True,
            "Let asking for a topic create it, if the broker allows that too.",
        ),
        ConfigKey(
            "default.api.timeout.ms",
            ConfigType.INT,
            60_000,
            "How long calls that wait for an answer wait, unless they are told.",
            at_least(0),
        ),
    ],
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsumerConfig(ClientConfig):
    """The values, each under its Kafka name in snake case."""

    auto_offset_reset: str
    fetch_min_bytes: int
    fetch_max_wait_ms: int
    fetch_max_bytes: int
    max_partition_fetch_bytes: int
    max_poll_records: int
    check_crcs: bool
    isolation_level: str
    allow_auto_create_topics: bool
    default_api_timeout_ms: int

    @classmethod
    def of(cls, given: Mapping[str, object]) -> ConsumerConfig:
        """From configs by dotted or snake name. Raises ConfigError."""
        values: dict[str, Any] = CONSUMER_CONFIGS.parse(given)
        values["client_id"] = values["client_id"] or "consumer"
        return cls(**values)
