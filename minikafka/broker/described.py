"""Configs as clients are shown them: the value, and where it comes from.

      retention.bytes of topic t     value 1000, source DYNAMIC_TOPIC_CONFIG
          synonyms, strongest first  retention.bytes     = 1000   topic
                                     log.retention.bytes = 4000   set for this broker
                                     log.retention.bytes = 3000   set for all brokers
                                     log.retention.bytes = 5000   this broker's file
                                     log.retention.bytes = -1     built in

The first of the synonyms is the one in force. Kafka lists synonyms only from the config's
main name on; a default given in a coarser unit (`log.retention.hours`) is in force but
not listed, so that is what is done here. See Kafka's ConfigHelper; KIP-226, KIP-569.

Not done: `listeners` and a few others, which a running Kafka can change, are read-only here.
Not done: what Kafka refuses for brokers with eligible leader replicas (`min.insync.replicas`).
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
    DYNAMIC_BROKER = 2  # for this broker, while it ran
    DYNAMIC_DEFAULT = 3  # for all brokers
    BROKER = 4  # in the broker's own file or command line
    DEFAULT = 5


class Layers(NamedTuple):
    """A broker's configs by where they were set; the dynamic ones (`that_count`) as written."""

    effective: BrokerConfig
    own: Mapping[str, str]
    all_brokers: Mapping[str, str]
    static: BrokerConfig


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

DYNAMIC = FAMILIES.keys() | {
    "max.connections",
    "max.connections.per.ip",
    "max.connections.per.ip.overrides",
    "producer.id.expiration.ms",
}
"""The broker configs that can change while it runs (DynamicBrokerConfig)."""


def that_count(layer: Mapping[str, str]) -> dict[str, str]:
    """Those of a broker's dynamic configs that can be: another version may have set others."""
    dynamic = {name: text for name, text in layer.items() if name in DYNAMIC}
    known = BrokerConfig.TABLE.parse_known(dynamic)
    return {name: text for name, text in dynamic.items() if name.replace(".", "_") in known}


def in_force(static: BrokerConfig, *layers: Mapping[str, str]) -> BrokerConfig:
    """What a broker goes by whose file says `static`; of `layers` the last is the strongest."""
    values: dict[str, Value] = {}
    for layer in layers:
        values |= BrokerConfig.TABLE.parse_known(layer)
    return static.replace(**values) if values else static


def topic_entries(layers: Layers, own: Mapping[str, str]) -> Iterator[ConfigEntry]:
    """All configs of a topic that sets `own` itself, by name."""
    effective = layers.effective.topic(own)
    set_here = LogConfig.TABLE.parse_known(own)
    for key in sorted(LogConfig.TABLE, key=lambda key: key.name):
        if key.name in INTERNAL:
            continue
        value = _text(getattr(effective, key.snake))
        synonyms = []
        if key.name in SYNONYMS:
            synonyms = _synonyms(layers, SYNONYMS[key.name][0][0])
        if key.snake in set_here:
            synonyms.insert(0, Synonym(key.name, value, Source.TOPIC))
        yield ConfigEntry(key, value, synonyms)


def broker_entries(layers: Layers) -> Iterator[ConfigEntry]:
    """All configs of this broker, by name."""
    for key in sorted(BrokerConfig.TABLE, key=lambda key: key.name):
        value = _text(getattr(layers.effective, key.snake))
        yield ConfigEntry(key, value, _synonyms(layers, key.name), key.name not in DYNAMIC)


def all_brokers_entries(layers: Layers) -> Iterator[ConfigEntry]:
    """What is set for all brokers."""
    for name, text in layers.all_brokers.items():
        if name in BrokerConfig.TABLE.keys:
            synonym = Synonym(name, text, Source.DYNAMIC_DEFAULT)
            yield ConfigEntry(BrokerConfig.TABLE[name], text, [synonym])


def _synonyms(layers: Layers, name: str) -> list[Synonym]:
    """What the broker's `name` was set to, wherever, and what it is by default."""
    family = [BrokerConfig.TABLE[each] for each in FAMILIES.get(name, [name])]
    found = [
        Synonym(key.name, set_there[key.name], source)
        for set_there, source in (
            (layers.own, Source.DYNAMIC_BROKER),
            (layers.all_brokers, Source.DYNAMIC_DEFAULT),
        )
        for key in family
        if key.name in set_there
    ]
    found += [
        Synonym(key.name, _text(getattr(layers.static, key.snake)), Source.BROKER)
        for key in family
        if key.name in layers.static.given
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
