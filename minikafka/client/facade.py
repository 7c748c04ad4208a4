"""A client on the outside: a blocking API over a machine, the same in every world."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from minikafka.client.arguments import milliseconds
from minikafka.client.node import ClientNode, Pending
from minikafka.node import WorldStopped

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from minikafka.node import Host, World

T = TypeVar("T")


class Facade:
    """What `Producer`, `Consumer` and `Admin` are on the outside: a node in its world.

    Without a world it is a world of real sockets, in which each client has a thread.
    """

    def __init__(self, node: ClientNode, world: World | None) -> None:
        self.name = node.name
        self._host: Host = (world or _sockets()).host(node)
        self._closed = False

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name}{', closed' if self._closed else ''})"

    def _require_open(self) -> None:
        if self._closed:
            raise WorldStopped(f"{self.name} is closed")

    def _entered(self) -> AbstractContextManager[int]:
        """`Host.entered` for a client that is open: the same error in every world if it is not."""
        self._require_open()
        return self._host.entered()

    @contextmanager
    def _quietly(self) -> Iterator[int]:
        """As `_entered`, but without a turn afterwards: for calls that leave nothing to do."""
        self._require_open()
        now = self._host.lock()
        try:
            yield now
        finally:
            self._host.unlock()

    def _wait(self, done: Callable[[], bool], timeout_ms: float | None) -> bool:
        """Let the world go on until `done()`; says whether it is."""
        return self._host.wait(done, None if timeout_ms is None else milliseconds(timeout_ms))

    def _ask(self, question: Pending[T]) -> T:
        """Wait for an answer, or raise its KafkaError. The machine minds the deadline."""
        self._host.wait(lambda: question.done, None)
        return question.result()


def _sockets() -> World:
    # Here and not above: a simulated client must not pay for importing sockets and threads.
    from minikafka.runtime.tcp import Sockets

    return Sockets()
