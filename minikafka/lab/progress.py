"""What a reader has done so far: exercises accepted, predictions made. One small file.

    ~/.local/share/minikafka/progress.json        ($XDG_DATA_HOME where that is set)
    {"exercises": ["00.1"], "predictions": {"00.a": {"answer": "3", "actual": "4", "within": 0}}}

`MINIKAFKA_PROGRESS` names another file; set to nothing, it means that nothing is written down
(tests, the building of notebooks). Several notebooks write to the same file, so each change reads
it first and replaces it at once, one after the other. A file that cannot be read or written never
stops a cell: a warning says so, and what was done is remembered until the kernel ends. A damaged
file is moved aside, not overwritten.
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any


@dataclass(slots=True)
class Done:
    """What the file says."""

    exercises: list[str] = field(default_factory=list)
    predictions: dict[str, dict[str, Any]] = field(default_factory=dict)


def done() -> Done:
    """All that has been done so far, in any notebook."""
    return _record(_path()).read()


def accept(exercise: str) -> None:
    """An exercise's answer was accepted."""
    record = _record(_path())
    with record.alone():
        now = record.read()
        if exercise not in now.exercises:
            now.exercises = sorted([*now.exercises, exercise])
            record.write(now)


def note(prediction: str, **what: str | float) -> None:
    """Something about a prediction: its `answer`, or what came of it (`actual`, `within`)."""
    record = _record(_path())
    with record.alone():
        now = record.read()
        known = now.predictions.get(prediction, {})
        if known | what != known:
            now.predictions[prediction] = known | what
            record.write(now)


def _path() -> Path | None:
    named = os.environ.get("MINIKAFKA_PROGRESS")
    if named is not None:
        return Path(os.path.expanduser(named)) if named else None
    data = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")
    if data.startswith("~"):  # in a container nobody may have a home
        return None
    return Path(data) / "minikafka" / "progress.json"


class _Record:
    """A file, or where there can be none, what this process remembers."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._remembered = Done()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Let other notebooks wait: what one reads and replaces, another may not replace meanwhile.

        Their folder is locked; where it cannot be, nobody waits.
        """
        with ExitStack() as locked:
            if self._path is not None:
                with suppress(OSError, ImportError):  # there is no fcntl in a browser kernel
                    import fcntl

                    self._path.parent.mkdir(parents=True, exist_ok=True)
                    folder = os.open(self._path.parent, os.O_RDONLY)
                    locked.callback(os.close, folder)
                    fcntl.flock(folder, fcntl.LOCK_EX)
            yield

    def read(self) -> Done:
        if self._path is None:
            return self._remembered
        try:
            return _parsed(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return Done()
        except ValueError as error:
            return self._start_anew(self._path, error)
        except OSError as error:
            return self._give_up(error)

    def write(self, now: Done) -> None:
        if self._path is None:
            self._remembered = now
            return
        aside = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            aside.write_text(json.dumps(asdict(now), indent=1, ensure_ascii=False) + "\n", "utf-8")
            aside.replace(self._path)
        except OSError as error:
            self._remembered = now
            self._give_up(error)

    def _start_anew(self, path: Path, error: ValueError) -> Done:
        number = 1
        while (aside := path.with_name(f"{path.name}.damaged{number}")).exists():
            number += 1
        try:
            path.replace(aside)
        except OSError as hindered:
            return self._give_up(hindered)
        _warn(f"{path} is damaged ({error}): it is now {aside.name}, and progress begins anew")
        return Done()

    def _give_up(self, error: OSError) -> Done:
        _warn(f"progress is not kept: {error}")
        self._path = None
        return self._remembered


_record = cache(_Record)


def _parsed(text: str) -> Done:
    """Raises ValueError for anything that `write` does not write."""
    try:
        found = json.loads(text)
    except RecursionError as error:
        raise ValueError("too many brackets") from error
    if not isinstance(found, dict) or set(found) != {"exercises", "predictions"}:
        raise ValueError("it has other fields")
    now = Done(**found)
    if not isinstance(now.exercises, list) or not all(isinstance(e, str) for e in now.exercises):
        raise ValueError("its exercises are no list of names")
    if not isinstance(now.predictions, dict) or not all(map(_is_note, now.predictions.values())):
        raise ValueError("its predictions are none")
    return now


def _is_note(found: Any) -> bool:
    kinds = {"answer": str, "actual": str, "within": int | float}
    return isinstance(found, dict) and all(
        name in kinds and isinstance(value, kinds[name]) for name, value in found.items()
    )


def _warn(message: str) -> None:
    warnings.warn(message, stacklevel=2)
