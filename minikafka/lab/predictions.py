"""Questions asked before a run, and what came of them.

    predict("01.a", "Which partition?", ["0", "1"])     a cell's last line: the reader chooses
    ...                                                  the cells that find out
    reveal("01.a", record.partition)                     predicted, and what happened

Nobody has to predict, and nothing waits for it. What was answered is kept (progress.py) and is
there again after a restart. Without a kernel the browser keeps it, and compares by itself.
"""

from __future__ import annotations

from collections.abc import Iterable

from minikafka.lab import progress
from minikafka.viz.widgets.course import Outcome, Prediction

_asked: dict[str, str] = {}
"""The questions of this notebook, so that what came of one can repeat it."""


def predict(name: str, question: str, choices: Iterable[object] = ()) -> Prediction:
    """Ask; with choices for one of them, else for a number or a few words.

    `name` begins with the chapter: "01.a".
    """
    _asked[name] = question
    offered = [_text(choice) for choice in choices]
    answer = _answer(name)
    if offered and answer not in offered:
        answer = ""
    asked = Prediction(name=name, title=question, choices=offered, answer=answer)
    asked.observe(lambda change: progress.note(name, answer=change["new"]), "answer")
    return asked


def reveal(name: str, actual: object, *, within: float = 0) -> Outcome:
    """Say what happened, beside what was predicted.

    Compared as text, as it is printed. A number is compared as a number: the prediction is
    right when it differs by no more than `within`.
    """
    came = _text(actual)
    progress.note(name, actual=came, within=within)
    return Outcome(
        name=name, title=_asked.get(name, ""), actual=came, within=within, answer=_answer(name)
    )


def _answer(name: str) -> str:
    return str(progress.done().predictions.get(name, {}).get("answer", ""))


def _text(value: object) -> str:
    """As prose has it: 24,000 and 0.35."""
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.3f}".rstrip("0").rstrip(".")
    return str(value)
