"""The written pages agree with the code.

ARCHITECTURE.md prints the one loop whole (`MINIKAFKA_REWRITE=1` prints it again), and
FIDELITY.md is what `make fidelity` would write.
"""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

from minikafka.runtime.loop import Loop

PAGE = Path(__file__).parent.parent / "ARCHITECTURE.md"
BLOCK = re.compile(r"(whole \(`runtime/loop\.py`\):\n\n```python\n)(.*?)(```\n)", re.DOTALL)


def test_the_loop_is_printed_as_it_is() -> None:
    page = PAGE.read_text(encoding="utf-8")
    found = BLOCK.search(page)
    assert found is not None
    source = inspect.getsource(Loop)
    if os.environ.get("MINIKAFKA_REWRITE") == "1":
        PAGE.write_text(page[: found.start(2)] + source + page[found.end(2) :], encoding="utf-8")
        return
    assert found.group(2) == source, "run this test with MINIKAFKA_REWRITE=1"


def test_the_fidelity_map_is_fresh() -> None:
    done = subprocess.run([sys.executable, "tools/fidelity.py", "--check"], cwd=PAGE.parent)
    assert done.returncode == 0, "run make fidelity"
