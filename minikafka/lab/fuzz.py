"""Frames that no honest client sends, by the million: what does a broker do with them?

      honest      a message of random API, version and content, well formed
      mangled     bits flipped, bytes lost, doubled, put in; cut short; lengths that lie
      nonsense    a header with another API or version before it all

      for case in cases(seed=7): ...          # the same cases, for the same seed
      find(seed=7, count=100_000)             # hand them to a broker in this process: which
                                              # of them meets an exception that nobody expects?

Against a live broker they are sent by bench/siege.py.

The rule is the same for all: an answer, or the end of that one connection. Never an exception
that nobody expects, never an end of the broker, never an answer that takes for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from random import Random
from typing import Any, NamedTuple

from minikafka.broker.apis import SERVED
from minikafka.broker.broker import Broker
from minikafka.broker.config import BrokerConfig
from minikafka.node import Channel, Closed, Message, Request, Response
from minikafka.record.builder import BatchBuilder
from minikafka.record.compression import Compression
from minikafka.runtime.disk import MemoryFiles
from minikafka.runtime.loop import Loop
from minikafka.wire.connection import decode_request, encode_request, encode_response
from minikafka.wire.errors import MalformedFrame
from minikafka.wire.messages import API_KEYS, REQUESTS
from minikafka.wire.schema import Struct
from minikafka.wire.types import ArrayKind, FixedKind, Kind, StructKind, VariableKind

SIZE_BYTES = 4
TOPICS = ("t", "u", "new", "a b", "", ".", "__consumer_offsets", "x" * 300, "t\0", "ü")
CONFIGS = ("retention.ms", "cleanup.policy", "segment.bytes", "log.retention.ms", "node.id", "nope")
TEXTS = (*TOPICS, *CONFIGS, "1", "9", "-1", "delete", "compact", "5000000")
NUMBERS = (0, 0, 0, 1, 1, -1, -1, 2, 3, 4, 7, -2, -3, 30, 127)
LIKELY: dict[str, tuple[Any, ...]] = {
    "acks": (-1, 0, 1),
    "AlterableConfig.name": CONFIGS,
    "AlterableConfig.value": ("1", "-1", "delete", "compact,delete", "5000000", "x", ""),
    "config_operation": (0, 1, 2, 3),
    "configuration_keys": CONFIGS,
    "count": (2, 3, 4, 5),
    "CreatableTopicConfig.name": CONFIGS,
    "current_leader_epoch": (-1, 0),
    "fetch_offset": (0, 1, 2, 5),
    "index": (0, 1),
    "leader_epoch": (-1, 0, 1),
    "max_bytes": (1 << 20, 100),
    "name": ("t", "u"),
    "num_partitions": (1, 2, -1),
    "offset": (-1, 0, 1, 2),
    "partition": (0, 1),
    "partition_index": (0, 1),
    "partition_indexes": (0, 1),
    "partition_max_bytes": (1 << 20, 100),
    "partitions": (0, 1),
    "replica_id": (-1,),
    "replication_factor": (1, -1),
    "resource_name": ("t", "u", "1", ""),
    "resource_type": (2, 4),
    "response_partition_limit": (1, 2, 2000),
    "session_epoch": (-1, 0, 1),
    "session_id": (0,),
    "timestamp": (-1, -2, -3, -4, -5, 0, 1_700_000_000_000),
    "topic": ("t", "u"),
    "topic_names": ("t", "u"),
    "ProduceRequest.transactional_id": (None,),
    "InitProducerIdRequest.transactional_id": (None,),
}
"""By the field's name: what comes most of the time, or nobody would get past the first check."""
LARGE = (1 << 7, 1 << 15, 1 << 31, 1 << 63)


KEYS = (*API_KEYS, *8 * tuple(SERVED))
"""The APIs that are served come oftener than those that are not."""


class Case(NamedTuple):
    """A frame with its size in front, and what was done to it."""

    number: int
    api: str
    version: int
    how: str
    frame: bytes


def cases(seed: int) -> Iterator[Case]:
    """An endless row of cases: each honest message, then a few mangled forms of it."""
    random = Random(f"fuzz/{seed}")
    number = 0
    while True:
        request = REQUESTS[random.choice(KEYS)]
        version = random.randint(*request.VERSIONS)
        body = honest(random, request, version)
        channel = Channel("fuzz", "broker")
        try:
            parts = encode_request(Request(channel, body, version, number & 0xFFFF, "fuzz"))
        except (ValueError, KeyError):  # what this version cannot say
            continue
        frame = b"".join(bytes(part) for part in parts)  # type: ignore[arg-type]
        for how in (None, *random.choices(MANGLERS, k=8)):
            changed = frame if how is None else how(random, frame)
            name = "honest" if how is None else how.__name__
            yield Case(number, request.NAME, version, name, changed)
            number += 1


# --- honest messages ------------------------------------------------------------------
def honest(random: Random, cls: type[Struct], version: int) -> Any:
    """A message with a value in each field that the version has."""
    made = cls()
    for field in cls.FIELDS:
        if version in field.versions and not (version in field.tagged and random.random() < 0.7):
            nothing = version in field.nullable and random.random() < 0.2
            likely = LIKELY.get(f"{cls.__name__}.{field.name}", LIKELY.get(field.name))
            value = None if nothing else _value(random, field.kind, field.name, version, likely)
            setattr(made, field.name, value)
    return made


def _value(
    random: Random, kind: Kind, name: str, version: int, likely: tuple[Any, ...] | None
) -> Any:
    is_plain = not isinstance(kind, (ArrayKind, StructKind))
    if likely is not None and is_plain and random.random() < 0.85:
        return random.choice(likely)
    match kind:
        case StructKind():
            return honest(random, kind.cls, version)
        case ArrayKind():
            count = random.choice((0, 1, 1, 1, 2, 3))
            return [_value(random, kind.element, name, version, likely) for _ in range(count)]
        case VariableKind(name="string"):
            return random.choice(TEXTS)
        case VariableKind(name="records"):
            return _batch(random)
        case VariableKind():
            return random.randbytes(random.choice((0, 1, 16, 200)))
        case FixedKind(code="?"):
            return random.random() < 0.5
        case FixedKind(code="16s"):
            return random.choice((bytes(16), random.randbytes(16)))
        case FixedKind(code="d"):
            return random.choice((0.0, 1.0, -1.0, 1e300, float("inf")))
    assert isinstance(kind, FixedKind)
    if name in ("max_wait_ms", "timeout_ms"):
        return random.choice((0, 0, 1, -1))
    return _number(random, kind)


def _number(random: Random, kind: FixedKind) -> int:
    bits = 8 * kind.size
    if random.random() < 0.1:
        value = random.choice(LARGE) + random.choice((-1, 0))
    else:
        value = random.choice(NUMBERS)
    value &= (1 << bits) - 1
    return value if kind.code.isupper() or value < 1 << bits - 1 else value - (1 << bits)


def _batch(random: Random) -> bytes:
    """One batch, sometimes mangled: the CRC then says so, or the header lies."""
    codec = random.choice((Compression.NONE, Compression.NONE, Compression.GZIP))
    ids = random.choice(((-1, -1, -1), (7, 0, random.choice((0, 1, 2)))))
    builder = BatchBuilder(codec, producer_id=ids[0], producer_epoch=ids[1], base_sequence=ids[2])
    for _ in range(random.choice((1, 1, 2, 50))):
        key = random.choice((None, b"k"))
        builder.append(random.choice((0, 1_700_000_000_000)), key, b"v" * random.choice((0, 1, 99)))
    batch = builder.build()
    return random.choice(MANGLERS)(random, batch) if random.random() < 0.5 else batch


# --- mangling -------------------------------------------------------------------------
Mangler = Callable[[Random, bytes], bytes]


def flip(random: Random, frame: bytes) -> bytes:
    """A few bits, anywhere behind the size."""
    changed = bytearray(frame)
    for _ in range(random.choice((1, 1, 1, 2, 8))):
        changed[random.randrange(min(SIZE_BYTES, len(frame) - 1), len(frame))] ^= (
            1 << random.randrange(8)
        )
    return bytes(changed)


def lose(random: Random, frame: bytes) -> bytes:
    """Some bytes are missing; the size says how many are left."""
    start = random.randrange(SIZE_BYTES, len(frame))
    return sized(frame[SIZE_BYTES:start] + frame[start + random.choice((1, 2, 4, 30)) :])


def put_in(random: Random, frame: bytes) -> bytes:
    """Some bytes too many."""
    start = random.randrange(SIZE_BYTES, len(frame))
    more = random.choice((random.randbytes(4), b"\xff\xff\xff\xff\x07", b"\x7f\xff\xff\xff", b"\0"))
    return sized(frame[SIZE_BYTES:start] + more + frame[start:])


def overwrite(random: Random, frame: bytes) -> bytes:
    """A length or a number that is extreme."""
    start = random.randrange(SIZE_BYTES, len(frame))
    lie = random.choice(
        (b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\xff\xff", b"\x7f\xff", b"\0\0")
    )
    return sized((frame[:start] + lie + frame[start + len(lie) :])[SIZE_BYTES:])


def cut(random: Random, frame: bytes) -> bytes:
    """The end is missing, and the size agrees."""
    return sized(frame[SIZE_BYTES : random.randrange(SIZE_BYTES, len(frame))])


def double(random: Random, frame: bytes) -> bytes:
    """A piece comes twice."""
    start = random.randrange(SIZE_BYTES, len(frame))
    end = min(len(frame), start + random.choice((1, 2, 8, 40)))
    return sized(frame[SIZE_BYTES:end] + frame[start:])


def misname(random: Random, frame: bytes) -> bytes:
    """Another API or another version: the body is what it is."""
    key = random.choice((*API_KEYS, -1, 999)).to_bytes(2, "big", signed=True)
    version = random.choice((0, 1, 2, 5, 9, 20, -1, 0x7FFF)).to_bytes(2, "big", signed=True)
    return frame[:4] + random.choice((key, frame[4:6])) + version + frame[8:]


def missize(random: Random, frame: bytes) -> bytes:
    """A size that lies: the next frame begins in the middle of something."""
    size = random.choice((0, 1, 7, len(frame), len(frame) + 3, -1, 1 << 30, 0x7FFFFFFF))
    return size.to_bytes(4, "big", signed=True) + frame[SIZE_BYTES:]


def sized(frame: bytes) -> bytes:
    return len(frame).to_bytes(SIZE_BYTES, "big") + frame


MANGLERS: Sequence[Mangler] = (flip, flip, lose, put_in, overwrite, cut, double, misname, missize)


# --- in this process ------------------------------------------------------------------
class Trial:
    """A broker in memory that is handed one case after the other."""

    def __init__(self) -> None:
        self.broker = Broker(BrokerConfig.of(auto_create_topics_enable=False))
        self.broker.files = MemoryFiles()
        self.broker.random = Random(1)
        self.now = 1_700_000_000_000_000
        self.problem: Exception | None = None
        self.loop = Loop(self.broker, None, self._failed)
        self.broker.start(self.now)
        self.create_topics()

    def _failed(self, message: Message, error: Exception) -> None:
        self.problem = error

    def create_topics(self) -> None:
        """Those that are not there, or not any more."""
        for name in TOPICS[:2]:
            if name not in self.broker.image.topics:
                self._turn(Channel("setup", "broker"), _creation(name))

    def hand_over(self, frame: bytes) -> Exception | None:
        """Let the broker have a frame; returns the exception that nobody expected, if there is."""
        channel = Channel("fuzz", "broker")
        size = int.from_bytes(frame[:SIZE_BYTES], "big", signed=True)
        if not 0 <= size <= len(frame) - SIZE_BYTES:
            return None  # the rest of it never comes
        try:
            request = decode_request(
                channel, bytearray(frame[SIZE_BYTES : SIZE_BYTES + size]), self.broker.served
            )
        except MalformedFrame:
            return None
        except Exception as error:
            return error
        return self._turn(channel, request)

    def _turn(self, channel: Channel, request: Request) -> Exception | None:
        self.problem = None
        self.now += 1_000
        try:
            self.loop.turn(self.now, [(request, -1)])
            for message, _ in self.loop.leaving:
                if isinstance(message, Response):
                    encode_response(message)
            self.loop.leaving.clear()
            self.loop.turn(self.now, [(Closed(channel, "gone"), -1)])
        except Exception as error:
            return error
        return self.problem


def _creation(name: str) -> Request:
    from minikafka.wire.messages.create_topics import CreatableTopic, CreateTopicsRequest

    topic = CreatableTopic(name=name, num_partitions=2, replication_factor=1)
    return Request(Channel("setup", "broker"), CreateTopicsRequest(topics=[topic]), 7, 0, None)


FRESH_EVERY = 2_000


class Found(NamedTuple):
    case: Case
    error: Exception


def find(seed: int, count: int, advance: Callable[[int], None] = lambda _: None) -> list[Found]:
    """Hand `count` cases to a broker in memory; returns those that meet an unexpected exception."""
    trial, found = Trial(), []
    for case in islice(cases(seed), count):
        error = trial.hand_over(case.frame)
        if error is not None:
            found.append(Found(case, error))
        if error is not None or case.number % FRESH_EVERY == 0:
            trial = Trial()  # half done, or a thousand partitions, is not what the next should meet
        elif case.number % 50 == 0:
            trial.create_topics()
        advance(1)
    return found
