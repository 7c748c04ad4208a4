"""The committed figures: `python -m minikafka.viz.figures` draws figures/*.svg again.

A log strip or a space-time diagram is a picture of a simulated run, so it can never show what the
code does not do; the charts are of measured tables that are stored beside them (speed.py,
libraries.py, trade.py, tuning.py); the visual language shows every sign once, for LANGUAGE.md.
They are byte-stable (no clock, no measured text), and a test draws them and compares.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from minikafka.admin import NewTopic
from minikafka.runtime.hardware import Link
from minikafka.runtime.simulator import Simulator
from minikafka.viz import libraries, speed, trade, tuning
from minikafka.viz.charts import stored
from minikafka.viz.engine import still
from minikafka.viz.journeys import Journeys, journeys
from minikafka.viz.moving import moving_svg
from minikafka.viz.shapes import Picture
from minikafka.viz.static import MARGIN, log_strip_svg, space_time_svg, svg
from minikafka.viz.story import Story, tell
from minikafka.viz.theme import DARK, LIGHT

MINUTE_MS = 60_000
WIDTH = 860
FRAMES = 90


def a_day_of_orders() -> Story:
    """A topic with two partitions, two readers, and an hour of retention."""
    sim = Simulator(seed=7)
    sim.broker()
    configs = {
        "segment.ms": str(30 * MINUTE_MS),
        "retention.ms": str(60 * MINUTE_MS),
        "index.interval.bytes": "80",
    }
    sim.admin().create_topics([NewTopic("orders", partitions=2, configs=configs)])
    producer = sim.producer(client_id="till")
    readers = [
        sim.consumer(client_id=n, auto_offset_reset="earliest") for n in ("billing", "audit")
    ]
    for reader in readers:
        reader.assign([("orders", 0), ("orders", 1)])
    customers = (b"bob", b"carol", b"alice", b"frank", b"bob")
    for quarter in range(9):
        for guest in range(2 + quarter % 3):
            drink = (b"tea", b"coffee", b"water", b"milk")[(quarter + guest) % 4]
            producer.send("orders", drink, key=customers[(quarter + guest) % 5])
        producer.flush()
        readers[0].poll(timeout_ms=1_000)
        if quarter == 5:
            readers[1].poll(timeout_ms=1_000)
        sim.run(15 * MINUTE_MS)
    assert sim.trace is not None  # it is on by default
    return tell(sim.trace)


def a_lost_acknowledgement() -> Journeys:
    """The answer to a produce request is lost; the producer sends again, and nothing is doubled."""
    sim = Simulator(seed=7)
    sim.broker()
    sim.admin().create_topics([NewTopic("orders")])
    till = sim.producer(client_id="till", linger_ms=2, reconnect_backoff_ms=4, retry_backoff_ms=4)
    billing = sim.consumer(client_id="billing", auto_offset_reset="earliest")
    billing.assign([("orders", 0)])
    till.send("orders", b"tea").result()
    billing.poll(timeout_ms=1_000)
    billing.poll(timeout_ms=1)
    slow = Link(latency_us=3_000)  # so that a message is seen to travel
    for client in ("till", "billing"):
        sim.network.set_link(client, "broker-1", slow)
        sim.network.set_link("broker-1", client, slow)
    began = sim.now
    for order in (b"tea", b"water", b"scone"):
        till.send("orders", order, key=b"bob")
    sim.network.set_link("broker-1", "till", Link(latency_us=3_000, loss=1.0))
    sim.call_later(9, lambda: sim.network.set_link("broker-1", "till", slow))
    sim.run(16)
    billing.poll(timeout_ms=5)
    sim.run(24)
    assert sim.trace is not None
    return journeys(sim.trace, since_us=began, until_us=sim.now)


def as_it_happens(story: Journeys) -> list[Picture]:
    """Moments of the lost acknowledgement, FRAMES of them evenly in time, each with a sentence."""
    told, pictures = story.to_json(), []
    for frame in range(FRAMES + 1):
        time = round(story.end * frame / FRAMES)
        picture = still("space_time", story=told, time=time, width=WIDTH - 2 * MARGIN)
        words = [words for since, words in sentences(story) if since <= time][-1]
        picture.text(0, picture.height + 26, words, "ink", 14, bold=1)
        picture.height += 30
        pictures.append(picture)
    return pictures


def sentences(story: Journeys) -> list[tuple[int, str]]:
    """What there is to see in the lost acknowledgement, from which instant on."""
    messages = (message for message in story.messages if message.api not in story.chatter)
    produce, ack, answer, fetch, again, known = messages
    halfway = ack.sent + (answer.arrived - answer.sent) * 62 // 100  # where its line ends
    return [
        (0, "A producer fills a batch. A consumer’s Fetch waits at the broker: nothing is there."),
        (produce.sent, "Three records leave in one Produce request."),
        (
            produce.arrived,
            "They are written and committed, and the waiting Fetch gets them at once.",
        ),
        (halfway, "The producer’s acknowledgement is lost. Is the batch written? It cannot know."),
        (fetch.sent, "The consumer asks on from offset 4. The producer still waits."),
        (again.sent, "So it sends the same batch again."),
        (again.arrived, "The broker knows its sequence number: nothing is written twice."),
        (known.arrived, "Acknowledged at the second try: offset 1, as the first time."),
    ]


def figures() -> dict[str, str]:
    """Every figure by its file name."""
    lost = a_lost_acknowledgement()
    last = len(lost.messages) - 1
    story = a_day_of_orders()
    landing = max(i for i, kind in enumerate(story.moments.kind) if kind == "append")
    pictures = as_it_happens(lost)
    language = still("language", width=WIDTH - 2 * MARGIN)
    faster = speed.chart(stored(speed.NAME), WIDTH - 2 * MARGIN)
    clients = libraries.chart(stored(libraries.NAME), WIDTH - 2 * MARGIN)
    tuned = tuning.chart(stored(tuning.NAME), WIDTH - 2 * MARGIN)
    bargain = trade.chart(stored(trade.NAME), WIDTH - 2 * MARGIN)
    return {
        "clients.svg": svg(clients, LIGHT),
        "clients-dark.svg": svg(clients, DARK),
        "lost-acknowledgement.svg": moving_svg(pictures, tokens=LIGHT),
        "lost-acknowledgement-dark.svg": moving_svg(pictures, tokens=DARK),
        "log-strip.svg": log_strip_svg(story, landing, width=WIDTH, tokens=LIGHT),
        "log-strip-dark.svg": log_strip_svg(story, landing, width=WIDTH, tokens=DARK),
        "space-time.svg": space_time_svg(lost, width=WIDTH, selected=last, tokens=LIGHT),
        "space-time-dark.svg": space_time_svg(lost, width=WIDTH, selected=last, tokens=DARK),
        "speed.svg": svg(faster, LIGHT),
        "speed-dark.svg": svg(faster, DARK),
        "trade.svg": svg(bargain, LIGHT),
        "trade-dark.svg": svg(bargain, DARK),
        "tuning.svg": svg(tuned, LIGHT),
        "tuning-dark.svg": svg(tuned, DARK),
        "visual-language.svg": svg(language, LIGHT),
        "visual-language-dark.svg": svg(language, DARK),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--into", type=Path, default=Path("figures"), help="folder to write to")
    folder = parser.parse_args().into
    folder.mkdir(exist_ok=True)
    for name, drawn in figures().items():
        (folder / name).write_text(drawn, encoding="utf-8")
        print(folder / name)


if __name__ == "__main__":
    main()
