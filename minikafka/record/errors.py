"""What can be wrong with a record batch, one class per way of being wrong.

    RecordError
    ├── CorruptBatch             the bytes are not what they claim to be
    │   ├── BadLength            shorter than its header, longer than the buffer, lengths that lie
    │   ├── BadMagic             not format v2
    │   ├── BadCrc               checksum over the bytes after it does not match
    │   ├── BadCount             number of records is not the number in the header
    │   ├── BadDelta             offset deltas that do not fit the header
    │   ├── BadCodec             compression bits that name no codec
    │   └── CorruptRecords       the compressed section does not decompress
    ├── DecompressionTooLarge    it would grow beyond the limit that the caller set
    └── CodecNotAvailable        the codec is fine, its package is not installed

Each message carries the values that disagree, because "corrupt" alone helps nobody.
Kafka answers BadCount and BadDelta of a produced batch with INVALID_RECORD and the
other corruptions with CORRUPT_MESSAGE (LogValidator); which code leaves the broker
is decided in the log.
"""

from __future__ import annotations


class RecordError(ValueError):
    """Base of everything that this folder raises about bytes."""


class CorruptBatch(RecordError):
    """The bytes of a batch contradict themselves."""


class BadLength(CorruptBatch):
    """A batch or a record is shorter or longer than it says."""


class BadMagic(CorruptBatch):
    """The batch is not in format v2."""


class BadCrc(CorruptBatch):
    """The checksum does not match the bytes."""


class BadCount(CorruptBatch):
    """The number of records is not what the header says, or none at all."""


class BadDelta(CorruptBatch):
    """Offset deltas do not rise, or reach past the last offset of the header."""


class BadCodec(CorruptBatch):
    """The compression bits name no codec."""


class CorruptRecords(CorruptBatch):
    """The compressed section is truncated or is not what its codec writes."""


class DecompressionTooLarge(RecordError):
    """Decompressed, the section would be larger than the caller allows."""


class CodecNotAvailable(RecordError):
    """The package that provides this codec cannot be imported here."""
