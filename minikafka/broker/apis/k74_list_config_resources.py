"""ListConfigResources: which resources have configs.

Versions: 0 to 1. KIPs: KIP-714 (version 0, client metrics only), KIP-1142.

Not done: client metrics and groups, of which there are none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minikafka.node import Request
from minikafka.quorum.image import BROKER_RESOURCE, LOGGER_RESOURCE, TOPIC_RESOURCE
from minikafka.wire.errors import ErrorCode
from minikafka.wire.messages.list_config_resources import (
    ConfigResource,
    ListConfigResourcesRequest,
    ListConfigResourcesResponse,
)

if TYPE_CHECKING:
    from minikafka.broker.broker import Broker

CLIENT_METRICS, GROUP = 16, 32
KNOWN = {TOPIC_RESOURCE, BROKER_RESOURCE, LOGGER_RESOURCE, CLIENT_METRICS, GROUP}


def handle(broker: Broker, now: int, request: Request) -> ListConfigResourcesResponse:
    body: ListConfigResourcesRequest = request.body
    if request.version == 0:
        return ListConfigResourcesResponse()
    wanted = set(body.resource_types) or KNOWN
    if not wanted <= KNOWN:
        return ListConfigResourcesResponse(error_code=ErrorCode.UNSUPPORTED_VERSION)
    found = []
    for kind in (LOGGER_RESOURCE, BROKER_RESOURCE):
        if kind in wanted:
            found.append(ConfigResource(str(broker.config.node_id), kind))
    if TOPIC_RESOURCE in wanted:
        found += [ConfigResource(name, TOPIC_RESOURCE) for name in broker.image.topics]
    return ListConfigResourcesResponse(config_resources=found)
