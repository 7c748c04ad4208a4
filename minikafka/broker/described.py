"""Configs as clients are shown them: the value, and where it comes from.

      retention.bytes of topic t     value 1000, source DYNAMIC_TOPIC_CONFIG
          synonyms, strongest first  retention.bytes     = 1000   topic
                                     log.retention.bytes = 5000   the broker's file
                                     log.retention.bytes = -1     built in

The first of the synonyms is the one in force. Kafka lists synonyms only from the config's
main name on; a default given in a coarser unit (`log.retention.hours`) is in force but
not listed, so that is what is done here. See Kafka's ConfigHelper; KIP-226, KIP-569.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import IntEnum
from typing import NamedTuple

from minikafka.broker.config import BrokerConfig
from minikafka.config import ConfigKey, ConfigType, Value, text_of
from minikafka.log.config import INTERNAL, SYNONYMS, LogConfig


class Source(IntEnum):
    """Where a value was set, with the numbers of DescribeConfigs."""

    TOPIC = 1
    BROKER = 4  # in the broker's own file or command line
    DEFAULT = 5


class Synonym(NamedTuple):
    name: str
    value: str | None
    source: Source


class ConfigEntry(NamedTuple):
    """One config of a topic or broker. `read_only`: AlterConfigs could not change it."""

    key: ConfigKey
    value: str | None
    synonyms: list[Synonym]
    read_only: bool = False

    @property
    def source(self) -> Source:
        return self.synonyms[0].source if self.synonyms else Source.DEFAULT

    @property
    def is_sensitive(self) -> bool:
        return self.key.type is ConfigType.PASSWORD


FAMILIES = {names[0][0]: [name for name, _ in names] for names in SYNONYMS.values()}
"""The broker's main name of a topic default → it and its coarser names, strongest first."""

DYNAMIC = FAMILIES.keys() | {"listeners", "max.connections", "producer.id.expiration.ms"}
"""The broker configs that a running Kafka broker can change (DynamicBrokerConfig)."""


def topic_entries(config: BrokerConfig, own: Mapping[str, str]) -> Iterator[ConfigEntry]:
    """All configs of a topic that sets `own` itself, by name."""
    effective = config.topic(own)
    for key in sorted(LogConfig.TABLE, key=lambda key: key.name):
        if key.name in INTERNAL:
            continue
        value = _text(getattr(effective, key.snake))
        synonyms = []
        if key.name in SYNONYMS:
            synonyms = _synonyms(config, SYNONYMS[key.name][0][0])
        if key.name in own:
            synonyms.insert(0, Synonym(key.name, value, Source.TOPIC))
        yield ConfigEntry(key, value, synonyms)


def broker_entries(config: BrokerConfig) -> Iterator[ConfigEntry]:
    """All configs of this broker, by name."""
    for key in sorted(BrokerConfig.TABLE, key=lambda key: key.name):
        value = _text(getattr(config, key.snake))
        yield ConfigEntry(key, value, _synonyms(config, key.name), key.name not in DYNAMIC)


def _synonyms(config: BrokerConfig, name: str) -> list[Synonym]:
    """What the broker's `name` was set to and what it is by default."""
    family = [BrokerConfig.TABLE[each] for each in FAMILIES.get(name, [name])]
    found = [
        Synonym(key.name, _text(getattr(config, key.snake)), Source.BROKER)
        for key in family
        if key.name in config.given
    ]
    found += [
        Synonym(key.name, _text(key.default), Source.DEFAULT)
        for key in family
        if key.default is not None
    ]
    while found and found[0].name != name:
        del found[0]
    return found


def _text(value: Value) -> str | None:
    return None if value is None else text_of(value)
