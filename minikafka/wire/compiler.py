"""From a declaration to a straight line of code.

A message could be read by walking its declaration, field by field. It would be slow:
a fetch of ten partitions is 80 fields. So, on first use, the walk is done once and
leaves behind Python source, one function per message, version and direction:

      def decode(b, p, end):                        # FetchRequest v12
          o0 = new(FetchRequest)
          o0.replica_state = default_…              # what this version does not have
          o0.replica_id, …, o0.session_epoch, n = unpack_iiibiiB(b, p)
          p += 26
          if n > 127 and 0 < (m := b[p]) < 128:
              n += (m << 7) - 128
              p += 1
          elif not 0 < n < 128:
              n, p = uvarint_within(b, p - 1, 1, MAX, 'FetchRequest.topics')
          if (n - 1) * 3 > end - p:
              refuse_count('FetchRequest.topics', n - 1, end - p)
          a0 = o0.topics = []
          c0 = n - 1
          while c0 > 0:
              c0 -= 1
              …

`inspect.getsource` prints the whole of it, tracebacks show its lines, a debugger
steps through it: the source is filed in `linecache`.

What makes it fast: neighbouring fixed-size fields become one `struct` call, which
also takes the length byte that follows; values go straight into the slots of an
object made without `__init__`; whether the frame was long enough is asked once at
the end, because a slice past the end is short but still moves `p` there.

What keeps it honest: a length is checked before it moves `p` (a null where none is
allowed would move it *back*, and an array of such strings would never end), and a
count is checked against the bytes that are left, each element being worth at least
its smallest size. So what is allocated is bounded by what was received. Nesting is
as deep as the declaration, whatever the frame says.

Not done: unknown tagged fields are skipped, not kept for re-encoding as Kafka does.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable
from struct import Struct as Layout
from typing import TYPE_CHECKING, Any, NoReturn

from minikafka.wire.errors import MalformedFrame, UnsupportedVersion
from minikafka.wire.types import (
    ArrayKind,
    Field,
    FixedKind,
    Kind,
    Part,
    Records,
    StructKind,
    VariableKind,
)

if TYPE_CHECKING:
    from minikafka.wire.schema import Struct

MAX_LENGTH = 0x7FFF_FFFF
MAX_STRING_BYTES = 0x7FFF
LARGE_BYTES = 4096
"""Records above this size are handed on as they are: below, one joined send is cheaper."""


# ------------------------------------------------------ what the generated code calls


def uvarint(b: bytes | bytearray, p: int) -> tuple[int, int]:
    """Read an unsigned varint at `p`: seven bits a byte, low bits first. Returns value and next."""
    value, shift = b[p], 7
    p += 1
    if value < 0x80:
        return value, p
    value &= 0x7F
    while True:
        byte = b[p]
        p += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            break
        shift += 7
        if shift > 28:
            raise MalformedFrame("a varint is longer than 5 bytes")
    if value > MAX_LENGTH:
        raise MalformedFrame(f"a varint says {value}, more than 31 bits")
    return value, p


def uvarint_within(b: bytes | bytearray, p: int, low: int, high: int, what: str) -> tuple[int, int]:
    """A compact length (length + 1; 0 is null) that must lie in low..high."""
    value, p = uvarint(b, p)
    if not low <= value <= high:
        refuse_length(what, value - 1)
    return value, p


def skip_tags(b: bytes | bytearray, p: int, end: int) -> int:
    """Step over tagged fields, none of which this version knows."""
    count, p = uvarint(b, p)
    for _ in range(count):
        _, p = uvarint(b, p)
        size, p = uvarint(b, p)
        p += size
        if p > end:
            raise MalformedFrame(f"a tagged field of {size} bytes ends past the frame")
    return p


def refuse_length(what: str, length: int) -> NoReturn:
    raise MalformedFrame(
        f"{what} is null, which it must not be" if length == -1 else f"{what} has length {length}"
    )


def refuse_count(what: str, count: int, left: int) -> NoReturn:
    raise MalformedFrame(f"{what} claims {count} elements, but only {max(left, 0)} bytes are left")


def refuse_tag(what: str, size: int) -> NoReturn:
    raise MalformedFrame(f"{what}: a tagged field is not {size} bytes long as it says")


def refuse_value(what: str, value: object, version: int) -> NoReturn:
    raise UnsupportedVersion(f"{what} = {value!r} cannot be said in version {version}")


def hand_on(parts: list[Part], out: list[bytes], records: Records) -> None:
    """Put records after what is in `out`: copied when small, as a part of their own when large."""
    assert records is not None
    if len(records) > LARGE_BYTES:
        parts.append(b"".join(out))
        parts.append(records)
        out.clear()
    elif isinstance(records, (bytes, bytearray, memoryview)):
        out.append(records)  # type: ignore[arg-type]  # join takes any buffer
    else:
        out.append(records.read())


class _Uvarints(dict[int, bytes]):
    """`UVARINT[n]`: n as an unsigned varint. Remembers the one- and two-byte ones."""

    def __missing__(self, n: int) -> bytes:
        out, rest = bytearray(), n
        while rest > 0x7F:
            out.append(rest & 0x7F | 0x80)
            rest >>= 7
        out.append(rest)
        if len(out) <= 2:
            self[n] = bytes(out)
        return bytes(out)


class _StringLengths(_Uvarints):
    """The same for a string's length + 1, which has a limit."""

    def __missing__(self, n: int) -> bytes:
        if n > MAX_STRING_BYTES + 1:
            raise ValueError(f"a string of {n - 1} bytes; at most {MAX_STRING_BYTES} are allowed")
        return super().__missing__(n)


UVARINT = _Uvarints()
STRING_LENGTH = _StringLengths()


class _Layouts(dict[int, Layout]):
    """`layouts[n]`: the layout of n numbers of one kind in a row.

    Remembers the small ones only: n comes from the peer.
    """

    def __init__(self, code: str) -> None:
        self.code = code

    def __missing__(self, n: int) -> Layout:
        layout = Layout(f">{n}{self.code}")
        if n < 64:
            self[n] = layout
        return layout


# ----------------------------------------------------------------- writing source


class _Source:
    """Lines of a function being written, and the names that they use."""

    def __init__(self, version: int, flexible: bool, env: dict[str, Any]) -> None:
        self.version = version
        self.flexible = flexible
        self.env = env
        self.functions: dict[str, str] = {}  # those it calls
        self.lines: list[str] = []
        self.indent = 0
        self.codes: list[str] = []  # the run of fixed-size fields that is being collected
        self.names: list[str] = []

    def __call__(self, line: str) -> None:
        self.lines.append("    " * self.indent + line)

    def block(self, opening: str) -> _Source:
        """`with self.block("if x:"):` indents what is written inside."""
        self(opening)
        return self

    def __enter__(self) -> None:
        self.indent += 1

    def __exit__(self, *_: object) -> None:
        self.indent -= 1

    def fixed(self, code: str, name: str) -> None:
        """Add a fixed-size value to the run; `flush` writes the run as one struct call."""
        self.codes.append(code)
        self.names.append(name)

    def layout(self, verb: str) -> tuple[str, int]:
        """The run's `struct` function by its name in the source, and its size; ends the run."""
        codes = "".join(self.codes)
        name = f"{verb}_{codes}".replace("?", "z")
        layout = Layout(">" + codes)
        self.env[name] = layout.pack if verb == "pack" else layout.unpack_from
        self.codes, self.names = [], []
        return name, layout.size

    def default(self, cls: type[Struct], field: Field) -> str:
        """An expression for the field's default."""
        if field.is_fresh:
            return "[]"
        if isinstance(field.kind, StructKind) and field.default is not None:
            return self.bind(f"default_{cls.__name__}_{field.name}", field.default)
        return repr(field.default)

    def bind(self, name: str, value: Any) -> str:
        """Make a value known to the source; returns the name, changed if that is taken."""
        while self.env.setdefault(name, value) is not value:
            name += "_"
        return name

    def is_flexible(self, field: Field) -> bool:
        return self.flexible and field.compact

    def helper(self) -> _Source:
        """A function of its own that this one calls."""
        child = type(self)(self.version, self.flexible, self.env)
        child.functions = self.functions
        return child

    def text(self) -> str:
        return "\n".join(self.lines) + "\n"


class _Decoder(_Source):
    """Writes `decode(b, p, end) -> (message, next p)`.

    Names in the source: `o0` the message, `o1` a struct in it, …; `a0` a list of `o0`, and
    `c0` how many elements it still lacks;
    `n` the length or count just read, one more than it says where it is compact, and `m`
    the second byte of one that has two.
    """

    def message(self, cls: type[Struct]) -> None:
        with self.block("def decode(b, p, end):"):
            if _has_records(cls):
                self("mv = memoryview(b)")
            self.struct(cls, 0)
            self.flush()
            self("return o0, p")

    def flush(self) -> None:
        if self.codes == ["B"]:
            self(f"{self.names[0]} = b[p]")
            size = 1
            self.codes, self.names = [], []
        elif self.codes:
            targets = ", ".join(self.names) + ("," if len(self.names) == 1 else "")
            name, size = self.layout("unpack")
            self(f"{targets} = {name}(b, p)")
        else:
            return
        self(f"p += {size}")

    def struct(self, cls: type[Struct], depth: int) -> None:
        """Make `o<depth>` and fill all of its slots."""
        o = f"o{depth}"
        self(f"{o} = new({self.bind(cls.__name__, cls)})")
        plain, tagged = _fields(cls, self.version)
        for field in cls.FIELDS:
            if field not in plain:
                self(f"{o}.{field.name} = {self.default(cls, field)}")
        for field in plain:
            self.field(cls, field, f"{o}.{field.name}", depth)
        if self.flexible:
            self.fixed("B", "n")
            self.flush()
            with self.block("if n:"):
                if tagged:
                    self(f"p = {self.tags(cls, tagged)}(b, p - 1, end, {o})")
                else:
                    self("p = skip_tags(b, p - 1, end)")

    def tags(self, cls: type[Struct], tagged: list[Field]) -> str:
        """Tagged fields are rare, so they are read out of line, by the function named here."""
        name = self.bind(f"tags_{cls.__name__}", cls)  # the function itself will replace it
        out = self.helper()
        assert isinstance(out, _Decoder)
        with out.block(f"def {name}(b, p, end, o):"):
            out("count, p = uvarint(b, p)")
            with out.block("for _ in range(count):"):
                out("tag, p = uvarint(b, p)")
                out("size, p = uvarint(b, p)")
                out("stop = p + size")
                for position, field in enumerate(tagged):
                    with out.block(f"{'elif' if position else 'if'} tag == {field.tag}:"):
                        out.field(cls, field, f"o.{field.name}", 0)
                        out.flush()
                with out.block("else:"):
                    out("p = stop")
                with out.block("if p != stop or p > end:"):
                    out(f"refuse_tag({cls.__name__!r}, size)")
            out("return p")
        self.functions[name] = out.text()
        return name

    def field(self, cls: type[Struct], field: Field, target: str, depth: int) -> None:
        what = f"{cls.__name__}.{field.name}"
        nullable = self.version in field.nullable
        self.value(field.kind, target, what, depth, nullable, self.is_flexible(field))

    def value(
        self, kind: Kind, target: str, what: str, depth: int, nullable: bool, compact: bool
    ) -> None:
        """Read one value into `target`."""
        if isinstance(kind, FixedKind):
            self.fixed(kind.code, target)
        elif isinstance(kind, StructKind):
            self.nested(kind, target, what, depth, nullable)
        else:
            count = self.length(kind, what, nullable, compact)
            if not nullable:
                self.content(kind, target, what, depth, count)
                return
            with self.block("if n:" if compact else "if n >= 0:"):
                self.content(kind, target, what, depth, count)
            with self.block("else:"):
                self(f"{target} = None")

    def nested(self, kind: StructKind, target: str, what: str, depth: int, nullable: bool) -> None:
        """A struct; one that may be null follows a byte that says so: 1, or -1."""
        if not nullable:
            self.struct(kind.cls, depth + 1)
            self(f"{target} = o{depth + 1}")
            return
        self.fixed("b", "n")
        self.flush()
        with self.block("if n < 0:"):
            self(f"{target} = None")
        with self.block("else:"):
            self.struct(kind.cls, depth + 1)
            self.flush()
            self(f"{target} = o{depth + 1}")

    def length(self, kind: Kind, what: str, nullable: bool, compact: bool) -> str:
        """Read a length into `n` and check it; returns the expression for its true value."""
        if not compact:
            self.fixed(kind.code if isinstance(kind, VariableKind) else "i", "n")
            self.flush()
            with self.block(f"if n < {-1 if nullable else 0}:"):
                self(f"refuse_length({what!r}, n)")
            return "n"
        self.fixed("B", "n")
        self.flush()
        is_string = isinstance(kind, VariableKind) and kind.name == "string"
        low, high = 0 if nullable else 1, MAX_STRING_BYTES + 1 if is_string else MAX_LENGTH
        with self.block("if n > 127 and 0 < (m := b[p]) < 128:"):  # two bytes, without a call
            self("n += (m << 7) - 128")
            self("p += 1")
        with self.block("elif n > 127:" if nullable else "elif not 0 < n < 128:"):
            self(f"n, p = uvarint_within(b, p - 1, {low}, {high}, {what!r})")
        return "n - 1"

    def content(self, kind: Kind, target: str, what: str, depth: int, count: str) -> None:
        """Read what follows a length that is not null."""
        if isinstance(kind, ArrayKind):
            self.array(kind.element, target, what, depth, count)
            return
        assert isinstance(kind, VariableKind)
        slices = {"string": "b[p:q].decode()", "bytes": "bytes(b[p:q])", "records": "mv[p:q]"}
        self(f"q = p + {count}")
        self(f"{target} = {slices[kind.name]}")
        self("p = q")

    def array(self, element: Kind, target: str, what: str, depth: int, count: str) -> None:
        smallest = _smallest(element, self.version, self.flexible)
        with self.block(f"if ({count}) * {smallest} > end - p:"):
            self(f"refuse_count({what!r}, {count}, end - p)")
        if isinstance(element, FixedKind) and element.size < 16:
            many = f"many_{element.code}".replace("?", "z")
            self.env[many] = _many(element.code)
            self(f"{target} = list({many}[{count}].unpack_from(b, p))")
            self(f"p += ({count}) * {element.size}")
            return
        self(f"a{depth} = {target} = []")
        self(f"c{depth} = {count}")
        with self.block(f"while c{depth} > 0:"):  # most arrays have one element: no range for that
            self(f"c{depth} -= 1")
            if isinstance(element, StructKind):
                self.struct(element.cls, depth + 1)
                item = f"o{depth + 1}"
            else:
                item = "x"
                self.value(element, item, what, depth + 1, False, self.flexible)
            self.flush()
            self(f"a{depth}.append({item})")


class _Encoder(_Source):
    """Writes `encode(message) -> parts`.

    `w` appends to `out`, the small pieces of the part being collected; `s`, `r` and
    `a0` are the string, the records and the list being written.
    """

    def message(self, cls: type[Struct]) -> None:
        with self.block("def encode(o0):"):
            self("out = []")
            self("w = out.append")
            if _has_records(cls):
                self("parts = []")
            self.struct(cls, 0)
            self.flush()
            if _has_records(cls):
                with self.block("if out or not parts:"):
                    self('parts.append(b"".join(out))')
                self("return parts")
            else:
                self('return [b"".join(out)]')

    def flush(self) -> None:
        if self.codes == ["x"]:
            self(r'w(b"\0")')
            self.codes, self.names = [], []
        elif self.codes:
            values = ", ".join(name for name in self.names if name)
            name, _ = self.layout("pack")
            self(f"w({name}({values}))")

    def struct(self, cls: type[Struct], depth: int) -> None:
        o = f"o{depth}"
        plain, tagged = _fields(cls, self.version)
        for field in cls.FIELDS:
            if self.version not in field.versions and not field.ignorable:
                self.refuse(cls, field, f"{o}.{field.name}")
        for field in plain:
            self.field(cls, field, f"{o}.{field.name}", depth)
        if not self.flexible:
            return
        if not tagged:
            self.fixed("x", "")
            return
        self.flush()
        quiet = " and ".join(self.is_default(cls, f, f"{o}.{f.name}") for f in tagged)
        self(rf'w(b"\0" if {quiet} else {self.tags(cls, tagged)}({o}))')

    def refuse(self, cls: type[Struct], field: Field, value: str) -> None:
        """A value that this version has no place for must not get lost silently."""
        with self.block(f"if not ({self.is_default(cls, field, value)}):"):
            self(f"refuse_value('{cls.__name__}.{field.name}', {value}, {self.version})")

    def is_default(self, cls: type[Struct], field: Field, value: str) -> str:
        """An expression: is this the default? For structs the shared object answers at once."""
        if field.default is None:
            return f"{value} is None"
        default = self.default(cls, field)
        if field.is_fresh:
            return f"({value} is not None and not {value})"
        if isinstance(field.kind, StructKind):
            return f"({value} is {default} or {value} == {default})"
        return f"{value} == {default}"

    def tags(self, cls: type[Struct], tagged: list[Field]) -> str:
        """The name of a function that writes the tagged fields which are not their defaults."""
        name = self.bind(f"tags_{cls.__name__}", cls)
        out = self.helper()
        assert isinstance(out, _Encoder)
        with out.block(f"def {name}(o):"):
            out("tags = []")
            for field in sorted(tagged, key=lambda field: field.tag):
                value = f"o.{field.name}"
                with out.block(f"if not ({out.is_default(cls, field, value)}):"):
                    out("out = []")
                    out("w = out.append")
                    out.field(cls, field, value, 0)
                    out.flush()
                    out('body = b"".join(out)')
                    out(f"tags.append(UVARINT[{field.tag}] + UVARINT[len(body)] + body)")
            out('return UVARINT[len(tags)] + b"".join(tags)')
        self.functions[name] = out.text()
        return name

    def field(self, cls: type[Struct], field: Field, value: str, depth: int) -> None:
        nullable = self.version in field.nullable
        if field.nullable.max >= 0 and not nullable:
            with self.block(f"if {value} is None:"):
                self(f"refuse_value('{cls.__name__}.{field.name}', None, {self.version})")
        self.value(field.kind, value, depth, nullable, self.is_flexible(field))

    def value(self, kind: Kind, value: str, depth: int, nullable: bool, compact: bool) -> None:
        if isinstance(kind, FixedKind):
            self.fixed(kind.code, value)
            return
        if not nullable:
            self.content(kind, value, depth, compact)
            return
        self.flush()
        with self.block(f"if {value} is None:"):
            self(f"w({_null(kind, compact)!r})")
        with self.block("else:"):
            if isinstance(kind, StructKind):
                self.fixed("b", "1")
            self.content(kind, value, depth, compact)
            self.flush()

    def content(self, kind: Kind, value: str, depth: int, compact: bool) -> None:
        """Write a value that is not null."""
        if isinstance(kind, StructKind):
            self(f"o{depth + 1} = {value}")
            self.struct(kind.cls, depth + 1)
        elif isinstance(kind, ArrayKind):
            self.array(kind.element, value, depth, compact)
        elif isinstance(kind, VariableKind):
            name = "r" if kind.name == "records" else "s"
            self(f"{name} = {value}.encode()" if kind.name == "string" else f"{name} = {value}")
            self.length(name, kind, compact)
            self("hand_on(parts, out, r)" if kind.name == "records" else "w(s)")

    def length(self, name: str, kind: Kind, compact: bool) -> None:
        """Write the length of what `name` holds, with the run before it."""
        if not compact:
            self.fixed(kind.code if isinstance(kind, VariableKind) else "i", f"len({name})")
            self.flush()
            return
        self.flush()
        is_string = isinstance(kind, VariableKind) and kind.name == "string"
        self(f"w({'STRING_LENGTH' if is_string else 'UVARINT'}[len({name}) + 1])")

    def array(self, element: Kind, value: str, depth: int, compact: bool) -> None:
        a = f"a{depth}"
        self(f"{a} = {value}")
        self.length(a, ArrayKind(element), compact)
        if isinstance(element, FixedKind) and element.size < 16:
            many = f"many_{element.code}".replace("?", "z")
            self.env[many] = _many(element.code)
            self(f"w({many}[len({a})].pack(*{a}))")
            return
        is_struct = isinstance(element, StructKind)
        item = f"o{depth + 1}" if is_struct else "x"
        with self.block(f"for {item} in {a}:"):
            if isinstance(element, StructKind):
                self.struct(element.cls, depth + 1)
            else:
                self.value(element, item, depth + 1, False, self.flexible)
            self.flush()


# ------------------------------------------------------------------ the declaration


def _fields(cls: type[Struct], version: int) -> tuple[list[Field], list[Field]]:
    """The fields that this version has: those in order, and the tagged ones."""
    present = [field for field in cls.FIELDS if version in field.versions]
    plain = [field for field in present if version not in field.tagged]
    return plain, [field for field in present if version in field.tagged]


def _has_records(cls: type[Struct]) -> bool:
    return any(_holds_records(field.kind) for field in cls.FIELDS)


def _holds_records(kind: Kind) -> bool:
    if isinstance(kind, ArrayKind):
        return _holds_records(kind.element)
    if isinstance(kind, StructKind):
        return _has_records(kind.cls)
    return isinstance(kind, VariableKind) and kind.name == "records"


def _smallest(kind: Kind, version: int, flexible: bool) -> int:
    """The fewest bytes that an array's element can be: what bounds a count."""
    if isinstance(kind, FixedKind):
        return kind.size
    if isinstance(kind, VariableKind):
        return 1 if flexible else Layout(kind.code).size
    if isinstance(kind, StructKind):
        plain, _ = _fields(kind.cls, version)
        sizes = [
            1 if version in field.nullable else _smallest(field.kind, version, flexible)
            for field in plain
        ]
        return max(1, sum(sizes) + flexible)
    return 1 if flexible else 4


def _null(kind: Kind, compact: bool) -> bytes:
    if isinstance(kind, StructKind):
        return b"\xff"
    if compact:
        return b"\0"
    return b"\xff\xff" if isinstance(kind, VariableKind) and kind.code == "h" else b"\xff" * 4


_MANY: dict[str, _Layouts] = {}


def _many(code: str) -> _Layouts:
    return _MANY.setdefault(code, _Layouts(code))


# ---------------------------------------------------------------------- compiling

_CALLED: dict[str, Any] = {
    "STRING_LENGTH": STRING_LENGTH,
    "UVARINT": UVARINT,
    "hand_on": hand_on,
    "new": object.__new__,
    "refuse_count": refuse_count,
    "refuse_length": refuse_length,
    "refuse_tag": refuse_tag,
    "refuse_value": refuse_value,
    "skip_tags": skip_tags,
    "uvarint": uvarint,
    "uvarint_within": uvarint_within,
}

Decode = Callable[[bytes | bytearray, int, int], tuple[Any, int]]
Encode = Callable[[Any], list[Part]]


def compile_decoder(cls: type[Struct], version: int, flexible: bool) -> Decode:
    """A function that reads `cls` in `version`: (buffer, position, end) -> (message, position).

    It may raise IndexError, struct.error or UnicodeDecodeError, and may return a position
    past the end, when the frame is too short; `schema.decode` makes one error of all.
    """
    source = _Decoder(version, flexible, dict(_CALLED))
    source.message(cls)
    function: Decode = _run(source, "decode", f"decode {cls.__name__} v{version}")
    return function


def compile_encoder(cls: type[Struct], version: int, flexible: bool) -> Encode:
    """A function that writes `cls` in `version`: message -> parts."""
    source = _Encoder(version, flexible, dict(_CALLED))
    source.message(cls)
    function: Encode = _run(source, "encode", f"encode {cls.__name__} v{version}")
    return function


def compile_constructor(cls: type[Struct]) -> Callable[..., None]:
    """`__init__(self, …)` of a struct: every field in its order, each with its default.

    Keyword-only ones would take their defaults out of a dict, one lookup for each field.
    """
    source = _Source(0, False, {"FRESH": object()})
    arguments, assignments = [], []
    for field in cls.FIELDS:
        name = field.name
        default = "FRESH" if field.is_fresh else source.default(cls, field)
        arguments.append(f"{name}={default}")
        value = f"[] if {name} is FRESH else {name}" if field.is_fresh else name
        assignments.append(f"self.{name} = {value}")
    with source.block(f"def __init__({', '.join(['self', *arguments])}):"):
        for line in assignments or ["pass"]:
            source(line)
    function: Callable[..., None] = _run(source, "__init__", f"__init__ {cls.__name__}")
    return function


def _run(source: _Source, name: str, title: str) -> Any:
    """Execute the source and take the function out, filed so that `inspect` finds its text."""
    text = "\n".join([*source.functions.values(), source.text()])
    filename = f"<minikafka {title}>"
    # A modification time of None keeps linecache.checkcache from looking for the file.
    linecache.cache[filename] = (len(text), None, text.splitlines(True), filename)
    exec(compile(text, filename, "exec"), source.env)
    return source.env[name]
