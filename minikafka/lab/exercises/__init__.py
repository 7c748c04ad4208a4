"""Exercises that check themselves: `check("00.1", answer)` accepts it or says what is missing.

    >>> check("00.1", (10, 4, ...))
    not yet: the lag is still open. High watermark minus position.

A check never shows the answer, judges what an answer does rather than how it is written,
and runs a learner's function in a simulator of its own, so nothing can be broken by trying.
The untouched cell of an exercise is refused, its folded answer is accepted; a test does
both for every exercise of every notebook.

A chapter's judges, with their hints, are in a file of their own.
"""

from __future__ import annotations

from typing import Any

from minikafka.lab import progress
from minikafka.lab.exercises import (
    chapter_00,
    chapter_01,
    chapter_02,
    chapter_03,
    chapter_04,
    chapter_05,
    chapter_20,
)
from minikafka.lab.exercises.verdict import Judge, Verdict, not_yet

EXERCISES: dict[str, Judge] = {
    **chapter_00.EXERCISES,
    **chapter_01.EXERCISES,
    **chapter_02.EXERCISES,
    **chapter_03.EXERCISES,
    **chapter_04.EXERCISES,
    **chapter_05.EXERCISES,
    **chapter_20.EXERCISES,
}


def check(exercise: str, answer: Any) -> Verdict:
    """Judge an answer to an exercise, named by chapter and number ("00.1").

    Raises KeyError for an exercise that does not exist. An answer that raises is refused
    with its error. That an answer was accepted is noted (progress.py).
    """
    judge = EXERCISES[exercise]
    try:
        verdict = judge(answer)
    except Exception as error:  # whatever a learner's code may do
        return not_yet(f"it stopped with {type(error).__name__}: {error}")
    if verdict.is_accepted:
        progress.accept(exercise)
    return verdict
