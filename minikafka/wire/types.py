"""The words in which messages are declared.

      class FetchPartition(Struct):
          partition: int = int32()
          current_leader_epoch: int = int32("9+", default=-1, ignorable=True)
          replica_directory_id: bytes = uuid("17+", tag=0, ignorable=True)

A *kind* (`int32`, `string`, `array(FetchTopic)`, …) says how a value lies on the
wire; calling it makes a *field*: in which versions it exists, whether it may be
null, what it is when nobody says. These are the words of Kafka's own message
schemas (`clients/src/main/resources/common/message/README.md`), with the same
defaults, so a declaration can be compared with the original line by line.

How a kind lies on the wire depends on the message's version. From its first
*flexible* version on (KIP-482) lengths are varints and may be followed by tags:

                 before                           flexible ("compact")
      string     int16 length, UTF-8              uvarint length + 1, UTF-8
      bytes      int32 length, bytes              uvarint length + 1, bytes
      array      int32 count, elements            uvarint count + 1, elements
      null       length -1                        length 0
      struct     its fields                       its fields, then its tagged fields

      tagged fields   uvarint count, then each: uvarint tag, uvarint size, value

A tagged field that has its default value is left out, and a reader skips tags that
it does not know: that is how Kafka adds fields without a new version.

**Topic ids** and other UUIDs are plain `bytes`, 16 of them: they can be compared and
hashed, cost nothing to decode, and `import uuid` is saved. `uuid_text` prints them
the way that Kafka's tools do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable
    from random import Random

    from minikafka.wire.schema import Struct


class Sendable(Protocol):
    """Bytes that need not be in memory, such as a slice of a log segment."""

    def __len__(self) -> int: ...
    def read(self) -> bytes: ...


Buffer = bytes | bytearray | memoryview
Records = Buffer | Sendable | None
"""What a records field may hold. Decoding makes it a memoryview into the frame: no copy."""

Part = Buffer | Sendable
"""A piece of an encoded message, to be sent after the pieces before it."""


def joined(parts: Iterable[Part]) -> bytes:
    """An encoded message as one string of bytes; what lies in a file is read."""
    memory = (bytes, bytearray, memoryview)
    return b"".join(part if isinstance(part, memory) else part.read() for part in parts)


class Versions(NamedTuple):
    """An inclusive range of versions: `3 in Versions(1, 4)`."""

    min: int
    max: int

    def __contains__(self, version: object) -> bool:
        return isinstance(version, int) and self.min <= version <= self.max

    def __str__(self) -> str:
        return f"{self.min}-{self.max}"


NO_VERSION = Versions(0, -1)
_LAST = 0x7FFF


def versions(text: str | None) -> Versions:
    """Read a range as the schemas write it: `"4"`, `"7-12"`, `"9+"`, `"none"`."""
    if text is None or text == "none":
        return NO_VERSION
    if text.endswith("+"):
        return Versions(int(text[:-1]), _LAST)
    first, _, last = text.partition("-")
    return Versions(int(first), int(last or first))


class _Unset:
    """Told apart from every value, None included, that a default can be."""


_UNSET: Any = _Unset()


class Field:
    """One declared field of a struct."""

    __slots__ = (
        "_default",
        "compact",
        "ignorable",
        "kind",
        "name",
        "nullable",
        "tag",
        "tagged",
        "versions",
    )

    def __init__(self, kind: Kind, exists: str) -> None:
        self.kind = kind
        self.name = ""  # set when the class that holds it is made
        self.versions = versions(exists)
        self.nullable = NO_VERSION
        self.tag = 0
        self.tagged = NO_VERSION  # the versions in which it is a tagged field
        self.ignorable = False
        self.compact = True  # in flexible versions, that is; False for one header field
        self._default: Any = _UNSET

    @property
    def default(self) -> Any:
        """The value nobody set. A default struct is one shared object: replace, never change it."""
        if self._default is _UNSET:
            self._default = self.kind.empty()
        return self._default

    @property
    def is_fresh(self) -> bool:
        """The default is an empty list, made anew each time."""
        return isinstance(self.kind, ArrayKind) and self.default is not None


class Kind:
    """How a value lies on the wire. Calling it declares a field."""

    def empty(self) -> Any:
        """The default of a field of this kind."""
        raise NotImplementedError

    def show(self, value: Any) -> str:
        """The value as a person wants to read it."""
        return repr(value)

    def __call__(
        self,
        exists: str = "0+",
        *,
        default: Any = _UNSET,
        nullable: str | None = None,
        ignorable: bool = False,
        tag: int | None = None,
        tagged: str | None = None,
        compact: bool = True,
    ) -> Any:
        """Declare a field.

        `exists`    the versions that have it
        `default`   what it is there and elsewhere when nobody says; else zero, "" or []
        `nullable`  the versions in which None is allowed
        `ignorable` a version without the field drops its value; otherwise encoding
                    anything but the default there raises UnsupportedVersion
        `tag`       its number as a tagged field, in the versions `tagged` (else in all)
        `compact`   False keeps the old length even in flexible versions
        """
        field = Field(self, exists)
        field._default = default
        field.nullable = versions(nullable)
        field.ignorable = ignorable
        field.compact = compact
        if tag is not None:
            field.tag = tag
            field.tagged = versions(tagged or exists)
        return field


class FixedKind(Kind):
    """A number, boolean or UUID: `code` as in the module `struct`, always `size` bytes."""

    def __init__(self, code: str, size: int, zero: Any) -> None:
        self.code = code
        self.size = size
        self.zero = zero

    def empty(self) -> Any:
        return self.zero


class UuidKind(FixedKind):
    def show(self, value: Any) -> str:
        return uuid_text(value)


class VariableKind(Kind):
    """A string, bytes or records: a length, then content. `code` is its length before compact."""

    def __init__(self, name: str, code: str, empty: Any) -> None:
        self.name = name
        self.code = code
        self._empty = empty

    def empty(self) -> Any:
        return self._empty

    def show(self, value: Any) -> str:
        return repr(value) if value is None or isinstance(value, str) else f"<{len(value)} bytes>"


class StructKind(Kind):
    def __init__(self, cls: type[Struct]) -> None:
        self.cls = cls

    def empty(self) -> Any:
        return self.cls()


class ArrayKind(Kind):
    def __init__(self, element: Kind) -> None:
        self.element = element

    def empty(self) -> Any:
        return []

    def show(self, value: Any) -> str:
        if value is None:
            return "None"
        shown = [self.element.show(item) for item in value[:_SHOWN]]
        if len(value) > _SHOWN:
            shown.append(f"… {len(value) - _SHOWN} more")
        return f"[{', '.join(shown)}]"


_SHOWN = 8  # elements of an array that a repr spells out

ZERO_UUID = bytes(16)
"""No id: Kafka's `Uuid.ZERO_UUID`."""

boolean = FixedKind("?", 1, False)
int8 = FixedKind("b", 1, 0)
int16 = FixedKind("h", 2, 0)
uint16 = FixedKind("H", 2, 0)
int32 = FixedKind("i", 4, 0)
uint32 = FixedKind("I", 4, 0)
int64 = FixedKind("q", 8, 0)
float64 = FixedKind("d", 8, 0.0)
uuid = UuidKind("16s", 16, ZERO_UUID)
string = VariableKind("string", "h", "")
bytes_ = VariableKind("bytes", "i", b"")
records = VariableKind("records", "i", None)


def struct(cls: type[Struct], exists: str = "0+", **options: Any) -> Any:
    """Declare a field that holds one nested struct. For the options see `Kind.__call__`."""
    return StructKind(cls)(exists, **options)


def array(element: Kind | type[Struct], exists: str = "0+", **options: Any) -> Any:
    """Declare a field that holds a list of structs, or of values of one kind."""
    kind = element if isinstance(element, Kind) else StructKind(element)
    return ArrayKind(kind)(exists, **options)


def uuid_text(value: bytes) -> str:
    """Kafka's way to write a UUID: 22 characters of URL-safe base64, `AAAA…AAQ`."""
    from base64 import urlsafe_b64encode

    return urlsafe_b64encode(value).rstrip(b"=").decode()


def uuid_from_text(text: str) -> bytes:
    """The other way. Raises ValueError when the text is not a UUID."""
    from base64 import urlsafe_b64decode

    value = urlsafe_b64decode(text + "==")
    if len(value) != len(ZERO_UUID):
        raise ValueError(f"{text!r} is not a UUID: {len(value)} bytes instead of 16")
    return value


def is_uuid(text: str) -> bool:
    """Whether this is how Kafka would write some UUID."""
    try:
        return uuid_text(uuid_from_text(text)) == text
    except ValueError:
        return False


def random_uuid(random: Random) -> bytes:
    """A new id (`Uuid.randomUuid`): version 4, and its text does not start with a dash.

    A dash would be read as an option by the command-line tools. The ids that Kafka
    reserves are not of version 4, so they cannot come out.
    """
    while True:
        value = bytearray(random.randbytes(16))
        value[6] = value[6] & 0x0F | 0x40
        value[8] = value[8] & 0x3F | 0x80
        if value[0] >> 2 != 62:  # the first six bits are the first character; 62 is "-"
            return bytes(value)
