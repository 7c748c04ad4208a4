"""What a node says to whoever runs it: its events again, by logger and level.

      event            logger      level
      topic_created    broker      INFO
      recovered        log         WARN
      malformed_frame  network     WARN
      request          request     DEBUG

There is no second set of messages for a log file: a line of the log is an event of the trace
(`Node.emit`), and this table says who wants to read it. A logger's level can be changed while the
node runs, as that of Kafka's loggers (config resource BROKER_LOGGER, KIP-412); it is forgotten
when the node stops. What happens all the time, appends to topics for instance, is only in a trace.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum


class Level(IntEnum):
    """Log4j's levels in Python's numbers."""

    TRACE = 5
    DEBUG = 10
    INFO = 20
    WARN = 30
    ERROR = 40
    FATAL = 50


ROOT = "root"
"""Gives its level to every logger that has none of its own."""

BROKER, LOG, NETWORK, QUOTA, REQUEST = LOGGERS = ("broker", "log", "network", "quota", "request")

EVENTS = {
    "started": (BROKER, Level.INFO),
    "stopped": (BROKER, Level.INFO),
    "topic_created": (BROKER, Level.INFO),
    "topic_deleted": (BROKER, Level.INFO),
    "partitions_created": (BROKER, Level.INFO),
    "config_without_effect": (BROKER, Level.WARN),
    "config_changed": (BROKER, Level.INFO),
    "quota_changed": (BROKER, Level.INFO),
    "level_changed": (BROKER, Level.INFO),
    "recovered": (LOG, Level.INFO),
    "stray": (LOG, Level.WARN),
    "damaged": (LOG, Level.WARN),
    "file_damaged": (LOG, Level.WARN),
    "truncate": (LOG, Level.WARN),
    "index_rebuilt": (LOG, Level.WARN),
    "log_start_offset": (LOG, Level.INFO),
    "segment_deleted": (LOG, Level.INFO),
    "roll": (LOG, Level.DEBUG),
    "flush": (LOG, Level.DEBUG),
    "append": (LOG, Level.TRACE),
    "connected": (NETWORK, Level.DEBUG),
    "disconnected": (NETWORK, Level.DEBUG),
    "malformed_frame": (NETWORK, Level.WARN),
    "no_more_connections": (NETWORK, Level.WARN),
    "too_many_connections": (NETWORK, Level.WARN),
    "unsendable": (NETWORK, Level.WARN),
    "failed": (NETWORK, Level.ERROR),
    "throttled": (QUOTA, Level.DEBUG),
    "request": (REQUEST, Level.DEBUG),
}
OTHERS = (BROKER, Level.WARN)
"""What an event is that nobody has thought of here; it is always told: better seen than lost."""


class Loggers:
    """The levels in force."""

    def __init__(self, root: Level = Level.INFO) -> None:
        self._levels = {ROOT: root}
        self.unwanted: frozenset[str] = frozenset()
        """The events that are not told now: looked at with each request, so it is kept ready."""
        self._settle()

    def __iter__(self) -> Iterator[tuple[str, Level]]:
        """Every logger with its level, by name."""
        for name in sorted((ROOT, *LOGGERS)):
            yield name, self.level(name)

    def level(self, name: str) -> Level:
        return self._levels.get(name) or self._levels[ROOT]

    def set(self, name: str, level: Level | None) -> None:
        """None: that of the root logger again, which has to have one."""
        assert name in (ROOT, *LOGGERS)
        if level is None:
            self._levels.pop(name, None)
        else:
            self._levels[name] = level
        self._settle()

    def _settle(self) -> None:
        self.unwanted = frozenset(
            kind for kind, (name, level) in EVENTS.items() if level < self.level(name)
        )
