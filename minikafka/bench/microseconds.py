"""Where the microseconds of one small Produce request go, in the broker.

    client                                  broker                                    client
    send ─► wait, receive, cut, decode, turn, handle, append, check, write, encode, send ─► receive
            └──────── one round of the driver, and what the driver does in between ────┘

    python -m minikafka.bench.microseconds

One thread is client and broker in turn: it sends a request with one record of 100 bytes, lets
the driver make one round, and reads the answer. Nobody has to be woken up for that, so a round
costs the same again and again, and medians keep out what else the machine does. Then a
stopwatch follows the calls from stage to stage. What a round has become dearer by is what the
stopwatch costs, and is taken off in equal parts, one for each time it was read.

At last a client in a process of its own asks, as in real life. Its broker sleeps between two
requests: on top come going to sleep, waking up, and caches that have cooled meanwhile.
"""

from __future__ import annotations

import os
import signal
import socket
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from statistics import median
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from minikafka.broker.broker import Broker
from minikafka.broker.config import BrokerConfig
from minikafka.log import log
from minikafka.log.files import RealFiles
from minikafka.node import Channel, Request
from minikafka.record.builder import BatchBuilder
from minikafka.runtime import tcp
from minikafka.runtime.loop import Loop
from minikafka.runtime.stream import FrameReader
from minikafka.wire.connection import encode_request
from minikafka.wire.messages.create_topics import CreatableTopic, CreateTopicsRequest
from minikafka.wire.messages.produce import PartitionProduceData, ProduceRequest, TopicProduceData

ROUNDS, WARM_UP, AT_A_TIME = 10_000, 1_000, 200
BETWEEN = "driver: all that is between these"
PRODUCE_VERSION = 10  # what librdkafka speaks


class Stopwatch:
    """Notes when each watched call begins and ends. Nothing else: it must be quick."""

    def __init__(self) -> None:
        self.marks: list[tuple[str, int]] = []

    def watched(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        mark, clock = self.marks.append, time.perf_counter_ns

        def timed(*arguments: Any) -> Any:
            mark((stage, clock()))
            result = function(*arguments)
            mark((stage, clock()))
            return result

        return timed

    def laps(self) -> list[list[tuple[str, int]]]:
        """Each outermost call since the last time, as pieces between two marks: stage, ns."""
        laps: list[list[tuple[str, int]]] = []
        begun: list[str] = []
        for (stage, at), (_, until) in pairwise(self.marks):
            if not begun:
                laps.append([])
            if begun[-1:] == [stage]:
                begun.pop()
            else:
                begun.append(stage)
            if begun:
                laps[-1].append((begun[-1], until - at))
        self.marks.clear()
        return laps


class Pair:
    """A driver with a broker, and a client of it."""

    def __init__(self, directory: str) -> None:
        broker = Broker(BrokerConfig.of({"node.id": 1}))
        self.driver = tcp.Driver(broker, RealFiles(directory), None)
        host, _, port = self.driver.listen("127.0.0.1", 0).rpartition(":")
        self.driver.start()
        self.client = socket.create_connection((host, int(port)))
        self.driver._round()
        topic = CreatableTopic(name="load", num_partitions=1, replication_factor=1)
        self.request = frame(CreateTopicsRequest(topics=[topic]), 7)
        self.ask(self.driver._round)
        batch = BatchBuilder()
        batch.append(int(1000 * time.time()), None, b"x" * 100)
        data = TopicProduceData("load", partition_data=[PartitionProduceData(0, batch.build())])
        self.request = frame(ProduceRequest(acks=-1, topic_data=[data]), PRODUCE_VERSION)

    def ask(self, make_round: Callable[[], None]) -> int:
        """One request and its answer; gives the time of the round alone, in ns."""
        self.client.send(self.request)
        began = time.perf_counter_ns()
        make_round()
        ended = time.perf_counter_ns()
        self.client.recv(4096)
        return ended - began

    def watch(self, stopwatch: Stopwatch) -> None:
        """Put the stopwatch where one stage ends and the next one begins."""
        (served,) = self.driver._connections.values()
        poller, sock = self.driver._poller, served.sock
        poll = stopwatch.watched("wait: epoll_wait", poller.poll)
        receive = stopwatch.watched("receive: recv", sock.recv_into)
        send = stopwatch.watched("send: send", sock.send)
        replaced: list[tuple[Any, str, Any]] = [
            (self.driver, "_poller", SimpleNamespace(poll=poll)),
            (served, "sock", SimpleNamespace(recv_into=receive, send=send)),
        ]
        for owner, name, stage in (
            (FrameReader, "feed", "cut the frame out"),
            (tcp, "decode_request", "decode"),
            (Loop, "turn", "turn the node"),
            (Broker, "receive", "handle"),
            (log.Log, "append", "append to the log"),
            (log, "check_append", "check the batch"),
            (RealFiles, "write_out", "write: pwritev"),
            (tcp, "encode_response", "encode"),
        ):
            replaced.append((owner, name, stopwatch.watched(stage, getattr(owner, name))))
        for each in replaced:
            patch.object(*each).start()


def frame(body: Any, version: int) -> bytes:
    parts = encode_request(Request(Channel("", ""), body, version, 1, "rdkafka"))
    return b"".join(parts)  # type: ignore[arg-type]  # no file slices


def beside_a_client(pair: Pair) -> float:
    """The CPU time of a request that a process of its own sends, in ns."""
    client = os.fork()
    if client == 0:
        with suppress(OSError):
            while True:
                pair.ask(lambda: None)
        os._exit(0)
    try:
        for _ in range(WARM_UP):
            pair.driver._round()
        began = time.thread_time_ns()
        for _ in range(ROUNDS):
            pair.driver._round()
        return (time.thread_time_ns() - began) / ROUNDS
    finally:
        os.kill(client, signal.SIGKILL)
        os.waitpid(client, 0)


def measure() -> dict[str, float]:
    """The nanoseconds of each stage of a request, of all of it, and beside a client."""
    with tempfile.TemporaryDirectory() as directory:
        pair = Pair(directory)
        whole_ns = median([pair.ask(pair.driver._round) for _ in range(ROUNDS)][WARM_UP:])
        stopwatch = Stopwatch()
        pair.watch(stopwatch)
        make_round = stopwatch.watched(BETWEEN, pair.driver._round)
        laps = []
        for _ in range(ROUNDS // AT_A_TIME):
            for _ in range(AT_A_TIME):
                pair.ask(make_round)
            laps += stopwatch.laps()
        patch.stopall()
        beside_ns = beside_a_client(pair)
        pair.client.close()
        pair.driver.stop()
        pair.driver.run()  # to its end
    watched_ns = median(sum(ns for _, ns in lap) for lap in laps)
    mark_ns = (watched_ns - whole_ns) / len(laps[-1])
    stages = {
        stage: median(sum(ns - mark_ns for name, ns in lap if name == stage) for lap in laps)
        for stage in dict(laps[-1])
    }
    return {**stages, "all of it": whole_ns, "CPU, with a client in another process": beside_ns}


if __name__ == "__main__":
    for name, ns in measure().items():
        print(f"{name:40}{ns / 1000:6.1f} µs")
