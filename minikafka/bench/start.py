"""How long a start takes: of the library, and of a broker on an empty directory.

Each is a fresh process, started many times. The best says what the code takes, as other work on
the machine only ever adds; the median says what a user waits.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from minikafka.bench.servers import Minikafka


def import_ms() -> float:
    """`import minikafka`, beyond what a bare interpreter takes."""
    return _run_ms("import minikafka") - _run_ms("pass")


def ready_ms() -> float:
    """From the command to the first answered request."""
    with (
        tempfile.TemporaryDirectory(prefix="minikafka-bench-") as place,
        Minikafka(Path(place)) as broker,
    ):
        return 1000 * broker.ready_s


def _run_ms(code: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return 1000 * (time.perf_counter() - started)


MEASURES: dict[str, Callable[[], float]] = {
    "import minikafka": import_ms,
    "broker ready": ready_ms,
}


def measure(times: int = 15) -> list[dict[str, Any]]:
    """A row for each measure: the best and the median of many starts, in ms."""
    rows = []
    for name, once in MEASURES.items():
        taken = [once() for _ in range(times)]
        best_ms, median_ms = round(min(taken), 1), round(median(taken), 1)
        rows.append({"start": name, "best_ms": best_ms, "median_ms": median_ms})
    return rows
