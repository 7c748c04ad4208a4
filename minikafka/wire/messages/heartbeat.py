"""Heartbeat (12): I am alive; is the group still as it was?

Versions 0-4. 3 has static members (KIP-345), 4 is flexible.
"""

from __future__ import annotations

from minikafka.wire.schema import Message
from minikafka.wire.types import int16, int32, string


class HeartbeatRequest(Message, api_key=12, versions="0-4", flexible="4+"):
    group_id: str = string()
    generation_id: int = int32()
    member_id: str = string()
    group_instance_id: str | None = string("3+", nullable="3+", default=None)


class HeartbeatResponse(Message, answers=HeartbeatRequest):
    throttle_time_ms: int = int32("1+", ignorable=True)
    error_code: int = int16()
