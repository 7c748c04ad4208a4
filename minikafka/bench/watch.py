"""Two clocks for one load: the wall's, and the CPU time of the broker's process.

    with Watch(server.pid) as watch:
        …
    watch.wall_s, watch.cpu_s

The wall clock says what a client gets, and depends on everything that runs on the machine: the
client itself, other work, the disk. CPU time says what the broker did, and nearly nothing else
moves it. Where the first falls and the second stays, it was not the broker.
"""

from __future__ import annotations

import time


class Watch:
    """Runs while its `with` block does. `pid` is the broker's."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.wall_s = self.cpu_s = 0.0

    def __enter__(self) -> Watch:
        self.cpu_s, self.wall_s = -cpu_s(self.pid), -time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.wall_s += time.perf_counter()
        self.cpu_s += cpu_s(self.pid)


def cpu_s(pid: int) -> float:
    """What a process has taken so far, in its own code and in the system's on its behalf.

    By `clock_getcpuclockid`, which Linux computes so and Python leaves out.
    """
    return time.clock_gettime(~pid << 3 | 2)
