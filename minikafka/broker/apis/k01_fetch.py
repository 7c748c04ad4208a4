"""Fetch: hand out committed batches from given offsets, now or as soon as there are enough.

Versions: 4 to 18. KIPs: KIP-74 (a batch larger than every limit still comes through),
KIP-227 (sessions), KIP-320 (leader epochs), KIP-516 (topic ids, from 13), KIP-595
(diverging epochs), KIP-951 (who leads instead).

The reading and the waiting are in delayed_fetch.py, the sessions in sessions.py.

Not done: followers as readers (NOT_LEADER_OR_FOLLOWER), reading from the nearest replica.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minikafka.broker.delayed_fetch import DelayedFetch
from minikafka.node import Request
from minikafka.wire.errors import KafkaError
from minikafka.wire.messages.fetch import FetchResponse

if TYPE_CHECKING:
    from minikafka.broker.broker import Broker


def handle(broker: Broker, now: int, request: Request) -> FetchResponse | None:
    try:
        context = broker.sessions.begin(request.body, request.version, now)
    except KafkaError as error:
        return FetchResponse(error_code=error.code)
    fetch = DelayedFetch(broker, request, context, now)
    told = fetch.read()
    if fetch.is_ready(told):
        return fetch.answer(told, now)
    fetch.park()
    return None
