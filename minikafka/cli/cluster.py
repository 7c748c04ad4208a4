"""`minikafka topics | offsets | log-dirs | configs | quotas`: look at a cluster, and change it."""

from __future__ import annotations

import json
from typing import Any

import click

from minikafka.cli.common import as_json, bootstrap, in_words, reach, settings


@click.group()
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


@click.command()
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


@click.command("log-dirs")
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
KIND = click.Choice(["topic", "broker", "logger"])


@click.group()
def configs() -> None:
    """Show and change the configs of topics and brokers, and the levels of loggers."""


def check_name(kind: str, name: str) -> None:
    if (
        kind != "topic"
        and name
        and not (name.isdecimal() and len(name) < 11 and int(name) < 1 << 31)
    ):
        raise click.UsageError(f"a broker goes by its number, or '' for all of them, not {name!r}")
    if kind == "logger" and not name:
        raise click.UsageError("whose loggers? give a broker's number")


@configs.command("describe")
@click.argument("kind", type=KIND)
@click.argument("name")
@click.option("--all", "all_", is_flag=True, help="Also what nobody has set.")
@bootstrap
@as_json
def describe_configs(kind: str, name: str, all_: bool, server: str, json_: bool) -> None:
    """What is in force for NAME, and why.

    NAME is a topic, a broker's id (also for the levels of its loggers), or "" for all brokers.
    """
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
    """Change configs of NAME, all or none.

    NAME is a topic, a broker's id (also for the levels of its loggers, which go back to what they
    were when it starts again), or "" for all brokers.
    """
    import minikafka as mk

    check_changes(dict(configs), unset)
    check_name(kind, name)
    reach(server)
    with mk.Admin(server) as admin:
        admin.alter_configs({(kind, name): {**dict(configs), **dict.fromkeys(unset)}})


def check_changes(wanted: dict[str, str], unset: tuple[str, ...]) -> None:
    both = sorted(wanted.keys() & set(unset))
    if both:
        raise click.UsageError(f"{both[0]}: --set or --unset?")
    if not wanted and not unset:
        raise click.UsageError("nothing to change: give --set key=value or --unset key")


# --- quotas ------------------------------------------------------------------------
@click.group()
def quotas() -> None:
    """Show and change how much clients may do."""


def entity(command: Any) -> Any:
    """The options that say whom quotas are for."""
    for kind in ("ip", "user", "client-id"):
        option = f"--{kind}"
        command = click.option(option, help='Whom; "" for each without quotas of its own.')(command)
    return command


@quotas.command("describe")
@entity
@bootstrap
@as_json
def describe_quotas(
    client_id: str | None, user: str | None, ip: str | None, server: str, json_: bool
) -> None:
    """The quotas that are set (default: of all)."""
    import minikafka as mk
    from minikafka.runtime.journal import word

    reach(server)
    with mk.Admin(server) as admin:
        found = admin.describe_quotas(named_entity(client_id, user, ip))
    for each in found:
        row = {"entity": dict(each.entity), "quotas": dict(each.quotas)}
        named = each.entity.items()
        whom = ", ".join(f"{kind} {word(name) if name else '<default>'}" for kind, name in named)
        limits = " ".join(f"{word(key)}={value:.15g}" for key, value in each.quotas.items())
        click.echo(json.dumps(row) if json_ else f"{whom}: {limits}")


@quotas.command("alter")
@entity
@settings
@click.option("--unset", multiple=True, help="A quota to take away.")
@bootstrap
def alter_quotas(
    client_id: str | None,
    user: str | None,
    ip: str | None,
    configs: tuple[tuple[str, str], ...],
    unset: tuple[str, ...],
    server: str,
) -> None:
    """Set quotas, all or none, such as producer_byte_rate=1000000 (bytes a second)."""
    import minikafka as mk

    whom = named_entity(client_id, user, ip)
    if not whom:
        raise click.UsageError("whom for? say --client-id NAME, --user NAME, both, or --ip ADDRESS")
    check_changes(dict(configs), unset)
    limits: dict[str, float | None] = dict.fromkeys(unset)
    for key, value in configs:
        try:
            limits[key] = float(value)
        except ValueError:
            raise click.UsageError(f"{key}={value}: a quota is a number") from None
    reach(server)
    with mk.Admin(server) as admin:
        admin.alter_quotas(whom, limits)


def named_entity(client_id: str | None, user: str | None, ip: str | None) -> dict[str, str | None]:
    given = {"client-id": client_id, "user": user, "ip": ip}
    return {kind: name or None for kind, name in given.items() if name is not None}
