"""Few requests on many connections.

      connection   1   2   3   4   5   1   2   …        3 under way on 5 connections
                   ■   ■   ■
                       ■   ■   ■                        an answer came: the next one's turn

What many connections cost is a question only if nothing else grows with them, so the requests
under way are as many for one connection as for five hundred. One thing does change, and not by
the broker's doing: ten requests that wait on one connection come with one `recv` and their
answers leave with one `send`, and on ten connections it takes ten of each.

A client library per connection would be measured itself. Here every request is the same frame
of one record, encoded before the clock starts, and its answers are all of one length, so
nothing needs decoding: so many bytes are so many answers.
"""

from __future__ import annotations

import select
import socket
import time
from contextlib import ExitStack

from minikafka.bench.line import TIMEOUT_S, Line
from minikafka.bench.watch import Watch
from minikafka.record.builder import BatchBuilder
from minikafka.wire.messages.produce import PartitionProduceData, ProduceRequest, TopicProduceData

VERSION = 9
VALUE = b"x" * 100
RECEIVE_BYTES = 1 << 16


def requests(
    address: str, topic: str, connection_count: int, under_way: int, count: int, pid: int
) -> dict[str, float]:
    """Single-record requests a second, and the broker's CPU µs for each. To be run by `apart`.

    `pid` is the broker's. Raises RuntimeError unless each record is in the log at the end.
    """
    body = one_record(topic)
    with ExitStack() as stack:
        lines = [stack.enter_context(Line(address)) for _ in range(connection_count)]
        (answer_bytes,) = {line.ask(body, VERSION)[1] for line in lines}
        frame, before = lines[0].frame(body, VERSION), lines[0].end_offset(topic)
        with Watch(pid) as watch:
            exchange([line.sock for line in lines], frame, answer_bytes, under_way, count)
        added = lines[0].end_offset(topic) - before
    if added != count:
        raise RuntimeError(f"{count} requests were sent and {added} records arrived")
    return {"requests_s": count / watch.wall_s, "cpu_us": 1e6 * watch.cpu_s / count}


def exchange(
    sockets: list[socket.socket], frame: bytes, answer_bytes: int, under_way: int, count: int
) -> None:
    """Send `count` frames over the sockets in turn, a next one whenever an answer has come."""
    by_number = {sock.fileno(): sock for sock in sockets}
    sent = turn = received_bytes = 0
    with select.epoll() as poller:
        for number in by_number:
            poller.register(number, select.EPOLLIN)
        while received_bytes < count * answer_bytes:
            answered = received_bytes // answer_bytes
            due = min(count - sent, under_way - (sent - answered))
            each, more = divmod(due, len(sockets))
            for place in range(len(sockets) if each else more):
                frames = frame * (each + (place < more))
                sockets[(turn + place) % len(sockets)].sendall(frames)
            sent, turn = sent + due, turn + due
            ready = poller.poll(TIMEOUT_S)
            if not ready:
                raise TimeoutError(f"no answer within {TIMEOUT_S} s")
            for number, _ in ready:
                data = by_number[number].recv(RECEIVE_BYTES)
                if not data:
                    raise ConnectionError("the broker hung up")
                received_bytes += len(data)


def one_record(topic: str) -> ProduceRequest:
    """A batch of one record for partition 0."""
    batch = BatchBuilder()
    batch.append(time.time_ns() // 1_000_000, None, VALUE)
    partition = PartitionProduceData(index=0, records=batch.build())
    data = TopicProduceData(name=topic, partition_data=[partition])
    return ProduceRequest(acks=-1, timeout_ms=30_000, topic_data=[data])
