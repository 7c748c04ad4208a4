"""Which partition a record goes to.

      a partition was given  ──►  that one
      Producer(partitioner=…) ─►  what the function says
      the record has a key   ──►  toPositive(murmur2(key)) % partitions: the same key, the
                                  same partition, as long as their number stays the same
      neither                ──►  sticky: stay with one partition for batch.size bytes,
                                  then draw another

      records   a b c d e f g h i j k l           round robin     sticky
      p0        a . . d . . g . . j . .           4 small         two full batches: ab cd
      p1        . b . . e . . h . . k .           4 small         then ef gh
      p2        . . c . . f . . i . . l           4 small         then ij kl

It is two because a full batch is a little below batch.size: the second one reaches it.

The textbook spreads keyless records round robin. With many partitions every batch then
leaves nearly empty: as many requests, each for a few records. Sticking to one partition
until a batch is full gives the same spread over time, and full batches (KIP-480).
KIP-794 made it fair: the switch comes after batch.size *bytes*, not after each batch, so
a slow broker, whose batches grow because they wait, no longer gets more of the records.
With `partitioner.adaptive.partitioning.enable` it gets even less: the next partition is
drawn with weights, the fewer batches wait for a partition the likelier it is. And with
`partitioner.availability.timeout.ms` it gets nothing while it has taken no request for so long.

**Your own.** A partitioner is a function, and it decides for records with and without a key:

    def by_length(topic, key, value, partitions):
        return len(value) % len(partitions)

    Producer("localhost:9092", partitioner=by_length)

`partitions` is what the client knows of the topic: its numbers, in `partitions[2].leader` who
leads one. The function is called once for each record that names no partition, in `send`, under
the producer's lock: it must be quick, and use no client. What it raises, `send` raises. (Kafka
has a config, `partitioner.class`, with the name of a class; its `cluster` is our `partitions`.)

The hash is Kafka's own murmur2 (32 bits, its seed) so that every client puts a key into
the same partition; a client with another hash would split a key's order over two.

Sources: `Utils.murmur2`, `BuiltInPartitioner`, KIP-480, KIP-794.

"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

    from minikafka.client.metadata import PartitionInfo, TopicInfo

Partitioner = Callable[[str, "bytes | None", "bytes | None", "Mapping[int, PartitionInfo]"], int]
"""Topic, key, value and the topic's partitions by number: which one the record goes to."""

NONE_DRAWN = -1
_SEED = 0x9747B28C
_M = 0x5BD1E995
_MASK = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """Kafka's 32-bit murmur2, as an unsigned number (Java shows the same bits signed)."""
    length = len(data)
    h = _SEED ^ length
    whole = length & ~3
    for at in range(0, whole, 4):
        k = int.from_bytes(data[at : at + 4], "little") * _M & _MASK
        k = (k ^ k >> 24) * _M & _MASK
        h = h * _M & _MASK ^ k
    if whole != length:
        h = (h ^ int.from_bytes(data[whole:], "little")) * _M & _MASK
    h = (h ^ h >> 13) * _M & _MASK
    return h ^ h >> 15


def partition_of_key(key: bytes, partition_count: int) -> int:
    """Where records with this key go. toPositive clears the sign bit instead of taking |h|."""
    return (murmur2(key) & 0x7FFFFFFF) % partition_count


def ask(partitioner: Partitioner, topic: TopicInfo, key: bytes | None, value: bytes | None) -> int:
    """What an application's partitioner says. Raises ValueError if that is no partition."""
    number = partitioner(topic.name, key, value, MappingProxyType(topic.partitions))
    if type(number) is not int or number not in topic.partitions:
        raise ValueError(
            f"the partitioner says {number!r}, topic {topic.name} has the partitions "
            f"0 to {len(topic.partitions) - 1}"
        )
    return number


class StickyPartition:
    """The partition that one topic's keyless records go to at the moment."""

    __slots__ = ("_batch_size", "_bytes", "_random", "current")

    def __init__(self, batch_size: int, random: Random) -> None:
        self.current = NONE_DRAWN
        self._bytes: float = 0  # appended for it, with the headers of new batches
        self._batch_size = max(batch_size, 1)
        self._random = random

    def draw(self, choices: Sequence[int], waiting: Sequence[int] | None = None) -> int:
        """Take a new partition out of `choices`.

        `waiting` holds how many batches wait for each; None draws all with equal chance.
        """
        self._bytes = 0
        self.current = _draw(choices, waiting, self._random.random)
        return self.current

    def has_enough(self) -> bool:
        """Whether it has had batch.size by now.

        Then another is drawn as soon as its open batch is gone or has no room, so that no small
        batch is left behind …
        """
        return self._bytes >= self._batch_size

    def count(self, size_bytes: float) -> None:
        """… but not later than after twice as much."""
        self._bytes += size_bytes
        if self._bytes >= 2 * self._batch_size:
            self.current = NONE_DRAWN


def _draw(
    choices: Sequence[int], waiting: Sequence[int] | None, random: Callable[[], float]
) -> int:
    """With `waiting` 0 3 1 the weights are 4 1 3: the longest queue, plus 1, minus one's own."""
    if waiting is None or min(waiting) == max(waiting):
        return choices[int(random() * len(choices))]
    longest = max(waiting)
    sums = list(accumulate(longest + 1 - length for length in waiting))
    drawn = int(random() * sums[-1])
    return next(choice for choice, upto in zip(choices, sums, strict=True) if drawn < upto)
