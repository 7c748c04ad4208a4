"""The metadata log: `__cluster_metadata-0`, a quorum of one.

      commit([TopicRecord, PartitionRecord, PartitionRecord])
          │  one batch: a crash leaves all three records or none
          ▼
      append ──► fsync ──► apply to the image ──► only now may anybody be told

It is a log like any other, in the same files and the same batches; only its values are
not opaque. Each is one metadata record in Kafka's encoding, so that Kafka's own
`kafka-dump-log --cluster-metadata-decoder` prints it:

      frame version 1 │ record type │ its version │ the record      (three unsigned varints first)

A partition of users may lose its unflushed tail in a crash of the machine, because other
replicas have it. Nobody else has this log, and a topic whose creation was answered must
exist after any crash: hence the fsync per commit, as in Kafka's KafkaRaftLog.

Not done: other voters, elections, `quorum-state`, leader-change records and snapshots;
the whole log is replayed at each start.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from minikafka.log.checkpoint import Emit
from minikafka.log.config import UNLIMITED, LogConfig
from minikafka.log.directory import METADATA_TOPIC
from minikafka.log.log import Log
from minikafka.node import MS
from minikafka.quorum.image import MetadataImage
from minikafka.record.batch import batches
from minikafka.record.builder import BatchBuilder
from minikafka.record.records import decode
from minikafka.wire.messages.metadata_records import (
    FeatureLevelRecord,
    PartitionRecord,
    decode_record,
    encode_record,
)
from minikafka.wire.schema import Message

if TYPE_CHECKING:
    from minikafka.log.files import Files

DIRECTORY = f"{METADATA_TOPIC}-0"
LEADER_EPOCH = 1
"""The only epoch there is while nobody else can be elected."""

METADATA_VERSION = "metadata.version"
METADATA_VERSION_LEVEL = 30
"""4.3-IV0, the level in whose encoding records are written here."""

PARTITION_RECORD_VERSION = 1
"""With directories (KIP-858); version 2 is for clusters with eligible.leader.replicas."""

CONFIG = LogConfig(retention_ms=-1, segment_ms=UNLIMITED, max_message_bytes=8 << 20)
"""Nothing of this log is ever let go: without snapshots it is the only copy of the state. Its
batches may be as large as those of Kafka's quorum (`KafkaRaftClient.MAX_BATCH_SIZE_BYTES`)."""

READ_BYTES = 1 << 20


class MetadataLog:
    """The log and what it says. Invariant: `image` holds all records of the log, and no other."""

    def __init__(self, files: Files, now: int, emit: Emit, clean: bool) -> None:
        """Open the log and replay it. Raises ValueError or MalformedFrame when it holds what
        this broker cannot follow."""
        self.image = MetadataImage()
        self.log = Log.open(files, DIRECTORY, CONFIG, now, emit, clean)
        self._replay()
        if METADATA_VERSION not in self.image.features:
            level = METADATA_VERSION_LEVEL
            self.commit([FeatureLevelRecord(name=METADATA_VERSION, feature_level=level)], now)

    def commit(self, records: Sequence[Any], now: int) -> None:
        """Make these records true: all of them, or after a crash none. On the disk on return."""
        batch = BatchBuilder()
        for record in records:
            batch.append(now // MS, None, value_of(record), ())
        appended = self.log.append(batch.build(), now, LEADER_EPOCH, from_client=False)
        self.log.flush(now)
        for offset, record in enumerate(records, appended.base_offset):
            self.image.apply(record, offset)

    def close(self, now: int) -> None:
        self.log.close(now)

    def _replay(self) -> None:
        offset = self.log.log_start_offset
        while offset < self.log.log_end_offset:
            found = self.log.read(offset, READ_BYTES).records
            data = found if isinstance(found, bytes) else found.read()
            for position, header in batches(data):
                offset = header.next_offset
                if not header.is_control:  # notes of Kafka's voters, not of the cluster's state
                    for record in decode(data, position, header):
                        self.image.apply(decode_record(record.value or b""), record.offset)


def value_of(record: Message) -> bytes:
    """The value of the record that says this, in the version that the metadata level has."""
    return encode_record(record, PARTITION_RECORD_VERSION if type(record) is PartitionRecord else 0)
