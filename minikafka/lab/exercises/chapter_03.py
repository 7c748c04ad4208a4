"""Exercises of chapter 03, the wire: a header, frames cut from a stream, folded numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minikafka.lab.exercises.verdict import Judge, Verdict, accepted, not_yet


def _read_a_frame(answer: tuple[Any, Any, Any]) -> Verdict:
    """03.1: the header of a Metadata request."""
    hints = {
        "API key": (3, "The two bytes after the size."),
        "version": (1, "The two bytes after the API key."),
        "correlation id": (42, "Four bytes, the large end first."),
    }
    for given, (name, (wanted, hint)) in zip(answer, hints.items(), strict=True):
        if given is ...:
            return not_yet(f"the {name} is still open. {hint}")
        if given != wanted:
            return not_yet(f"the {name} is not {given!r}. {hint}")
    return accepted("Metadata, version 1, question 42.")


def _cut_a_stream(answer: Callable[[bytes], tuple[list[bytes], bytes]]) -> Verdict:
    """03.2: whole frames and the rest, wherever the stream was cut."""
    whole = [b"one", b"", b"three" * 100, bytes(70_000)]
    stream = b"".join(len(frame).to_bytes(4, "big") + frame for frame in whole)
    ends = [7, 11, 515, len(stream)]
    for end in (*range(600), *range(600, len(stream), 9_999), len(stream)):
        count = sum(done <= end for done in ends)
        expected = whole[:count], stream[([0, *ends])[count] : end]
        found = answer(stream[:end])
        if (list(found[0]), found[1]) != expected:
            return not_yet(
                f"of the first {end} bytes of a stream with frames of 3, 0, 500 … bytes you cut "
                f"{len(found[0])} frames and left {len(found[1])} bytes; it should be {count} "
                f"and {len(expected[1])}."
            )
    return accepted("four frames, wherever the stream is cut; a frame may be empty.")


def _zigzag(answer: Callable[[int], int]) -> Verdict:
    """03.3: signed numbers folded into unsigned ones."""
    for number in (0, -1, 1, -2, 2, 63, -64, 64, 2**40, -(2**40), 2**62 + 1, -(2**62) - 1):
        wanted = number << 1 ^ number >> 63
        if answer(number) != wanted:
            return not_yet(f"{number} became {answer(number)}, it should be {wanted}.")
    return accepted("small numbers stay small, whatever their sign.")


EXERCISES: dict[str, Judge] = {
    "03.1": _read_a_frame,
    "03.2": _cut_a_stream,
    "03.3": _zigzag,
}
