"""AddOffsetsToTxn (25): a transaction is about to commit the offsets of a group (KIP-98).

Versions 0-4. 2 has PRODUCER_FENCED (KIP-588), 3 is flexible, 4 has TRANSACTION_ABORTABLE
(KIP-890).
"""

from __future__ import annotations

from minikafka.wire.schema import Message
from minikafka.wire.types import int16, int32, int64, string


class AddOffsetsToTxnRequest(Message, api_key=25, versions="0-4", flexible="3+"):
    transactional_id: str = string()
    producer_id: int = int64()
    producer_epoch: int = int16()
    group_id: str = string()


class AddOffsetsToTxnResponse(Message, answers=AddOffsetsToTxnRequest):
    throttle_time_ms: int = int32()
    error_code: int = int16()
