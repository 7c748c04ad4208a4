"""Why parked fetches are answered: the story in tests/scenarios/parked_fetch.txt."""

from __future__ import annotations

import shlex
from typing import Any

from minikafka.node import MS
from minikafka.wire.errors import ErrorCode
from minikafka.wire.messages.delete_topics import DeleteTopicsRequest

from .talk import Client, Conversation, fetch_request, values_of
from .transcripts import play


class Story:
    """One broker, and clients that are known by a letter."""

    def __init__(self, broker: Conversation) -> None:
        self.broker = broker
        self.clients: dict[str, Client] = {}
        self.session = 0

    def run(self, commands: list[str]) -> list[str]:
        self.began, self.seen = self.broker.now, len(self.broker.trace)
        self.told: list[str] = []
        for command in commands:
            verb, *words = shlex.split(command)
            options = {
                key: int(value) for key, _, value in (w.partition("=") for w in words) if value
            }
            getattr(self, verb.replace("-", "_"))(*(w for w in words if "=" not in w), **options)
            self.listen()
        return self.told

    def say(self, text: str) -> None:
        self.told.append(f"{(self.broker.now - self.began) // MS:>4} ms  {text}")

    def listen(self) -> None:
        """Write down what has happened since the last command."""
        for event in self.broker.trace.events[self.seen :]:
            if event.kind in ("parked", "completed"):
                what = dict(event.what)
                name = what.pop("channel").split("→")[0]
                more = [f"{what.pop('reason')}"]
                more += [str(what[key]) for key in ("error", "partition") if key in what]
                self.say(f"{name} {event.kind}: {', '.join(more)}")
        self.seen = len(self.broker.trace)
        for name, client in self.clients.items():
            for answer in client.answers:
                self.say(f"{name} ◄ {self.answer(answer)}")
            client.answers.clear()

    def answer(self, answer: Any) -> str:
        if answer.error_code:
            return ErrorCode(answer.error_code).name
        self.session = answer.session_id or self.session
        return (
            ", ".join(
                f"{topic.topic}-{partition.partition_index} {self.partition(partition)}"
                for topic in answer.responses
                for partition in topic.partitions
            )
            or "nothing"
        )

    def partition(self, partition: Any) -> str:
        if partition.error_code:
            return ErrorCode(partition.error_code).name
        if partition.diverging_epoch.end_offset >= 0:
            end = partition.diverging_epoch
            return f"diverges where epoch {end.epoch} ends, at {end.end_offset}"
        records = values_of(partition)
        return f"{len(records)} record{'s' * (len(records) != 1)}, {len(partition.records)} bytes"

    # --- the commands ---
    def topic(self, name: str, partitions: int = 1, **configs: int) -> None:
        self.broker.create(name, partitions, **configs)

    def delete(self, name: str) -> None:
        self.broker.ask(DeleteTopicsRequest(topic_names=[name]), 5)

    def produce(self, partition: str, size: str) -> None:
        topic, index = partition.rsplit("-", 1)
        self.broker.produce(b"x" * int(size), topic=topic, partition=int(index))

    def fetch(self, name: str, *places: str, session_epoch: int = -1, **fields: int) -> None:
        client = self.clients.setdefault(name, Client(name))
        request = fetch_request(max_wait_ms=0) if not places else None
        for place in places:
            partition, offset = place.split("@")
            topic, index = partition.rsplit("-", 1)
            one = fetch_request((int(index), int(offset)), topic=topic, **fields)
            if request is None:
                request = one
            elif request.topics[-1].topic == topic:
                request.topics[-1].partitions += one.topics[0].partitions
            else:
                request.topics += one.topics
        assert request is not None
        if not places:
            request.topics = []
            request.max_wait_ms = fields["max_wait_ms"]
        request.session_epoch = session_epoch
        request.session_id = self.session if session_epoch > 0 else 0
        self.broker.send(request, 12, client)

    def wait(self, ms: str) -> None:
        self.broker.pass_time(int(ms))

    def elect(self, partition: str, epoch: int) -> None:
        """Another epoch begins, with the same leader, as there is one broker."""
        topic, index = partition.rsplit("-", 1)
        found = self.broker.broker.replicas.partition(topic, int(index))
        found.leader_epoch = epoch
        self.broker.broker.grown[found] = None
        self.broker.turn([])

    def truncate(self, partition: str, offset: str) -> None:
        """Cut a log, as a follower does whose leader has less."""
        topic, index = partition.rsplit("-", 1)
        found = self.broker.broker.replicas.partition(topic, int(index))
        found.log.truncate_to(int(offset), self.broker.now)
        found.high_watermark = found.log.log_end_offset

    def hang_up(self, name: str) -> None:
        self.broker.hang_up(self.clients.pop(name))


def test_every_reason_for_which_a_parked_fetch_is_over(broker: Conversation) -> None:
    play("parked_fetch", Story(broker).run)
