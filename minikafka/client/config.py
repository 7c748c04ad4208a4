"""The configs that every client has: Kafka 4.x's names, defaults and bounds."""

from __future__ import annotations

from collections.abc import Set
from typing import Any

from minikafka.config import Config, ConfigError, at_least, int_, list_, long, string


class ClientConfig(Config, kind="client"):
    """The configs that every client has."""

    bootstrap_servers: tuple[str, ...] = list_(
        (), "Addresses host:port from which the client finds all others; a few are enough."
    )
    client_id: str = string("", "The name that brokers see, and logs show.")
    metadata_max_age_ms: int = long(
        300_000,
        "Ask anew who leads what at least this often, even when nothing seems wrong.",
        at_least(0),
    )
    reconnect_backoff_ms: int = long(
        50,
        "Wait this long before connecting again to an address; doubles with each failure.",
        at_least(0),
    )
    reconnect_backoff_max_ms: int = long(1_000, "Where that doubling ends.", at_least(0))
    retry_backoff_ms: int = long(
        100,
        "Wait this long before trying a failed request again; doubles with each failure.",
        at_least(0),
    )
    retry_backoff_max_ms: int = long(1_000, "Where that doubling ends.", at_least(0))
    request_timeout_ms: int = int_(
        30_000, "Give a connection up when an answer takes longer than this.", at_least(0)
    )
    socket_connection_setup_timeout_ms: int = long(
        10_000,
        "The same for connecting, ApiVersions included; doubles with each failure.",
        at_least(0),
    )
    socket_connection_setup_timeout_max_ms: int = long(
        30_000, "Where that doubling ends.", at_least(0)
    )

    @classmethod
    def settle(cls, values: dict[str, Any], explicit: Set[str]) -> None:
        if not values["bootstrap_servers"]:
            raise ConfigError("bootstrap.servers must name at least one host:port")
        for address in values["bootstrap_servers"]:
            host, _, port = address.rpartition(":")
            if not host or not port.isdecimal():
                raise ConfigError(f"bootstrap.servers = {address}: must be host:port")
        values["client_id"] = values["client_id"] or cls.TABLE.kind
