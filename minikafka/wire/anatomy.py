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

It never fails, since broken frames are those that people want to look at: where one cannot be read
any further its last piece is called `unread` and says why. Of a large frame only the first pieces
are told one by one; a long list then ends with one piece for its rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from struct import Struct as Layout
from struct import error as StructError
from struct import unpack_from
from typing import Any

from minikafka.record.compression import Compression, decompress
from minikafka.record.errors import RecordError
from minikafka.record.varint import read_uvarint
from minikafka.wire.errors import ErrorCode
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
SIZE_BYTES = 4
SHOWN = 60
"""Characters of a value that are shown."""
MOST = 1_500
"""Values that are told one by one; of the lists that they are in, no element after them is."""
UNPACKED_LIMIT_BYTES = 1 << 24
UNREAD = "unread"

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
ATTRIBUTES = ((8, "log append time"), (16, "transactional"), (32, "control"))


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
    """The pieces of a request, its size first."""
    key, version = _header(frame)
    cls = REQUESTS[key] if key in API_KEYS else None
    if cls is None or version not in cls.VERSIONS:
        return _Walk(frame).unknown("request", key, version)
    header_version = 2 if version in cls.FLEXIBLE else 1
    name = f"{cls.NAME} request v{version}"
    return _Walk(frame).frame(name, RequestHeader, header_version, cls, version)


def dissect_response(frame: bytes, api_key: int, version: int) -> Piece:
    """The same of the answer to a request; what it answers does not stand in it."""
    if api_key not in API_KEYS or version not in REQUESTS[api_key].VERSIONS:
        return _Walk(frame).unknown("response", api_key, version)
    cls = REQUESTS[api_key].RESPONSE
    flexible = version in cls.FLEXIBLE and api_key != API_VERSIONS_KEY
    name = f"{REQUESTS[api_key].NAME} response v{version}"
    return _Walk(frame).frame(name, ResponseHeader, int(flexible), cls, version)


def _header(frame: bytes) -> tuple[int, int]:
    """API key and version; -1 where the frame ends before them."""
    return unpack_from(">hh", frame, 4) if len(frame) >= 8 else (-1, -1)


class _Walk:
    """Goes through a frame once, from the left.

    `open` holds the groups that it is in, outermost first: when a value cannot be read, what had
    been found in them is kept.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0
        self.told = 0  # values so far
        self.open: list[tuple[str, int, list[Piece]]] = []

    def frame(
        self,
        name: str,
        header: type[Message],
        header_version: int,
        cls: type[Message],
        version: int,
    ) -> Piece:
        return self.whole(name, (("header", header, header_version), ("body", cls, version)))

    def unknown(self, kind: str, key: int, version: int) -> Piece:
        """A frame of which no more is known than its header."""
        if len(self.data) < 8:
            return self.whole(f"{len(self.data)} bytes", (), "no frame is as short as this")
        api = REQUESTS[key].NAME if key in API_KEYS else f"API {key}"
        why = f"there is no {api} in version {version}"
        headers = (("header", RequestHeader, 1),) if kind == "request" else ()
        return self.whole(f"{api} {kind} v{version}", headers, why)

    def whole(
        self, name: str, groups: tuple[tuple[str, type[Message], int], ...], why: str = ""
    ) -> Piece:
        """The size and then these groups; what is behind them is unread, because of `why`."""
        end = len(self.data)
        try:
            with self.inside(name) as pieces:
                if end >= SIZE_BYTES:
                    pieces.append(self.size())
                for group, cls, version in groups:
                    pieces.append(self.group(group, cls, version))
                if why or self.at != end:
                    raise ValueError(why or f"{_bytes_follow(end - self.at)} the message")
        except (StructError, IndexError, RecordError, ValueError) as error:
            return self.given_up(f"{error}")
        return Piece(name, 0, end, pieces=pieces)

    def size(self) -> Piece:
        piece, follow = self.number("size", ">i", "int32"), len(self.data) - SIZE_BYTES
        if int(piece.value) != follow:
            piece.value += f", but {_bytes_follow(follow)}"
        return piece

    @contextmanager
    def inside(self, name: str, start: int | None = None) -> Iterator[list[Piece]]:
        """A group is open; one that is left by an exception stays so."""
        pieces: list[Piece] = []
        self.open.append((name, self.at if start is None else start, pieces))
        yield pieces
        self.open.pop()

    def given_up(self, why: str) -> Piece:
        """All that is open, closed; innermost is what could not be read."""
        start, found = self.open[-1][1:]
        last = Piece(UNREAD, found[-1].end if found else start, len(self.data), why)
        for name, start, pieces in reversed(self.open):
            last = Piece(name, start, len(self.data), pieces=[*pieces, last])
        return last

    @property
    def is_full(self) -> bool:
        return self.told >= MOST

    def group(self, name: str, cls: type[Message], version: int) -> Piece:
        return self.struct(name, cls, version, version in cls.FLEXIBLE)

    # --- values ---
    def number(self, name: str, code: str, form: str) -> Piece:
        layout, start = Layout(code), self.at
        (value,) = layout.unpack_from(self.data, start)
        self.at += layout.size
        self.told += 1
        return Piece(name, start, self.at, f"{value}", form)

    def varint(self, name: str, zigzag: bool = True) -> tuple[Piece, int]:
        start = self.at
        number, self.at = read_uvarint(self.data, start)
        value = number >> 1 ^ -(number & 1) if zigzag else number
        self.told += 1
        form = "zigzag varint" if zigzag else "varint"
        return Piece(name, start, self.at, str(value), form), value

    def take(self, count: int) -> bytes:
        if count < 0 or self.at + count > len(self.data):
            raise ValueError(f"{count} bytes are said to follow, {len(self.data) - self.at} do")
        self.at += count
        return self.data[self.at - count : self.at]

    # --- declared things ---
    def struct(self, name: str, cls: type[Struct], version: int, flexible: bool) -> Piece:
        start, tagged = self.at, {}
        with self.inside(name) as pieces:
            for each in cls.FIELDS:
                if version in each.tagged:
                    tagged[each.tag] = each
                elif version in each.versions:
                    pieces.append(self.field(each, version, flexible))
            if flexible:
                pieces.append(self.tags(tagged, version))
        return Piece(name, start, self.at, pieces=pieces)

    def field(self, declared: Field, version: int, flexible: bool) -> Piece:
        """A declared field. A struct that may be null has a byte in front that says if it is."""
        kind, name, start = declared.kind, declared.name, self.at
        compact = flexible and declared.compact
        if not (isinstance(kind, StructKind) and version in declared.nullable):
            return self.value(name, kind, version, flexible, compact)
        with self.inside(name) as pieces:
            pieces.append(self.number("presence", ">b", "int8"))
            is_null = pieces[0].value == "-1"
            if not is_null:
                pieces += self.struct(name, kind.cls, version, flexible).pieces
        return Piece(name, start, self.at, "null" * is_null, "struct" * is_null, pieces)

    def tags(self, known: dict[int, Field], version: int) -> Piece:
        start = self.at
        with self.inside("tagged fields") as pieces:
            count_piece, count = self.varint("count", zigzag=False)
            if count:
                pieces.append(count_piece)
            for _ in range(count):
                pieces.append(self.tagged(known, version))
        return Piece("tagged fields", start, self.at, "" if count else "none", "varint", pieces)

    def tagged(self, known: dict[int, Field], version: int) -> Piece:
        start = self.at
        with self.inside("tagged field") as pieces:
            tag_piece, tag = self.varint("tag", zigzag=False)
            size_piece, size = self.varint("size", zigzag=False)
            pieces += [tag_piece, size_piece]
            begin, end = self.at, self.at + size
            name = known[tag].name if tag in known else f"tag {tag}"
            if tag in known:
                pieces.append(self.field(known[tag], version, flexible=True))
                if self.at != end:
                    raise ValueError(f"tag {tag} has {size} bytes, {name} ends elsewhere")
            else:
                pieces.append(Piece(name, begin, end, _bytes(self.take(size)), "unknown tag"))
        return Piece(name, start, self.at, pieces=pieces)

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
                return self.struct(name, kind.cls, version, flexible)
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
            if end > len(self.data):
                self.take(count)
            with self.inside(name, start) as pieces:
                pieces.append(length)
                self.batches(end, pieces)
            return Piece(name, start, end, f"{count} bytes", form, pieces)
        content = self.take(count)
        text = f'"{content.decode()}"' if kind.name == "string" else _bytes(content)
        pieces = [length, Piece("content", begin, end, _short(text), kind.name)] if count else []
        return Piece(name, start, end, _short(text), form, pieces)

    def array(self, name: str, kind: ArrayKind, version: int, flexible: bool) -> Piece:
        start = self.at
        with self.inside(name) as pieces:
            length, count = self.length(flexible, "i")
            length.name = "count + 1" if flexible else "count"
            pieces.append(length)
            left_out = self.at
            for index in range(max(0, count)):
                was_full = self.is_full
                piece = self.value(f"[{index}]", kind.element, version, flexible, flexible)
                if not was_full:
                    pieces.append(piece)
                    told, left_out = index + 1, self.at
            if left_out < self.at:
                pieces.append(_rest(count - told, "element", left_out, self.at))
        words = "null" if count < 0 else "empty" if not count else f"{count}"
        return Piece(name, start, self.at, words, "compact array" if flexible else "array", pieces)

    # --- record batches ---
    def batches(self, end: int, pieces: list[Piece]) -> None:
        """Those up to `end`; the last may be cut off where an answer had its limit."""
        number = 0
        while self.at < end:
            start, left = self.at, end - self.at
            whole = unpack_from(">i", self.data, start + 8)[0] + 12 if left >= 12 else left + 1
            if self.is_full:
                pieces.append(
                    Piece("more batches", start, end, _bytes(self.take(left)), "left out")
                )
            elif whole > 12 and whole > left:
                pieces.append(
                    Piece("partial batch", start, end, _bytes(self.take(left)), "cut off")
                )
            else:
                pieces.append(self.batch(f"batch {number}", end))
                number += 1

    def batch(self, name: str, end: int) -> Piece:
        start = self.at
        with self.inside(name) as pieces:
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
            _explain_header(pieces)
            count = values["record_count"]
            if codec := values["attributes"] & 7:
                pieces.append(self.compressed(codec, count, batch_end))
            else:
                self.records(count, batch_end, pieces)
            if self.at != batch_end:
                raise ValueError("a batch's records do not fill it")
        words = f"{count} record{'s' * (count != 1)}"
        return Piece(name, start, batch_end, words, "", pieces)

    def records(self, count: int, end: int, pieces: list[Piece]) -> None:
        for index in range(count):
            if self.is_full and index:
                pieces.append(_rest(count - index, "record", self.at, end))
                self.at = end
                return
            pieces.append(self.record(f"record {index}", end))

    def compressed(self, codec: int, count: int, end: int) -> Piece:
        """The records as one block of bytes, and in words what is in it."""
        start, name = self.at, _codec(codec)
        block = self.take(end - start)
        try:
            plain = decompress(Compression(codec), block, UNPACKED_LIMIT_BYTES)
            inner = _Walk(plain)
            within: list[Piece] = []
            inner.records(min(count, 3), len(plain), within)
            words = f"{len(block)} bytes, unpacked {len(plain)}: {_summary(within, count)}"
        except (RecordError, IndexError, StructError, ValueError) as error:
            words = f"{len(block)} bytes that cannot be unpacked: {error}"
        return Piece("records", start, end, words, name)

    def record(self, name: str, end: int) -> Piece:
        start = self.at
        with self.inside(name) as pieces:
            length, size = self.varint("length")
            stop = self.at + size
            if size < 0 or stop > end:
                raise ValueError(f"a record of {size} bytes does not fit")
            pieces += [length, self.number("attributes", ">b", "int8")]
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


def _bytes_follow(count: int) -> str:
    return "1 byte follows" if count == 1 else f"{count} bytes follow"


def _rest(count: int, noun: str, start: int, end: int) -> Piece:
    """What a long list has more, as one piece."""
    words = f"{count:,} more {noun}{'s' * (count != 1)}"
    return Piece(f"and {words}", start, end, f"{end - start:,} bytes", "left out")


def _codec(number: int) -> str:
    return CODECS[number] if number < len(CODECS) else "no known codec"


def _explain_header(pieces: list[Piece]) -> None:
    """Say what a batch's numbers stand for."""
    for piece in pieces:
        if piece.name == "attributes":
            bits = int(piece.value)
            words = [_codec(bits & 7), *(word for bit, word in ATTRIBUTES if bits & bit)]
            piece.value += f" ({', '.join(words)})"
        elif piece.name in ("producer_id", "base_sequence") and piece.value == "-1":
            piece.value += " (not idempotent)"


def _summary(records: list[Piece], count: int) -> str:
    """`2 records, bob: tea, null: scone`."""
    told = []
    for record in records:
        values = {piece.name: piece.value for piece in record.pieces}
        told.append(f"{values.get('key', 'null')}: {values.get('value', 'null')}")
    more = ", …" if count > len(records) else ""
    return f"{count} record{'s' * (count != 1)}, {', '.join(told)}{more}"


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
