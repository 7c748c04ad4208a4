"""`minikafka broker`: be one."""

from __future__ import annotations

from typing import IO

import click

from minikafka.cli.common import Address, settings


@click.command()
@click.option(
    "--config",
    "file",
    type=click.File("r", encoding="utf-8"),
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
@click.option(
    "--log",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How events look on standard error.",
)
@click.option(
    "--log-level",
    type=click.Choice(["DEBUG", "INFO", "WARN", "ERROR"]),
    default="INFO",
    show_default=True,
    help="Which of them; `minikafka configs alter logger ID` changes it later, also in parts.",
)
@click.option("--metrics", type=Address(), help="Answer Prometheus here, at /metrics.")
@settings
def broker(
    file: IO[str] | None,
    node_id: int | None,
    listen: str | None,
    data: str | None,
    form: str,
    log_level: str,
    metrics: str | None,
    configs: tuple[tuple[str, str], ...],
) -> None:
    """Be a broker until SIGTERM or Ctrl-C."""
    from minikafka.broker.config import BrokerConfig
    from minikafka.broker.file import read_file
    from minikafka.loggers import Level
    from minikafka.runtime.journal import FORMS, show_on_stderr, tell
    from minikafka.runtime.serve import run_broker

    for name, value in configs:
        option = {"node.id": "--node-id", "listeners": "--listen", "log.dirs": "--data"}.get(name)
        if option is not None:
            raise click.UsageError(f"{name} = {value}: say it with {option}")
    text, more = text_of(file) if file is not None else "", dict(configs)
    given, without = read_file(text, more) if text or more else ({}, [])
    if node_id is not None:
        given["node.id"] = str(node_id)
    config = BrokerConfig.of(given)
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
        show_on_stderr(FORMS[form])
        for name in without:
            tell(f"broker-{node_id}", "config_without_effect", {"config": name})
        run_broker(config, listen, data, on_ready, Level[log_level], metrics)
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
            f"{error.strerror or error}; choose another address with --listen"
            f"{' or --metrics' if metrics else ''} (port 0 takes a free one)"
        ) from error


def text_of(file: IO[str]) -> str:
    from minikafka.config import ConfigError

    try:
        return file.read()
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file.name} is not UTF-8 text: {error.reason}") from None
