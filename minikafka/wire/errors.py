"""Every error that Kafka's protocol knows, and the exceptions that carry them.

An answer never carries an exception, it carries a number:

      ProduceResponse(… PartitionProduceResponse(index=0, error_code=6) …)
                                                                      │
      ErrorCode(6).name       "NOT_LEADER_OR_FOLLOWER"  ──────────────┘
      ErrorCode(6).retriable  True: the same request may succeed later
      ErrorCode(6).refresh    True: but ask for fresh metadata first

Numbers, names and the two properties are Kafka's (class `Errors`, and whether its
exception is a `RetriableException` or a `RefreshRetriableException`); the
descriptions are ours. In messages the field stays a plain int: making the enum
member while decoding would cost more than the rest of the decoding.

Three exceptions, from the inside outwards:

      KafkaError          the peer understood the request, and the answer is "no"
      UnsupportedVersion  this message cannot be said in that version
      MalformedFrame      the bytes are not what they claim to be; close the connection
"""

from __future__ import annotations

from enum import IntEnum

_LATER = 1  # a RetriableException
_REFRESH = 2  # a RefreshRetriableException: retriable, with fresh metadata or coordinator


class ErrorCode(IntEnum):
    """An error number with its name. `int(code)` is what goes on the wire."""

    description: str
    """What went wrong, in one sentence."""
    retriable: bool
    """The same request may succeed later without anybody changing it."""
    refresh: bool
    """It only can after the client has asked again who leads or coordinates."""

    # The defaults are for the type checker alone: `ErrorCode(6)` looks a member up.
    def __new__(cls, code: int, description: str = "", retry: int = 0) -> ErrorCode:
        member = int.__new__(cls, code)
        member._value_ = code
        member.description = description
        member.retriable = retry != 0
        member.refresh = retry == _REFRESH
        return member

    @classmethod
    def of(cls, code: int) -> ErrorCode:
        """The member for a number from the wire; UNKNOWN_SERVER_ERROR for one not known here."""
        try:
            return cls(code)
        except ValueError:
            return cls.UNKNOWN_SERVER_ERROR

    UNKNOWN_SERVER_ERROR = -1, "The server met an error that has no number of its own."
    NONE = 0, "No error."
    OFFSET_OUT_OF_RANGE = 1, "The offset lies outside of what the partition's log holds."
    CORRUPT_MESSAGE = 2, "A batch fails its checksum or contradicts its own header.", _LATER
    UNKNOWN_TOPIC_OR_PARTITION = 3, "This broker has no such topic or partition.", _REFRESH
    INVALID_FETCH_SIZE = 4, "The number of bytes to fetch makes no sense."
    LEADER_NOT_AVAILABLE = 5, "The partition has no leader at the moment.", _REFRESH
    NOT_LEADER_OR_FOLLOWER = 6, "This broker does not lead the partition.", _REFRESH
    REQUEST_TIMED_OUT = 7, "What was asked for did not happen within its timeout.", _LATER
    BROKER_NOT_AVAILABLE = 8, "The broker cannot be reached."
    REPLICA_NOT_AVAILABLE = 9, "This broker has no usable replica of the partition.", _REFRESH
    MESSAGE_TOO_LARGE = 10, "A batch is larger than max.message.bytes allows."
    STALE_CONTROLLER_EPOCH = 11, "The sender is a controller that has been replaced."
    OFFSET_METADATA_TOO_LARGE = 12, "The text beside a committed offset is too long."
    NETWORK_EXCEPTION = 13, "The connection ended before the answer came.", _REFRESH
    COORDINATOR_LOAD_IN_PROGRESS = 14, "The coordinator is still reading its own log.", _LATER
    COORDINATOR_NOT_AVAILABLE = 15, "There is no coordinator at the moment.", _REFRESH
    NOT_COORDINATOR = 16, "This broker does not coordinate that key.", _REFRESH
    INVALID_TOPIC_EXCEPTION = 17, "The topic's name is not allowed, or not for this operation."
    RECORD_LIST_TOO_LARGE = 18, "The batches do not fit into one segment."
    NOT_ENOUGH_REPLICAS = 19, "Fewer replicas are in sync than min.insync.replicas.", _LATER
    NOT_ENOUGH_REPLICAS_AFTER_APPEND = (
        20,
        "The batch is in the log, but then too few replicas were in sync.",
        _LATER,
    )
    INVALID_REQUIRED_ACKS = 21, "acks is none of -1, 0 and 1."
    ILLEGAL_GENERATION = 22, "The member speaks of a generation the group has left."
    INCONSISTENT_GROUP_PROTOCOL = 23, "The member shares no assignor or type with the group."
    INVALID_GROUP_ID = 24, "The group's name is not allowed."
    UNKNOWN_MEMBER_ID = 25, "The group has no such member."
    INVALID_SESSION_TIMEOUT = 26, "The session timeout is outside the broker's bounds."
    REBALANCE_IN_PROGRESS = 27, "The group is rebalancing; join again."
    INVALID_COMMIT_OFFSET_SIZE = 28, "The commit is too large."
    TOPIC_AUTHORIZATION_FAILED = 29, "The principal may not do this to the topic."
    GROUP_AUTHORIZATION_FAILED = 30, "The principal may not do this to the group."
    CLUSTER_AUTHORIZATION_FAILED = 31, "The principal may not do this to the cluster."
    INVALID_TIMESTAMP = 32, "A record's timestamp is too far from the broker's clock."
    UNSUPPORTED_SASL_MECHANISM = 33, "The broker does not speak this SASL mechanism."
    ILLEGAL_SASL_STATE = 34, "The request does not fit the state of the SASL exchange."
    UNSUPPORTED_VERSION = 35, "The API is not served in this version."
    TOPIC_ALREADY_EXISTS = 36, "A topic of this name exists already."
    INVALID_PARTITIONS = 37, "The number of partitions is not possible."
    INVALID_REPLICATION_FACTOR = 38, "There are fewer brokers than copies wanted, or none wanted."
    INVALID_REPLICA_ASSIGNMENT = 39, "The list of replicas is not possible."
    INVALID_CONFIG = 40, "A config is unknown or its value is not allowed."
    NOT_CONTROLLER = 41, "This node is not the active controller.", _LATER
    INVALID_REQUEST = 42, "The request contradicts itself or leaves out what it needs."
    UNSUPPORTED_FOR_MESSAGE_FORMAT = 43, "Batches of this format cannot do that."
    POLICY_VIOLATION = 44, "A policy of the cluster forbids it."
    OUT_OF_ORDER_SEQUENCE_NUMBER = 45, "A producer's batch came before one that precedes it."
    DUPLICATE_SEQUENCE_NUMBER = 46, "A producer's batch is in the log already."
    INVALID_PRODUCER_EPOCH = 47, "A newer run of this producer has taken over."
    INVALID_TXN_STATE = 48, "The transaction is in a state that does not allow this."
    INVALID_PRODUCER_ID_MAPPING = 49, "The producer id does not belong to the transactional id."
    INVALID_TRANSACTION_TIMEOUT = 50, "The timeout exceeds transaction.max.timeout.ms."
    CONCURRENT_TRANSACTIONS = 51, "The previous transaction is not finished yet.", _LATER
    TRANSACTION_COORDINATOR_FENCED = 52, "The marker comes from a replaced coordinator."
    TRANSACTIONAL_ID_AUTHORIZATION_FAILED = 53, "The principal may not use the transactional id."
    SECURITY_DISABLED = 54, "The cluster has no authorizer."
    OPERATION_NOT_ATTEMPTED = 55, "Another part of the request failed first."
    KAFKA_STORAGE_ERROR = 56, "The disk failed.", _REFRESH
    LOG_DIR_NOT_FOUND = 57, "The broker has no such log directory."
    SASL_AUTHENTICATION_FAILED = 58, "The credentials were refused."
    UNKNOWN_PRODUCER_ID = 59, "The log remembers nothing of this producer any more."
    REASSIGNMENT_IN_PROGRESS = 60, "The partition is being moved."
    DELEGATION_TOKEN_AUTH_DISABLED = 61, "Delegation tokens are switched off."
    DELEGATION_TOKEN_NOT_FOUND = 62, "There is no such delegation token."
    DELEGATION_TOKEN_OWNER_MISMATCH = 63, "The token belongs to somebody else."
    DELEGATION_TOKEN_REQUEST_NOT_ALLOWED = 64, "This kind of connection cannot ask for tokens."
    DELEGATION_TOKEN_AUTHORIZATION_FAILED = 65, "The principal may not do this to the token."
    DELEGATION_TOKEN_EXPIRED = 66, "The token has expired."
    INVALID_PRINCIPAL_TYPE = 67, "Principals of this type are not known."
    NON_EMPTY_GROUP = 68, "The group still has members."
    GROUP_ID_NOT_FOUND = 69, "There is no such group."
    FETCH_SESSION_ID_NOT_FOUND = 70, "The broker has dropped this fetch session.", _LATER
    INVALID_FETCH_SESSION_EPOCH = 71, "The fetch session is at another step.", _LATER
    LISTENER_NOT_FOUND = 72, "The leader does not listen where the client asked.", _REFRESH
    TOPIC_DELETION_DISABLED = 73, "delete.topic.enable is false."
    FENCED_LEADER_EPOCH = 74, "The client knows an older leader than the broker does.", _REFRESH
    UNKNOWN_LEADER_EPOCH = 75, "The client knows a newer leader than the broker does.", _LATER
    UNSUPPORTED_COMPRESSION_TYPE = 76, "This version cannot carry the batch's compression."
    STALE_BROKER_EPOCH = 77, "The broker has registered again since."
    OFFSET_NOT_AVAILABLE = 78, "A new leader does not know the high watermark yet.", _LATER
    MEMBER_ID_REQUIRED = 79, "Join again, with the member id in this answer."
    PREFERRED_LEADER_NOT_AVAILABLE = 80, "The preferred leader is not available.", _REFRESH
    GROUP_MAX_SIZE_REACHED = 81, "The group is full."
    FENCED_INSTANCE_ID = 82, "Another member uses this group.instance.id now."
    ELIGIBLE_LEADERS_NOT_AVAILABLE = 83, "No replica may become leader.", _REFRESH
    ELECTION_NOT_NEEDED = 84, "The leader is the wanted one already.", _REFRESH
    NO_REASSIGNMENT_IN_PROGRESS = 85, "The partition is not being moved."
    GROUP_SUBSCRIBED_TO_TOPIC = 86, "The group still reads the topic."
    INVALID_RECORD = 87, "A record breaks a rule of its topic."
    UNSTABLE_OFFSET_COMMIT = 88, "A transaction that commits offsets is still open.", _LATER
    THROTTLING_QUOTA_EXCEEDED = 89, "The quota is used up for now.", _LATER
    PRODUCER_FENCED = 90, "A newer producer uses the same transactional id."
    RESOURCE_NOT_FOUND = 91, "There is no such resource."
    DUPLICATE_RESOURCE = 92, "The request names a resource twice."
    UNACCEPTABLE_CREDENTIAL = 93, "The credential is too weak or of the wrong shape."
    INCONSISTENT_VOTER_SET = 94, "Sender and receiver disagree about who votes."
    INVALID_UPDATE_VERSION = 95, "The feature cannot be set to this version."
    FEATURE_UPDATE_FAILED = 96, "The feature could not be updated."
    PRINCIPAL_DESERIALIZATION_FAILURE = 97, "A forwarded principal could not be read."
    SNAPSHOT_NOT_FOUND = 98, "There is no such snapshot."
    POSITION_OUT_OF_RANGE = 99, "The position lies outside of the snapshot."
    UNKNOWN_TOPIC_ID = 100, "This broker has no topic with this id.", _REFRESH
    DUPLICATE_BROKER_REGISTRATION = 101, "Another broker uses this id."
    BROKER_ID_NOT_REGISTERED = 102, "No broker is registered under this id."
    INCONSISTENT_TOPIC_ID = 103, "The topic's log has another topic id.", _REFRESH
    INCONSISTENT_CLUSTER_ID = 104, "The request is meant for another cluster."
    TRANSACTIONAL_ID_NOT_FOUND = 105, "There is no such transactional id."
    FETCH_SESSION_TOPIC_ID_ERROR = 106, "A fetch session mixes topic names and ids.", _LATER
    INELIGIBLE_REPLICA = 107, "The new ISR names a replica that may not be in it."
    NEW_LEADER_ELECTED = 108, "The partition was changed, and with it the leader."
    OFFSET_MOVED_TO_TIERED_STORAGE = 109, "The offset is in remote storage only."
    FENCED_MEMBER_EPOCH = 110, "The coordinator has fenced the member; rejoin."
    UNRELEASED_INSTANCE_ID = 111, "A member with this instance id has not left yet."
    UNSUPPORTED_ASSIGNOR = 112, "The group cannot use this assignor."
    STALE_MEMBER_EPOCH = 113, "The member has missed an epoch; heartbeat first."
    MISMATCHED_ENDPOINT_TYPE = 114, "The request was sent to a controller instead of a broker."
    UNSUPPORTED_ENDPOINT_TYPE = 115, "This kind of endpoint is not supported."
    UNKNOWN_CONTROLLER_ID = 116, "There is no such controller."
    UNKNOWN_SUBSCRIPTION_ID = 117, "The telemetry subscription is unknown or outdated."
    TELEMETRY_TOO_LARGE = 118, "The pushed metrics are too large."
    INVALID_REGISTRATION = 119, "The controller refuses the broker's registration."
    TRANSACTION_ABORTABLE = 120, "The transaction has failed; abort it and go on."
    INVALID_RECORD_STATE = 121, "The shared record is not in a state to be acknowledged."
    SHARE_SESSION_NOT_FOUND = 122, "The broker has dropped this share session.", _LATER
    INVALID_SHARE_SESSION_EPOCH = 123, "The share session is at another step.", _LATER
    FENCED_STATE_EPOCH = 124, "The share group's state has moved on."
    INVALID_VOTER_KEY = 125, "The voter's id or directory is another."
    DUPLICATE_VOTER = 126, "The node votes already."
    VOTER_NOT_FOUND = 127, "The node is no voter."
    INVALID_REGULAR_EXPRESSION = 128, "The regular expression cannot be read."
    REBOOTSTRAP_REQUIRED = 129, "The client's metadata is useless; start from bootstrap.servers."
    STREAMS_INVALID_TOPOLOGY = 130, "The topology is not valid."
    STREAMS_INVALID_TOPOLOGY_EPOCH = 131, "The topology's epoch is not valid."
    STREAMS_TOPOLOGY_FENCED = 132, "A newer topology is in use."
    SHARE_SESSION_LIMIT_REACHED = 133, "The broker holds as many share sessions as it may.", _LATER


LONGEST_MESSAGE = 1000


def cut(text: str) -> str:
    """`text`, or its beginning and "…" when it is too long for an answer."""
    return text if len(text) <= LONGEST_MESSAGE else text[: LONGEST_MESSAGE - 1] + "…"


class KafkaError(Exception):
    """The answer is "no": an error code, and why this time.

    Machines raise it; handlers turn it into the `error_code` (and `error_message`)
    of an answer; clients raise it again on the other side.

    The reason may quote what somebody sent, so it is cut to LONGEST_MESSAGE characters:
    a string on the wire has at most 32,767 bytes, and "no" must always fit into an answer.
    """

    def __init__(self, code: ErrorCode | int, why: str | None = None) -> None:
        self.code = ErrorCode.of(code)
        self.message = cut(why or self.code.description)
        super().__init__(f"{self.code.name}: {self.message}")

    @property
    def retriable(self) -> bool:
        """The same request may succeed later."""
        return self.code.retriable

    def __reduce__(self) -> tuple[type[KafkaError], tuple[int, str]]:
        return type(self), (int(self.code), self.message)


class UnsupportedVersion(KafkaError):
    """A message holds something that the version it shall be encoded in has no room for.

    Kafka's `UnsupportedVersionException`. Raised by the side that encodes, so nothing
    false reaches the wire.
    """

    def __init__(self, why: str) -> None:
        super().__init__(ErrorCode.UNSUPPORTED_VERSION, why)

    def __reduce__(self) -> tuple[type[UnsupportedVersion], tuple[str]]:  # type: ignore[override]
        return type(self), (self.message,)


class MalformedFrame(Exception):
    """A frame lies: about its length, a count, a string, or about what API it is.

    The one error of everything that reads bytes from a peer. After it the position
    in the stream is unknown, so the only safe answer is to close this connection.
    """
