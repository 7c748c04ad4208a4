"""The fuzzer's frames against a live broker, with an honest question now and then.

      besiege("127.0.0.1:9092", seed=7, count=1_000_000)

What it shows is what one process cannot: that the broker goes on, how long an honest client
has to wait meanwhile, and (by the caller, who knows the process) what memory it takes.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from itertools import islice
from random import Random
from typing import NamedTuple

from minikafka.lab.fuzz import cases
from minikafka.node import Channel, Request
from minikafka.wire.connection import encode_request
from minikafka.wire.messages.api_versions import ApiVersionsRequest


class Siege(NamedTuple):
    """What became of it. `slowest_ms` is the longest that an honest request waited meanwhile."""

    frames: int
    connections: int
    answered_bytes: int
    slowest_ms: float


PATIENCE_S = 10.0
PIPELINED = (1, 1, 1, 1, 1, 2, 4)
"""Frames on one connection; those behind a bad one are not looked at any more."""
ASK_EVERY = 1_000
"""Connections between two honest questions."""


def besiege(
    address: str, seed: int, count: int, advance: Callable[[int], None] = lambda _: None
) -> Siege:
    """Send `count` cases to a live broker, and ask it an honest question now and then.

    Raises OSError when it is gone, or TimeoutError when it does not answer any more.
    """
    host, _, port = address.rpartition(":")
    row, random = islice(cases(seed), count), Random(f"siege/{seed}")
    connections, answered, slowest = 0, 0, 0.0
    while frames := [case.frame for case in islice(row, random.choice(PIPELINED))]:
        with socket.create_connection((host, int(port)), PATIENCE_S) as sock:
            answered += _talk(sock, b"".join(frames))
        connections += 1
        if connections % ASK_EVERY == 0:
            slowest = max(slowest, ask(host, int(port)))
        advance(len(frames))
    slowest = max(slowest, ask(host, int(port)))
    return Siege(count, connections, answered, slowest)


def _talk(sock: socket.socket, data: bytes) -> int:
    """Send all of it, and read until the broker has no more to say."""
    got = 0
    try:
        sock.settimeout(0.2)  # a fetch that waits, or a frame whose end never comes
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        while chunk := sock.recv(1 << 16):
            got += len(chunk)
    except (TimeoutError, ConnectionError):
        pass
    return got


def ask(host: str, port: int) -> float:
    """How long an honest client waits for an honest answer, in ms."""
    body = ApiVersionsRequest(client_software_name="fuzz", client_software_version="1")
    channel = Channel("honest", "broker")
    began = time.perf_counter()
    with socket.create_connection((host, port), PATIENCE_S) as sock:
        for part in encode_request(Request(channel, body, 3, 1, "honest")):
            sock.sendall(part)  # type: ignore[arg-type]
        if not sock.recv(1 << 16):
            raise ConnectionError("the broker hung up on an honest client")
    return (time.perf_counter() - began) * 1000
