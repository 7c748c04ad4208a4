"""PushTelemetry: here are a client's metrics. Nobody wants them.

Versions: 0. KIPs: KIP-714.

Not done: reading them. They are checked as far as Kafka does without a plug-in, and dropped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minikafka.broker.apis.k71_get_telemetry_subscriptions import MAX_BYTES, subscription_id
from minikafka.node import Request
from minikafka.record.compression import Compression
from minikafka.wire.errors import ErrorCode
from minikafka.wire.messages.push_telemetry import PushTelemetryRequest, PushTelemetryResponse
from minikafka.wire.types import ZERO_UUID

if TYPE_CHECKING:
    from minikafka.broker.broker import Broker


def handle(broker: Broker, now: int, request: Request) -> PushTelemetryResponse:
    return PushTelemetryResponse(error_code=error_of(request.body))


def error_of(body: PushTelemetryRequest) -> ErrorCode:
    if body.client_instance_id == ZERO_UUID:
        return ErrorCode.INVALID_REQUEST
    if body.subscription_id != subscription_id(body.client_instance_id):
        return ErrorCode.UNKNOWN_SUBSCRIPTION_ID
    if body.compression_type not in set(Compression):
        return ErrorCode.UNSUPPORTED_COMPRESSION_TYPE
    if len(body.metrics) > MAX_BYTES:
        return ErrorCode.TELEMETRY_TOO_LARGE
    return ErrorCode.NONE
