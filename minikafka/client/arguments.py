"""What a program may hand in: checked where it comes in, with an error that names it.

What has got into a request must fit the protocol's fields, or the failure would meet the
machine, and with it everything that others have asked it for.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

INT32_MAX = (1 << 31) - 1
INT64_MAX = (1 << 63) - 1
LONGEST_MS = 1_000_000_000_000
"""31 years: who waits for longer waits for ever."""


def topic_name(given: object) -> str:
    """A name that a request can carry; whether a topic may have it is for the broker to say."""
    if not isinstance(given, str):
        raise TypeError(f"topic must be a str, not {type(given).__name__}")
    if not given:
        raise ValueError("topic must not be empty")
    if len(given) > LONGEST_TOPIC:
        raise ValueError(f"topic must have at most {LONGEST_TOPIC} characters, not {len(given)}")
    utf8(f"topic {given!r}", given)
    return given


LONGEST_TOPIC = 249  # a directory's name has to hold it, with the partition and a suffix


def topic_names(given: Iterable[object]) -> list[str]:
    """Several of them. Raises TypeError for a str, which would be taken letter by letter."""
    if isinstance(given, str):
        raise TypeError(f"topics must be a list of names, not the str {given!r}")
    return [topic_name(name) for name in given]


def utf8(what: str, given: str) -> bytes:
    """The bytes of a text. Raises ValueError for half a surrogate pair, which has none."""
    try:
        return given.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"{what} is not valid text: {error.reason}") from None


def whole_number(what: str, given: object, largest: int, least: int = 0) -> int:
    """An int within its field's bounds; a float is refused, even 1.0."""
    if not isinstance(given, int) or isinstance(given, bool):
        raise TypeError(f"{what} must be an int, not {type(given).__name__}")
    if not least <= given <= largest:
        raise ValueError(f"{what} must be between {least} and {largest}, not {given}")
    return given


def milliseconds(given: object) -> float:
    """A timeout. Infinity is fine, and cut to `LONGEST_MS`, as the clock could not add it."""
    if not isinstance(given, (int, float)) or given != given:  # NaN
        raise TypeError(f"a timeout must be a number of milliseconds, not {given!r}")
    return min(given, LONGEST_MS)


class TopicPartition(NamedTuple):
    """One partition of a topic. Any pair (topic, partition) may be given where one is asked for."""

    topic: str
    partition: int

    def __str__(self) -> str:
        return f"{self.topic}-{self.partition}"

    @classmethod
    def of(cls, given: object) -> TopicPartition:
        """From a pair. Raises TypeError or ValueError for what cannot be one."""
        if not isinstance(given, (tuple, list)) or len(given) != 2:
            raise TypeError(f"a partition is given as a pair (topic, number), not as {given!r}")
        return cls(topic_name(given[0]), whole_number("partition", given[1], INT32_MAX))
