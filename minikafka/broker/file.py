"""A server.properties as it is written for Apache Kafka, read for a broker here.

process.roles=broker,controller               has no effect here: told, and let be
listeners=PLAINTEXT://:9092,CONTROLLER://:9093    the first; nobody else talks to a controller
num.partitions=3                              as it stands
num.partition=3                               refused, as in `BrokerConfig.of`
"""

from __future__ import annotations

from minikafka.config import read_properties

LISTENERS = ("listeners", "advertised.listeners")


def read_file(text: str) -> tuple[dict[str, str], list[str]]:
    """The configs of a file, and those of them that have no effect. Raises ConfigError."""
    from importlib.resources import files  # 8 ms, which only a start with a file pays

    given = read_properties(text)
    others = files("minikafka.broker").joinpath("without_effect.txt").read_text().split("\n")
    without = [name for name in given if name in others]
    of_controllers = given.get("controller.listener.names", "").split(",")
    for name in LISTENERS:
        if name in given:
            kept = [
                each.strip()
                for each in given[name].split(",")
                if each.strip().partition("://")[0] not in of_controllers
            ]
            given[name] = ",".join(kept)
    return {name: value for name, value in given.items() if name not in without}, without
