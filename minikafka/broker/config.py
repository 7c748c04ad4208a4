"""The broker's configs: Kafka's names, Kafka's defaults, and what follows from them.

      >>> BrokerConfig.of({"node.id": 2, "log.retention.hours": 1}).topic({}).retention_ms
      3600000
      >>> BrokerConfig.of({"log.segment.byte": 1})
      ConfigError: unknown broker config log.segment.byte; did you mean log.segment.bytes?

Most of them are defaults for topics: a topic without a `segment.bytes` of its own has the
broker's `log.segment.bytes`. The table that says which follows which is `SYNONYMS` in
log/config.py; DescribeConfigs shows it to clients as a config's synonyms.

Only configs that change something here exist; an unknown name is refused, not ignored.

Not done: several listeners, or others while it runs; several log directories; every protocol but
PLAINTEXT.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any, NamedTuple

from minikafka.config import (
    LARGEST,
    ConfigError,
    ConfigType,
    at_least,
    boolean,
    int_,
    list_,
    long,
    string,
    text_of,
)
from minikafka.log.config import BrokerLogConfig, LogConfig


class Endpoint(NamedTuple):
    """Where a listener is. Host "" means every address of the machine."""

    host: str
    port: int

    @classmethod
    def parse(cls, config: str, given: tuple[str, ...]) -> Endpoint:
        """From one `PLAINTEXT://host:port`; raises ConfigError in the name of `config`."""
        text = _only(config, given)
        protocol, separator, address = text.partition("://")
        host, colon, port = address.rpartition(":")
        if not (separator and colon and port.isdecimal() and int(port) < 1 << 16):
            raise ConfigError(f"{config} = {text}: must be PLAINTEXT://host:port")
        if protocol.upper() != "PLAINTEXT":
            raise ConfigError(f"{config} = {text}: the protocol must be PLAINTEXT")
        return cls(host.strip("[]"), int(port))


class BrokerConfig(BrokerLogConfig, kind="broker"):
    """One broker's configs. Made by `BrokerConfig.of`."""

    node_id: int = int_(
        1, "The broker's number, unique in its cluster. (Kafka has no default.)", at_least(0)
    )
    listeners: tuple[str, ...] = list_(
        ("PLAINTEXT://:9092",),
        "Where to listen: one PLAINTEXT://host:port. No host means every address, port 0 any "
        "free port.",
    )
    advertised_listeners: tuple[str, ...] | None = list_(
        None, "Where clients are told to connect, if that differs from listeners."
    )
    broker_rack: str | None = string(None, "Where the broker stands; told in metadata.")
    log_dirs: tuple[str, ...] = list_(
        ("/tmp/kafka-logs",), "The directory that holds all of the broker's data; exactly one."
    )
    auto_create_topics_enable: bool = boolean(
        True, "Create an unknown topic when a client asks for its metadata and allows it."
    )
    delete_topic_enable: bool = boolean(True, "Whether topics may be deleted.")
    num_partitions: int = int_(
        1, "Partitions of a topic whose creator names no number.", at_least(1)
    )
    default_replication_factor: int = int_(1, "Replicas of a topic whose creator names no number.")
    fetch_max_bytes: int = int_(
        55 << 20,
        "The most records in one fetch answer, in bytes; one larger batch is still sent.",
        at_least(1024),
    )
    max_incremental_fetch_session_cache_slots: int = int_(
        1000, "How many fetch sessions are kept (KIP-227).", at_least(0)
    )
    socket_request_max_bytes: int = int_(
        100 << 20, "The largest request; a larger one closes its connection.", at_least(1)
    )
    connections_max_idle_ms: int = long(
        600_000, "Close a connection that was silent for so long; negative: never."
    )
    max_connections: int = int_(
        LARGEST[ConfigType.INT], "How many connections are accepted at a time.", at_least(0)
    )

    max_connections_per_ip: int = int_(
        LARGEST[ConfigType.INT],
        "How many connections one address may have; one more is closed at once.",
        at_least(0),
    )
    max_connections_per_ip_overrides: str = string(
        "", "The same for single addresses: address:number, separated by commas."
    )
    quota_window_num: int = int_(
        11, "How many windows a client's rate is measured over, for quotas.", at_least(1)
    )
    quota_window_size_seconds: int = int_(1, "How long each of them is.", at_least(1))
    controller_quota_window_num: int = int_(
        11, "The same for what clients change: so many windows may be used at once.", at_least(1)
    )
    controller_quota_window_size_seconds: int = int_(1, "How long each of them is.", at_least(1))

    given: frozenset[str] = frozenset()
    """The dotted names of the keys that were set. DescribeConfigs tells the difference."""

    @classmethod
    def settle(cls, values: dict[str, Any], explicit: Set[str]) -> None:
        for name in ("listeners", "advertised_listeners"):
            if values[name] is not None:
                Endpoint.parse(cls.TABLE[name].name, values[name])
        _only("log.dirs", values["log_dirs"])
        _overrides(values["max_connections_per_ip_overrides"])
        values["given"] = frozenset(cls.TABLE[name].name for name in explicit)

    @property
    def listener(self) -> Endpoint:
        return Endpoint.parse("listeners", self.listeners)

    @property
    def advertised(self) -> Endpoint:
        """Where clients are told to connect."""
        if self.advertised_listeners is None:
            return self.listener
        return Endpoint.parse("advertised.listeners", self.advertised_listeners)

    @property
    def connections_by_address(self) -> dict[str, int]:
        """`max.connections.per.ip.overrides`, read."""
        return _overrides(self.max_connections_per_ip_overrides)

    def topic(self, configs: Mapping[str, object]) -> LogConfig:
        """The config of a topic that sets `configs` itself."""
        return LogConfig.of_topic(configs, vars(self))


def _overrides(text: str) -> dict[str, int]:
    found: dict[str, int] = {}
    if not text:
        return found
    from ipaddress import ip_address  # 5 ms, which few need to pay

    for each in text.split(","):
        address, _, number = each.strip().rpartition(":")
        try:
            if not number.isdecimal():  # int() takes "-5" and "1_0" as well
                raise ValueError(number)
            found[str(ip_address(address.strip("[]")))] = int(number)
        except ValueError:
            raise ConfigError(
                f"max.connections.per.ip.overrides = {text}: must be IP address:number, …"
            ) from None
    return found


def _only(config: str, value: tuple[str, ...]) -> str:
    """The one element that a list must have here."""
    if len(value) != 1 or not value[0]:
        raise ConfigError(f"{config} = {text_of(value)}: must be exactly one")
    return value[0]
