"""The command line: `minikafka broker | topics | produce | consume | dump-log | sim | bench`.

    $ minikafka broker --listen 127.0.0.1:0 --data /tmp/kafka
    minikafka broker 1 ready at 127.0.0.1:40123, data in /tmp/kafka

Each command reads its arguments, calls the library, and prints. What a script reads
(`--json`, records, names) goes to standard output; progress and errors go to standard
error. An error is one line that says what to do; the exit code is 2 when the command was
wrongly put and 1 when it failed.

Commands import what they need when they run: a broker is to be ready in 200 ms, and
nothing that another command needs may delay it.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, NoReturn

import click

if TYPE_CHECKING:
    from rich.progress import Progress

    from minikafka.consumer.consumer import Consumer
    from minikafka.producer.producer import DeliveryFuture

TOLD_TO_STOP = 130
"""Exit code after Ctrl-C, as shells have it: 128 + SIGINT."""


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and exit."""
    try:
        result = commands.main(arguments, prog_name="minikafka", standalone_mode=False)
    except click.Abort:
        sys.exit(TOLD_TO_STOP)
    except BrokenPipeError:  # the reader (`| head`) has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        code = exit_code(error)
        if code is None:
            raise
        click.echo(f"minikafka: {in_one_line(error)}", err=True)
        sys.exit(code)
    sys.exit(result if isinstance(result, int) else 0)


def exit_code(error: Exception) -> int | None:
    """2 for a command wrongly put, 1 for one that failed, None for a mistake of the program."""
    from minikafka.config import ConfigError
    from minikafka.record.errors import RecordError
    from minikafka.wire.errors import KafkaError

    if isinstance(error, (click.UsageError, ConfigError)):
        return 2
    if isinstance(error, (click.ClickException, KafkaError, RecordError, OSError)):
        return 1
    return None


def in_one_line(error: Exception) -> str:
    """What to tell a person about an error."""
    match error:
        case click.ClickException():
            text = error.format_message()
        case OSError(filename=str(path), strerror=str(reason)):
            text = f"{path}: {reason}"
        case _:
            text = str(error)
    return " ".join(text.split())


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


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="minikafka")
def commands() -> None:
    """Apache Kafka, small enough to read."""


# --- broker ------------------------------------------------------------------------
@commands.command()
@click.option(
    "--config",
    "file",
    type=click.File("r"),
    help="A file of Kafka's configs (server.properties); the options here are stronger.",
)
@click.option("--node-id", type=click.IntRange(min=0), help="The broker's number.  [default: 1]")
@click.option(
    "--listen",
    type=Address(),
    help="Where clients connect; port 0 takes a free one.  [default: 127.0.0.1:9092]",
)
@click.option(
    "--data",
    type=click.Path(file_okay=False),
    help="The directory with the broker's files; made if it is not there.",
)
@click.option("--metrics", type=Address(), help="Answer Prometheus here, at /metrics.")
@settings
def broker(
    file: IO[str] | None,
    node_id: int | None,
    listen: str | None,
    data: str | None,
    metrics: str | None,
    configs: tuple[tuple[str, str], ...],
) -> None:
    """Be a broker until SIGTERM or Ctrl-C."""
    from minikafka.broker.config import BrokerConfig
    from minikafka.config import read_properties
    from minikafka.runtime.serve import run_broker

    for name, value in configs:
        option = {"node.id": "--node-id", "listeners": "--listen", "log.dirs": "--data"}.get(name)
        if option is not None:
            raise click.UsageError(f"{name} = {value}: say it with {option}")
    given = read_properties(file.read()) if file is not None else {}
    if node_id is not None:
        given["node.id"] = str(node_id)
    config = BrokerConfig.of({**given, **dict(configs)})
    if listen is None:
        host, port = config.listener if "listeners" in given else ("127.0.0.1", 9092)
        listen = f"{host}:{port}"
    if data is None:
        if "log.dirs" not in given:
            raise click.UsageError("where to? say --data DIR, or log.dirs in the file of --config")
        (data,) = config.log_dirs
    node_id = config.node_id

    def on_ready(address: str) -> None:
        click.echo(f"minikafka broker {node_id} ready at {address}, data in {data}")

    try:
        run_broker(config, listen, data, on_ready, metrics)
    except ModuleNotFoundError as error:
        hint = "it is part of pip install 'minikafka[metrics]'"
        raise click.ClickException(f"--metrics needs {error.name}: {hint}") from error
    except BlockingIOError as error:
        raise click.ClickException(
            f"another broker uses {data}; stop it or choose another directory with --data"
        ) from error
    except OSError as error:
        if error.filename is not None:
            raise
        raise click.ClickException(
            f"cannot listen on {f'{listen} or {metrics}' if metrics else listen}: "
            f"{error.strerror or error}; "
            "choose another address with --listen (port 0 takes a free one)"
        ) from error


# --- topics ------------------------------------------------------------------------
@commands.group()
def topics() -> None:
    """List, create, delete and describe topics."""


@topics.command("list")
@bootstrap
@as_json
def list_topics(server: str, json_: bool) -> None:
    """The names of all topics, one a line."""
    import minikafka as mk

    reach(server)
    with mk.Admin(server) as admin:
        for name in sorted(admin.list_topics()):
            click.echo(json.dumps({"topic": name}) if json_ else name)


@topics.command("create")
@click.argument("topic")
@click.option("--partitions", type=click.IntRange(min=1), default=1, show_default=True)
@click.option("--replication-factor", type=click.IntRange(min=1), default=1, show_default=True)
@settings
@bootstrap
def create_topic(
    topic: str,
    partitions: int,
    replication_factor: int,
    configs: tuple[tuple[str, str], ...],
    server: str,
) -> None:
    """Create TOPIC."""
    import minikafka as mk

    reach(server)
    with mk.Admin(server) as admin:
        admin.create_topics([mk.NewTopic(topic, partitions, replication_factor, dict(configs))])


@topics.command("delete")
@click.argument("names", metavar="TOPIC...", nargs=-1, required=True)
@bootstrap
def delete_topics(names: tuple[str, ...], server: str) -> None:
    """Delete topics with all their records."""
    import minikafka as mk

    reach(server)
    with mk.Admin(server) as admin:
        admin.delete_topics(list(names))


@topics.command("describe")
@click.argument("names", metavar="[TOPIC...]", nargs=-1)
@bootstrap
@as_json
def describe_topics(names: tuple[str, ...], server: str, json_: bool) -> None:
    """Partitions, leaders and replicas of topics (default: of all)."""
    from dataclasses import asdict

    import minikafka as mk

    reach(server)
    with mk.Admin(server) as admin:
        wanted = list(names) or sorted(admin.list_topics())
        described = admin.describe_topics(wanted)
    for name in wanted:
        for partition in described[name].partitions:
            row = {"topic": name, **asdict(partition)}
            click.echo(json.dumps(row) if json_ else in_words(row))


@topics.command("grow")
@click.argument("topic")
@click.option("--partitions", type=click.IntRange(min=1), required=True, help="How many in all.")
@bootstrap
def grow_topic(topic: str, partitions: int, server: str) -> None:
    """Give TOPIC more partitions. Keys go elsewhere from then on, and there is no way back."""
    import minikafka as mk

    reach(server)
    with mk.Admin(server) as admin:
        admin.create_partitions({topic: partitions})


@topics.command("trim")
@click.argument("topic")
@click.option("--partition", type=click.IntRange(min=0), required=True)
@click.option("--before", type=click.IntRange(min=-1), required=True, help="-1: all there is now.")
@bootstrap
def trim_topic(topic: str, partition: int, before: int, server: str) -> None:
    """Delete the records of a partition of TOPIC before an offset; prints where it begins now."""
    import minikafka as mk

    reach(server)
    with mk.Admin(server) as admin:
        (begin,) = admin.delete_records({(topic, partition): before}).values()
    click.echo(begin)


@commands.command()
@click.argument("names", metavar="[TOPIC...]", nargs=-1)
@bootstrap
@as_json
def offsets(names: tuple[str, ...], server: str, json_: bool) -> None:
    """Where the partitions of topics begin and end (default: of all)."""
    import minikafka as mk

    reach(server)
    with mk.Admin(server) as admin, mk.Consumer(server) as consumer:
        described = admin.describe_topics(list(names) or sorted(admin.list_topics()))
        every = [
            mk.TopicPartition(name, partition.partition)
            for name, topic in described.items()
            for partition in topic.partitions
        ]
        begin, end = consumer.beginning_offsets(every), consumer.end_offsets(every)
    for tp in every:
        row = {**tp._asdict(), "begin": begin[tp], "end": end[tp]}
        click.echo(json.dumps(row) if json_ else in_words(row))


@commands.command("log-dirs")
@bootstrap
@as_json
def log_dirs(server: str, json_: bool) -> None:
    """How much of each partition lies in which directory of which broker."""
    import minikafka as mk

    reach(server)
    with mk.Admin(server) as admin:
        for found in admin.describe_log_dirs():
            for (topic, partition), size in sorted(found.partition_bytes.items()):
                where = {"broker": found.broker, "directory": found.path}
                row = {**where, "topic": topic, "partition": partition, "size_bytes": size}
                click.echo(json.dumps(row) if json_ else in_words(row))


# --- configs -----------------------------------------------------------------------
KIND = click.Choice(["topic", "broker"])


@commands.group()
def configs() -> None:
    """Show and change the configs of topics and brokers."""


def check_name(kind: str, name: str) -> None:
    if kind == "broker" and name and not name.isdecimal():
        raise click.UsageError(f"a broker goes by its number, or '' for all of them, not {name!r}")


@configs.command("describe")
@click.argument("kind", type=KIND)
@click.argument("name")
@click.option("--all", "all_", is_flag=True, help="Also what nobody has set.")
@bootstrap
@as_json
def describe_configs(kind: str, name: str, all_: bool, server: str, json_: bool) -> None:
    """What is in force for NAME (a topic, a broker's id, or "" for all brokers), and why."""
    import minikafka as mk

    check_name(kind, name)
    reach(server)
    with mk.Admin(server) as admin:
        (found,) = admin.describe_configs([(kind, name)]).values()
    for entry in sorted(found.values(), key=lambda entry: entry.name):
        if all_ or entry.source.name != "DEFAULT_CONFIG":
            row = {"config": entry.name, "value": entry.value, "source": entry.source.name}
            text = f"{entry.name}={'' if entry.value is None else entry.value}  {row['source']}"
            click.echo(json.dumps(row) if json_ else text)


@configs.command("alter")
@click.argument("kind", type=KIND)
@click.argument("name")
@settings
@click.option("--unset", multiple=True, help="A config that goes back to what it is by default.")
@bootstrap
def alter_configs(
    kind: str, name: str, configs: tuple[tuple[str, str], ...], unset: tuple[str, ...], server: str
) -> None:
    """Change configs of NAME (a topic, a broker's id, or "" for all brokers): all or none."""
    import minikafka as mk

    both = sorted(dict(configs).keys() & set(unset))
    if both:
        raise click.UsageError(f"{both[0]}: --set or --unset?")
    if not configs and not unset:
        raise click.UsageError("nothing to change: give --set key=value or --unset key")
    check_name(kind, name)
    reach(server)
    with mk.Admin(server) as admin:
        admin.alter_configs({(kind, name): {**dict(configs), **dict.fromkeys(unset)}})


def in_words(row: dict[str, Any]) -> str:
    """A flat row as `name value` pairs: the reader needs no table heading."""

    def text(value: Any) -> str:
        return ",".join(map(str, value)) or "none" if isinstance(value, tuple) else str(value)

    return "  ".join(f"{key.replace('_', ' ')} {text(value)}" for key, value in row.items())


# --- records -----------------------------------------------------------------------
@commands.command()
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


@commands.command()
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
@commands.command("dump-log")
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


# --- simulator ---------------------------------------------------------------------
@commands.command()
@click.argument("scenario", required=False)
@click.option("--list", "list_", is_flag=True, help="Name the scenarios, one a line.")
@click.option("--seed", type=int, default=7, show_default=True)
@click.option("--trace", type=click.File("w"), help="Write every event as a line of JSON.")
@as_json
def sim(scenario: str | None, list_: bool, seed: int, trace: IO[str] | None, json_: bool) -> None:
    """Play SCENARIO in virtual time; the same seed gives the same run, event for event."""
    from minikafka.lab import scenarios

    if list_:
        for name in scenarios.SCENARIOS:
            # A script gets the bare names; a person is told what they are about.
            about = f"  {scenarios.describe(name)}" if sys.stdout.isatty() else ""
            click.echo(f"{name:12}{about}" if about else name)
        return
    if scenario not in scenarios.SCENARIOS:
        names = ", ".join(scenarios.SCENARIOS)
        wrong = f"no scenario {scenario}" if scenario else "which scenario?"
        raise click.UsageError(f"{wrong}; there are: {names}")
    try:
        world = scenarios.run(scenario, seed)
    except AssertionError as error:
        replay = f"minikafka sim {scenario} --seed {seed}"
        raise click.ClickException(f"{error or 'a check failed'}; replay with: {replay}") from error
    if trace is not None and world.trace is not None:
        trace.writelines(f"{line}\n" for line in world.trace.lines())
    row = {"scenario": scenario, "seed": seed, "virtual_ms": world.now / 1000}
    row["events"] = len(world.trace or ())
    click.echo(
        json.dumps(row) if json_ else in_words(row),
        err=trace is not None and trace.name == "<stdout>",
    )


# --- hostile input -----------------------------------------------------------------
@commands.command()
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--frames", type=click.IntRange(min=1), default=100_000, show_default=True)
@click.option("--live", is_flag=True, help="Send them to a broker process, not to one in here.")
@click.option(
    "--corpus",
    type=click.Path(file_okay=False, exists=True),
    help="Where to keep frames that meet an exception nobody expected.",
)
@as_json
def fuzz(seed: int, frames: int, live: bool, corpus: str | None, json_: bool) -> None:
    """Hand a broker frames that no honest client sends; the same ones for the same seed."""
    from pathlib import Path

    from minikafka.lab import fuzz

    row: dict[str, Any] = {"seed": seed, "frames": frames}
    if live:
        from tempfile import TemporaryDirectory

        from minikafka.bench.servers import Minikafka
        from minikafka.bench.siege import besiege

        with TemporaryDirectory() as root, Minikafka(Path(root)) as server:
            before = server.rss_bytes()
            with progress("sending", frames) as advance:
                siege = besiege(server.address, seed, frames, advance)
            megabytes = [round(rss / 1e6) for rss in (before, server.rss_bytes())]
        row |= siege._asdict() | {"rss_mb_before": megabytes[0], "rss_mb_after": megabytes[1]}
        click.echo(json.dumps(row) if json_ else in_words(row))
        return
    with progress("trying", frames) as advance:
        found = fuzz.find(seed, frames, advance)
    for case, error in found:
        name = f"{case.api}-v{case.version}-{case.how}-{case.number}.hex"
        click.echo(f"{name}: {error!r}", err=True)
        if corpus is not None:
            Path(corpus, name).write_text(case.frame.hex() + "\n")
    row["unexpected"] = len(found)
    click.echo(json.dumps(row) if json_ else in_words(row))
    if found:
        raise click.ClickException(f"{len(found)} frames met an exception that nobody expected")


# --- measuring ---------------------------------------------------------------------
@commands.group()
def bench() -> None:
    """Measure the broker or the simulator on this machine."""


@bench.command("broker")
@click.option("--rounds", type=click.IntRange(min=2), default=6, show_default=True)
@click.option("--size-mb", type=click.IntRange(min=1), default=200, show_default=True)
@click.option("--alone", is_flag=True, help="Without Apache Kafka beside it.")
@click.option("--json", "file", type=click.File("w"), help="Write every figure to a file.")
def bench_broker(rounds: int, size_mb: int, alone: bool, file: IO[str] | None) -> None:
    """One broker under librdkafka, beside Apache Kafka and the bare disk."""
    from importlib.util import find_spec

    from minikafka.bench.broker import Plan, report, run
    from minikafka.bench.servers import Unavailable

    if find_spec("confluent_kafka") is None:
        raise click.ClickException("the load is librdkafka's: pip install confluent-kafka")
    plan = Plan(rounds=rounds, size_bytes=size_mb * 1_000_000, beside_apache=not alone)
    try:
        with progress("measuring", plan.step_count) as advance:
            results = run(plan, advance)
    except Unavailable as error:
        raise click.ClickException(f"{error}; --alone measures without it") from error
    click.echo(report(results))
    if file is not None:
        json.dump(results, file, indent=2)


@bench.command("flat")
@click.option("--rounds", type=click.IntRange(min=1), default=3, show_default=True)
@click.option("--size-mb", type=click.IntRange(min=1), default=200, show_default=True)
@click.option(
    "--largest-gb",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    help="How far the log grows in each round; the disk needs that and a half.",
)
@click.option("--json", "file", type=click.File("w"), help="Write every figure to a file.")
def bench_flat(rounds: int, size_mb: int, largest_gb: int, file: IO[str] | None) -> None:
    """One broker with more and more data, partitions and connections: is it as fast?"""
    from importlib.util import find_spec

    if find_spec("confluent_kafka") is None:
        raise click.ClickException("the load is librdkafka's: pip install confluent-kafka")
    from minikafka.bench.flat import Plan, log_sizes_mb, report, run

    plan = Plan(rounds, slice_bytes=size_mb * 1_000_000, log_mb=log_sizes_mb(largest_gb))
    with progress("measuring", plan.step_count) as advance:
        results = run(plan, advance)
    click.echo(report(results))
    if file is not None:
        json.dump(results, file, indent=2)


@bench.command("start")
@as_json
def bench_start(json_: bool) -> None:
    """How long `import minikafka` takes, and a broker until it is ready, in ms."""
    from minikafka.bench.start import measure

    for row in measure():
        click.echo(json.dumps(row) if json_ else in_words(row))


@bench.command("sim")
@as_json
def bench_simulator(json_: bool) -> None:
    """Events a second of the simulator."""
    from minikafka.bench.simulator import measure

    for row in measure():
        click.echo(json.dumps(row) if json_ else in_words(row))


# --- helpers -----------------------------------------------------------------------
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
