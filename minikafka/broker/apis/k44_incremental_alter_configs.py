"""IncrementalAlterConfigs: set, delete, append to or subtract from single configs.

Versions: 0 to 1. KIPs: KIP-339, KIP-412 (loggers).

Not done: client metrics and groups as resources.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minikafka.broker.altered import alter
from minikafka.node import Request
from minikafka.quorum.configs import Change
from minikafka.wire.messages.incremental_alter_configs import (
    AlterConfigsResourceResponse,
    IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse,
)

if TYPE_CHECKING:
    from minikafka.broker.broker import Broker


def handle(broker: Broker, now: int, request: Request) -> IncrementalAlterConfigsResponse:
    body: IncrementalAlterConfigsRequest = request.body
    wanted = [
        (
            (resource.resource_type, resource.resource_name),
            [Change(each.name, each.config_operation, each.value) for each in resource.configs],
        )
        for resource in body.resources
    ]
    return IncrementalAlterConfigsResponse(
        responses=[
            AlterConfigsResourceResponse(
                error.code if error else 0, error.message if error else None, *resource
            )
            for resource, error in alter(broker, now, wanted, body.validate_only, with_loggers=True)
        ]
    )
