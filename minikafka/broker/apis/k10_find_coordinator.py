"""FindCoordinator: which broker looks after a group or a transaction.

Versions: 0 to 6. KIPs: KIP-98 (transactions), KIP-699 (many keys at once, from 4).

Not done: coordinators. Every key is answered with COORDINATOR_NOT_AVAILABLE, as Kafka
does while it has none, and clients go on asking; share groups are refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minikafka.node import Request
from minikafka.wire.errors import ErrorCode
from minikafka.wire.messages.find_coordinator import (
    Coordinator,
    FindCoordinatorRequest,
    FindCoordinatorResponse,
)

if TYPE_CHECKING:
    from minikafka.broker.broker import Broker

GROUP, TRANSACTION = 0, 1
MANY_KEYS_VERSION = 4
NO_NODE = -1


def handle(broker: Broker, now: int, request: Request) -> FindCoordinatorResponse:
    body: FindCoordinatorRequest = request.body
    known = body.key_type in (GROUP, TRANSACTION)
    error = ErrorCode.COORDINATOR_NOT_AVAILABLE if known else ErrorCode.INVALID_REQUEST
    if request.version < MANY_KEYS_VERSION:
        return FindCoordinatorResponse(
            error_code=error, error_message=error.description, node_id=NO_NODE, port=-1
        )
    return FindCoordinatorResponse(
        coordinators=[
            Coordinator(
                key=key,
                node_id=NO_NODE,
                port=-1,
                error_code=error,
                error_message=error.description,
            )
            for key in body.coordinator_keys
        ]
    )
