"""A large text goes in by `kcat -P`, a line a record, and comes back byte-identical."""

from __future__ import annotations

import hashlib
from random import Random

import pytest

from minikafka.bench.servers import Server

from .clients import Kcat

SIZE_BYTES = 50_000_000
WORDS = ["order", "table", "coffee", "paid", "open", "cancelled", "größer", "–", "GET /menu", "200"]


def text(size_bytes: int) -> bytes:
    """At least so many bytes of lines as a server's log has them, the same each time."""
    random = Random(42)
    endings = [" ".join(random.choices(WORDS, k=random.randint(3, 25))) for _ in range(997)]
    lines: list[bytes] = []
    size = number = 0
    while size < size_bytes:
        number += 1
        ending = endings[number * number % 997]
        lines.append(f"2026-03-01T{number:09} worker-{number % 7} {ending}\n".encode())
        size += len(lines[-1])
    return b"".join(lines)


@pytest.mark.parametrize("codec", ["none", "zstd"])
def test_50_mb_of_text_come_back_byte_identical(server: Server, codec: str) -> None:
    kcat, topic = Kcat(server.address), f"text-{codec}"
    sent = text(SIZE_BYTES)
    kcat.create_topic(topic)
    kcat.run("-P", "-t", topic, "-p0", "-z", codec, stdin=sent)
    read = kcat.run("-C", "-t", topic, "-p0", "-o0", "-e")
    assert len(read) == len(sent)
    assert hashlib.sha256(read).digest() == hashlib.sha256(sent).digest()
