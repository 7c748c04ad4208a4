"""What an append must be before it may change anything: the checks of Kafka's LogValidator.

      bytes ──► complete batches? ──► size, checksum, lengths ──► may a client write this?
                                                                        │
                     timestamps, keys, codec of the topic  ◄────────────┘

All batches of an append are checked before the first one is written. A check in the
middle of writing would leave half an append behind when it fails.

A batch is not decoded for this. Whoever walks each record pays for it with most of the
broker's speed, so the walk is left to the topics where meaning depends on it: compacted
ones (every record needs a key) and those that limit how old a record may be. A topic
with a codec of its own (`compression.type=zstd`) has batches in other codecs compressed
again, which is the dearest thing a broker can be asked to do.

Not done: a batch that claims log-append time is refused. Kafka takes it in a topic of the other
kind, and strikes the claim out.
Not done: the largest timestamp of a batch is believed, see record/batch.py.
"""

from __future__ import annotations

from typing import Any, NoReturn

from minikafka.log.config import UNLIMITED, LogConfig
from minikafka.record.batch import (
    CONTROL,
    HEADER_BYTES,
    LOG_APPEND_TIME,
    LOG_OVERHEAD,
    BatchHeader,
    read_header,
    recompress,
    verify,
)
from minikafka.record.compression import Compression
from minikafka.record.errors import (
    BadCount,
    BadDelta,
    CodecNotAvailable,
    DecompressionTooLarge,
    RecordError,
)
from minikafka.record.records import Record, decode
from minikafka.wire.errors import ErrorCode, KafkaError

Batches = list[tuple[int, BatchHeader]]
"""Position and header of each batch of an append."""

CREATE_TIME = "CreateTime"
INVALID_RECORD = ErrorCode.INVALID_RECORD
INVALID_TIMESTAMP = ErrorCode.INVALID_TIMESTAMP


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
        self.looks_inside = config.compact or config.message_timestamp_before_max_ms != UNLIMITED
        self.keeps_codec = config.compression_type == "producer"
        self.flush_messages = config.flush_messages


def check_append(view: memoryview, rules: AppendRules, now: int, from_client: bool) -> Batches:
    """The complete batches in `view`, each fit for the log. `now` in ms. Raises KafkaError.

    A partial batch at the end is left out, as in Kafka.
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
                _check_client_batch(header)
                is_ahead = rules.is_create_time and header.max_timestamp > now + rules.max_ahead_ms
                if is_ahead or rules.looks_inside:
                    records = decode(view, position, header, check_crc=False)
                    _check_records(records, rules, now)
                if is_ahead:  # by its header alone: the records do not go that far
                    raise KafkaError(INVALID_TIMESTAMP, f"{header} is {header.max_timestamp}")
            found.append((position, header))
            position += size_bytes
    except RecordError as error:
        raise KafkaError(code_of(error), str(error)) from error
    if not found or (from_client and len(found) > 1):
        raise KafkaError(
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


def _check_client_batch(header: BatchHeader) -> None:
    """What a client must not write: offsets of its own, control batches, ids without numbers.

    Log-append time is not its to claim.
    """
    attributes = header.attributes
    if header.base_offset != 0:
        code, wrong = INVALID_RECORD, f"base offset {header.base_offset}, a producer sends 0"
    elif attributes & CONTROL:
        code, wrong = INVALID_RECORD, "only brokers write control batches"
    elif header.producer_id >= 0 and header.base_sequence < 0:
        code = INVALID_RECORD
        wrong = f"producer {header.producer_id} without a sequence number"
    elif attributes & LOG_APPEND_TIME:
        code, wrong = INVALID_TIMESTAMP, "claims log-append time"
    else:
        return
    raise KafkaError(code, f"{header}: {wrong}")


def _check_records(records: list[Record], rules: AppendRules, now: int) -> None:
    """Raises RecordsRefused, which names each record that may not be in this topic, and why.

    A compacted topic needs keys; a producer's clock may be ahead by an hour, by default.
    """
    needs_key, is_create_time = rules.config.compact, rules.is_create_time
    earliest = now - rules.config.message_timestamp_before_max_ms
    latest = now + rules.max_ahead_ms
    code, wrong = INVALID_RECORD, []
    for index, record in enumerate(records):
        if needs_key and record.key is None:
            wrong.append((index, "Compacted topic cannot accept message without key"))
        elif is_create_time and (time := record.timestamp) >= 0 and not earliest <= time <= latest:
            code = INVALID_TIMESTAMP  # it is the code of all, if one is at fault like this
            wrong.append((index, f"Timestamp {time} is not within [{earliest}, {latest}]"))
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
        return recompress(view, position, header, codec, _level(codec, config))
    except RecordError as error:
        raise KafkaError(code_of(error), str(error)) from error


def _level(codec: Compression, config: LogConfig) -> int | None:
    match codec:
        case Compression.GZIP:
            return config.compression_gzip_level
        case Compression.LZ4:
            return config.compression_lz4_level
        case Compression.ZSTD:
            return config.compression_zstd_level
    return None
