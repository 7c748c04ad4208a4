"""A picture that moves: each of its frames is one that was drawn, and it plays in an <img>."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("quickjs", reason="needs the lab extra")

from minikafka.viz.figures import FRAMES, a_lost_acknowledgement, as_it_happens, sentences
from minikafka.viz.moving import FRAME_MS, moving_svg
from minikafka.viz.shapes import Attributes, Picture, Shape
from minikafka.viz.theme import DARK

from .widths import text_width

SVG = "{http://www.w3.org/2000/svg}"
FIGURE = Path(__file__).parent.parent.parent / "figures" / "lost-acknowledgement.svg"


def three() -> list[Picture]:
    """A dot that moves over a line, then under a word; two of the same in the middle."""
    pictures = []
    for at, count in ((5, 1), (15, 2), (25, 1)):
        picture = Picture(40, 20)
        picture.line(0, 10, 40, 10, stroke="edge")
        for _ in range(count):
            dot: Attributes = {"cx": at, "cy": 10, "r": 3, "fill": "write"}
            picture.shapes.append(Shape("circle", dot))
        picture.text(0, 18, "here" if at > 10 else "there")
        pictures.append(picture)
    return pictures


def visible(svg: str, ms: float) -> list[str]:
    """What is seen at an instant, in the order of painting."""
    found = []
    for part in ElementTree.fromstring(svg):
        animate = part.find(f"{SVG}animate")
        if animate is None:
            found.append(part)
            continue
        now = ms / (1000 * float(animate.attrib["dur"].rstrip("s")))
        times = [float(time) for time in animate.attrib["keyTimes"].split(";")]
        word = animate.attrib["values"].split(";")[max(i for i, t in enumerate(times) if t <= now)]
        found += [child for child in part if child is not animate and word == "visible"]
    tags = ("line", "circle", "text")
    return [f"{e.tag.removeprefix(SVG)} {e.get('cx', '')}{e.text or ''}" for e in found
            if e.tag.removeprefix(SVG) in tags]  # fmt: skip


def test_each_frame_is_seen_as_it_was_drawn() -> None:
    svg = moving_svg(three(), hold_ms=1_000)
    line = "line "
    assert visible(svg, 50) == [line, "circle 5", "text there"]
    assert visible(svg, 150) == [line, "circle 15", "circle 15", "text here"]
    for held in (250, 1_190):
        assert visible(svg, held) == [line, "circle 25", "text here"]
    assert svg.count("<line") == 1, "what stays is written once"


def test_where_nothing_is_animated_the_last_frame_stands() -> None:
    for part in ElementTree.fromstring(moving_svg(three())).iter(f"{SVG}g"):
        words = part[0].attrib["values"].split(";")
        assert part.get("visibility") == words[-1]
        assert part.get("class") == ("s" if words[-1] == "visible" else "c")


def test_all_frames_of_the_figure_are_seen() -> None:
    pictures = as_it_happens(a_lost_acknowledgement())
    svg = moving_svg(pictures, tokens=DARK)
    assert len(pictures) == FRAMES + 1
    for number in (0, 17, 40, 66, FRAMES):
        drawn = Counter(f"{s.tag} {s.attributes.get('cx', '')}" for s in pictures[number].shapes
                        if s.tag == "line" or s.tag == "text")  # fmt: skip
        seen = Counter(word.split(" ")[0] + " " for word in visible(svg, (number + 0.5) * FRAME_MS))
        assert {tag: seen[tag] for tag in drawn} == drawn


def test_the_sentences_are_those_of_the_run() -> None:
    story = a_lost_acknowledgement()
    told = sentences(story)
    instants = [since for since, _ in told]
    assert instants == sorted(instants) and instants[-1] < story.end
    messages = [(message.title, message.arrived < 0) for message in story.messages]
    assert messages[:2] == [("Produce", False), ("ack", True)]
    assert messages[-2:] == [("Produce", False), ("ack", False)]
    assert story.messages[-2].more == story.messages[0].more, "the same batch"
    assert story.messages[-1].more == story.messages[1].more == "base offset 1"
    assert all(text_width(words, 14, bold=True) < 832 for _, words in told)


def test_it_is_small_and_asks_for_nothing() -> None:
    text = FIGURE.read_text(encoding="utf-8")
    assert len(text) < 300_000
    for word in ("<script", "href", "url(", "@import"):
        assert word not in text


def test_it_plays_in_an_img(browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(f"<body style='margin:0'><img src='{FIGURE.as_uri()}'>", encoding="utf-8")
    page = browser.new_page(viewport={"width": 880, "height": 400})
    page.goto(path.as_uri())
    looks = {page.screenshot()}
    for _ in range(40):
        page.wait_for_timeout(150)  # its clock is its own: there is no condition to wait for
        looks.add(page.screenshot())
        if len(looks) > 3:
            break
    page.close()
    assert len(looks) > 3


def test_with_less_motion_it_stands(browser: Any) -> None:
    page = browser.new_page(viewport={"width": 880, "height": 400}, reduced_motion="reduce")
    page.goto(FIGURE.as_uri())
    looks = {page.screenshot()}
    for _ in range(3):
        page.wait_for_timeout(250)
        looks.add(page.screenshot())
    page.close()
    assert len(looks) == 1
