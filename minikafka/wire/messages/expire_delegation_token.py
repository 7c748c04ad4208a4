"""ExpireDelegationToken (40): let a token end earlier (KIP-48).

Versions 1-2. 2 is flexible.
"""

from __future__ import annotations

from minikafka.wire.schema import Message
from minikafka.wire.types import bytes_, int16, int32, int64


class ExpireDelegationTokenRequest(Message, api_key=40, versions="1-2", flexible="2+"):
    hmac: bytes = bytes_()
    expiry_time_period_ms: int = int64()


class ExpireDelegationTokenResponse(Message, answers=ExpireDelegationTokenRequest):
    error_code: int = int16()
    expiry_timestamp_ms: int = int64()
    throttle_time_ms: int = int32()
