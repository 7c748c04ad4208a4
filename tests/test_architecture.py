"""ARCHITECTURE.md prints the one loop whole, as it is. `MINIKAFKA_REWRITE=1` prints it again."""

from __future__ import annotations

import inspect
import os
import re
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
