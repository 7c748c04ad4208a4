"""The load: librdkafka, driven from a process of its own.

    apart(load.measure, "127.0.0.1:9092", TOPIC, SIZE_BYTES)        from the process that measures

librdkafka is the client that most languages use, so it stands for the world outside.
Called a record at a time from Python it would be measured itself, and not the broker; so
records cross that border in bulk (`rd_kafka_produce_batch`, and a consume callback that
is a C function), by ctypes, out of the very library that confluent-kafka brings along.

What is measured, and what to read into it:

    produce_100, produce_1024   MB/s of values, from the first record to the last ack
    consume_100, consume_1024   MB/s of values, the data still in the page cache
    single_pipelined            requests/s, one record each, as many under way as allowed
    single_5, single_1          the same with 5 and with 1 request under way
    ack_p50_ms, ack_p99_ms      produce to ack with acks=all, at a steady 1,000 records/s
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from ctypes import POINTER, byref, c_char_p, c_int, c_int32, c_int64, c_size_t, c_void_p
from typing import Any

import confluent_kafka.cimpl

PRODUCER, CONSUMER = 0, 1
PARTITION = 0
CHUNK = 10_000
"""Records handed over in one call."""
TIMEOUT_S = 120
SINGLES = 20_000
RATE_PER_S = 1_000
TIMED_COUNT = 3_000
LARGE_BATCHES = {
    "acks": "all",
    "batch.size": "1000000",
    "batch.num.messages": "1000000",
    "linger.ms": "10",
    "queue.buffering.max.messages": "2000000",
    "queue.buffering.max.kbytes": "1000000",
}
SINGLE_RECORDS = {"acks": "all", "batch.num.messages": "1", "linger.ms": "0"}
LARGE_FETCHES = {
    "fetch.message.max.bytes": "4000000",
    "fetch.max.bytes": "50000000",
    "queued.min.messages": "1000000",
    "queued.max.messages.kbytes": "200000",
    "check.crcs": "false",
}


class Message(ctypes.Structure):
    """`rd_kafka_message_t`, librdkafka's public layout."""

    _fields_ = [
        ("err", c_int),
        ("rkt", c_void_p),
        ("partition", c_int32),
        ("payload", c_void_p),
        ("len", c_size_t),
        ("key", c_void_p),
        ("key_len", c_size_t),
        ("offset", c_int64),
        ("private", c_void_p),
    ]


def library() -> Any:
    """librdkafka's C functions: looking a name up in confluent-kafka's module finds them."""
    found = ctypes.CDLL(confluent_kafka.cimpl.__file__)
    found.rd_kafka_conf_new.restype = c_void_p
    found.rd_kafka_conf_set.argtypes = [c_void_p, c_char_p, c_char_p, c_char_p, c_size_t]
    found.rd_kafka_new.restype = c_void_p
    found.rd_kafka_new.argtypes = [c_int, c_void_p, c_char_p, c_size_t]
    found.rd_kafka_topic_new.restype = c_void_p
    found.rd_kafka_topic_new.argtypes = [c_void_p, c_char_p, c_void_p]
    found.rd_kafka_produce_batch.argtypes = [c_void_p, c_int32, c_int, POINTER(Message), c_int]
    found.rd_kafka_poll.argtypes = [c_void_p, c_int]
    found.rd_kafka_flush.argtypes = [c_void_p, c_int]
    found.rd_kafka_consume_start.argtypes = [c_void_p, c_int32, c_int64]
    found.rd_kafka_consume_stop.argtypes = [c_void_p, c_int32]
    found.rd_kafka_consume_callback.argtypes = [c_void_p, c_int32, c_int, c_void_p, c_void_p]
    found.rd_kafka_queue_new.restype = c_void_p
    found.rd_kafka_queue_new.argtypes = [c_void_p]
    found.rd_kafka_queue_destroy.argtypes = [c_void_p]
    found.rd_kafka_consume_start_queue.argtypes = [c_void_p, c_int32, c_int64, c_void_p]
    found.rd_kafka_consume_callback_queue.argtypes = [c_void_p, c_int, c_void_p, c_void_p]
    found.rd_kafka_query_watermark_offsets.argtypes = [
        *(c_void_p, c_char_p, c_int32, POINTER(c_int64), POINTER(c_int64), c_int)
    ]
    found.rd_kafka_topic_destroy.argtypes = [c_void_p]
    found.rd_kafka_destroy.argtypes = [c_void_p]
    return found


LIBRARY = library()
CALLBACK = ctypes.cast(LIBRARY.rd_kafka_message_timestamp, c_void_p)
"""Consuming needs some function of a message and an unused pointer. The library's own timestamp
accessor is one, and costs nothing worth counting."""


class Client:
    """A librdkafka instance with one topic."""

    def __init__(self, kind: int, address: str, topic: str, configs: dict[str, str]) -> None:
        error = ctypes.create_string_buffer(512)
        conf = LIBRARY.rd_kafka_conf_new()
        for key, value in {"bootstrap.servers": address, **configs}.items():
            if LIBRARY.rd_kafka_conf_set(conf, key.encode(), value.encode(), error, 512):
                raise ValueError(error.value.decode())
        self.handle = LIBRARY.rd_kafka_new(kind, conf, error, 512)
        if not self.handle:
            raise ValueError(error.value.decode())
        self.name = topic.encode()
        self.topic = LIBRARY.rd_kafka_topic_new(self.handle, self.name, None)

    def end_offset(self, partition: int = PARTITION) -> int:
        """The partition's end, asked of the broker. (It also connects and warms up.)"""
        low, high = c_int64(), c_int64()
        code = LIBRARY.rd_kafka_query_watermark_offsets(
            self.handle, self.name, partition, byref(low), byref(high), 1000 * TIMEOUT_S
        )
        if code:
            raise RuntimeError(f"librdkafka error {code} when asked for the end of {self.name!r}")
        return high.value

    def produce(self, value: bytes, count: int) -> None:
        """Send `count` copies of a value and wait for the last ack."""
        chunk = copies(value, CHUNK)
        for start in range(0, count, CHUNK):
            self.hand_over(chunk, min(CHUNK, count - start), PARTITION)
        self.flush()

    def hand_over(self, messages: ctypes.Array[Message], count: int, partition: int) -> None:
        """Give the library `count` of these messages, waiting where its queue is full."""
        left = count
        while left:
            # Flag 0: the payload is neither copied nor freed; it outlives the call.
            left -= LIBRARY.rd_kafka_produce_batch(self.topic, partition, 0, messages, left)
            if left:
                LIBRARY.rd_kafka_poll(self.handle, 1)

    def flush(self) -> None:
        """Wait for the last ack."""
        if LIBRARY.rd_kafka_flush(self.handle, 1000 * TIMEOUT_S):
            raise RuntimeError(f"not everything was acknowledged within {TIMEOUT_S} s")

    def consume(self, start: int, count: int) -> None:
        """Read `count` records from offset `start` on."""
        LIBRARY.rd_kafka_consume_start(self.topic, PARTITION, start)
        consume = LIBRARY.rd_kafka_consume_callback
        receive(count, lambda: consume(self.topic, PARTITION, 1000, CALLBACK, None))
        LIBRARY.rd_kafka_consume_stop(self.topic, PARTITION)

    def consume_all(self, starts: list[int], count: int) -> int:
        """Read from these offsets on, one for each partition; says how many records came.

        That may be more than `count`: what has been fetched is handed out together.
        """
        queue = LIBRARY.rd_kafka_queue_new(self.handle)
        for partition, start in enumerate(starts):
            LIBRARY.rd_kafka_consume_start_queue(self.topic, partition, start, queue)
        consume = LIBRARY.rd_kafka_consume_callback_queue
        got = receive(count, lambda: consume(queue, 1000, CALLBACK, None))
        for partition in range(len(starts)):
            LIBRARY.rd_kafka_consume_stop(self.topic, partition)
        LIBRARY.rd_kafka_queue_destroy(queue)
        return got

    def close(self) -> None:
        LIBRARY.rd_kafka_topic_destroy(self.topic)
        LIBRARY.rd_kafka_destroy(self.handle)


def copies(value: bytes, count: int) -> ctypes.Array[Message]:
    """Messages that all point at one value, which has to outlive them."""
    messages = (Message * count)()
    payload = ctypes.cast(c_char_p(value), c_void_p).value
    for message in messages:
        message.payload, message.len = payload, len(value)
    return messages


def receive(count: int, consume: Callable[[], int]) -> int:
    """Call until `count` records have come; says how many."""
    got, deadline = 0, time.monotonic() + TIMEOUT_S
    while got < count:
        got += consume()
        if time.monotonic() > deadline:
            raise RuntimeError(f"{got} of {count} records came within {TIMEOUT_S} s")
    return got


def produce(address: str, topic: str, value: bytes, count: int, configs: dict[str, str]) -> float:
    """Records a second from the first call to the last ack; checks that all have arrived."""
    client = Client(PRODUCER, address, topic, configs)
    before = client.end_offset()
    started = time.perf_counter()
    client.produce(value, count)
    taken = time.perf_counter() - started
    added = client.end_offset() - before
    client.close()
    if added != count:
        raise RuntimeError(f"{count} records were sent and {added} arrived")
    return count / taken


def produce_copies(address: str, topic: str, length: int, count: int) -> float:
    """The same in large batches of values of this length: what `apart` can be asked for."""
    return produce(address, topic, b"x" * length, count, LARGE_BATCHES)


def consume(address: str, topic: str, count: int) -> float:
    """Records a second when the last `count` records are read."""
    client = Client(CONSUMER, address, topic, LARGE_FETCHES)
    start = client.end_offset() - count
    started = time.perf_counter()
    client.consume(start, count)
    taken = time.perf_counter() - started
    client.close()
    return count / taken


def latencies(address: str, topic: str) -> list[float]:
    """Milliseconds from produce to ack of records sent at a steady rate, sorted."""
    taken: list[float] = []
    configs = {"bootstrap.servers": address, "acks": "all", "linger.ms": 0}
    producer = confluent_kafka.Producer(configs)
    clock = time.perf_counter

    def send() -> None:
        sent = clock()

        def on_delivery(error: object, _: object) -> None:
            if error is not None:
                raise RuntimeError(f"a record was not acknowledged: {error}")
            taken.append(1000 * (clock() - sent))

        producer.produce(topic, b"x" * 100, partition=PARTITION, on_delivery=on_delivery)

    send()  # the first one also connects
    producer.flush(TIMEOUT_S)
    taken.clear()
    started = clock()
    for number in range(TIMED_COUNT):
        due = started + number / RATE_PER_S
        while (left := due - clock()) > 0:
            producer.poll(left)  # returns as soon as it has handled an ack
        send()
    producer.flush(TIMEOUT_S)
    return sorted(taken)


def measure(address: str, topic: str, size_bytes: int) -> dict[str, float]:
    """Everything, one after the other, on a topic that exists."""
    figures: dict[str, float] = {}
    for length in (100, 1024):
        count = size_bytes // length
        megabyte = 1e6 / length
        figures[f"produce_{length}"] = (
            produce(address, topic, b"x" * length, count, LARGE_BATCHES) / megabyte
        )
        figures[f"consume_{length}"] = consume(address, topic, count) / megabyte
    for name, limit in (("pipelined", "1000000"), ("5", "5"), ("1", "1")):
        configs = {**SINGLE_RECORDS, "max.in.flight.requests.per.connection": limit}
        figures[f"single_{name}"] = produce(address, topic, b"x" * 100, SINGLES, configs)
    times = latencies(address, topic)
    figures["ack_p50_ms"] = times[len(times) // 2]
    figures["ack_p99_ms"] = times[len(times) * 99 // 100]
    return figures
