"""Which leader epoch began at which offset: how replicas find out where their logs part.

    epoch  start                 records  0 1 2 3 4 5 6 7 8 9      end 10
      0      0                   epoch    0 0 0 0 2 2 2 5 5 5
      2      4
      5      7                   end of epoch 0: 4     (where the next epoch that wrote began)
                                 end of epoch 3: 2 → 7 (epoch 2 is the last one up to 3)
                                 end of epoch 5: 10    (the latest: the log end offset)

Each time a partition gets a leader, its epoch rises. A leader that writes notes the
offset of its first record. A follower (or a consumer) that was fed by an older leader
asks the new one "where does my epoch end in your log?" and cuts its own log there.
Cutting at the high watermark instead, as Kafka did at first, loses and forks records
(KIP-101, KIP-279); that is why this file exists. See LeaderEpochFileCache.

A reign begins before its first record, and may end without one. Until that record comes
it is remembered but not written down: a crash forgets nothing that a log could miss, and
a broker that starts with thousands of idle partitions writes nothing.
"""

from __future__ import annotations

from minikafka.log.checkpoint import LEADER_EPOCHS, Emit, read_epochs, write_epochs
from minikafka.log.files import Files

UNDEFINED_EPOCH = -1
UNDEFINED_OFFSET = -1


class LeaderEpochs:
    """Epoch and start offset of each epoch that wrote, kept in `leader-epoch-checkpoint`.

    Invariants: both columns of `entries` rise strictly. `saved` is the latest epoch in the
    file; no record in the log is of a later one.
    """

    __slots__ = ("entries", "files", "latest", "path", "saved")

    def __init__(self, files: Files, directory: str, entries: list[tuple[int, int]]) -> None:
        self.files = files
        self.path = f"{directory}/{LEADER_EPOCHS}"
        self.entries = entries
        self.latest = self.saved = entries[-1][0] if entries else UNDEFINED_EPOCH

    @classmethod
    def load(cls, files: Files, directory: str, emit: Emit = None) -> tuple[LeaderEpochs, bool]:
        """The epochs of a log, and whether the file was there and good."""
        entries = read_epochs(files, f"{directory}/{LEADER_EPOCHS}", emit)
        return cls(files, directory, entries or []), entries is not None

    def note(self, epoch: int, start_offset: int) -> bool:
        """`epoch` began at `start_offset`; says whether that was news. Does not save.

        Older entries that contradict it go: they are of a leader that wrote nothing, or
        whose records were cut away.
        """
        if epoch < 0 or epoch == self.latest:
            return False
        while self.entries and (
            self.entries[-1][0] >= epoch or self.entries[-1][1] >= start_offset
        ):
            self.entries.pop()
        self.entries.append((epoch, start_offset))
        self.latest = epoch
        return True

    def assign(self, epoch: int, start_offset: int) -> None:
        """`note`, and save before the first record of the epoch is written."""
        if self.note(epoch, start_offset) or self.saved != self.latest:
            self.save()

    def save(self) -> None:
        write_epochs(self.files, self.path, self.entries)
        self.saved = self.latest

    def end_offset(self, epoch: int, log_end_offset: int) -> tuple[int, int]:
        """The largest epoch that is at most `epoch`, and the offset after its last record.

        (-1, -1) when that cannot be said: `epoch` is undefined or newer than any here. For
        an epoch older than all, the start of the oldest one, with `epoch` itself.
        """
        if epoch == UNDEFINED_EPOCH or epoch > self.latest:
            return UNDEFINED_EPOCH, UNDEFINED_OFFSET
        if epoch == self.latest:
            return epoch, log_end_offset
        found = epoch
        for entry_epoch, start_offset in self.entries:
            if entry_epoch > epoch:
                return found, start_offset
            found = entry_epoch
        raise AssertionError(f"epoch {epoch} is neither the latest nor before it: {self.entries}")

    def epoch_at(self, offset: int) -> int:
        """The epoch of the record at `offset`; -1 when it is before all entries."""
        found = UNDEFINED_EPOCH
        for epoch, start_offset in self.entries:
            if start_offset > offset:
                break
            found = epoch
        return found

    def truncate_from_end(self, end_offset: int) -> None:
        """Forget epochs that began at `end_offset` or later."""
        kept = [entry for entry in self.entries if entry[1] < end_offset]
        self._become(kept)

    def truncate_from_start(self, start_offset: int) -> None:
        """Forget epochs that ended before `start_offset`; the one that goes on begins there now."""
        gone = [entry for entry in self.entries if entry[1] <= start_offset]
        if gone:
            self._become([(gone[-1][0], start_offset), *self.entries[len(gone) :]])

    def _become(self, entries: list[tuple[int, int]]) -> None:
        if entries != self.entries:
            self.entries = entries
            self.latest = entries[-1][0] if entries else UNDEFINED_EPOCH
            self.save()
