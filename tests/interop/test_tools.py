"""Apache Kafka's own command-line tools, unmodified, as somebody at a shell uses them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from minikafka.bench.servers import Server

TOOLS = "org.apache.kafka.tools"


def test_topics_are_created_described_and_deleted(
    server: Server, kafka_tool: Callable[..., str]
) -> None:
    def topics(*arguments: str) -> str:
        at = ("--bootstrap-server", server.address)
        return kafka_tool(f"{TOOLS}.TopicCommand", *at, *arguments)

    settings = ("--partitions", "3", "--replication-factor", "1", "--config", "retention.ms=100000")
    assert "Created topic tools." in topics("--create", "--topic", "tools", *settings)
    described = topics("--describe", "--topic", "tools")
    assert "PartitionCount: 3" in described and "retention.ms=100000" in described
    assert described.count("Leader: 1\tReplicas: 1\tIsr: 1") == 3
    configs = kafka_tool(
        "kafka.admin.ConfigCommand",
        *("--bootstrap-server", server.address),
        *("--describe", "--entity-type", "topics", "--entity-name", "tools"),
    )
    assert "DYNAMIC_TOPIC_CONFIG:retention.ms=100000" in configs
    topics("--delete", "--topic", "tools")
    assert "tools" not in topics("--list").split()


def test_administration(server: Server, kafka_tool: Callable[..., str], tmp_path: Path) -> None:
    at = ("--bootstrap-server", server.address)

    def tool(name: str, *arguments: str) -> str:
        return kafka_tool(name, *at, *arguments)

    topics, configs = f"{TOOLS}.TopicCommand", "kafka.admin.ConfigCommand"
    tool(topics, "--create", "--topic", "admin", "--partitions", "1", "--replication-factor", "1")
    tool(topics, "--alter", "--topic", "admin", "--partitions", "3")
    assert "PartitionCount: 3" in tool(topics, "--describe", "--topic", "admin")

    of_topic = ("--entity-type", "topics", "--entity-name", "admin")
    wanted = "retention.ms=5000,cleanup.policy=[compact]"
    tool(configs, "--alter", *of_topic, "--add-config", wanted)
    described = tool(configs, "--describe", *of_topic)
    assert "retention.ms=5000" in described and "cleanup.policy=compact" in described
    tool(configs, "--alter", *of_topic, "--delete-config", "retention.ms,cleanup.policy")
    assert "retention.ms" not in tool(configs, "--describe", *of_topic)

    of_brokers = ("--entity-type", "brokers", "--entity-default")
    tool(configs, "--alter", *of_brokers, "--add-config", "log.retention.ms=88000")
    assert "log.retention.ms=88000" in tool(configs, "--describe", *of_brokers)
    of_broker = ("--entity-type", "brokers", "--entity-name", "1")
    everything = tool(configs, "--describe", "--all", *of_broker)
    assert "log.retention.ms=88000 sensitive=false synonyms={DYNAMIC_DEFAULT_BROKER" in everything
    tool(configs, "--alter", *of_brokers, "--delete-config", "log.retention.ms")

    of_clients = ("--entity-type", "clients", "--entity-name", "reports")
    tool(configs, "--alter", *of_clients, "--add-config", "producer_byte_rate=4711")
    assert "producer_byte_rate=4711.0" in tool(configs, "--describe", *of_clients)
    everybody = ("--entity-type", "users", "--entity-default")
    tool(configs, "--alter", *everybody, "--add-config", "consumer_byte_rate=1e9")
    assert "consumer_byte_rate" in tool(configs, "--describe", *everybody)
    tool(configs, "--alter", *of_clients, "--delete-config", "producer_byte_rate")
    assert "4711" not in tool(configs, "--describe", *of_clients)

    of_loggers = ("--entity-type", "broker-loggers", "--entity-name", "1")
    assert "root=" in tool(configs, "--describe", *of_loggers)
    tool(configs, "--alter", *of_loggers, "--add-config", "root=ERROR")
    assert "root=ERROR" in tool(configs, "--describe", *of_loggers)

    lines = "".join(f"{n}\n" for n in range(10))
    console = f"{TOOLS}.ConsoleProducer"
    kafka_tool(console, *at, "--topic", "admin", "--sync", stdin=lines)
    offsets = f"{TOOLS}.GetOffsetShell"
    ends = [line.split(":") for line in tool(offsets, "--topic", "admin").splitlines()]
    partition = next(index for _, index, end in ends if int(end) > 0)
    order_of = {"topic": "admin", "partition": int(partition), "offset": 1}
    order = tmp_path / "offsets.json"
    order.write_text(json.dumps({"version": 1, "partitions": [order_of]}))
    told = tool(f"{TOOLS}.DeleteRecordsCommand", "--offset-json-file", str(order))
    assert f"partition: admin-{partition}\tlow_watermark: 1" in told
    begins = tool(offsets, "--topic", "admin", "--time", "earliest").splitlines()
    assert f"admin:{partition}:1" in begins

    told = tool(f"{TOOLS}.LogDirsCommand", "--describe", "--topic-list", "admin")
    (found,) = json.loads(told.splitlines()[-1])["brokers"]
    (directory,) = found["logDirs"]
    assert directory["error"] is None
    names = sorted(each["partition"] for each in directory["partitions"])
    assert names == ["admin-0", "admin-1", "admin-2"]


def test_records_go_through_the_console_and_the_load_generator(
    server: Server, kafka_tool: Callable[..., str]
) -> None:
    at = ("--bootstrap-server", server.address)
    create = ("--create", "--topic", "console", "--partitions", "2", "--replication-factor", "1")
    kafka_tool(f"{TOOLS}.TopicCommand", *at, *create)
    lines = "".join(f"key-{n}:line {n}\n" for n in range(100))
    options = ("--reader-property", "parse.key=true", "--reader-property", "key.separator=:")
    kafka_tool(f"{TOOLS}.ConsoleProducer", *at, "--topic", "console", *options, stdin=lines)
    kafka_tool(
        f"{TOOLS}.ProducerPerformance",
        *at,
        *("--topic", "console", "--num-records", "5000", "--record-size", "100"),
        *("--throughput", "-1"),
    )
    offsets = kafka_tool(f"{TOOLS}.GetOffsetShell", *at, "--topic", "console")
    ends = [int(line.rpartition(":")[2]) for line in offsets.splitlines() if ":" in line]
    assert len(ends) == 2 and sum(ends) == 5_100
    read = ""
    for partition, end in enumerate(ends):
        read += kafka_tool(
            f"{TOOLS}.consumer.ConsoleConsumer",
            *at,
            *("--topic", "console", "--partition", str(partition), "--offset", "earliest"),
            *("--max-messages", str(end), "--formatter-property", "print.key=true"),
        )
    for number in range(100):
        assert f"key-{number}\tline {number}\n" in read


def test_versions_are_told(server: Server, kafka_tool: Callable[..., str]) -> None:
    told = kafka_tool(f"{TOOLS}.BrokerApiVersionsCommand", "--bootstrap-server", server.address)
    assert f"{server.address} (id: 1 rack: null isFenced: false) -> (" in told
    for line in ("Produce(0): 0 to 13", "Fetch(1): 4 to 18", "CreateTopics(19): 2 to 7"):
        assert line in told
