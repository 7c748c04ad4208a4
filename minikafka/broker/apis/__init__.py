"""The APIs that a broker serves: a file each, named by its key. Listing this folder lists them.

Every file has one `handle(broker, now, request)`, which reads the request, asks the
machine, and returns the answer; or None when it has put the answer into the outbox itself
or has parked the request.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from minikafka.broker.apis import (
    k00_produce,
    k01_fetch,
    k02_list_offsets,
    k03_metadata,
    k10_find_coordinator,
    k18_api_versions,
    k19_create_topics,
    k20_delete_topics,
    k22_init_producer_id,
    k32_describe_configs,
)
from minikafka.node import Request
from minikafka.wire import messages
from minikafka.wire.schema import Message

if TYPE_CHECKING:
    from minikafka.broker.broker import Broker

Handler = Callable[["Broker", int, Request], Any]

HANDLERS: dict[type[Message], Handler] = {
    messages.ProduceRequest: k00_produce.handle,
    messages.FetchRequest: k01_fetch.handle,
    messages.ListOffsetsRequest: k02_list_offsets.handle,
    messages.MetadataRequest: k03_metadata.handle,
    messages.FindCoordinatorRequest: k10_find_coordinator.handle,
    messages.ApiVersionsRequest: k18_api_versions.handle,
    messages.CreateTopicsRequest: k19_create_topics.handle,
    messages.DeleteTopicsRequest: k20_delete_topics.handle,
    messages.InitProducerIdRequest: k22_init_producer_id.handle,
    messages.DescribeConfigsRequest: k32_describe_configs.handle,
}
"""Who answers which request."""

SERVED: dict[int, tuple[int, int]] = {cls.API_KEY: cls.VERSIONS for cls in HANDLERS}
"""API key → lowest and highest version that is answered."""
