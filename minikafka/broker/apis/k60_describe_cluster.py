"""DescribeCluster: which brokers there are, without a word about topics.

Versions: 0 to 2. KIPs: KIP-700, KIP-919 (controllers have addresses too), KIP-1073.

Not done: access control, so whoever asks is told that every operation is allowed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minikafka.broker.apis.k03_metadata import CLUSTER_OPERATIONS
from minikafka.node import Request
from minikafka.wire.errors import ErrorCode
from minikafka.wire.messages.describe_cluster import (
    DescribeClusterBroker,
    DescribeClusterRequest,
    DescribeClusterResponse,
)

if TYPE_CHECKING:
    from minikafka.broker.broker import Broker

BROKERS, CONTROLLERS = 1, 2
"""What `endpoint_type` asks for."""


def handle(broker: Broker, now: int, request: Request) -> DescribeClusterResponse:
    body: DescribeClusterRequest = request.body
    if body.endpoint_type != BROKERS:
        is_known = body.endpoint_type == CONTROLLERS
        return DescribeClusterResponse(
            error_code=ErrorCode.MISMATCHED_ENDPOINT_TYPE
            if is_known
            else ErrorCode.UNSUPPORTED_ENDPOINT_TYPE,
            error_message=f"endpoint type {body.endpoint_type} is asked for, this is a broker",
        )
    host, port = broker.advertised
    me = broker.config.node_id
    response = DescribeClusterResponse(
        cluster_id=broker.identity.cluster_id,
        controller_id=me,
        brokers=[DescribeClusterBroker(me, host, port, broker.config.broker_rack)],
    )
    if body.include_cluster_authorized_operations:
        response.cluster_authorized_operations = CLUSTER_OPERATIONS
    return response
