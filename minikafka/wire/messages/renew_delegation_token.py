"""RenewDelegationToken (39): let a token live longer (KIP-48).

Versions 1-2. 2 is flexible.
"""

from __future__ import annotations

from minikafka.wire.schema import Message
from minikafka.wire.types import bytes_, int16, int32, int64


class RenewDelegationTokenRequest(Message, api_key=39, versions="1-2", flexible="2+"):
    hmac: bytes = bytes_()
    renew_period_ms: int = int64()


class RenewDelegationTokenResponse(Message, answers=RenewDelegationTokenRequest):
    error_code: int = int16()
    expiry_timestamp_ms: int = int64()
    throttle_time_ms: int = int32()
