"""UnregisterBroker (64): forget a broker that will not come back (KIP-185, KIP-631).

Version 0.
"""

from __future__ import annotations

from minikafka.wire.schema import Message
from minikafka.wire.types import int16, int32, string


class UnregisterBrokerRequest(Message, api_key=64, versions="0-0", flexible="0+"):
    broker_id: int = int32()


class UnregisterBrokerResponse(Message, answers=UnregisterBrokerRequest):
    throttle_time_ms: int = int32()
    error_code: int = int16()
    error_message: str | None = string(nullable="0+")
