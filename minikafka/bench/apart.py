"""A function in a process of its own: a load must not share the measuring process's lock.

    apart(load.measure, "127.0.0.1:9092", "topic", 200_000_000)

What goes in and comes out are JSON values. The new process imports the function's module and
nothing else of ours; it ends when the function returns, and with it threads and queues that a
client library would rather keep.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def apart(function: Callable[P, T], *arguments: P.args, **more: P.kwargs) -> T:
    """What the function returns. Raises RuntimeError with what the process complained about."""
    place = [function.__module__, function.__name__]
    done = subprocess.run(
        [sys.executable, "-m", __name__, *place, json.dumps([arguments, more])],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{'.'.join(place)} failed:\n{done.stderr[-2000:]}")
    result: T = json.loads(done.stdout)
    return result


if __name__ == "__main__":
    arguments, more = json.loads(sys.argv[3])
    print(json.dumps(getattr(import_module(sys.argv[1]), sys.argv[2])(*arguments, **more)))
