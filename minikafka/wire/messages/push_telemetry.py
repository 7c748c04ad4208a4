"""PushTelemetry (72): here are a client's metrics (KIP-714).

Version 0.
"""

from __future__ import annotations

from minikafka.wire.schema import Message
from minikafka.wire.types import boolean, bytes_, int8, int16, int32, uuid


class PushTelemetryRequest(Message, api_key=72, versions="0-0", flexible="0+"):
    client_instance_id: bytes = uuid()
    subscription_id: int = int32()
    terminating: bool = boolean()
    compression_type: int = int8()
    metrics: bytes = bytes_()


class PushTelemetryResponse(Message, answers=PushTelemetryRequest):
    throttle_time_ms: int = int32()
    error_code: int = int16()
