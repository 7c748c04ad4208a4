"""A frame with one wrong byte, for every byte: what does a broker say to each?

    lies(frame, broker.ask)
      byte 0x08  00 ─► 01   another answer   correlation_id: 4 ─► 16777220
      byte 0x2e  00 ─► 01   refused          UNKNOWN_TOPIC_OR_PARTITION
      byte 0x70  06 ─► 07   checksum         CORRUPT_MESSAGE
      …

All of it is asked when a picture of it is made, so the picture needs no broker. Answers that are
equal are kept once. What is told of an answer is how it differs from the one to the honest frame.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from minikafka.runtime.asking import Answer
from minikafka.wire.anatomy import Piece, dissect_response
from minikafka.wire.errors import ErrorCode
from minikafka.wire.messages.api_versions import ApiVersionsRequest

MASKS = {"lowest bit": 0x01, "all bits": 0xFF}
"""The smallest lie that a byte can tell, and the largest."""
SIGNS = {"same": "=", "differs": "≠", "refused": "!", "checksum": "Σ", "closed": "×", "waits": "…"}
"""What stands for a kind of answer in a text."""
MOST_BYTES = 512
"""Of a longer frame the bytes behind these are not asked."""
MOST_CHANGES = 6

Ask = Callable[[bytes], Answer]


def lies(frame: bytes, ask: Ask) -> dict[str, Any]:
    """As JSON: the honest answer, the others, and for each mask which answer a byte's lie gets."""
    honest = ask(frame)
    fields = dict(_fields(frame, honest))
    answers: list[dict[str, Any]] = []
    by_mask = {}
    for name, mask in MASKS.items():
        row = []
        for at in range(min(len(frame), MOST_BYTES)):
            lie = bytearray(frame)
            lie[at] ^= mask
            told = _told(bytes(lie), ask(bytes(lie)), honest, fields)
            if told not in answers:
                answers.append(told)
            row.append(answers.index(told))
        by_mask[name] = {"mask": mask, "answers": row}
    return {
        "honest": {**_told(frame, honest, honest, fields), "title": _honestly(honest, fields)},
        "ends": [[end.partition, end.before] for end in honest.log_ends],
        "answers": answers,
        "lies": by_mask,
    }


def kinds_of(told: dict[str, Any], lie: str) -> list[str]:
    """For each byte, the kind of answer to its lie."""
    return [told["answers"][number]["kind"] for number in told["lies"][lie]["answers"]]


def as_text(told: dict[str, Any], lie: str) -> list[str]:
    """What comes of this lie, a sign for each byte of the frame, 16 in a line."""
    kinds = kinds_of(told, lie)
    signs = "".join(SIGNS[kind] for kind in kinds)
    counts = ", ".join(f"{sign} {kind} {kinds.count(kind)}" for kind, sign in SIGNS.items())
    rows = (f"{at:04x}  {signs[at : at + 16]}" for at in range(0, len(signs), 16))
    return [f"one wrong byte ({lie}): {counts}", *rows]


def _honestly(answer: Answer, fields: dict[str, str]) -> str:
    """What is said to the frame as it is."""
    if answer.closed or answer.frame is None:
        return f"closes the connection ({answer.closed})" if answer.closed else "says nothing"
    errors = [_code(value) for name, value in fields.items() if name.endswith("error_code")]
    names = [error.name for error in errors if error != ErrorCode.NONE]
    return f"answers with {names[0]}" if names else "answers without an error"


def _told(
    frame: bytes, answer: Answer, honest: Answer, honest_fields: dict[str, str]
) -> dict[str, Any]:
    """An answer as it is told: its kind, its name, the reason, what is different."""
    fields = dict(_fields(frame, answer))
    changes = [
        (name, honest_fields.get(name, "-"), fields.get(name, "-"))
        for name in dict.fromkeys([*honest_fields, *fields])
        if answer.frame is not None and honest_fields.get(name) != fields.get(name)
    ]
    errors = [change for change in changes if change[0].endswith("error_code")]
    kind, title, why = _kind(answer, honest, bool(changes))
    if kind == "differs" and errors and _code(errors[0][2]) != ErrorCode.NONE:
        name, _, value = errors[0]
        kind = "checksum" if _code(value) == ErrorCode.CORRUPT_MESSAGE else "refused"
        title = f"{_code(value).name} ({value})"
        why = fields.get(name.removesuffix("error_code") + "error_message", "")
    shown = [[name.rpartition(".")[2], was, now] for name, was, now in changes]
    return {
        "kind": kind,
        "title": title,
        "why": why,
        "changes": [each for each in shown if each[0] != "error_message"][:MOST_CHANGES],
        "ends": [list(end) for end in answer.log_ends if end.before != end.after],
    }


def _kind(answer: Answer, honest: Answer, is_other: bool) -> tuple[str, str, str]:
    """What kind of answer it is, errors aside; its title; why."""
    if answer.closed:
        return "closed", "closes the connection", answer.closed
    if answer.missing_bytes:
        count = f"{answer.missing_bytes:,} byte{'s' * (answer.missing_bytes != 1)}"
        return "waits", f"waits for {count} more", "the size promises them"
    if answer.frame is None:
        kind = "same" if honest.frame is None else "waits"
        return kind, "says nothing", "" if kind == "same" else "no answer within a minute"
    if not is_other and answer.wrote == honest.wrote:
        return "same", "answers as if nothing were wrong", ""
    return "differs", "answers, but to something else", ""


def _code(value: str) -> ErrorCode:
    return ErrorCode.of(int(value)) if value.lstrip("-").isdigit() else ErrorCode.NONE


def _fields(frame: bytes, answer: Answer) -> Iterator[tuple[str, str]]:
    """The values of the answer to a frame, each by its path of names; whole, not cut for show."""
    if answer.frame is None:
        return
    key, version = (int.from_bytes(frame[at : at + 2], "big", signed=True) for at in (4, 6))
    if key == ApiVersionsRequest.API_KEY and version not in ApiVersionsRequest.VERSIONS:
        version = 0  # a broker that does not know it answers so
    yield from _values(answer.frame, dissect_response(answer.frame, key, version), "")


def _values(frame: bytes, piece: Piece, path: str) -> Iterator[tuple[str, str]]:
    content = next((each for each in piece.pieces if each.name == "content"), None)
    if content is not None:
        yield path, frame[content.start : content.end].decode(errors="replace")
    elif not piece.pieces or piece.value == "null":
        yield path, piece.value.split(" (")[0]
    else:
        for each in piece.pieces:
            if each.name not in ("size", "count", "count + 1", "tagged fields"):
                own = each.name if path in ("", "header", "body") else path + "." + each.name
                yield from _values(frame, each, own)
