"""What each byte of a frame is: the same declarations, walked field by field.

    tree = dissect_request(frame)
    print(tree)

      0000  size                     39
      0004  header
      0004    request_api_key        3 (Metadata)
      0006    request_api_version    12
      …

The codec itself is generated code that is quick and says nothing (compiler.py). This walks the same
declarations slowly and notes for every value where it begins and ends: down to the varints of the
records. It is for people: the wire explorer, and whoever wants to know why a field is where it is.
That it takes every message in every version to pieces, and no byte twice, is tested.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from struct import Struct as Layout
from struct import error as StructError
from struct import unpack_from
from typing import Any

from minikafka.record.errors import RecordError
from minikafka.record.varint import read_uvarint
from minikafka.wire.errors import ErrorCode, MalformedFrame
from minikafka.wire.messages import API_KEYS, REQUESTS
from minikafka.wire.messages.headers import RequestHeader, ResponseHeader
from minikafka.wire.schema import Message, Struct
from minikafka.wire.types import (
    ArrayKind,
    Field,
    FixedKind,
    Kind,
    StructKind,
    UuidKind,
    VariableKind,
    uuid_text,
)

API_VERSIONS_KEY = 18
SHOWN = 60
"""Characters of a value that are shown."""

BATCH_HEADER = (
    ("base_offset", ">q"),
    ("batch_length", ">i"),
    ("partition_leader_epoch", ">i"),
    ("magic", ">b"),
    ("crc", ">I"),
    ("attributes", ">h"),
    ("last_offset_delta", ">i"),
    ("base_timestamp", ">q"),
    ("max_timestamp", ">q"),
    ("producer_id", ">q"),
    ("producer_epoch", ">h"),
    ("base_sequence", ">i"),
    ("record_count", ">i"),
)
CODECS = ("uncompressed", "gzip", "snappy", "lz4", "zstd")


@dataclass(slots=True)
class Piece:
    """Bytes `start` to `end` (exclusive) of a frame, what they are called, and what they say.

    `form` is how the value lies there; a group has `pieces` and no value of its own.
    """

    name: str
    start: int
    end: int
    value: str = ""
    form: str = ""
    pieces: list[Piece] = field(default_factory=list)

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self, depth: int = 0) -> Iterator[str]:
        """The piece and all in it, a line each: where it begins, its name, its value."""
        label = "  " * depth + self.name
        yield f"{self.start:04x}  {label:<34} {self.value}".rstrip()
        for piece in self.pieces:
            yield from piece.lines(depth + 1)

    def leaves(self) -> Iterator[Piece]:
        """The pieces without pieces; together they are every byte of the frame, once."""
        if not self.pieces:
            yield self
        for piece in self.pieces:
            yield from piece.leaves()

    def to_json(self) -> dict[str, Any]:
        plain: dict[str, Any] = {"name": self.name, "start": self.start, "end": self.end}
        plain |= {"value": self.value, "form": self.form}
        return {**plain, "pieces": [piece.to_json() for piece in self.pieces]}


def dissect_request(frame: bytes) -> Piece:
    """The pieces of a request, its size first. Raises MalformedFrame, saying where."""
    walk = _Walk(frame)
    try:
        api_key, version = unpack_from(">hh", frame, 4)
    except StructError:
        raise MalformedFrame(f"a frame of {len(frame)} bytes ends inside its header") from None
    cls = REQUESTS[api_key] if api_key in API_KEYS else None
    if cls is None or version not in cls.VERSIONS:
        raise MalformedFrame(f"there is no API {api_key} in version {version}")
    header_version = 2 if version in cls.FLEXIBLE else 1
    return walk.frame(f"{cls.NAME} request v{version}", RequestHeader, header_version, cls, version)


def dissect_response(frame: bytes, api_key: int, version: int) -> Piece:
    """The same of the answer to a request; what it answers does not stand in it."""
    if api_key not in API_KEYS or version not in REQUESTS[api_key].VERSIONS:
        raise MalformedFrame(f"there is no API {api_key} in version {version}")
    cls = REQUESTS[api_key].RESPONSE
    flexible = version in cls.FLEXIBLE and api_key != API_VERSIONS_KEY
    name = f"{REQUESTS[api_key].NAME} response v{version}"
    return _Walk(frame).frame(name, ResponseHeader, int(flexible), cls, version)


class _Walk:
    """Goes through a frame once, from the left."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def frame(
        self,
        name: str,
        header: type[Message],
        with_version: int,
        cls: type[Message],
        version: int,
    ) -> Piece:
        root = Piece(name, 0, len(self.data))
        try:
            size = self.number("size", ">i", "int32")
            if int(size.value) != len(self.data) - 4:
                raise ValueError(f"the size says {size.value}, {len(self.data) - 4} bytes follow")
            root.pieces.append(size)
            root.pieces.append(self.group("header", header, with_version))
            root.pieces.append(self.group("body", cls, version))
        except (StructError, IndexError, RecordError, ValueError) as error:
            raise MalformedFrame(f"byte {self.at}: {error}") from None
        if self.at != len(self.data):
            raise MalformedFrame(f"{len(self.data) - self.at} bytes follow the message")
        return root

    def group(self, name: str, cls: type[Message], version: int) -> Piece:
        start = self.at
        pieces = self.fields(cls, version, version in cls.FLEXIBLE)
        return Piece(name, start, self.at, pieces=pieces)

    # --- values ---
    def number(self, name: str, code: str, form: str, note: str = "") -> Piece:
        layout, start = Layout(code), self.at
        (value,) = layout.unpack_from(self.data, start)
        self.at += layout.size
        return Piece(name, start, self.at, f"{value}{note}", form)

    def varint(self, name: str, zigzag: bool = True) -> tuple[Piece, int]:
        start = self.at
        number, self.at = read_uvarint(self.data, start)
        value = number >> 1 ^ -(number & 1) if zigzag else number
        form = "zigzag varint" if zigzag else "varint"
        return Piece(name, start, self.at, str(value), form), value

    def take(self, count: int) -> bytes:
        if count < 0 or self.at + count > len(self.data):
            raise ValueError(f"{count} bytes are said to follow, {len(self.data) - self.at} do")
        self.at += count
        return self.data[self.at - count : self.at]

    # --- declared things ---
    def fields(self, cls: type[Struct], version: int, flexible: bool) -> list[Piece]:
        pieces, tagged = [], {}
        for each in cls.FIELDS:
            if version in each.tagged:
                tagged[each.tag] = each
            elif version in each.versions:
                pieces.append(self.field(each, version, flexible))
        if flexible:
            pieces.append(self.tags(tagged, version))
        return pieces

    def field(self, declared: Field, version: int, flexible: bool) -> Piece:
        """A declared field. A struct that may be null has a byte in front that says if it is."""
        kind, name, start = declared.kind, declared.name, self.at
        presence: list[Piece] = []
        if isinstance(kind, StructKind) and version in declared.nullable:
            presence = [self.number("presence", ">b", "int8")]
            if presence[0].value == "-1":
                return Piece(name, start, self.at, "null", "struct", presence)
        piece = self.value(name, kind, version, flexible, flexible and declared.compact)
        piece.start, piece.pieces = start, presence + piece.pieces
        return piece

    def tags(self, known: dict[int, Field], version: int) -> Piece:
        start = self.at
        count_piece, count = self.varint("count", zigzag=False)
        pieces = [count_piece] if count else []
        for _ in range(count):
            tag_piece, tag = self.varint("tag", zigzag=False)
            size_piece, size = self.varint("size", zigzag=False)
            end = self.at + size
            name = known[tag].name if tag in known else f"tag {tag}"
            if tag in known:
                value = self.field(known[tag], version, flexible=True)
                if self.at != end:
                    raise ValueError(f"tag {tag} has {size} bytes, {name} ends elsewhere")
            else:
                begin = self.at
                value = Piece(name, begin, end, _bytes(self.take(size)), "unknown tag")
            whole = Piece(name, tag_piece.start, self.at)
            whole.pieces = [tag_piece, size_piece, value]
            pieces.append(whole)
        return Piece("tagged fields", start, self.at, "" if count else "none", "varint", pieces)

    def value(self, name: str, kind: Kind, version: int, flexible: bool, compact: bool) -> Piece:
        match kind:
            case UuidKind():
                start = self.at
                return Piece(name, start, start + 16, uuid_text(self.take(16)), "uuid")
            case FixedKind():
                piece = self.number(name, ">" + kind.code, _FORMS[kind.code])
                piece.value += _meaning(name, piece.value)
                return piece
            case VariableKind():
                return self.variable(name, kind, compact)
            case ArrayKind():
                return self.array(name, kind, version, flexible)
            case StructKind():
                start = self.at
                pieces = self.fields(kind.cls, version, flexible)
                return Piece(name, start, self.at, pieces=pieces)
        raise AssertionError(kind)

    def length(self, compact: bool, code: str) -> tuple[Piece, int]:
        """What stands before a string, bytes or an array; -1 for null."""
        if compact:
            piece, value = self.varint("length + 1", zigzag=False)
            return piece, value - 1
        piece = self.number("length", ">" + code, _FORMS[code])
        if int(piece.value) < -1:
            raise ValueError(f"a length of {piece.value}")
        return piece, int(piece.value)

    def variable(self, name: str, kind: VariableKind, compact: bool) -> Piece:
        start = self.at
        length, count = self.length(compact, kind.code)
        form = f"compact {kind.name}" if compact else kind.name
        if count < 0:
            return Piece(name, start, self.at, "null", form, [length])
        begin, end = self.at, self.at + count
        if kind.name == "records" and count:
            pieces = [length, *self.batches(end)]
            return Piece(name, start, end, f"{count} bytes", form, pieces)
        content = self.take(count)
        text = f'"{content.decode()}"' if kind.name == "string" else _bytes(content)
        pieces = [length, Piece("content", begin, end, _short(text), kind.name)] if count else []
        return Piece(name, start, end, _short(text), form, pieces)

    def array(self, name: str, kind: ArrayKind, version: int, flexible: bool) -> Piece:
        start = self.at
        length, count = self.length(flexible, "i")
        length.name = "count + 1" if flexible else "count"
        pieces = [length]
        for index in range(max(0, count)):
            pieces.append(self.value(f"[{index}]", kind.element, version, flexible, flexible))
        words = "null" if count < 0 else "empty" if not count else f"{count}"
        return Piece(name, start, self.at, words, "compact array" if flexible else "array", pieces)

    # --- record batches ---
    def batches(self, end: int) -> list[Piece]:
        found: list[Piece] = []
        while self.at < end:
            left = end - self.at
            whole = unpack_from(">i", self.data, self.at + 8)[0] + 12 if left >= 12 else left + 1
            if whole > 12 and whole > left:  # an answer is cut where its limit was
                start = self.at
                found.append(Piece("partial batch", start, end, _bytes(self.take(left)), "cut off"))
            else:
                found.append(self.batch(f"batch {len(found)}", end))
        return found

    def batch(self, name: str, end: int) -> Piece:
        start = self.at
        pieces = []
        for label, code in BATCH_HEADER:
            if self.at + Layout(code).size > end:
                raise ValueError("the records end inside a batch's header")
            pieces.append(self.number(label, code, _FORMS[code[1]]))
        values = {piece.name: int(piece.value) for piece in pieces}
        batch_end = start + 12 + values["batch_length"]
        if not self.at <= batch_end <= end:
            raise ValueError(f"a batch of {values['batch_length']} bytes does not fit")
        if values["magic"] != 2:
            raise ValueError(f"a batch of magic {values['magic']}; only 2 is read")
        codec = values["attributes"] & 7
        name_of_codec = CODECS[codec] if codec < len(CODECS) else "no known codec"
        by_name = {piece.name: piece for piece in pieces}
        by_name["attributes"].value += f" ({name_of_codec})"
        if codec:
            begin = self.at
            content = self.take(batch_end - begin)
            pieces.append(Piece("records", begin, batch_end, _bytes(content), name_of_codec))
        else:
            pieces += [self.record(f"record {i}", batch_end) for i in range(values["record_count"])]
        if self.at != batch_end:
            raise ValueError("a batch's records do not fill it")
        count = values["record_count"]
        words = f"{count} record{'s' * (count != 1)}"
        return Piece(name, start, batch_end, words, "", pieces)

    def record(self, name: str, end: int) -> Piece:
        start = self.at
        length, size = self.varint("length")
        stop = self.at + size
        if size < 0 or stop > end:
            raise ValueError(f"a record of {size} bytes does not fit")
        pieces = [length, self.number("attributes", ">b", "int8")]
        pieces += [self.varint(label)[0] for label in ("timestamp_delta", "offset_delta")]
        pieces += self.content("key")
        pieces += self.content("value")
        count_piece, count = self.varint("header_count")
        pieces.append(count_piece)
        for index in range(max(0, count)):
            begin = self.at
            parts = [*self.content("name"), *self.content("value")]
            pieces.append(Piece(f"header {index}", begin, self.at, pieces=parts))
        if self.at != stop:
            raise ValueError(f"{name} ends at byte {self.at}, its length says {stop}")
        return Piece(name, start, stop, pieces=pieces)

    def content(self, name: str) -> list[Piece]:
        length, count = self.varint(f"{name}_length")
        if count < 0:
            length.value += " (null)"
            return [length]
        begin = self.at
        data = self.take(count)
        return [length, Piece(name, begin, self.at, _bytes(data), "bytes")] if count else [length]


_FORMS = {
    "?": "boolean",
    "b": "int8",
    "h": "int16",
    "H": "uint16",
    "i": "int32",
    "I": "uint32",
    "q": "int64",
    "d": "float64",
}


def _meaning(name: str, value: str) -> str:
    """What a number stands for, where it stands for something."""
    if name == "request_api_key" and int(value) in API_KEYS:
        return f" ({REQUESTS[int(value)].NAME})"
    if name == "error_code":
        return f" ({ErrorCode.of(int(value)).name})"
    return ""


def _bytes(data: bytes) -> str:
    """Bytes as text where they are text, else in hex."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return _short(data.hex(" "))
    return _short(f'"{text}"' if text.isprintable() else data.hex(" "))


def _short(text: str) -> str:
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
