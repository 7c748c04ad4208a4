"""ApiVersions: which APIs this broker serves, in which versions. Every client's first request.

Versions: 0 to 4. KIPs: KIP-35, KIP-511 (who the client is), KIP-584 (features).

The one request that may come in a version the broker does not know, since its answer is
what tells the client the versions: such a request is answered in version 0, with
UNSUPPORTED_VERSION and the versions of ApiVersions itself, and the client asks again.

Not done: features other than metadata.version, because nothing here depends on them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minikafka.node import Request, Response
from minikafka.quorum.metadata_log import METADATA_VERSION, METADATA_VERSION_LEVEL
from minikafka.wire.errors import ErrorCode
from minikafka.wire.messages import produce
from minikafka.wire.messages.api_versions import (
    ApiVersion,
    ApiVersionsRequest,
    ApiVersionsResponse,
    FinalizedFeatureKey,
    SupportedFeatureKey,
)

if TYPE_CHECKING:
    from minikafka.broker.broker import Broker

CLIENT_NAME_VERSION = 3
UNADVERTISED = frozenset([71, 72])
"""Telemetry: nobody takes it, so clients need not ask; Kafka without a plug-in does the same."""
INNER_CHARACTERS = frozenset("-.")
"""What a client's name and version may have between letters and digits (KIP-511)."""


def handle(broker: Broker, now: int, request: Request) -> ApiVersionsResponse | None:
    body: ApiVersionsRequest = request.body
    versions = ApiVersionsRequest.VERSIONS
    if request.version not in versions:
        refusal = ApiVersionsResponse(
            error_code=ErrorCode.UNSUPPORTED_VERSION,
            api_keys=[ApiVersion(api_key=body.API_KEY, min_version=0, max_version=versions.max)],
        )
        broker.outbox.append(Response(request.channel, refusal, 0, request.correlation_id))
        return None
    if request.version >= CLIENT_NAME_VERSION and not (
        is_valid(body.client_software_name) and is_valid(body.client_software_version)
    ):
        return ApiVersionsResponse(error_code=ErrorCode.INVALID_REQUEST)
    level = METADATA_VERSION_LEVEL
    return ApiVersionsResponse(
        api_keys=[
            ApiVersion(api_key=key, min_version=advertised_min(key, low), max_version=high)
            for key, (low, high) in sorted(broker.served.items())
            if key not in UNADVERTISED
        ],
        supported_features=[
            SupportedFeatureKey(name=METADATA_VERSION, min_version=level, max_version=level)
        ],
        finalized_features_epoch=broker.image.offset,
        finalized_features=[
            FinalizedFeatureKey(name=name, min_version_level=level, max_version_level=level)
            for name, level in sorted(broker.image.features.items())
        ],
    )


def advertised_min(key: int, served_min: int) -> int:
    """Produce claims versions that are refused: librdkafka needs to see them (KAFKA-18659)."""
    return produce.ADVERTISED_MIN_VERSION if key == produce.ProduceRequest.API_KEY else served_min


def is_valid(name: str) -> bool:
    """Letters, digits, and between them also dots and dashes."""
    if not (name.isascii() and name[:1].isalnum() and name[-1:].isalnum()):
        return False
    return all(character.isalnum() or character in INNER_CHARACTERS for character in name)
