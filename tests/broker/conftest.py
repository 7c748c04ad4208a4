"""Brokers for tests; see talk.py."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from .talk import Conversation


@pytest.fixture
def start(tmp_path: Path) -> Callable[..., Conversation]:
    """Start a broker with some configs; a second one takes over the directory of the first."""
    return lambda **configs: Conversation(tmp_path, **configs)


@pytest.fixture
def broker(tmp_path: Path) -> Conversation:
    """A broker with Kafka's defaults."""
    return Conversation(tmp_path)
