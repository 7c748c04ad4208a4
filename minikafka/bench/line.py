"""One bare connection to a broker, asked one thing at a time.

    line = Line("127.0.0.1:9092")
    response, size_bytes = line.ask(FetchRequest(…), version=12)

For loads that a client library would hide: its threads, queues and buffers are not there.
"""

from __future__ import annotations

import socket

from minikafka.node import Channel, Request, Response
from minikafka.wire.connection import ClientConnection, encode_request
from minikafka.wire.messages.list_offsets import (
    LATEST,
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsTopic,
)
from minikafka.wire.schema import Message
from minikafka.wire.types import Part

TIMEOUT_S = 60.0
RECEIVE_BYTES = 1 << 20
LIST_OFFSETS_VERSION = 6


class Line:
    """A socket that waits for what it asked."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self.sock = socket.create_connection((host, int(port)), TIMEOUT_S)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.channel = Channel("bench", address)

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def frame(self, body: Message, version: int) -> bytes:
        """A request as it goes over the wire."""
        return joined(encode_request(self._request(body, version)))

    def ask(self, body: Message, version: int) -> tuple[Response, int]:
        """The answer, and how many bytes it has."""
        client, size_bytes = ClientConnection(self.channel), 0
        self.sock.sendall(joined(client.send(self._request(body, version))))
        while (response := client.next_response()) is None:
            data = self.sock.recv(RECEIVE_BYTES)
            if not data:
                raise ConnectionError("the broker hung up")
            size_bytes += len(data)
            client.feed(data)
        return response, size_bytes

    def end_offset(self, topic: str) -> int:
        """Where partition 0 ends."""
        partition = ListOffsetsPartition(partition_index=0, timestamp=LATEST)
        wanted = ListOffsetsTopic(name=topic, partitions=[partition])
        response, _ = self.ask(
            ListOffsetsRequest(replica_id=-1, topics=[wanted]), LIST_OFFSETS_VERSION
        )
        end: int = response.body.topics[0].partitions[0].offset
        return end

    def _request(self, body: Message, version: int) -> Request:
        return Request(self.channel, body, version, 1, "bench")


def joined(parts: list[Part]) -> bytes:
    """No part of what a client asks stands in a file."""
    return b"".join(part for part in parts if isinstance(part, (bytes, bytearray, memoryview)))
