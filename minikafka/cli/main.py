"""The command line: `minikafka broker | topics | produce | consume | dump-log | lab | sim | …`.

    $ minikafka broker --listen 127.0.0.1:0 --data /tmp/kafka
    minikafka broker 1 ready at 127.0.0.1:40123, data in /tmp/kafka

Each command reads its arguments, calls the library, and prints. What a script reads
(`--json`, records, names) goes to standard output; progress and errors go to standard
error. An error is one line that says what to do; the exit code is 2 when the command was
wrongly put and 1 when it failed.

A command is imported when it is called, and imports what it needs when it runs: a broker
is to be ready in 200 ms, and nothing that another command needs may delay it.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import NoReturn

import click

TOLD_TO_STOP = 130
"""Exit code after Ctrl-C, as shells have it: 128 + SIGINT."""


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and exit."""
    try:
        for argument in sys.argv[1:] if arguments is None else arguments:
            check_is_text(argument)
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


def check_is_text(argument: str) -> None:
    """Bytes that are no text in this locale come as halves of characters: nothing can send them."""
    try:
        argument.encode()
    except UnicodeEncodeError:
        raise click.UsageError(f"{argument!r} is not valid text") from None


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


_FILES = {
    "broker": ["broker"],
    "cluster": ["topics", "offsets", "log-dirs", "configs", "quotas"],
    "records": ["produce", "consume", "dump-log"],
    "lab": ["lab"],
    "experiments": ["sim", "fuzz", "bench"],
}
"""Where each command is."""


class Commands(click.Group):
    """The commands of `_FILES`; a file is imported when one of its commands is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for names in _FILES.values() for name in names]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        for file, names in _FILES.items():
            if cmd_name in names:
                found = vars(import_module(f"minikafka.cli.{file}"))[cmd_name.replace("-", "_")]
                assert isinstance(found, click.Command)
                return found
        return None


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="minikafka")
def commands() -> None:
    """Apache Kafka, small enough to read."""
