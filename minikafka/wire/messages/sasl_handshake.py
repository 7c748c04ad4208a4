"""SaslHandshake (17): which mechanism will prove who I am?

Versions 0-1. 1 is followed by SaslAuthenticate instead of bare tokens (KIP-152). Never
flexible.
"""

from __future__ import annotations

from minikafka.wire.schema import Message
from minikafka.wire.types import array, int16, string


class SaslHandshakeRequest(Message, api_key=17, versions="0-1"):
    mechanism: str = string()


class SaslHandshakeResponse(Message, answers=SaslHandshakeRequest):
    error_code: int = int16()
    mechanisms: list[str] = array(string)
