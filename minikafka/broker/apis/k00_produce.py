"""Produce: append each batch to its partition and say where it went.

Versions: 3 to 13 (0 to 2 are advertised and refused, see k18_api_versions).
KIPs: KIP-98 (idempotence), KIP-467 (error messages), KIP-516 (topic ids, from 13).

Batches stay opaque: nothing here or below decodes a record, if a topic's config does not ask
for it (validate.py). With one replica a written
record is a committed one, so acks=1 and acks=all are both answered at once; acks=0 is
not answered at all, and an error then closes the connection, the only way to be heard.

Not done: transactions; a transactional batch is refused.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Any

from minikafka.log.validate import NotOneBatch, RecordsRefused
from minikafka.node import Closed, Request, Response
from minikafka.quorum.quotas import PRODUCER_BYTE_RATE
from minikafka.record.batch import CODEC_MASK, HEADER_BYTES, MAGIC, TRANSACTIONAL
from minikafka.record.compression import Compression
from minikafka.wire.errors import ErrorCode, KafkaError
from minikafka.wire.messages.produce import (
    BatchIndexAndErrorMessage,
    PartitionProduceResponse,
    ProduceRequest,
    ProduceResponse,
    TopicProduceResponse,
)

if TYPE_CHECKING:
    from minikafka.broker.broker import Broker
    from minikafka.log.files import Bytes
    from minikafka.log.log import Appended

NONE = int(ErrorCode.NONE)
ZSTD = int(Compression.ZSTD)
TOPIC_ID_VERSION = 13
ZSTD_VERSION = 7
ADMIN_CLIENT_ID = "__admin_client"
"""The client id that may write to internal topics (Kafka's AdminUtils)."""

OF_THE_LOG = {
    ErrorCode.INVALID_RECORD,
    ErrorCode.INVALID_TIMESTAMP,
    ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
    ErrorCode.INVALID_PRODUCER_EPOCH,
    ErrorCode.NOT_ENOUGH_REPLICAS,
}
"""With these Kafka says where the log begins, as it does with whatever a log refuses but for
sizes and checksums (ReplicaManager.appendRecordsToLeader)."""

MAGIC_AT = 16
MAGIC_ATTRIBUTES = Struct(">b4xh")


def handle(broker: Broker, now: int, request: Request) -> ProduceResponse | None:
    body: ProduceRequest = request.body
    version, acks = request.version, body.acks
    errors = size_bytes = 0
    topics = []
    for asked in body.topic_data:
        key = asked.topic_id if version >= TOPIC_ID_VERSION else asked.name
        answers = []
        for data in asked.partition_data:
            try:
                if not -1 <= acks <= 1:
                    raise KafkaError(ErrorCode.INVALID_REQUIRED_ACKS, f"acks = {acks}")
                partition = broker.replicas.partition(key, data.index)
                if partition.is_internal and request.client_id != ADMIN_CLIENT_ID:
                    raise KafkaError(ErrorCode.INVALID_TOPIC_EXCEPTION, f"{partition} is internal")
                records: Any = data.records  # bytes; only what is sent may be a slice of a file
                check_records(records, version, body.transactional_id)
                appended = partition.append(records, now, acks)
            except KafkaError as error:
                errors += 1
                answers.append(refusal(broker, key, data.index, error))
                continue
            broker.grown[partition] = None
            size_bytes += len(records)
            answers.append(acceptance(data.index, appended))
        topics.append(TopicProduceResponse(asked.name, asked.topic_id, answers))
    throttle_ms = 0
    if broker.image.quotas:
        throttle_ms = broker.quotas.charge(PRODUCER_BYTE_RATE, request.client_id, size_bytes, now)
    if acks == 0:
        broker.outbox.append(unheard(request, errors, throttle_ms > 0))
        if throttle_ms > 0 and not errors:
            broker.mute(now, request, throttle_ms)
        return None
    return ProduceResponse(topics, throttle_ms)


def check_records(records: Bytes | None, version: int, transactional_id: str | None) -> None:
    """What this API demands beyond what the log does: a batch of a kind the version allows.

    Raises KafkaError. See Kafka's ProduceRequest.validateRecords.
    """
    if records is None or len(records) < HEADER_BYTES:
        raise NotOneBatch(ErrorCode.INVALID_RECORD, "there must be one batch for each partition")
    magic, attributes = MAGIC_ATTRIBUTES.unpack_from(records, MAGIC_AT)
    if magic != MAGIC:
        was_one = 0 <= magic < MAGIC  # a format of its time, else no format at all
        code = ErrorCode.INVALID_RECORD if was_one else ErrorCode.CORRUPT_MESSAGE
        raise NotOneBatch(code, f"batches must have magic {MAGIC}, not {magic}")
    if version < ZSTD_VERSION and attributes & CODEC_MASK == ZSTD:
        raise KafkaError(
            ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, f"no zstd before version {ZSTD_VERSION}"
        )
    if attributes & TRANSACTIONAL:
        if transactional_id is None:
            raise KafkaError(
                ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
                "a transactional batch without a transactional id",
            )
        raise KafkaError(ErrorCode.INVALID_TXN_STATE, "no transaction was begun here")


def acceptance(index: int, appended: Appended) -> PartitionProduceResponse:
    """The answer for a partition that has the records now."""
    # Not by keyword: that doubles the price of an object, and every request makes three.
    return PartitionProduceResponse(
        index,
        NONE,
        appended.base_offset,
        appended.log_append_time_ms,
        appended.log_start_offset,
    )


def refusal(
    broker: Broker, key: str | bytes, index: int, error: KafkaError
) -> PartitionProduceResponse:
    """The answer for a partition to which nothing was written."""
    answer = PartitionProduceResponse(
        index=index, error_code=error.code, base_offset=-1, error_message=error.message
    )
    if isinstance(error, RecordsRefused):
        answer.record_errors = [BatchIndexAndErrorMessage(*wrong) for wrong in error.wrong]
    if error.code in OF_THE_LOG and not isinstance(error, NotOneBatch):
        answer.log_start_offset = broker.replicas.partition(key, index).log.log_start_offset
    return answer


def unheard(request: Request, errors: int, muted: bool) -> Response | Closed:
    """What acks=0 gets: no answer, or, after an error, no connection."""
    if errors:
        return Closed(request.channel, f"{errors} partitions failed in a produce with acks=0")
    return Response(request.channel, None, request.version, request.correlation_id, muted)
