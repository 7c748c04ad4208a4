"""What several commands share: options, and how rows, progress and errors look."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.progress import Progress


class Setting(click.ParamType[tuple[str, str]]):
    """`key=value`."""

    name = "key=value"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[str, str]:
        if isinstance(value, tuple):
            return value
        key, equals, text = value.partition("=")
        if not (key and equals):
            self.fail(f"{value!r} is not of the form key=value")
        return key, text


class Address(click.ParamType[str]):
    """`host:port`."""

    name = "host:port"

    def convert(self, value: Any, param: Any, ctx: Any) -> str:
        host, _, port = value.rpartition(":")
        if not (host and port.isdecimal() and int(port) < 1 << 16):
            self.fail(f"{value!r} is not of the form host:port, for example 127.0.0.1:9092")
        return str(value)


bootstrap = click.option(
    "-b",
    "--bootstrap-server",
    "server",
    type=Address(),
    default="127.0.0.1:9092",
    show_default=True,
    help="A broker of the cluster.",
)
as_json = click.option("--json", "json_", is_flag=True, help="One JSON object a line.")
settings = click.option(
    "--set", "configs", type=Setting(), multiple=True, help="A config by its Kafka name."
)


def in_words(row: dict[str, Any]) -> str:
    """A flat row as `name value` pairs: the reader needs no table heading."""

    def text(value: Any) -> str:
        return ",".join(map(str, value)) or "none" if isinstance(value, tuple) else str(value)

    return "  ".join(f"{key.replace('_', ' ')} {text(value)}" for key, value in row.items())


def named(configs: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    """`--set linger.ms=5` as the keyword argument `linger_ms`."""
    return {key.replace(".", "_"): text for key, text in configs}


def reach(server: str) -> None:
    """Fail at once, and plainly, when nobody listens: a client would go on trying for a minute."""
    import socket

    host, _, port = server.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=5).close()
    except OSError as error:
        raise click.ClickException(
            f"no broker at {server} ({error.strerror or error}); start one with "
            f"`minikafka broker --listen {server} --data DIR` or name another with -b"
        ) from error


def size_of(file: IO[bytes]) -> int | None:
    """Bytes left to read, if that can be known."""
    try:
        return os.fstat(file.fileno()).st_size or None
    except (OSError, ValueError):
        return None


@contextmanager
def progress(what: str, total: int | None) -> Iterator[Any]:
    """A bar on standard error for the length of a `with` block; gives `advance(count)`.

    Only where somebody watches: not when standard error is a file, and not when the
    total is unknown.
    """
    if total is None or not sys.stderr.isatty():
        yield lambda count=1: None
        return
    from rich.console import Console
    from rich.progress import Progress

    bar: Progress
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda count=1: bar.advance(task, count)
