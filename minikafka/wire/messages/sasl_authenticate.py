"""SaslAuthenticate (36): prove who I am, a token at a time (KIP-152).

Versions 0-2. 1 tells how long the session lives (KIP-368), 2 is flexible.
"""

from __future__ import annotations

from minikafka.wire.schema import Message
from minikafka.wire.types import bytes_, int16, int64, string


class SaslAuthenticateRequest(Message, api_key=36, versions="0-2", flexible="2+"):
    auth_bytes: bytes = bytes_()


class SaslAuthenticateResponse(Message, answers=SaslAuthenticateRequest):
    error_code: int = int16()
    error_message: str | None = string(nullable="0+")
    auth_bytes: bytes = bytes_()
    session_lifetime_ms: int = int64("1+", ignorable=True)
