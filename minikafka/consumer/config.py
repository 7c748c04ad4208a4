"""The consumer's configs: Kafka 4.x's names, defaults and bounds.

Not done: everything about groups (`group.id`, …); `isolation.level=read_committed`;
`auto.offset.reset=by_duration:…` (KIP-1106); `client.rack`; deserializers (keys and values
are bytes), interceptors, metrics.
"""

from __future__ import annotations

from minikafka.client.config import ClientConfig
from minikafka.config import at_least, boolean, int_, one_of, string


class ConsumerConfig(ClientConfig, kind="consumer"):
    """The consumer's own configs, beside those of every client."""

    auto_offset_reset: str = string(
        "latest",
        "Where to begin without a position, or with one that the log does not hold any more: "
        "at the log's beginning, at its end, or nowhere (poll raises).",
        one_of("earliest", "latest", "none"),
    )
    fetch_min_bytes: int = int_(
        1, "The broker waits with its answer until it has this many bytes, …", at_least(0)
    )
    fetch_max_wait_ms: int = int_(500, "… but not longer than this.", at_least(0))
    fetch_max_bytes: int = int_(
        52_428_800, "The most that one answer should hold, beyond its first batch.", at_least(0)
    )
    max_partition_fetch_bytes: int = int_(
        1_048_576,
        "The most that it should hold of one partition, beyond its first batch.",
        at_least(0),
    )
    max_poll_records: int = int_(
        500,
        "The most records that one poll returns. It changes nothing about what is fetched.",
        at_least(1),
    )
    check_crcs: bool = boolean(
        True, "Verify the checksum of each batch before its records are handed over."
    )
    isolation_level: str = string(
        "read_uncommitted",
        "Which records of transactions are handed over.",
        one_of("read_uncommitted"),
    )
    allow_auto_create_topics: bool = boolean(
        True, "Let asking for a topic create it, if the broker allows that too."
    )
    default_api_timeout_ms: int = int_(
        60_000, "How long calls that wait for an answer wait, unless they are told.", at_least(0)
    )
