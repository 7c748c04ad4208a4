"""AlterConfigs: set these configs of a resource, and reset all others that it sets.

Versions: 0 to 2. KIPs: KIP-133; deprecated by KIP-339, whose IncrementalAlterConfigs does not
undo what somebody else has set meanwhile.

Not done: loggers (nor has Kafka), client metrics and groups as resources.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minikafka.broker.altered import alter, own_configs
from minikafka.node import Request
from minikafka.quorum.configs import Change, reset_changes
from minikafka.wire.messages.alter_configs import (
    AlterConfigsRequest,
    AlterConfigsResource,
    AlterConfigsResourceResponse,
    AlterConfigsResponse,
)

if TYPE_CHECKING:
    from minikafka.broker.broker import Broker


def handle(broker: Broker, now: int, request: Request) -> AlterConfigsResponse:
    body: AlterConfigsRequest = request.body
    wanted = [
        ((each.resource_type, each.resource_name), changes(broker, each)) for each in body.resources
    ]
    return AlterConfigsResponse(
        responses=[
            AlterConfigsResourceResponse(
                error.code if error else 0, error.message if error else None, *resource
            )
            for resource, error in alter(broker, now, wanted, body.validate_only)
        ]
    )


def changes(broker: Broker, resource: AlterConfigsResource) -> list[Change]:
    own = own_configs(broker, (resource.resource_type, resource.resource_name))
    return reset_changes(own, [(each.name, each.value) for each in resource.configs])
