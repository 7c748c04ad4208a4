"""A node's events as lines of a log, through Python's `logging`.

    2026-11-25 09:30:12,402 WARN  log recovered topic=orders partition=0 end_offset=4711 …
    {"time": "2026-11-25T09:30:12.402Z", "level": "WARN", "logger": "log", "event": "recovered", …}

Which events, the node's `loggers` decide (minikafka/loggers.py). Where they go to is the program's
business: its loggers are `minikafka.broker`, `minikafka.network` and so on. The command line shows
them all on standard error, one a line (a failure's traceback stands below it); a program that has
not set `logging` up sees warnings.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from minikafka.loggers import EVENTS, OTHERS, Level

TRACE = "trace"
"""The field of a failure that has several lines, and in a text stands below the others."""

Form = Callable[[float, Level, str, str, Mapping[str, Any]], str]


def tell(node: str, kind: str, fields: Mapping[str, Any]) -> None:
    """Log one event of a node. It has more to do than to suffer from a listener's mistake."""
    name, level = EVENTS.get(kind, OTHERS)
    extra = {"event": kind, "fields": {"node": node, **fields}}
    words = " ".join(f"{key}={word(value)}" for key, value in fields.items())
    with suppress(Exception):
        logger = logging.getLogger(f"minikafka.{name}")
        logger.log(level, "%s: %s %s", node, kind, words, extra=extra)


def show_on_stderr(form: Form) -> None:
    """Show all that is logged here, in this form."""
    ours = logging.getLogger("minikafka")
    ours.setLevel(Level.TRACE)
    ours.propagate = False
    ours.handlers = [_Handler(form)]


def as_text(time_s: float, level: Level, logger: str, event: str, fields: Mapping[str, Any]) -> str:
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(time_s))
    stamp += f",{int(time_s * 1000) % 1000:03}"
    words = [f"{key}={word(value)}" for key, value in fields.items() if key != TRACE]
    line = " ".join([stamp, f"{level.name:5}", logger, event, *words])
    return f"{line}\n{fields[TRACE]}" if TRACE in fields else line


def as_json(time_s: float, level: Level, logger: str, event: str, fields: Mapping[str, Any]) -> str:
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time_s))
    row = {
        "time": f"{stamp}.{int(time_s * 1000) % 1000:03}Z",
        "level": level.name,
        "logger": logger,
        "event": event,
        **fields,
    }
    return json.dumps(row, default=str)


FORMS: dict[str, Form] = {"text": as_text, "json": as_json}


def word(value: object) -> str:
    """A value as one word of a line; quoted where it would be more, or another line."""
    text = str(value)
    return text if text.isprintable() and " " not in text and text else json.dumps(text)


class _Handler(logging.Handler):
    def __init__(self, form: Form) -> None:
        super().__init__()
        self._form = form

    def emit(self, record: logging.LogRecord) -> None:
        logger = record.name.removeprefix("minikafka.")
        event = getattr(record, "event", "message")
        fields = getattr(record, "fields", {"text": record.getMessage()})
        line = self._form(record.created, Level(record.levelno), logger, event, fields)
        if sys.stderr is not None:  # or it would go to standard output
            with suppress(OSError, ValueError):  # nobody listens any more, or the disk is full
                print(line, file=sys.stderr, flush=True)
