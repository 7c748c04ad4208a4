"""minikafka: Apache Kafka, small enough to read.

The names in the order in which a record meets them. They are imported on first use, so that
`import minikafka` costs nothing and a simulation never loads a socket.

      import minikafka as mk

      sim = mk.Simulator(seed=7)                 # a world in virtual time …
      broker = sim.broker()
      producer = sim.producer(linger_ms=5)

      producer = mk.Producer("127.0.0.1:9092")   # … or a real one: the same object
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from minikafka.admin import Admin, NewTopic
    from minikafka.broker.broker import Broker
    from minikafka.client.arguments import TopicPartition
    from minikafka.config import ConfigError
    from minikafka.consumer.consumer import Consumer
    from minikafka.node import Channel, Node
    from minikafka.producer.producer import Producer
    from minikafka.runtime.capture import Capture
    from minikafka.runtime.hardware import Hardware, Link
    from minikafka.runtime.serve import local_broker
    from minikafka.runtime.simulator import Simulator
    from minikafka.runtime.tcp import Sockets
    from minikafka.trace import Trace
    from minikafka.wire.errors import ErrorCode, KafkaError

__version__ = "0.1.0"

_HOMES = {
    "Admin": "admin",
    "Broker": "broker.broker",
    "Capture": "runtime.capture",
    "Channel": "node",
    "ConfigError": "config",
    "Consumer": "consumer.consumer",
    "ErrorCode": "wire.errors",
    "Hardware": "runtime.hardware",
    "KafkaError": "wire.errors",
    "Link": "runtime.hardware",
    "NewTopic": "admin",
    "Node": "node",
    "Producer": "producer.producer",
    "Simulator": "runtime.simulator",
    "Sockets": "runtime.tcp",
    "TopicPartition": "client.arguments",
    "Trace": "trace",
    "local_broker": "runtime.serve",
}

__all__ = [
    "Admin",
    "Broker",
    "Capture",
    "Channel",
    "ConfigError",
    "Consumer",
    "ErrorCode",
    "Hardware",
    "KafkaError",
    "Link",
    "NewTopic",
    "Node",
    "Producer",
    "Simulator",
    "Sockets",
    "TopicPartition",
    "Trace",
    "local_broker",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
