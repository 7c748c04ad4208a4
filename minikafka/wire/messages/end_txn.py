"""EndTxn (26): commit or abort a transaction (KIP-98).

Versions 0-5. 2 has PRODUCER_FENCED (KIP-588), 3 is flexible, 4 has TRANSACTION_ABORTABLE, 5
answers with the next epoch (KIP-890).
"""

from __future__ import annotations

from minikafka.wire.schema import Message
from minikafka.wire.types import boolean, int16, int32, int64, string


class EndTxnRequest(Message, api_key=26, versions="0-5", flexible="3+"):
    transactional_id: str = string()
    producer_id: int = int64()
    producer_epoch: int = int16()
    committed: bool = boolean()


class EndTxnResponse(Message, answers=EndTxnRequest):
    throttle_time_ms: int = int32()
    error_code: int = int16()
    producer_id: int = int64("5+", default=-1, ignorable=True)
    producer_epoch: int = int16("5+", default=-1, ignorable=True)
