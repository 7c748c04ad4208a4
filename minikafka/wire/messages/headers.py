"""What stands before every request and every answer.

      request   size | api key, version, correlation id, client id (, tags) | body
      answer    size | correlation id (, tags)                              | body

The header has versions of its own, which follow from the body's: flexible messages
have header version 2 (request) or 1 (answer), others 1 and 0. Two exceptions keep the
first contact possible, where neither side knows yet what the other one speaks:

  - the client id keeps its old int16 length even in the flexible header, so that a
    broker can find the correlation id and the client of a version it has never seen;
  - the answer to ApiVersions always has header version 0 (KIP-511).
"""

from __future__ import annotations

from minikafka.wire.schema import Message
from minikafka.wire.types import int16, int32, string


class RequestHeader(Message, versions="1-2", flexible="2+"):
    request_api_key: int = int16()
    request_api_version: int = int16()
    correlation_id: int = int32()
    client_id: str | None = string("1+", nullable="1+", compact=False)


class ResponseHeader(Message, versions="0-1", flexible="1+"):
    correlation_id: int = int32()
