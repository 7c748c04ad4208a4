"""The consumer's configs: Kafka 4.x's names, defaults and bounds.

Not done: everything about groups (`group.id`, …); deserializers (keys and values are bytes),
interceptors, metrics reporters.
"""

from __future__ import annotations

import re

from minikafka.client.config import ClientConfig
from minikafka.config import Value, at_least, boolean, int_, one_of, string

BY_DURATION = "by_duration:"

_DURATION = re.compile(
    r"(?P<sign>[-+]?)P(?=.)(?:(?P<days>[-+]?\d+)D)?"
    r"(?:T(?=.)(?:(?P<hours>[-+]?\d+)H)?(?:(?P<minutes>[-+]?\d+)M)?"
    r"(?:(?P<seconds>[-+]?\d+(?:[.,]\d{0,9})?)S)?)?",
    re.IGNORECASE | re.ASCII,
)


def duration_ms(text: str) -> int | None:
    """The milliseconds of an ISO 8601 duration of days and less: PT1H is 3,600,000.

    None for what is none, or is negative. Java's `Duration.parse` takes the same texts.
    """
    found = _DURATION.fullmatch(text)
    if found is None:
        return None
    days, hours, minutes = (int(found[unit] or 0) for unit in ("days", "hours", "minutes"))
    seconds = float((found["seconds"] or "0").replace(",", "."))
    ms = ((days * 24 + hours) * 60 + minutes) * 60_000 + int(seconds * 1_000)
    ms = -ms if found["sign"] == "-" else ms
    return ms if ms >= 0 else None


class _ResetPolicy:
    """A bound: what auto.offset.reset may be."""

    def allows(self, value: Value) -> bool:
        if not isinstance(value, str):
            return False
        if value.startswith(BY_DURATION):
            return duration_ms(value.removeprefix(BY_DURATION)) is not None
        return value in ("earliest", "latest", "none")

    def __str__(self) -> str:
        return (
            "earliest, latest, none or by_duration:<how long>, "
            "an ISO 8601 duration that is not negative (by_duration:PT1H is an hour)"
        )


class ConsumerConfig(ClientConfig, kind="consumer"):
    """The consumer's own configs, beside those of every client."""

    auto_offset_reset: str = string(
        "latest",
        "Where to begin without a position, or with one that the log does not hold any more: "
        "at the log's beginning, at its end, at the first record that is no older than a "
        "duration (by_duration:PT1H), or nowhere (poll raises).",
        _ResetPolicy(),
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
        "Whether records of transactions are handed over that are open still, or were aborted.",
        one_of("read_uncommitted", "read_committed"),
    )
    client_rack: str = string(
        "", "Where this client is; the leader may name a follower in the same rack to read from."
    )
    allow_auto_create_topics: bool = boolean(
        True, "Let asking for a topic create it, if the broker allows that too."
    )
    default_api_timeout_ms: int = int_(
        60_000, "How long calls that wait for an answer wait, unless they are told.", at_least(0)
    )
