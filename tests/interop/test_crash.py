"""A broker is killed by SIGKILL while records stream in, again and again.

What a kill leaves behind depends on what had reached the disk:

    acknowledged |■■■■■■■■■■■■|
    sent         |■■■■■■■■■■■■■■■■■|
    after a kill |■■■■■■■■■■■■■■|           all that was acknowledged, and then a prefix
    power lost   |■■■■■■■|?0000             a prefix that ends where the bytes end to be whole

SIGKILL spares what the operating system holds in its cache. The second test takes that
away too: it cuts the file at a random place and puts zeros there, as a file system may
after a power failure, wherever the topic did not ask for a flush per record.
"""

from __future__ import annotations

import struct
import time
import zlib
from collections.abc import Callable
from random import Random

from minikafka.bench.servers import Server

TIMEOUT_S = 30
# Apache Kafka takes seconds to come back (a JVM, and the old broker session that has to
# run out), so it is killed less often.
KILLS = {"minikafka": 20, "Apache Kafka": 2}


def value(number: int) -> bytes:
    """Content that proves itself: a number, a filling of varied length, a checksum."""
    body = b"%09d " % number + b"x" * (number * 7919 % 900)
    return body + b" %08x" % zlib.crc32(body)


def number_in(content: bytes) -> int:
    body, checksum = content.rsplit(b" ", 1)
    assert checksum == b"%08x" % zlib.crc32(body)
    return int(body.split()[0])


def create_topic(server: Server, **configs: str) -> None:
    from confluent_kafka.admin import AdminClient, NewTopic

    admin = AdminClient({"bootstrap.servers": server.address})
    settings = {key.replace("_", "."): text for key, text in configs.items()}
    admin.create_topics([NewTopic("t", 1, 1, config=settings)])["t"].result(TIMEOUT_S)


def stream_until_killed(server: Server, first: int, kill_after: int) -> tuple[list[int], int]:
    """Send numbered values from `first` on; kill the server at `kill_after` acknowledgements.

    Gives the numbers that were acknowledged and the first number that was not sent.
    """
    from confluent_kafka import Producer

    acknowledged: list[int] = []

    def on_delivery(error: object, message: object) -> None:
        if error is None:
            acknowledged.append(number_in(message.value()))

    # No retries: what a dead server did not acknowledge must not be sent twice.
    settings = {"acks": "all", "retries": 0, "linger.ms": 1, "log_level": 0}
    producer = Producer({"bootstrap.servers": server.address, **settings})
    number = first
    while len(acknowledged) < kill_after:
        if len(producer) < 2_000:
            producer.produce("t", value(number), partition=0, on_delivery=on_delivery)
            number += 1
            producer.poll(0)
        else:
            producer.poll(0.1)
    server.kill()
    producer.purge()
    producer.flush(TIMEOUT_S)
    return acknowledged, number


def when_led(question: Callable[[], tuple[int, int]]) -> tuple[int, int]:
    """Ask again while the partition has no leader: a restarted broker first has to become it."""
    from confluent_kafka import KafkaError, KafkaException

    deadline = time.monotonic() + TIMEOUT_S
    while True:
        try:
            return question()
        except KafkaException as error:
            code = error.args[0].code()
            if code != KafkaError.NOT_LEADER_FOR_PARTITION or time.monotonic() > deadline:
                raise
        time.sleep(0.05)


def numbers_in_log(server: Server) -> list[int]:
    """Every number in the log, read by a client; their offsets must be 0, 1, 2, …"""
    from confluent_kafka import Consumer, TopicPartition

    quiet = {"group.id": "nobody", "enable.auto.commit": False, "log_level": 0}
    consumer = Consumer({"bootstrap.servers": server.address, **quiet})
    low, high = when_led(
        lambda: consumer.get_watermark_offsets(TopicPartition("t", 0), timeout=TIMEOUT_S)
    )
    assert low == 0
    consumer.assign([TopicPartition("t", 0, 0)])
    messages = consumer.consume(high, TIMEOUT_S) if high else []
    consumer.close()
    assert [message.offset() for message in messages] == list(range(high))
    return [number_in(message.value()) for message in messages]


def test_what_was_acknowledged_survives_a_kill(own_server: Server) -> None:
    random = Random(7)
    create_topic(own_server, segment_bytes="1048576")  # not flushed: the system has them
    kept: list[int] = []
    sent = 0
    for _ in range(KILLS[own_server.name]):
        first = sent
        acknowledged, sent = stream_until_killed(own_server, first, random.randint(1, 3_000))
        own_server.start()
        found = numbers_in_log(own_server)
        new = found[len(kept) :]
        assert found[: len(kept)] == kept, "records of earlier rounds have changed"
        assert new == list(range(first, first + len(new))), "the rest is not a clean prefix"
        assert new[: len(acknowledged)] == acknowledged, "an acknowledged record is gone"
        assert len(new) <= sent - first
        kept = found


def whole_batches_end(log: bytes) -> int:
    """The offset after the last batch that is complete in these bytes of a segment."""
    position, end = 0, -1
    while position + 61 <= len(log):
        base_offset, length = struct.unpack_from(">qi", log, position)
        (last_delta,) = struct.unpack_from(">i", log, position + 23)
        position += 12 + length
        if position <= len(log):
            end = base_offset + last_delta + 1
    return end


def lose_power(server: Server, random: Random) -> int:
    """Cut the last segment at a random place, zeros behind it; gives the end of what is whole."""
    segment = max((server.data / "t-0").glob("*.log"))
    log = segment.read_bytes()
    cut = random.randint(len(log) // 2, len(log))
    segment.write_bytes(log[:cut] + bytes(random.randint(0, 5_000)))
    return max(int(segment.stem), whole_batches_end(log[:cut]))


def test_what_was_not_flushed_ends_in_a_clean_prefix(own_server: Server) -> None:
    random = Random(11)
    create_topic(own_server, segment_bytes="1048576")
    kept: list[int] = []
    sent = 0
    for _ in range(KILLS[own_server.name]):
        first = sent
        _, sent = stream_until_killed(own_server, first, random.randint(1, 3_000))
        whole = lose_power(own_server, random)
        own_server.start()
        found = numbers_in_log(own_server)
        assert len(found) == whole, "the log must end after its last whole batch"
        assert found == (kept + list(range(first, sent)))[:whole]
        kept = found
