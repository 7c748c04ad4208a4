"""The APIs that a broker serves: a file each, named by its key. Listing this folder lists them.

Every file has one `handle(broker, now, request)`, which reads the request, asks the
machine, and returns the answer; or None when it has put the answer into the outbox itself
or has parked the request.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from minikafka.node import Request

if TYPE_CHECKING:
    from minikafka.broker.broker import Broker

Handler = Callable[["Broker", int, Request], Any]

_FILES = {
    "k00_produce": (3, 13),
    "k01_fetch": (4, 18),
    "k02_list_offsets": (1, 11),
    "k03_metadata": (0, 13),
    "k10_find_coordinator": (0, 6),
    "k18_api_versions": (0, 4),
    "k19_create_topics": (2, 7),
    "k20_delete_topics": (1, 6),
    "k21_delete_records": (0, 2),
    "k22_init_producer_id": (0, 5),
    "k23_offset_for_leader_epoch": (2, 4),
    "k32_describe_configs": (1, 4),
    "k33_alter_configs": (0, 2),
    "k34_alter_replica_log_dirs": (1, 2),
    "k35_describe_log_dirs": (1, 5),
    "k37_create_partitions": (0, 3),
    "k44_incremental_alter_configs": (0, 1),
    "k48_describe_client_quotas": (0, 1),
    "k49_alter_client_quotas": (0, 1),
    "k57_update_features": (0, 2),
    "k60_describe_cluster": (0, 2),
    "k61_describe_producers": (0, 0),
    "k71_get_telemetry_subscriptions": (0, 0),
    "k72_push_telemetry": (0, 0),
    "k74_list_config_resources": (0, 1),
    "k75_describe_topic_partitions": (0, 0),
}

SERVED = {int(file[1:3]): versions for file, versions in _FILES.items()}
"""API key → lowest and highest version that is answered."""


class _Handlers(dict[int, Handler]):
    """Imports a file when its API is first asked for: a broker must be up at once."""

    def __missing__(self, key: int) -> Handler:
        file = next(file for file in _FILES if int(file[1:3]) == key)
        handle: Handler = import_module(f"{__name__}.{file}").handle
        self[key] = handle
        return handle


HANDLERS: dict[int, Handler] = _Handlers()
"""Who answers the requests of an API key."""
