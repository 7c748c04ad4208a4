"""One class per message, for all of its versions.

      class HeartbeatRequest(Message, api_key=12, versions="0-4", flexible="4+"):
          group_id: str = string()
          generation_id: int = int32()
          member_id: str = string()
          group_instance_id: str | None = string("3+", nullable="3+", default=None)

      class HeartbeatResponse(Message, answers=HeartbeatRequest):
          throttle_time_ms: int = int32("1+", ignorable=True)
          error_code: int = int16()

      parts = encode(HeartbeatRequest(group_id="g", generation_id=3), version=4)
      request = decode(HeartbeatRequest, 4, b"".join(parts))

Apache Kafka generates a Java class from each JSON schema when it is built; here the
class *is* the schema, and its code is generated when a version is first used. A
field that a version does not have holds its default there, so handlers never ask
for versions; what a version cannot say raises `UnsupportedVersion` at the sender.

Not dataclasses: 477 of them, as all of Kafka has, cost 0.2 s to import; a small
metaclass that makes slots costs 9 ms.
"""

from __future__ import annotations

import struct as struct_module
from typing import Any, ClassVar, Generic, TypeVar, dataclass_transform

from minikafka.wire.compiler import (
    Decode,
    Encode,
    compile_constructor,
    compile_decoder,
    compile_encoder,
)
from minikafka.wire.errors import ErrorCode, MalformedFrame, UnsupportedVersion
from minikafka.wire.types import Field, Part, Versions, versions

F = TypeVar("F")
M = TypeVar("M", bound="Message")


class _Declared(type):
    """Turns the fields in a class body into slots."""

    def __new__(
        mcs, name: str, bases: tuple[type, ...], body: dict[str, Any], **options: Any
    ) -> _Declared:
        fields = []
        for key, value in list(body.items()):
            if isinstance(value, Field):
                value.name = key
                fields.append(body.pop(key))
        body["__slots__"] = tuple(field.name for field in fields)
        body["FIELDS"] = tuple(fields)
        return super().__new__(mcs, name, bases, body, **options)


# Not told about field specifiers, a type checker takes every field to have a default,
# which is true: `int32()` is 0 when nobody says otherwise.
@dataclass_transform()
class Struct(metaclass=_Declared):
    """A group of fields inside of a message. Treat one as a value once it is in a message."""

    FIELDS: ClassVar[tuple[Field, ...]]

    def __init__(self, *values: Any, **fields: Any) -> None:
        # Replaced by a generated one when the class is first used, not when it is imported.
        cls = type(self)
        cls.__init__ = compile_constructor(cls)  # type: ignore[method-assign]
        cls.__init__(self, *values, **fields)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and all(
            getattr(self, field.name) == getattr(other, field.name) for field in self.FIELDS
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        shown = [
            f"{field.name}={_show(field, value)}"
            for field in self.FIELDS
            if (value := getattr(self, field.name)) != field.default
        ]
        return f"{type(self).__name__}({', '.join(shown)})"


def _show(field: Field, value: Any) -> str:
    """Error codes by their names: the field itself stays an int, which is faster to decode."""
    if field.name.endswith("error_code"):
        return ErrorCode.of(value).name
    return "None" if value is None else field.kind.show(value)


class _Compiled(dict[int, F], Generic[F]):
    """The compiled functions of one message by version; a missing one is compiled."""

    def __init__(self, cls: type[Message], compiler: Any) -> None:
        self.cls = cls
        self.compiler = compiler

    def __missing__(self, version: int) -> F:
        if version not in self.cls.VERSIONS:
            raise UnsupportedVersion(
                f"{self.cls.__name__} has no version {version}, only {self.cls.VERSIONS}"
            )
        flexible = version in self.cls.FLEXIBLE
        function: F = self.compiler(self.cls, version, flexible)
        self[version] = function
        return function


class Message(Struct):
    """What can be encoded on its own: a request, its answer, or data with a version."""

    API_KEY: ClassVar[int]
    """Which API (in the metadata log: which type of record); -1 where there is none."""
    NAME: ClassVar[str]
    """The API's name, `"Fetch"` for both FetchRequest and FetchResponse."""
    VERSIONS: ClassVar[Versions]
    FLEXIBLE: ClassVar[range]
    """The versions with compact lengths and tagged fields (KIP-482)."""
    REQUEST: ClassVar[type[Message]]
    """The request that this answers."""
    RESPONSE: ClassVar[type[Message]]
    """The answer to this request."""
    ENCODERS: ClassVar[dict[int, Encode]]
    DECODERS: ClassVar[dict[int, Decode]]

    def __init_subclass__(
        cls,
        *,
        api_key: int = -1,
        versions: str = "0+",
        flexible: str = "none",
        answers: type[Message] | None = None,
    ) -> None:
        """A response has the key and the versions of the request that it answers."""
        cls.API_KEY = api_key
        cls.NAME = cls.__name__.removesuffix("Request").removesuffix("Response")
        cls.VERSIONS, compact = _range(versions), _range(flexible)
        cls.FLEXIBLE = range(compact.min, compact.max + 1)  # each message asks: a range is fast
        if answers is not None:
            cls.API_KEY, cls.VERSIONS, cls.FLEXIBLE = (
                answers.API_KEY,
                answers.VERSIONS,
                answers.FLEXIBLE,
            )
            cls.REQUEST, answers.RESPONSE = answers, cls
        cls.ENCODERS = _Compiled(cls, compile_encoder)
        cls.DECODERS = _Compiled(cls, compile_decoder)


_range = versions  # `versions` is also the name of an option above


def encode(message: Message, version: int) -> list[Part]:
    """The message as bytes, in parts to be sent one after the other.

    The first part is bytes. Records of more than 4 KB are parts of their own, handed on
    uncopied: a buffer as it is, a file slice to be sent from the file.
    Raises UnsupportedVersion when the version does not exist or cannot say it, and
    ValueError when a number or a string is too large for its field.
    """
    try:
        return message.ENCODERS[version](message)
    except (struct_module.error, ValueError) as error:
        raise ValueError(f"{type(message).__name__} v{version}: {error}") from error


def decode(
    cls: type[M], version: int, frame: bytes | bytearray, position: int = 0, end: int | None = None
) -> M:
    """Read a message that fills frame[position:end] exactly, or raise MalformedFrame.

    "Exactly" is stricter than Kafka, which lets bytes left over at the end of a request
    pass: a length that is too short would go unnoticed.

    Records fields are memoryviews into the frame and keep all of it alive: copy what is
    to be kept. They are writable when the frame is a bytearray.
    """
    stop = len(frame) if end is None else end
    message: M
    try:
        message, reached = cls.DECODERS[version](frame, position, stop)
    except (IndexError, struct_module.error):
        reached = stop + 1
    except UnicodeDecodeError as error:
        raise MalformedFrame(f"{cls.__name__} v{version}: a string is not UTF-8") from error
    except MalformedFrame as error:
        raise MalformedFrame(f"{cls.__name__} v{version}: {error}") from error
    if reached > stop:
        raise MalformedFrame(f"{cls.__name__} v{version} goes on past the end of its frame")
    if reached != stop:
        raise MalformedFrame(
            f"{cls.__name__} v{version} ends {stop - reached} bytes before its frame does"
        )
    return message
