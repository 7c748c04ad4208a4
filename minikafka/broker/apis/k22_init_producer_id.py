"""InitProducerId: give an idempotent producer the id under which its retries are recognised.

Versions: 0 to 5. KIPs: KIP-98, KIP-360 (from 3).

An id must never be given out twice, even over a crash, and an fsync per producer would be
slow. So ids are reserved by the thousand in the metadata log and given out from memory; a
restart wastes the rest of a block, and there are 2^63 ids.

Not done: transactions. A producer with a transactional id is told that there is no
coordinator for it, which FindCoordinator says as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minikafka.node import Request
from minikafka.wire.errors import ErrorCode
from minikafka.wire.messages.init_producer_id import (
    InitProducerIdRequest,
    InitProducerIdResponse,
)

if TYPE_CHECKING:
    from minikafka.broker.broker import Broker

NOT_GIVEN = -1


def handle(broker: Broker, now: int, request: Request) -> InitProducerIdResponse:
    body: InitProducerIdRequest = request.body
    half_given = (body.producer_id == NOT_GIVEN) != (body.producer_epoch == NOT_GIVEN)
    if half_given or body.transactional_id == "":
        return refusal(ErrorCode.INVALID_REQUEST)
    if body.transactional_id is not None:
        return refusal(ErrorCode.COORDINATOR_NOT_AVAILABLE)
    return InitProducerIdResponse(producer_id=broker.next_producer_id(now), producer_epoch=0)


def refusal(error: ErrorCode) -> InitProducerIdResponse:
    return InitProducerIdResponse(error_code=error, producer_id=-1, producer_epoch=-1)
