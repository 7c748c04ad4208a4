"""The course: which chapters there are, in order, and how far a reader is in them.

    contents()      the chapters, with a link to each and what it is good for
    Progress()      exercises accepted, predictions made, and what is next

`CHAPTERS` is the one list; the contents page, `make site` and the tests read it. Its numbers and
titles are those of the notebooks, and a chapter's exercises are those that have a judge.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from minikafka.lab import progress
from minikafka.lab.exercises import EXERCISES


@dataclass(frozen=True, slots=True)
class Chapter:
    """One notebook. `about` says what is in it, `able` goes on from "you can"."""

    number: str
    file: str
    title: str
    about: str
    able: str

    @property
    def exercises(self) -> list[str]:
        return [name for name in EXERCISES if name.partition(".")[0] == self.number]


CHAPTERS = [
    Chapter(
        "00",
        "00_the_whole_game.ipynb",
        "The whole game in ten minutes",
        "A café writes down its orders, and two readers read them: in a simulator, on a socket, "
        "and with somebody else’s client.",
        "write records, read them again, and point at offset, high watermark, position and lag.",
    ),
    Chapter(
        "01",
        "01_the_log.ipynb",
        "The log: topics, partitions, offsets, ordering",
        "Which order is promised and which is not, how a key finds its partition, and what it "
        "costs to add partitions later.",
        "choose a key, compute its partition by hand, and say what breaks when a topic grows.",
    ),
    Chapter(
        "02",
        "02_segments_and_indexes.ipynb",
        "Segments and indexes: what is on the disk",
        "The folder of a partition: files that close and go, two searches and a short walk, and "
        "what a power cut leaves.",
        "find an offset or a time by hand, say when a record is deleted, and what was lost.",
    ),
    Chapter(
        "03",
        "03_the_wire.ipynb",
        "The wire: bytes become a conversation",
        "Frames, versions and correlation ids; a produce request down to the last varint; a real "
        "client, overheard.",
        "read a frame byte by byte, and say why an old client and a new broker understand "
        "each other.",
    ),
    Chapter(
        "04",
        "04_the_producer.ipynb",
        "The producer: how a request is made",
        "From send to the acknowledgement: why a batch closes, what waiting buys, and four limits.",
        "choose linger.ms and batch.size for a goal, and say why send blocks.",
    ),
    Chapter(
        "05",
        "05_the_fetcher.ipynb",
        "The fetcher: how a record is read",
        "A question that waits at the broker, what ends the wait, and what poll has to do with it.",
        "choose fetch.min.bytes and fetch.max.wait.ms, and say what a reset silently costs.",
    ),
    Chapter(
        "20",
        "20_looking_after_a_broker.ipynb",
        "Looking after a broker",
        "Configs that change while it runs, a client that is too fast, a power cut, a stranger "
        "who sends nonsense.",
        "limit a client, say what a crash takes, and read what a broker says.",
    ),
]


class _Contents:
    """The chapters as a list of links; a notebook shows it as Markdown."""

    def __repr__(self) -> str:
        return f"Contents({len(CHAPTERS)} chapters)"

    def _repr_markdown_(self) -> str:
        return "\n\n".join(
            f"**[{chapter.number} · {chapter.title}]({chapter.file})**  \n{chapter.about}  \n"
            f"*After it you can* {chapter.able}"
            for chapter in CHAPTERS
        )


def contents() -> _Contents:
    """As a cell's last line: the table of contents."""
    return _Contents()


def Progress() -> Any:  # a widget: its name is written as one
    """As a cell's last line: chapters, their exercises with a tick each, and what is next.

    It looks again whenever it comes into sight, since other notebooks write to the same file.
    """
    from minikafka.viz.widgets.course import ProgressView

    chapters = [
        {"number": chapter.number, "title": chapter.title, "exercises": chapter.exercises}
        for chapter in CHAPTERS
    ]
    view = ProgressView(title="How far you are", chapters=chapters)

    def look(_: object = None) -> None:
        done = progress.done()
        view.accepted, view.predictions = done.exercises, done.predictions

    look()
    view.observe(look, "asked")
    return view
