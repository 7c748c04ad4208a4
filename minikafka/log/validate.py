"""What an append must be before it may change anything: the checks of Kafka's LogValidator.

      bytes ──► complete batches? ──► size, checksum, lengths ──► may a client write this?
                                                                        │
                     timestamps, keys, codec of the topic  ◄────────────┘

All batches of an append are checked before the first one is written. A check in the
middle of writing would leave half an append behind when it fails.

A batch is not decoded for this. Whoever walks each record pays for it with most of the
broker's speed, so the walk is left to the topics where meaning depends on it: compacted
ones (every record needs a key) and those that limit how old a record may be. Elsewhere a
header must give reason: it says that a record is ahead of its time, or claims that its
times are a broker's. A client's batch in a codec is decompressed, though, and its records
are counted: of garbage its sender is the one to hear, not its readers. A topic
with a codec of its own (`compression.type=zstd`) has batches in other codecs compressed
again, which is the dearest thing a broker can be asked to do.

Not done: where no record is looked at, the largest timestamp of the header is believed, and
`message.timestamp.after.max.ms` is enforced by it; Kafka enforces it by each record, and writes
the largest that it finds into the header.
Not done: what is in a record behind its key is not looked at, nor anything in one of an ordinary
topic; Kafka refuses lengths that lie.
Not done: Kafka answers UNKNOWN_SERVER_ERROR when records do not decompress, and knows no limit to
what they become; here these are CORRUPT_MESSAGE and MESSAGE_TOO_LARGE. It lets stray bytes pass
that follow the end of a gzip member, an lz4 frame or the last snappy block; here they are refused
(but a second lz4 frame is read, which Kafka refuses).
"""

from __future__ import annotations

from array import array
from typing import Any, NoReturn

from minikafka.log.config import UNLIMITED, LogConfig
from minikafka.record.batch import (
    CODEC_MASK,
    CONTROL,
    HEADER_BYTES,
    LOG_APPEND_TIME,
    LOG_OVERHEAD,
    NO_TIMESTAMP,
    BatchHeader,
    decompressed,
    read_header,
    recompress,
    set_create_time,
    verify,
)
from minikafka.record.compression import DECOMPRESSED_LIMIT_BYTES, Compression, level_of
from minikafka.record.errors import (
    BadCount,
    BadDelta,
    CodecNotAvailable,
    DecompressionTooLarge,
    RecordError,
)
from minikafka.record.records import keys_and_times
from minikafka.wire.errors import ErrorCode, KafkaError

Batches = list[tuple[int, BatchHeader]]
"""Position and header of each batch of an append."""

CREATE_TIME = "CreateTime"
REASON_TO_LOOK = CODEC_MASK | LOG_APPEND_TIME
ALWAYS_BYTES, MOST_TIMES = 16 << 20, 100
"""A batch may always become so many bytes, and more only if it is large itself: a few kilobytes
that become 100 MB are no honest producer's, and all wait while they are counted."""

MOST_WRONG = 10_000
"""So many records of a batch are named in its refusal."""

INVALID_RECORD = ErrorCode.INVALID_RECORD
INVALID_TIMESTAMP = ErrorCode.INVALID_TIMESTAMP


class NotOneBatch(KafkaError):
    """A client did not send one batch of today's format. Kafka sees that before it asks a log."""


class RecordsRefused(KafkaError):
    """Some records of a batch are at fault, and so all of it is refused (KIP-467)."""

    def __init__(self, code: ErrorCode, wrong: list[tuple[int, str]]) -> None:
        """`wrong` has the place in the batch and the fault of each."""
        first = f"; the first is record {wrong[0][0]}: {wrong[0][1]}" if wrong else ""
        super().__init__(code, f"{len(wrong)} records are at fault{first}")
        self.wrong = wrong

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.code, self.wrong)


class AppendRules:
    """What a topic's config says about appends, worked out once: a config is slow to ask."""

    __slots__ = (
        "config", "flush_messages", "is_create_time", "keeps_codec", "looks_inside",
        "max_ahead_ms", "max_bytes",
    )  # fmt: skip

    def __init__(self, config: LogConfig) -> None:
        self.config = config
        self.max_bytes = min(config.max_message_bytes, config.roll_bytes)
        self.is_create_time = config.message_timestamp_type == CREATE_TIME
        self.max_ahead_ms = config.message_timestamp_after_max_ms
        self.looks_inside = config.compact or (
            self.is_create_time and config.message_timestamp_before_max_ms != UNLIMITED
        )
        self.keeps_codec = config.compression_type == "producer"
        self.flush_messages = config.flush_messages


def check_append(view: memoryview, rules: AppendRules, now: int, from_client: bool) -> Batches:
    """The complete batches in `view`, each fit for the log. `now` in ms. Raises KafkaError.

    A partial batch at the end is left out, as in Kafka. Where a client's header says of times
    what its records do not, it is set right in `view`.
    """
    found: Batches = []
    position, end = 0, len(view)
    try:
        while end - position >= HEADER_BYTES:
            header = read_header(view, position)
            size_bytes = header.batch_length + LOG_OVERHEAD
            if position + size_bytes > end:
                break
            if size_bytes > rules.max_bytes:
                refuse_size(size_bytes, rules.config)
            verify(view, position, header)
            if from_client:
                reason = _check_client_batch(header)
                is_ahead = rules.is_create_time and header.max_timestamp > now + rules.max_ahead_ms
                if reason or is_ahead or rules.looks_inside:
                    header = _look_inside(view, position, header, rules, now, is_ahead)
            found.append((position, header))
            position += size_bytes
    except RecordError as error:
        raise KafkaError(code_of(error), str(error)) from error
    if not found or (from_client and len(found) > 1):
        raise NotOneBatch(
            ErrorCode.INVALID_RECORD, f"one batch a partition is taken, there are {len(found)}"
        )
    return found


def code_of(error: RecordError) -> ErrorCode:
    """How Kafka's protocol names what is wrong with a batch."""
    if isinstance(error, (BadCount, BadDelta)):
        return ErrorCode.INVALID_RECORD
    if isinstance(error, CodecNotAvailable):
        return ErrorCode.UNSUPPORTED_COMPRESSION_TYPE
    if isinstance(error, DecompressionTooLarge):
        return ErrorCode.MESSAGE_TOO_LARGE
    return ErrorCode.CORRUPT_MESSAGE


def refuse_size(size_bytes: int, config: LogConfig) -> NoReturn:
    if size_bytes > config.max_message_bytes:
        code, name, limit = (
            ErrorCode.MESSAGE_TOO_LARGE,
            "max.message.bytes",
            config.max_message_bytes,
        )
    else:
        code, name, limit = ErrorCode.RECORD_LIST_TOO_LARGE, "segment.bytes", config.roll_bytes
    raise KafkaError(code, f"a batch of {size_bytes} bytes, {name} is {limit}")


def _check_client_batch(header: BatchHeader) -> int:
    """What a client must not write: offsets of its own, control batches, ids without numbers.

    Returns those bits of its attributes that are reason to look inside.
    """
    attributes = header.attributes
    if header.base_offset != 0:
        wrong = f"base offset {header.base_offset}, a producer sends 0"
    elif attributes & CONTROL:
        wrong = "only brokers write control batches"
    elif header.producer_id >= 0 and header.base_sequence < 0:
        wrong = f"producer {header.producer_id} without a sequence number"
    else:
        return attributes & REASON_TO_LOOK
    raise KafkaError(INVALID_RECORD, f"{header}: {wrong}")


def _look_inside(
    view: memoryview,
    position: int,
    header: BatchHeader,
    rules: AppendRules,
    now: int,
    is_ahead: bool,
) -> BatchHeader:
    """Decompress a client's batch, and look at each record where there is reason to.

    Returns the header, which is set right in `view` if the records do not bear it out.
    """
    claims = header.attributes & LOG_APPEND_TIME != 0
    limit = limit_bytes(header)
    if not (is_ahead or claims or rules.looks_inside):
        if rules.keeps_codec or target_codec(header, rules.config) is None:
            decompressed(view, position, header, limit)
        return header  # else compress_again does it
    has_key, times = keys_and_times(decompressed(view, position, header, limit), header)
    _check_records(has_key, times, claims, rules, now)
    largest = max(NO_TIMESTAMP, max(times))
    if rules.is_create_time and (claims or largest != header.max_timestamp):
        return set_create_time(view, position, header, largest)
    return header


def limit_bytes(header: BatchHeader) -> int:
    """How large a client's batch may become out of its codec: what it costs others is bounded."""
    return min(DECOMPRESSED_LIMIT_BYTES, max(ALWAYS_BYTES, MOST_TIMES * header.size_bytes))


def _check_records(
    has_key: bytearray, times: array[int], claims: bool, rules: AppendRules, now: int
) -> None:
    """Raises RecordsRefused, which names each record that may not be in this topic, and why.

    A compacted topic needs keys; a producer's clock may be ahead by an hour, by default. A
    batch that `claims` log-append time has one time for all its records: where that is a
    producer's to tell, it is looked at like any other.
    """
    needs_key, is_create_time = rules.config.compact, rules.is_create_time
    earliest = now - rules.config.message_timestamp_before_max_ms
    latest = now + rules.max_ahead_ms
    code = INVALID_RECORD
    wrong: list[tuple[int, str]] = []
    for index, (time, has_one) in enumerate(zip(times, has_key, strict=True)):
        if len(wrong) == MOST_WRONG:
            break
        if needs_key and not has_one:
            wrong.append((index, "Compacted topic cannot accept message without key"))
        elif is_create_time and time != NO_TIMESTAMP:
            if not earliest <= time <= latest:
                code = INVALID_TIMESTAMP  # it is the code of all, if one is at fault like this
                wrong.append((index, f"Timestamp {time} is not within [{earliest}, {latest}]"))
        elif claims:
            code = INVALID_TIMESTAMP
            wrong.append((index, "Producer should not set timestamp type to LogAppendTime"))
    if wrong:
        raise RecordsRefused(code, wrong)


def target_codec(header: BatchHeader, config: LogConfig) -> Compression | None:
    """The codec that this batch must be changed to; None when it may stay as it is."""
    if config.compression_type == "producer" or header.is_control:
        return None
    name = config.compression_type
    target = Compression.NONE if name == "uncompressed" else Compression.by_name(name)
    return None if target is header.compression else target


def compress_again(
    view: memoryview, position: int, header: BatchHeader, codec: Compression, config: LogConfig
) -> bytearray:
    """The batch at `position` with the same records, compressed with `codec`."""
    try:
        level, limit = level_of(codec, config), limit_bytes(header)
        return recompress(view, position, header, codec, level, limit_bytes=limit)
    except RecordError as error:
        raise KafkaError(code_of(error), str(error)) from error
