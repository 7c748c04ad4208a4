"""The broker's configs: Kafka's names, Kafka's defaults, and what follows from them.

      >>> BrokerConfig.of({"node.id": 2, "log.retention.hours": 1}).topic({}).retention_ms
      3600000
      >>> BrokerConfig.of({"log.segment.byte": 1})
      ConfigError: unknown broker config log.segment.byte; did you mean log.segment.bytes?

Most of them are defaults for topics: a topic without a `segment.bytes` of its own has the
broker's `log.segment.bytes`. The table that says which follows which is `SYNONYMS` in
log/config.py; DescribeConfigs shows it to clients as a config's synonyms.

Only configs that change something here exist; an unknown name is refused, not ignored.

Not done: changing a config of a running broker (AlterConfigs), several listeners, several
log directories, and every protocol but PLAINTEXT.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, cast

from minikafka.config import (
    LARGEST,
    ConfigError,
    ConfigKey,
    ConfigTable,
    ConfigType,
    Value,
    at_least,
    text_of,
)
from minikafka.log.config import BROKER_LOG_CONFIGS, LogConfig

_BOOLEAN, _INT, _LONG = ConfigType.BOOLEAN, ConfigType.INT, ConfigType.LONG
_LIST, _STRING = ConfigType.LIST, ConfigType.STRING


class Endpoint(NamedTuple):
    """Where a listener is. Host "" means every address of the machine."""

    host: str
    port: int

    @classmethod
    def parse(cls, config: str, text: str) -> Endpoint:
        """From `PLAINTEXT://host:port`; raises ConfigError in the name of `config`."""
        protocol, separator, address = text.partition("://")
        host, colon, port = address.rpartition(":")
        if not (separator and colon and port.isdecimal() and int(port) < 1 << 16):
            raise ConfigError(f"{config} = {text}: must be PLAINTEXT://host:port")
        if protocol.upper() != "PLAINTEXT":
            raise ConfigError(f"{config} = {text}: the protocol must be PLAINTEXT")
        return cls(host.strip("[]"), int(port))


BROKER_CONFIGS = ConfigTable(
    "broker",
    [
        ConfigKey(
            "node.id",
            _INT,
            1,
            "The broker's number, unique in its cluster. (Kafka has no default.)",
            at_least(0),
        ),
        ConfigKey(
            "listeners",
            _LIST,
            ("PLAINTEXT://:9092",),
            "Where to listen: one PLAINTEXT://host:port. No host means every address, port 0 "
            "any free port.",
        ),
        ConfigKey(
            "advertised.listeners",
            _LIST,
            None,
            "Where clients are told to connect, if that differs from listeners.",
        ),
        ConfigKey("broker.rack", _STRING, None, "Where the broker stands; told in metadata."),
        ConfigKey(
            "log.dirs",
            _LIST,
            ("/tmp/kafka-logs",),
            "The directory that holds all of the broker's data; exactly one.",
        ),
        ConfigKey(
            "auto.create.topics.enable",
            _BOOLEAN,
            True,
            "Create an unknown topic when a client asks for its metadata and allows it.",
        ),
        ConfigKey("delete.topic.enable", _BOOLEAN, True, "Whether topics may be deleted."),
        ConfigKey(
            "num.partitions",
            _INT,
            1,
            "Partitions of a topic whose creator names no number.",
            at_least(1),
        ),
        ConfigKey(
            "default.replication.factor",
            _INT,
            1,
            "Replicas of a topic whose creator names no number.",
        ),
        ConfigKey(
            "fetch.max.bytes",
            _INT,
            55 << 20,
            "The most records in one fetch answer, in bytes; one larger batch is still sent.",
            at_least(1024),
        ),
        ConfigKey(
            "max.incremental.fetch.session.cache.slots",
            _INT,
            1000,
            "How many fetch sessions are kept (KIP-227).",
            at_least(0),
        ),
        ConfigKey(
            "socket.request.max.bytes",
            _INT,
            100 << 20,
            "The largest request; a larger one closes its connection.",
            at_least(1),
        ),
        ConfigKey(
            "connections.max.idle.ms",
            _LONG,
            600_000,
            "Close a connection that was silent for so long; negative: never.",
        ),
        ConfigKey(
            "max.connections",
            _INT,
            LARGEST[_INT],
            "How many connections are accepted at a time.",
            at_least(0),
        ),
        *BROKER_LOG_CONFIGS,
    ],
)


class BrokerConfig(NamedTuple):
    """One broker's configs, parsed. Made by `BrokerConfig.of`."""

    node_id: int
    listener: Endpoint
    advertised: Endpoint
    log_dir: str
    broker_rack: str | None
    auto_create_topics_enable: bool
    delete_topic_enable: bool
    num_partitions: int
    default_replication_factor: int
    fetch_max_bytes: int
    max_incremental_fetch_session_cache_slots: int
    socket_request_max_bytes: int
    connections_max_idle_ms: int
    max_connections: int
    log_flush_offset_checkpoint_interval_ms: int
    log_flush_scheduler_interval_ms: int
    log_flush_start_offset_checkpoint_interval_ms: int
    log_retention_check_interval_ms: int
    producer_id_expiration_check_interval_ms: int
    values: Mapping[str, Value]
    """Every key's value under its snake name, given or default."""
    given: frozenset[str]
    """The dotted names of the keys that were set. DescribeConfigs tells the difference."""

    @classmethod
    def of(cls, given: Mapping[str, object] | None = None, /, **more: object) -> BrokerConfig:
        """From names with dots or underscores, and values as text or Python.

        Raises ConfigError naming the config, its value and what is allowed.
        """
        given = {**(given or {}), **more}
        values = BROKER_CONFIGS.parse(given)
        listener = _only("listeners", values["listeners"])
        advertised = _only("advertised.listeners", values["advertised_listeners"]) or listener
        fields = {name: values[name] for name in cls._fields if name in values}
        return cls(
            **cast("dict[str, Any]", fields),
            listener=Endpoint.parse("listeners", listener),
            advertised=Endpoint.parse("advertised.listeners", advertised),
            log_dir=_only("log.dirs", values["log_dirs"]),
            values=values,
            given=frozenset(BROKER_CONFIGS[name].name for name in given),
        )

    def topic(self, configs: Mapping[str, object]) -> LogConfig:
        """The config of a topic that sets `configs` itself. Raises ConfigError."""
        return LogConfig.of(configs, self.values)


def _only(config: str, value: Value) -> str:
    """The one element that a list must have here; "" when it is unset."""
    if value is None:
        return ""
    if not isinstance(value, tuple) or len(value) != 1 or not value[0]:
        raise ConfigError(f"{config} = {text_of(value)}: must be exactly one")
    return value[0]
