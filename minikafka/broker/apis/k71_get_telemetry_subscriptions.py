"""GetTelemetrySubscriptions: which metrics shall a client push? None, and how not.

Versions: 0. KIPs: KIP-714.

Kafka asks its clients for metrics when somebody has subscribed to some and a plug-in takes them.
Without one it does not advertise this API, nor PushTelemetry, and still answers whoever asks.

Not done: refusing whoever asks or pushes again before its interval is over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from zlib import crc32

from minikafka.node import Request
from minikafka.record.compression import Compression
from minikafka.wire.messages.get_telemetry_subscriptions import (
    GetTelemetrySubscriptionsRequest,
    GetTelemetrySubscriptionsResponse,
)
from minikafka.wire.types import ZERO_UUID, random_uuid

if TYPE_CHECKING:
    from minikafka.broker.broker import Broker

PUSH_INTERVAL_MS = 300_000
MAX_BYTES = 1_048_576
"""Kafka's `telemetry.max.bytes`."""
ACCEPTED = [Compression.ZSTD, Compression.LZ4, Compression.GZIP, Compression.SNAPPY]


def handle(broker: Broker, now: int, request: Request) -> GetTelemetrySubscriptionsResponse:
    body: GetTelemetrySubscriptionsRequest = request.body
    client = body.client_instance_id
    if client == ZERO_UUID:
        client = random_uuid(broker.random)
    return GetTelemetrySubscriptionsResponse(
        client_instance_id=client,
        subscription_id=subscription_id(client),
        accepted_compression_types=list(map(int, ACCEPTED)),
        push_interval_ms=PUSH_INTERVAL_MS,
        telemetry_max_bytes=MAX_BYTES,
        delta_temporality=True,
    )


def subscription_id(client: bytes) -> int:
    """Changes with what is subscribed to; here that is always nothing."""
    return crc32(client) - (1 << 31)
