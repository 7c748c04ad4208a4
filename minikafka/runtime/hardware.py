"""What things cost in the simulator: a processor, a disk and the links between machines.

Virtual time is free, so without a model a batch of one record would be as good as a
batch of a thousand, and every trade-off that Kafka's settings exist for would vanish.
The model is the smallest that shows them:

      a turn of a node  =  request_us per message  +  bytes / cpu_bytes_per_us  +  disk
                           +  bytes compressed / compress_bytes_per_us of the codec
      disk              =  bytes / write_bytes_per_us         (into the page cache)
                           flush_us + bytes / flush_bytes_per_us        (an fsync)
      a message         =  bytes / link.bytes_per_us  +  latency_us  +  up to jitter_us

While a node works on a turn, whatever arrives waits and is handled in the next one,
all of it together: that is where group commit comes from. Not done: several cores,
caches, seeks; levels of compression, and decompression.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

COMPRESS_BYTES_PER_US = {"gzip": 100.0, "snappy": 600.0, "lz4": 300.0, "zstd": 250.0}
"""Of one processor, with batches of 16 KB of JSON; smaller ones cost more a byte."""


@dataclass(frozen=True, slots=True)
class Hardware:
    """One machine. Rates are bytes per µs, which is the same number as MB per second."""

    request_us: float = 20.0
    cpu_bytes_per_us: float = 2_000.0
    write_bytes_per_us: float = 1_500.0
    flush_us: float = 1_000.0
    flush_bytes_per_us: float = 320.0
    compress_bytes_per_us: Mapping[str, float] = field(
        default_factory=COMPRESS_BYTES_PER_US.copy
    )  # what is not named takes no time


FREE = Hardware(
    request_us=0.0,
    cpu_bytes_per_us=float("inf"),
    write_bytes_per_us=float("inf"),
    flush_us=0.0,
    flush_bytes_per_us=float("inf"),
    compress_bytes_per_us={},
)
"""A machine whose work takes no time: for stories in which only the network matters."""


@dataclass(frozen=True, slots=True)
class Link:
    """One direction between two machines.

    `loss` is the chance that a message breaks its connection. TCP hides a lost packet by
    sending it again; what a program sees of a network that really loses is a reset: this
    message and what was on its way behind it are gone, and both ends hear that the
    connection is closed.
    """

    latency_us: int = 200
    jitter_us: int = 50
    bytes_per_us: float = 125.0  # 1 Gbit/s
    loss: float = 0.0

    def __post_init__(self) -> None:
        if self.latency_us < 0 or self.jitter_us < 0:
            raise ValueError(f"{self}: nothing arrives before it was sent")
        if not self.bytes_per_us > 0:
            raise ValueError(f"{self}: bytes_per_us must be above 0")
        if not 0 <= self.loss <= 1:
            raise ValueError(f"{self}: loss is a chance, from 0 to 1")


LOOPBACK = Link(latency_us=20, jitter_us=5, bytes_per_us=3_000.0)
