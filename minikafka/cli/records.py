"""`minikafka produce | consume | dump-log`: records in, out, and as they lie on the disk."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Any

import click

from minikafka.cli.common import (
    Setting,
    as_json,
    bootstrap,
    named,
    progress,
    reach,
    settings,
    size_of,
)

if TYPE_CHECKING:
    from minikafka.consumer.consumer import Consumer
    from minikafka.producer.producer import DeliveryFuture


@click.command()
@click.argument("topic")
@click.argument("file", type=click.File("rb"), default="-")
@click.option("--partition", type=click.IntRange(min=0), help="Default: chosen by the key.")
@click.option("--key-separator", help="What stands between key and value in a line.")
@click.option("--header", "headers", type=Setting(), multiple=True, help="For every record.")
@settings
@bootstrap
def produce(
    topic: str,
    file: IO[bytes],
    partition: int | None,
    key_separator: str | None,
    headers: tuple[tuple[str, str], ...],
    configs: tuple[tuple[str, str], ...],
    server: str,
) -> None:
    """Send each line of FILE (default: standard input) as one record to TOPIC."""
    import minikafka as mk

    reach(server)
    separator = key_separator.encode() if key_separator else None
    common = [(name, text.encode()) for name, text in headers]
    failures: list[Exception] = []

    def on_done(future: DeliveryFuture) -> None:
        if (error := future.error()) is not None:
            failures.append(error)

    with progress("sending", size_of(file)) as advance, mk.Producer(server, **named(configs)) as to:
        for line in file:
            key, value = split(line.rstrip(b"\n"), separator)
            future = to.send(topic, value, key=key, headers=common, partition=partition)
            future.add_callback(on_done)
            advance(len(line))
            if failures:
                break
        to.flush()
    if failures:
        raise failures[0]


def split(line: bytes, separator: bytes | None) -> tuple[bytes | None, bytes]:
    """Key and value of a line; without a separator in it, the line is all value."""
    if separator is None or separator not in line:
        return None, line
    key, _, value = line.partition(separator)
    return key, value


@click.command()
@click.argument("topic")
@click.option("--partition", "partitions", type=click.IntRange(min=0), multiple=True)
@click.option(
    "--from",
    "start",
    default="beginning",
    show_default=True,
    help="beginning, end, an offset, or @MS for the first record since a time in Unix ms.",
)
@click.option("--count", type=click.IntRange(min=1), help="Stop after so many records.")
@click.option("--until-end", is_flag=True, help="Stop where the log ends now.")
@click.option("--key-separator", help="Print the key too, with this before the value.")
@settings
@bootstrap
@as_json
def consume(
    topic: str,
    partitions: tuple[int, ...],
    start: str,
    count: int | None,
    until_end: bool,
    key_separator: str | None,
    configs: tuple[tuple[str, str], ...],
    server: str,
    json_: bool,
) -> None:
    """Print the records of TOPIC, a value a line; goes on until Ctrl-C unless told when to stop."""
    import minikafka as mk

    reach(server)
    to_line = record_as_json if json_ else record_as_text((key_separator or "").encode())
    with mk.Admin(server) as admin:
        known = [row.partition for row in admin.describe_topics([topic])[topic].partitions]
    if strangers := sorted(set(partitions) - set(known)):
        raise click.ClickException(f"{topic} has {len(known)} partitions, no {strangers[0]}")
    assigned = [(topic, partition) for partition in partitions or known]
    with mk.Consumer(server, **named(configs)) as consumer:
        consumer.assign(assigned)
        seek(consumer, assigned, start)
        ends = consumer.end_offsets(assigned) if until_end else None
        for record in records(consumer, ends, count):
            sys.stdout.buffer.write(to_line(record))


def seek(consumer: Consumer, partitions: list[tuple[str, int]], start: str) -> None:
    """Move every partition to where `--from` says."""
    if start == "beginning":
        consumer.seek_to_beginning(*partitions)
    elif start == "end":
        consumer.seek_to_end(*partitions)
    elif start.isdecimal():
        for partition in partitions:
            consumer.seek(partition, int(start))
    elif start.startswith("@") and start[1:].isdecimal():
        consumer.seek_to_end(*partitions)
        wanted = dict.fromkeys(partitions, int(start[1:]))
        for partition, found in consumer.offsets_for_times(wanted).items():
            if found is not None:
                consumer.seek(partition, found.offset)
    else:
        raise click.UsageError(f"--from {start}: must be beginning, end, an offset or @MS")


def records(consumer: Consumer, ends: dict[Any, int] | None, count: int | None) -> Iterator[Any]:
    """Records in the order in which they come, until `count` or until every end is reached."""
    left = count
    while ends is None or any(consumer.position(tp) < end for tp, end in ends.items()):
        for record in consumer.poll(timeout_ms=1_000):
            if ends is not None and record.offset >= ends[record.topic, record.partition]:
                continue
            yield record
            if left is not None:
                left -= 1
                if left == 0:
                    return
        sys.stdout.flush()


def record_as_json(record: Any) -> bytes:
    """One record as a line of JSON; bytes that are no UTF-8 text appear with \\x escapes."""

    def text(data: bytes | None) -> str | None:
        return None if data is None else data.decode(errors="backslashreplace")

    row = {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp_ms": record.timestamp_ms,
        "key": text(record.key),
        "value": text(record.value),
        "headers": [[name, text(value)] for name, value in record.headers],
    }
    return json.dumps(row, ensure_ascii=False).encode() + b"\n"


def record_as_text(separator: bytes) -> Any:
    """A function that gives a record as `key separator value`, or the value alone."""

    def line(record: Any) -> bytes:
        key = (record.key or b"") + separator if separator else b""
        return key + (record.value or b"") + b"\n"

    return line


# --- files -------------------------------------------------------------------------
@click.command("dump-log")
@click.argument(
    "files",
    metavar="FILE...",
    type=click.Path(exists=True, dir_okay=False),
    nargs=-1,
    required=True,
)
@click.option("--records/--no-records", default=True, help="Print the records of each batch.")
@as_json
def dump_log(files: tuple[str, ...], records: bool, json_: bool) -> None:
    """Print what is in FILE: .log, .index, .timeindex, .snapshot or a checkpoint.

    Fails when something in a file is wrong; the line says what (it begins with "!").
    """
    from minikafka.log.dump import ProblemRow, to_json

    problem_count = 0
    for file in files:
        if len(files) > 1:
            click.echo(f"Dumping {file}")
        for row in rows_of(file, records):
            click.echo(json.dumps(to_json(row), ensure_ascii=False) if json_ else str(row))
            problem_count += isinstance(row, ProblemRow)
    if problem_count:
        raise click.ClickException(f"{problem_count} problems found")


def rows_of(file: str, records: bool) -> Iterator[Any]:
    """The rows of a file; an index is compared with the .log beside it, if there is one."""
    from minikafka.log.dump import UnknownFile, dump

    folder, name = os.path.split(file)
    log = os.path.join(folder, name.partition(".")[0] + ".log")
    beside = mapped(log) if log != file and os.path.exists(log) else None
    try:
        yield from dump(name, mapped(file), records=records, log=beside)
    except UnknownFile as error:
        raise click.UsageError(str(error)) from error


def mapped(file: str) -> memoryview:
    """A file's bytes, brought into memory only where they are looked at."""
    from mmap import ACCESS_READ, mmap

    with open(file, "rb") as opened:
        if os.fstat(opened.fileno()).st_size == 0:  # cannot be mapped
            return memoryview(b"")
        return memoryview(mmap(opened.fileno(), 0, access=ACCESS_READ))
