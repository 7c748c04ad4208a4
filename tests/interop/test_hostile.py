"""Slow, silent and greedy clients of a broker process: it stays small, and answers others."""

from __future__ import annotations

import resource
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from minikafka.admin import Admin, NewTopic
from minikafka.bench.servers import Minikafka
from minikafka.bench.siege import ask
from minikafka.consumer.consumer import Consumer
from minikafka.node import Channel, Request
from minikafka.producer.producer import Producer
from minikafka.wire.connection import encode_request
from minikafka.wire.errors import KafkaError
from minikafka.wire.messages.fetch import FetchPartition, FetchRequest, FetchTopic

MB = 1_000_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Minikafka]:
    with Minikafka(tmp_path_factory.mktemp("hostile")) as server:
        yield server


@pytest.fixture
def sockets() -> Iterator[list[socket.socket]]:
    opened: list[socket.socket] = []
    yield opened
    for sock in opened:
        sock.close()


def connect(server: Minikafka, sockets: list[socket.socket]) -> socket.socket:
    sockets.append(socket.create_connection(("127.0.0.1", server.port), timeout=10))
    return sockets[-1]


def test_a_thousand_idle_connections(server: Minikafka, sockets: list[socket.socket]) -> None:
    before = server.rss_bytes()
    for _ in range(1_000):
        connect(server, sockets)
    ask("127.0.0.1", server.port)  # is answered behind them all
    assert server.rss_bytes() - before < 20 * MB


def test_requests_that_come_a_byte_at_a_time(
    server: Minikafka, sockets: list[socket.socket]
) -> None:
    before = server.rss_bytes()
    slow = [connect(server, sockets) for _ in range(100)]
    for sock in slow:
        sock.sendall(struct.pack(">i", 90 * MB))  # so much is allowed, and promised
    for _ in range(50):
        for sock in slow:
            sock.sendall(b"\0")
    ask("127.0.0.1", server.port)
    assert server.rss_bytes() - before < 20 * MB


def test_a_reader_that_takes_no_answers(server: Minikafka, sockets: list[socket.socket]) -> None:
    with Admin(server.address) as admin, Producer(server.address) as producer:
        admin.create_topics([NewTopic("large")])
        for _ in range(200):
            producer.send("large", b"x" * 100_000)
    before = server.rss_bytes()
    partition = FetchPartition(partition_max_bytes=20 * MB)
    topic = FetchTopic(topic="large", partitions=[partition])
    body = FetchRequest(max_bytes=20 * MB, min_bytes=1, topics=[topic])
    greedy = [connect(server, sockets) for _ in range(20)]
    for sock in greedy:
        sock.setblocking(False)
        for number in range(1_000):
            request = Request(Channel("greedy", "broker"), body, 12, number, "greedy")
            frame = b"".join(bytes(part) for part in encode_request(request))  # type: ignore[arg-type]
            try:
                sock.sendall(frame)
            except BlockingIOError:
                break
    time.sleep(1)
    ask("127.0.0.1", server.port)
    assert server.rss_bytes() - before < 60 * MB


def test_a_full_disk_ends_the_broker_and_loses_nothing_that_was_acknowledged(
    tmp_path: Path,
) -> None:
    server = Minikafka(tmp_path)
    server.start()
    process = server._process
    assert process is not None
    acknowledged: list[bytes] = []
    try:
        with Producer(server.address, linger_ms=0, delivery_timeout_ms=3_000,
                      request_timeout_ms=2_000) as producer:  # fmt: skip
            producer.send("t", b"first").result()
            acknowledged.append(b"first")
            limit = 300_000  # of any file's size: what a write meets then is what a full disk is
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (limit, limit))
            with pytest.raises(KafkaError):
                for number in range(1_000):
                    value = b"%d" % number * 1_000
                    producer.send("t", value).result()
                    acknowledged.append(value)
        assert process.wait(10) == 1
    finally:
        server.kill()
    assert len(acknowledged) > 50
    with Minikafka(tmp_path) as again, Consumer(again.address) as consumer:
        consumer.assign([("t", 0)])
        consumer.seek_to_beginning()
        values: list[bytes | None] = []
        while len(values) < len(acknowledged):
            values += [record.value for record in consumer.poll(5_000)]
        assert values[: len(acknowledged)] == acknowledged
