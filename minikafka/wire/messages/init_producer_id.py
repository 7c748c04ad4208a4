"""InitProducerId (22): the identity of an idempotent or transactional producer.

Versions 0-5. 2 is flexible, 3 lets a producer keep its id with a higher epoch
(KIP-360), 4 may answer PRODUCER_FENCED (KIP-588), 5 TRANSACTION_ABORTABLE (KIP-890).

Not done: version 6 (two-phase commit, KIP-939), which Kafka 4.3 marks as unstable
and does not advertise either.
"""

from __future__ import annotations

from minikafka.wire.schema import Message
from minikafka.wire.types import int16, int32, int64, string


class InitProducerIdRequest(Message, api_key=22, versions="0-5", flexible="2+"):
    transactional_id: str | None = string(nullable="0+")
    transaction_timeout_ms: int = int32()
    producer_id: int = int64("3+", default=-1)
    producer_epoch: int = int16("3+", default=-1)


class InitProducerIdResponse(Message, answers=InitProducerIdRequest):
    throttle_time_ms: int = int32(ignorable=True)
    error_code: int = int16()
    producer_id: int = int64(default=-1)
    producer_epoch: int = int16()
