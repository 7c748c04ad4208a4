"""RemoveRaftVoter (81): take a voter out of the metadata quorum (KIP-853).

Version 0.
"""

from __future__ import annotations

from minikafka.wire.schema import Message
from minikafka.wire.types import int16, int32, string, uuid


class RemoveRaftVoterRequest(Message, api_key=81, versions="0-0", flexible="0+"):
    cluster_id: str | None = string(nullable="0+")
    voter_id: int = int32()
    voter_directory_id: bytes = uuid()


class RemoveRaftVoterResponse(Message, answers=RemoveRaftVoterRequest):
    throttle_time_ms: int = int32()
    error_code: int = int16()
    error_message: str | None = string(nullable="0+")
