"""The committed figures are what the code draws."""

from __future__ import annotations

from pathlib import Path

from minikafka.viz.figures import figures

FOLDER = Path(__file__).parent.parent.parent / "figures"


def test_figures_are_up_to_date() -> None:
    stored = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.svg")}
    assert stored == figures(), "run `make figures`"
