"""A picture that moves: an SVG that plays by itself, in an <img>, with no script.

    pictures of successive moments ─► shapes, each with the frames that it is in ─► one SVG

    frame      0  1  2  3 …                 what stays the same is written once;
    lane       █  █  █  █  …                what comes and goes is switched by SMIL:
    arrow      .  █  .  .  …                <animate attributeName="visibility" …>
    arrow      .  .  █  .  …

Every frame is a picture that `still` drew of a run, so nothing is in between that was not so. The
last one is held, and it is also what stands where nothing is animated, and for readers who asked
their system for less motion. (Chromium does not tell an <img> of that wish: a page that shows one
gives them a still figure by <picture> and `media="(prefers-reduced-motion: reduce)"`.)
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from minikafka.viz.shapes import Picture
from minikafka.viz.static import document, element
from minikafka.viz.theme import LIGHT

FRAME_MS = 100
# Stronger than the animation. A host that strips it only loses this.
CALM = (
    "<style>@media (prefers-reduced-motion:reduce){"
    ".c{visibility:hidden!important}.s{visibility:visible!important}}</style>"
)


def moving_svg(
    pictures: Sequence[Picture], *, hold_ms: int = 3_000, tokens: dict[str, str] = LIGHT
) -> str:
    """Pictures of the same size, one after the other in a loop; the last one stays `hold_ms`."""
    frames = [_numbered([element(shape, tokens) for shape in p.shapes]) for p in pictures]
    total_ms = (len(frames) - 1) * FRAME_MS + hold_ms
    seen: dict[tuple[str, int], list[bool]] = {}
    for number, frame in enumerate(frames):
        for shape in frame:
            seen.setdefault(shape, [False] * len(frames))[number] = True
    lines = [CALM]
    for when, shapes in groupby(_merged(frames), key=lambda shape: seen[shape]):
        drawn = [text for text, _ in shapes]
        lines += drawn if all(when) else [_switched(when, total_ms), *drawn, "</g>"]
    return document(pictures[-1], lines, tokens)


def _numbered(texts: list[str]) -> list[tuple[str, int]]:
    """Equal shapes of one frame told apart."""
    return [(text, texts[:i].count(text)) for i, text in enumerate(texts)]


def _merged(frames: list[list[tuple[str, int]]]) -> list[tuple[str, int]]:
    """All shapes as they are painted: a new one follows what it follows in its frame."""
    order: list[tuple[str, int]] = []
    for frame in frames:
        place = 0
        for shape in frame:
            if shape in order:
                place = order.index(shape) + 1
            else:
                order.insert(place, shape)
                place += 1
    return order


def _switched(when: list[bool], total_ms: int) -> str:
    """The start of a group that is seen in some frames only."""
    changes = [0, *(i for i in range(1, len(when)) if when[i] != when[i - 1])]
    words = ["visible" if when[i] else "hidden" for i in changes]
    times = [f"{i * FRAME_MS / total_ms:.4f}".rstrip("0").rstrip(".") for i in changes]
    return (
        f'<g visibility="{"visible" if when[-1] else "hidden"}" class="{"s" if when[-1] else "c"}">'
        f'<animate attributeName="visibility" calcMode="discrete" repeatCount="indefinite" '
        f'dur="{total_ms / 1000}s" keyTimes="{";".join(times)}" values="{";".join(words)}"/>'
    )
