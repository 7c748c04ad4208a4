"""Configuration keys: what Kafka calls them, what they may be, and good errors when they are not.

    class ConsumerConfig(Config, kind="consumer"):
        fetch_min_bytes: int = int_(1, "The broker waits until it has this many.", at_least(0))

    >>> ConsumerConfig.of({"fetch.min.bytes": "100"}).fetch_min_bytes
    100
    >>> ConsumerConfig.of({"fetch.min.bytes": "-1"})
    ConfigError: fetch.min.bytes = -1: must be at least 0
    >>> ConsumerConfig.of({"fetch.mim.bytes": "1"})
    ConfigError: unknown consumer config fetch.mim.bytes; did you mean fetch.min.bytes?

Kafka writes a name with dots (`segment.ms`, in files, on the command line, on the wire);
Python signatures write it with underscores (`segment_ms`). Both mean the same key here.

Every component (topic, broker, producer, consumer) has one subclass of `Config`, in which a
field says all there is to say about a key. Its `TABLE` is what parsing, DescribeConfigs, the
command line's help and the documentation read. Values arrive as text (from the wire, a file,
a command line) or as Python values (from code); a parsed value is a bool, int, float, str,
None, or a tuple of str for a LIST. See Kafka's ConfigDef.

Not done: config providers (`${file:…}`), and reading passwords from files.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from contextlib import suppress
from enum import IntEnum
from math import isfinite
from typing import Any, ClassVar, NamedTuple, Protocol, Self, dataclass_transform

Value = bool | int | float | str | tuple[str, ...] | None
"""What a config can be once it is parsed."""


class ConfigError(ValueError):
    """A config that is unknown, not of its type, or out of its bounds. The text says which."""


class ConfigType(IntEnum):
    """The types of configs; the numbers are those of DescribeConfigs (KIP-569)."""

    BOOLEAN = 1
    STRING = 2
    INT = 3
    SHORT = 4
    LONG = 5
    DOUBLE = 6
    LIST = 7
    CLASS = 8
    PASSWORD = 9


class Importance(IntEnum):
    """How much a reader should care, as in Kafka's documentation. Only shown, never used."""

    LOW = 0
    MEDIUM = 1
    HIGH = 2


LARGEST = {
    ConfigType.SHORT: (1 << 15) - 1,
    ConfigType.INT: (1 << 31) - 1,
    ConfigType.LONG: (1 << 63) - 1,
}
"""Java's integer types, in which Kafka holds and sends these values."""


class Allowed(Protocol):
    """A bound on a config's value. `str()` of it completes the sentence "the value must be …"."""

    def allows(self, value: Value) -> bool: ...


class Range(NamedTuple):
    """Numbers from `low` to `high`, both included; None leaves a side open; `also` are extra."""

    low: float | None
    high: float | None = None
    also: tuple[float, ...] = ()

    def allows(self, value: Value) -> bool:
        if not isinstance(value, (int, float)):
            return False
        above = self.low is None or value >= self.low
        below = self.high is None or value <= self.high
        return (above and below) or value in self.also

    def __str__(self) -> str:
        if self.high is None:
            text = f"at least {self.low}"
        elif self.low is None:
            text = f"at most {self.high}"
        else:
            text = f"from {self.low} to {self.high}"
        return " or ".join([text, *map(str, self.also)])


class OneOf(NamedTuple):
    """One of these values."""

    values: tuple[Value, ...]

    def allows(self, value: Value) -> bool:
        return value in self.values

    def __str__(self) -> str:
        return "one of " + ", ".join(map(text_of, self.values))


class ListOf(NamedTuple):
    """A list of these values."""

    values: tuple[str, ...]

    def allows(self, value: Value) -> bool:
        return isinstance(value, tuple) and set(value) <= set(self.values)

    def __str__(self) -> str:
        return "a list of " + ", ".join(self.values)


def at_least(low: float) -> Range:
    return Range(low)


def between(low: float, high: float) -> Range:
    return Range(low, high)


def one_of(*values: Value) -> OneOf:
    return OneOf(values)


class ConfigKey(NamedTuple):
    """One config. `default` None means unset, which every key whose default is None may be."""

    name: str
    type: ConfigType
    default: Value
    documentation: str
    allowed: Allowed | None = None
    importance: Importance = Importance.MEDIUM

    @property
    def snake(self) -> str:
        """The name as a Python parameter: `segment_ms`."""
        return self.name.replace(".", "_")

    def parse(self, given: object) -> Value:
        """The value that `given` (text, or a Python value) stands for; ConfigError if none."""
        if given is None:
            if self.default is None:
                return None
            raise ConfigError(f"{self.name} must have a value; it is {KINDS[self.type]}")
        value = convert(self, given)
        if self.allowed is not None and not self.allowed.allows(value):
            raise ConfigError(f"{self.name} = {text_of(value)}: must be {self.allowed}")
        return value


BLANKS = "".join(map(chr, range(33)))
"""What Java's trim takes away: blanks and control characters, but no other kind of space."""

KINDS = {
    ConfigType.BOOLEAN: "true or false",
    ConfigType.STRING: "a text",
    ConfigType.INT: "a whole number of 32 bits",
    ConfigType.SHORT: "a whole number of 16 bits",
    ConfigType.LONG: "a whole number of 64 bits",
    ConfigType.DOUBLE: "a number",
    ConfigType.LIST: "a list, separated by commas",
    ConfigType.CLASS: "a class name",
    ConfigType.PASSWORD: "a password",
}


def convert(key: ConfigKey, given: object) -> Value:
    """`given` as a value of the key's type, bounds not yet looked at."""
    if isinstance(given, str):
        given = given.strip(BLANKS)
    match key.type, given:
        case ConfigType.BOOLEAN, bool():
            return given
        case ConfigType.BOOLEAN, str() if given.lower() in ("true", "false"):
            return given.lower() == "true"
        case ((ConfigType.INT | ConfigType.SHORT | ConfigType.LONG), (int() | str())):
            number = whole(given)
            if number is not None and -LARGEST[key.type] - 1 <= number <= LARGEST[key.type]:
                return number
        case ConfigType.DOUBLE, (int() | float() | str()) if not isinstance(given, bool):
            with suppress(ValueError):
                if "_" not in str(given):
                    return float(given)
        case ConfigType.LIST, str():
            # Whoever says one thing twice means it once (KIP-1161).
            return tuple(dict.fromkeys(item.strip() for item in given.split(","))) if given else ()
        case ConfigType.LIST, (list() | tuple()) if all(isinstance(item, str) for item in given):
            return tuple(given)
        case ((ConfigType.STRING | ConfigType.CLASS | ConfigType.PASSWORD), str()):
            return given
    shown = "***" if key.type is ConfigType.PASSWORD else shown_as(given)
    raise ConfigError(f"{key.name} = {shown}: must be {KINDS[key.type]}")


def shown_as(given: object) -> str:
    try:
        return repr(given)
    except ValueError:  # Python does not print numbers of more than 4,300 digits
        return "a number of thousands of digits"


def whole(given: int | str) -> int | None:
    """A whole number from an int or decimal text; None if it is not one (True is not a number)."""
    if isinstance(given, bool) or (
        isinstance(given, str) and ("_" in given or given != given.strip())
    ):
        return None  # 1_000, or one with other blanks than Java's, is a number to Python only
    try:
        return int(given)
    except ValueError:  # for a text of thousands of digits too
        return None


def text_of(value: Value) -> str:
    """A parsed value as Kafka writes it in files and sends it in DescribeConfigs."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case float():
            return _java_text(value)
        case tuple():
            return ",".join(value)
    return str(value)


def read_properties(text: str) -> dict[str, str]:
    """What a `.properties` file says: `key=value` or `key: value`, `#` and `!` begin comments.

    A line that ends in a backslash goes on in the next one. The last word on a key counts.
    Raises ConfigError for a line that is neither. See java.util.Properties.
    """
    found: dict[str, str] = {}
    lines = iter(enumerate(text.splitlines(), 1))
    for number, line in lines:
        while line.endswith("\\"):
            line = line[:-1] + next(lines, (0, ""))[1].lstrip()
        line = line.strip()
        if not line or line[0] in "#!":
            continue
        at = min((line.index(mark) for mark in "=:" if mark in line), default=0)
        if not at:
            raise ConfigError(f"line {number} is not of the form key=value: {line}")
        found[line[:at].strip()] = line[at + 1 :].strip()
    return found


def _java_text(number: float) -> str:
    """A number as Java writes a double: 0.5, but 1.0E-4 and 1.0E7."""
    if number == 0 or 1e-3 <= abs(number) < 1e7 or not isfinite(number):
        return {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}.get(str(number), str(number))
    for places in range(1, 18):  # as few as are needed to tell it from its neighbours
        text = f"{number:.{places}e}"
        if float(text) == number:
            break
    digits, _, exponent = text.partition("e")
    return f"{digits}E{int(exponent)}"


class ConfigTable:
    """All configs of one kind of component, in the order in which they are documented."""

    def __init__(self, kind: str, keys: Iterable[ConfigKey]) -> None:
        self.kind = kind
        self.keys: dict[str, ConfigKey] = {key.name: key for key in keys}
        self._by_snake = {key.snake: key for key in self.keys.values()}

    def __iter__(self) -> Iterator[ConfigKey]:
        return iter(self.keys.values())

    def __len__(self) -> int:
        return len(self.keys)

    def __contains__(self, name: object) -> bool:
        return name in self.keys or name in self._by_snake

    def __getitem__(self, name: str) -> ConfigKey:
        """The key of this name, dotted or snake; ConfigError with a guess when there is none."""
        key = self.keys.get(name) or self._by_snake.get(name)
        if key is None:
            raise ConfigError(f"unknown {self.kind} config {name}{self._guess(name)}")
        return key

    def parse(self, given: Mapping[str, object]) -> dict[str, Value]:
        """Every key's value under its snake name: from `given` where it is there, else the default.

        Raises ConfigError for the first name that is unknown and the first value that is wrong.
        """
        return {**self.defaults(), **self.parse_given(given)}

    def defaults(self) -> dict[str, Value]:
        return {key.snake: key.default for key in self}

    def parse_given(self, given: Mapping[str, object]) -> dict[str, Value]:
        """The same without the defaults: only what `given` sets."""
        return {self[name].snake: self[name].parse(value) for name, value in given.items()}

    def parse_known(self, given: Mapping[str, object]) -> dict[str, Value]:
        """`parse_given`, leaving out what is unknown or cannot be: another version wrote it."""
        values = {}
        for name, value in given.items():
            if name in self.keys:
                with suppress(ConfigError):
                    values[self.keys[name].snake] = self.keys[name].parse(value)
        return values

    def _guess(self, name: str) -> str:
        from difflib import get_close_matches  # only errors need it

        near = get_close_matches(name.replace("_", "."), self.keys, n=1)
        return f"; did you mean {near[0]}?" if near else ""


# --- one field, one key ---------------------------------------------------------------------
# They return Any, as what stands in the class is a ConfigKey and what stands in an instance its
# value. The key's name is the field's: `__init_subclass__` knows it.


def _field(kind: ConfigType) -> Any:
    def field(
        default: Value,
        documentation: str,
        allowed: Allowed | None = None,
        importance: Importance = Importance.MEDIUM,
    ) -> Any:
        return ConfigKey("", kind, default, documentation, allowed, importance)

    return field


boolean = _field(ConfigType.BOOLEAN)
string = _field(ConfigType.STRING)
int_ = _field(ConfigType.INT)
long = _field(ConfigType.LONG)
double = _field(ConfigType.DOUBLE)
list_ = _field(ConfigType.LIST)


# Not told about field specifiers, a type checker takes every field to have a default: true.
@dataclass_transform(kw_only_default=True, frozen_default=True)
class Config:
    """The values of one component's configs. Made by `of`; never changed, see `replace`.

    Subclasses name their `kind` for errors; `more` are keys that are not written as fields. A
    field with a plain default is a value beside the keys, which nobody can set from outside.
    """

    TABLE: ClassVar[ConfigTable] = ConfigTable("", ())
    DEFAULTS: ClassVar[Mapping[str, Any]] = {}
    """By snake name."""

    def __init_subclass__(cls, *, kind: str, more: Iterable[ConfigKey] = ()) -> None:
        fields = {name: vars(cls)[name] for name in cls.__annotations__ if name in vars(cls)}
        own = [
            value._replace(name=name.replace("_", "."))
            for name, value in fields.items()
            if isinstance(value, ConfigKey)
        ]
        cls.TABLE = ConfigTable(kind, [*cls.TABLE, *own, *more])
        cls.DEFAULTS = {**cls.DEFAULTS, **fields, **cls.TABLE.defaults()}

    @classmethod
    def of(cls, given: Mapping[str, object] | None = None, /, **more: object) -> Self:
        """From names with dots or underscores, and values as text or Python.

        Raises ConfigError naming the config, its value and what is allowed.
        """
        explicit = cls.TABLE.parse_given({**(given or {}), **more})
        values: dict[str, Any] = {**cls.DEFAULTS, **explicit}
        cls.settle(values, explicit.keys())
        return cls(**values)

    @classmethod
    def settle(cls, values: dict[str, Any], explicit: Set[str]) -> None:
        """Fill in what follows from other values; ConfigError for those that do not go together.

        `values` by snake name; `explicit` are the names that somebody has set.
        """

    def __init__(self, **values: Any) -> None:
        unknown = values.keys() - self.DEFAULTS.keys()
        if unknown:
            raise TypeError(f"{type(self).__name__} has no {', '.join(sorted(unknown))}")
        vars(self).update({**self.DEFAULTS, **values})

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(
            f"{type(self).__name__} is not changed; replace({name}=…) makes another"
        )

    def replace(self, **changes: Any) -> Self:
        """The same but for these values, which are believed."""
        return type(self)(**{**vars(self), **changes})

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and vars(other) == vars(self)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        changed = [f"{k}={v!r}" for k, v in vars(self).items() if v != self.DEFAULTS[k]]
        return f"{type(self).__name__}({', '.join(changed)})"
