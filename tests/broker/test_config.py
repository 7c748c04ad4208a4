"""Broker configs: Kafka's names and defaults, and errors that help."""

from __future__ import annotations

import pytest

from minikafka.broker.config import BrokerConfig, Endpoint
from minikafka.broker.file import read_file
from minikafka.config import ConfigError


def test_defaults_are_apache_kafkas() -> None:
    defaults = {key.name: key.default for key in BrokerConfig.TABLE}
    assert {name: defaults[name] for name in KAFKA} == KAFKA


# What DescribeConfigs of Apache Kafka 4.3.1 says.
KAFKA = {
    "auto.create.topics.enable": True,
    "connections.max.idle.ms": 600_000,
    "default.replication.factor": 1,
    "delete.topic.enable": True,
    "fetch.max.bytes": 57_671_680,
    "log.cleaner.min.cleanable.ratio": 0.5,
    "log.flush.interval.ms": None,
    "log.flush.offset.checkpoint.interval.ms": 60_000,
    "log.flush.scheduler.interval.ms": 9_223_372_036_854_775_807,
    "log.index.interval.bytes": 4096,
    "log.message.timestamp.type": "CreateTime",
    "log.retention.bytes": -1,
    "log.retention.check.interval.ms": 300_000,
    "log.retention.hours": 168,
    "log.retention.minutes": None,
    "log.retention.ms": None,
    "log.roll.hours": 168,
    "log.roll.jitter.hours": 0,
    "log.segment.bytes": 1_073_741_824,
    "log.segment.delete.delay.ms": 60_000,
    "max.connections": 2_147_483_647,
    "max.connections.per.ip": 2_147_483_647,
    "max.connections.per.ip.overrides": "",
    "quota.window.num": 11,
    "quota.window.size.seconds": 1,
    "controller.quota.window.num": 11,
    "controller.quota.window.size.seconds": 1,
    "max.incremental.fetch.session.cache.slots": 1000,
    "message.max.bytes": 1_048_588,
    "min.insync.replicas": 1,
    "num.partitions": 1,
    "producer.id.expiration.ms": 86_400_000,
    "socket.request.max.bytes": 104_857_600,
}


def test_names_come_with_dots_or_underscores_and_values_as_text_or_python() -> None:
    config = BrokerConfig.of({"num.partitions": "3"}, fetch_max_bytes=2048)
    assert (config.num_partitions, config.fetch_max_bytes) == (3, 2048)
    assert config.given == {"num.partitions", "fetch.max.bytes"}


def test_topics_follow_the_broker_and_the_finest_unit_wins() -> None:
    config = BrokerConfig.of(log_retention_hours=2, log_segment_bytes=2_000_000)
    assert config.topic({}).retention_ms == 7_200_000
    assert config.topic({}).segment_bytes == 2_000_000
    assert config.topic({"segment.bytes": "3000000"}).segment_bytes == 3_000_000
    finer = BrokerConfig.of(log_retention_hours=2, log_retention_minutes=1)
    assert finer.topic({}).retention_ms == 60_000


def test_listeners() -> None:
    assert BrokerConfig.of(listeners="PLAINTEXT://[::1]:9093").listener == Endpoint("::1", 9093)
    both = BrokerConfig.of(listeners="PLAINTEXT://:1", advertised_listeners="PLAINTEXT://a:2")
    assert (both.listener, both.advertised) == (Endpoint("", 1), Endpoint("a", 2))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"num.partition": 1}, r"unknown broker config num.partition; did you mean num.partitions"),
        ({"num.partitions": 0}, r"num.partitions = 0: must be at least 1"),
        ({"num.partitions": "two"}, r"num.partitions = 'two': must be a whole number"),
        ({"delete.topic.enable": "maybe"}, r"delete.topic.enable = 'maybe': must be true or false"),
        ({"listeners": "SSL://a:1"}, r"listeners = SSL://a:1: the protocol must be PLAINTEXT"),
        ({"listeners": "a:1"}, r"listeners = a:1: must be PLAINTEXT://host:port"),
        ({"listeners": "PLAINTEXT://a:99999"}, r"must be PLAINTEXT://host:port"),
        ({"listeners": "PLAINTEXT://a:1,PLAINTEXT://b:2"}, r"listeners = .*: must be exactly one"),
        ({"log.dirs": ""}, r"log.dirs = : must be exactly one"),
    ],
)
def test_a_bad_config_is_named_with_its_value_and_what_is_allowed(
    given: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        BrokerConfig.of(given)


STOCK = """
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=localhost:9093
listeners=PLAINTEXT://:9092,CONTROLLER://:9093
inter.broker.listener.name=PLAINTEXT
advertised.listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
num.network.threads=3
num.io.threads=8
socket.send.buffer.bytes=102400
socket.request.max.bytes=104857600
log.dirs=/tmp/kraft-combined-logs
num.partitions=2
num.recovery.threads.per.data.dir=2
offsets.topic.replication.factor=1
share.coordinator.state.topic.replication.factor=1
transaction.state.log.min.isr=1
log.retention.hours=168
"""


def test_the_file_that_comes_with_kafka_is_read() -> None:
    given, without = read_file(STOCK)
    config = BrokerConfig.of(given)
    assert (config.num_partitions, config.listener) == (2, Endpoint("", 9092))
    assert config.advertised == Endpoint("localhost", 9092)
    assert {"num.io.threads", "process.roles", "controller.listener.names"} <= set(without)
    assert not set(without) & set(BrokerConfig.TABLE.keys)


def test_what_is_said_beside_the_file_is_read_alike_and_is_stronger() -> None:
    given, without = read_file("num.partitions=2", {"num.partitions": "3", "num.io.threads": "8"})
    assert (given, without) == ({"num.partitions": "3"}, ["num.io.threads"])


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (("PLAINTEXT:PLAINTEXT", "PLAINTEXT:SSL"), "PLAINTEXT is SSL; only PLAINTEXT"),
        (("PLAINTEXT:PLAINTEXT", "plaintext:ssl"), "PLAINTEXT is SSL; only PLAINTEXT"),
        (("listeners=PLAINTEXT://:9092,", "listeners="), "all of them are for controllers"),
    ],
)
def test_a_file_that_wants_another_broker_is_refused(change: tuple[str, str], why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        read_file(STOCK.replace(*change, 1))


def test_blanks_in_a_file_do_not_matter() -> None:
    given, _ = read_file(
        STOCK.replace("controller.listener.names=", "controller.listener.names=OTHER , ")
    )
    assert given["listeners"] == "PLAINTEXT://:9092"


@pytest.mark.parametrize(
    "line", ["num.io.thread=8", "authorizer.class.name=x", "ssl.client.auth=x"]
)
def test_what_is_misspelt_or_would_protect_is_not_passed_over(line: str) -> None:
    given, without = read_file(line)
    assert without == []
    with pytest.raises(ConfigError, match="unknown broker config"):
        BrokerConfig.of(given)


def test_limits_of_single_addresses() -> None:
    config = BrokerConfig.of({"max.connections.per.ip.overrides": "10.0.0.1:5, [::1]:2"})
    assert config.connections_by_address == {"10.0.0.1": 5, "::1": 2}
    for wrong in (
        "10.0.0.1",
        "10.0.0.1:x",
        ":5",
        "10.0.0.1:1,,10.0.0.2:2",
        "localhost:2",
        "::1:-5",
        "::1:1_0",
    ):
        with pytest.raises(ConfigError, match="must be IP address:number"):
            BrokerConfig.of({"max.connections.per.ip.overrides": wrong})
