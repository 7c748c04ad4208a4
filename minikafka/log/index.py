"""Sparse indexes: finding an offset or a time in a segment without reading the segment.

      00000000000000004200.log        .index: 8 bytes an entry    .timeindex: 12 bytes
      position  batch                 offset - 4200 → position    timestamp → offset - 4200
           0    4200..4201
        1800    4202..4202
        4700    4203..4210            10 → 4700                   1700000000123 → 10
        6900    4211..4219
        9100    4220..4220            20 → 9100                   1700000000456 → 19

One batch in some 4 KiB (`index.interval.bytes`) gets an entry. A lookup takes the last
entry that is not beyond the target and reads on from there in the log: at most one
interval. An entry names the *last* offset of its batch, so that a batch is found from
any offset in it by going to the entry before.

The time index says "no record up to this offset is younger than this", so a timestamp
that goes back adds nothing to it.

A textbook keeps an index in memory, and Kafka maps the files into memory. Here entries
written since the segment was opened are kept in two arrays (that is where the readers
near the end look), and older ones stay on the disk: a binary search over 10 MB of index
is 20 reads of 8 bytes, about 20 µs. So a broker opens without reading any index, and
its memory does not grow with its disk.

Not done: Kafka gives the active segment's index files their full size of 10 MB in
advance and cuts them at the end; here the files hold the entries and nothing else.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from struct import Struct

from minikafka.log.files import File

NO_TIMESTAMP = -1


class SparseIndex:
    """Entries of two rising numbers in a file: the last ones in memory too, the others not.

    Invariant: the file holds `cold_count` entries, then those of `warm`, in order.
    """

    __slots__ = ("_last", "cold_count", "entry", "file", "warm")

    def __init__(self, file: File, entry: Struct) -> None:
        self.file = file
        self.entry = entry
        self.cold_count = file.size_bytes // entry.size
        self.warm = (array("q"), array("q"))
        self._last: tuple[int, int] | None = None

    def __len__(self) -> int:
        return self.cold_count + len(self.warm[0])

    @property
    def is_whole(self) -> bool:
        """Whether the file consists of entries. A crash or a bad disk may leave half of one."""
        return self.file.size_bytes == len(self) * self.entry.size

    def __getitem__(self, slot: int) -> tuple[int, int]:
        """The entry at `slot`."""
        if slot >= self.cold_count:
            keys, values = self.warm
            return keys[slot - self.cold_count], values[slot - self.cold_count]
        size = self.entry.size
        key, value = self.entry.unpack(self.file.read(slot * size, size))
        return key, value

    @property
    def last(self) -> tuple[int, int] | None:
        """The last entry, None if there is none."""
        if self._last is None and len(self):
            self._last = self[len(self) - 1]
        return self._last

    def add(self, key: int, value: int) -> None:
        """Append an entry, in memory and in the file."""
        self.file.append(self.entry.pack(key, value))
        self.warm[0].append(key)
        self.warm[1].append(value)
        self._last = (key, value)

    def slot_of(self, column: int, target: int) -> int:
        """The last slot whose `column` (0 key, 1 value) is at most `target`; -1 if none is."""
        warm = self.warm[column]
        if warm and warm[0] <= target:
            return self.cold_count + bisect_right(warm, target) - 1
        low, high = 0, self.cold_count
        while low < high:
            middle = (low + high) // 2
            if self[middle][column] <= target:
                low = middle + 1
            else:
                high = middle
        return low - 1

    def cut(self, count: int) -> None:
        """Keep the first `count` entries."""
        self.file.truncate(count * self.entry.size)
        warm_count = max(0, count - self.cold_count)
        for column in self.warm:
            del column[warm_count:]
        self.cold_count = min(self.cold_count, count)
        self._last = None

    def cool(self) -> None:
        """Forget what is in memory: nobody adds to this index any more."""
        self.cold_count = len(self)
        self.warm = (array("q"), array("q"))


class OffsetIndex(SparseIndex):
    """Where in the log a batch with about this offset begins. `.index`"""

    __slots__ = ("base_offset",)

    ENTRY = Struct(">ii")  # relative offset, position

    def __init__(self, file: File, base_offset: int) -> None:
        super().__init__(file, self.ENTRY)
        self.base_offset = base_offset

    def lookup(self, offset: int) -> tuple[int, int]:
        """An offset up to `offset` and the position of its batch; the segment's start if none."""
        slot = self.slot_of(0, offset - self.base_offset)
        if slot < 0:
            return self.base_offset, 0
        relative, position = self[slot]
        return self.base_offset + relative, position

    def append(self, offset: int, position: int) -> None:
        """Note that the batch that ends with `offset` begins at `position`."""
        self.add(offset - self.base_offset, position)

    def truncate_to(self, offset: int) -> None:
        """Forget entries of `offset` and above."""
        self.cut(self.slot_of(0, offset - self.base_offset - 1) + 1)


class TimeIndex(SparseIndex):
    """The largest timestamp up to an offset. `.timeindex`"""

    __slots__ = ("base_offset",)

    ENTRY = Struct(">qi")  # timestamp in ms, relative offset

    def __init__(self, file: File, base_offset: int) -> None:
        super().__init__(file, self.ENTRY)
        self.base_offset = base_offset

    @property
    def largest(self) -> tuple[int, int]:
        """The largest timestamp that was noted, with its offset; (-1, base offset) if none."""
        if self.last is None:
            return NO_TIMESTAMP, self.base_offset
        timestamp, relative = self.last
        return timestamp, self.base_offset + relative

    def lookup(self, timestamp: int) -> tuple[int, int]:
        """The last entry with at most this timestamp; no record up to its offset is younger."""
        slot = self.slot_of(0, timestamp)
        if slot < 0:
            return NO_TIMESTAMP, self.base_offset
        found, relative = self[slot]
        return found, self.base_offset + relative

    def maybe_append(self, timestamp: int, offset: int) -> None:
        """Note a largest timestamp, unless it is not larger than the one noted last."""
        if timestamp > self.largest[0]:
            self.add(timestamp, offset - self.base_offset)

    def truncate_to(self, offset: int) -> None:
        """Forget entries of `offset` and above."""
        self.cut(self.slot_of(1, offset - self.base_offset - 1) + 1)
