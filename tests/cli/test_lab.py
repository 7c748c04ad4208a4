"""`minikafka lab`: what it says when it cannot open the course."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from click.testing import CliRunner

from minikafka.cli import lab


def test_without_the_lab_extra_it_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    result = CliRunner().invoke(lab.lab)
    assert result.exit_code == 1
    assert "pip install 'minikafka[lab]'" in result.output


def test_without_the_notebooks_it_says_where_they_are(tmp_path: Path) -> None:
    pytest.importorskip("anywidget", reason="needs the lab extra")
    result = CliRunner().invoke(lab.lab, ["--notebooks", str(tmp_path)])
    assert result.exit_code == 1
    assert f"no index.ipynb in {tmp_path}" in result.output and "--notebooks" in result.output


def test_what_it_does_not_know_is_jupyterlabs(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("anywidget", reason="needs the lab extra")
    opened: list[tuple[str, ...]] = []
    monkeypatch.setattr(lab, "_open", lambda notebooks, arguments: opened.append(arguments))
    result = CliRunner().invoke(lab.lab, ["--no-browser", "--ip=127.0.0.1"])
    assert result.exit_code == 0, result.output
    assert opened == [("--no-browser", "--ip=127.0.0.1")]
