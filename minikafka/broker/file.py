"""A server.properties as it is written for Apache Kafka, read for a broker here.

process.roles=broker,controller             has no effect here: told, and let be
listeners=PLAINTEXT://:9092,CONTROLLER://:9093      the first; a controller is its own here
listener.security.protocol.map=PLAINTEXT:SSL        refused: it would be served without
num.partitions=3                            as it stands
num.partition=3                             refused, as in `BrokerConfig.of`
"""

from __future__ import annotations

from collections.abc import Mapping

from minikafka.config import ConfigError, read_properties

PROTOCOLS = "listener.security.protocol.map"
LISTENERS = ("listeners", "advertised.listeners")


def read_file(text: str, more: Mapping[str, str] = {}) -> tuple[dict[str, str], list[str]]:
    """The configs of a file, and those of them that have no effect. Raises ConfigError.

    `more` is stronger than the file, and read by the same rules.
    """
    from importlib.resources import files  # 8 ms, which only a start with a file pays

    given = {**read_properties(text), **more}
    others = files("minikafka.broker").joinpath("without_effect.txt").read_text().split("\n")
    without = [name for name in given if name in others]
    of_controllers = _elements(given.get("controller.listener.names", "").upper())
    mapped = _elements(given.get(PROTOCOLS, "").upper())
    protocols = dict(each.rpartition(":")[::2] for each in mapped if ":" in each)
    for name in LISTENERS:
        if name not in given:
            continue
        every = [(each.partition("://")[0].upper(), each) for each in _elements(given[name])]
        kept = [(listener, each) for listener, each in every if listener not in of_controllers]
        if every and not kept:
            raise ConfigError(f"{name} = {given[name]}: all of them are for controllers")
        for listener, _ in kept:
            if protocols.get(listener, "PLAINTEXT") != "PLAINTEXT":
                raise ConfigError(
                    f"{PROTOCOLS}: {listener} is {protocols[listener]}; only PLAINTEXT is done here"
                )
        given[name] = ",".join(each for _, each in kept)
    return {name: value for name, value in given.items() if name not in without}, without


def _elements(value: str) -> list[str]:
    return [each.strip() for each in value.split(",") if each.strip()]
