"""The machine under `Admin`: a few tasks, each put again until it has an answer."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from minikafka.client.config import ClientConfig
from minikafka.client.node import ClientNode, Pending
from minikafka.config import at_least, int_
from minikafka.wire.errors import ErrorCode, KafkaError

if TYPE_CHECKING:
    pass

T = TypeVar("T")

PUT_AGAIN = (
    ErrorCode.NETWORK_EXCEPTION,
    ErrorCode.NOT_CONTROLLER,
    ErrorCode.LEADER_NOT_AVAILABLE,
)
"""Not all that is retriable to others: that a topic does not exist is an answer here."""
ANY_BROKER = -1
CONTROLLER = -2


class AdminConfig(ClientConfig, kind="admin"):
    """The admin client's own configs, beside those of every client."""

    default_api_timeout_ms: int = int_(
        60_000, "How long a call may take in all, retries included.", at_least(0)
    )


class _Task:
    """A request that is repeated until it has a result or its time is up."""

    __slots__ = (
        "at_most",
        "attempts",
        "body",
        "broker",
        "deadline",
        "is_asking",
        "read",
        "result",
        "retry_at",
    )

    def __init__(
        self, broker: int, body: Any, read: Callable[[Any], Any], deadline: int, at_most: int | None
    ) -> None:
        self.broker = broker  # an id, ANY_BROKER or CONTROLLER
        self.body = body
        self.read = read  # makes the result of an answer, or raises KafkaError
        self.deadline = deadline
        self.at_most = at_most
        self.result: Pending[Any] = Pending()
        self.is_asking = False
        self.attempts = 0
        self.retry_at = 0


class AdminNode(ClientNode):
    """The machine: a few tasks, each waiting for its broker or its answer."""

    def __init__(self, config: AdminConfig) -> None:
        super().__init__(config)
        self._tasks: list[_Task] = []

    def add(
        self,
        broker: int,
        body: Any,
        read: Callable[[Any], T],
        deadline: int,
        at_most: int | None = None,
    ) -> Pending[T]:
        """Put a request to a broker (or ANY_BROKER, CONTROLLER), and `read` the answer."""
        task = _Task(broker, body, read, deadline, at_most)
        self._tasks.append(task)
        return task.result

    def work(self, now: int) -> None:
        for task in list(self._tasks):
            if task.deadline <= now:
                why = f"no answer to {task.body.NAME} in time"
                self._finish(task, KafkaError(ErrorCode.REQUEST_TIMED_OUT, why))
                continue
            self.wake_at(task.deadline)
            if not task.is_asking:
                self._maybe_send(now, task)

    def _maybe_send(self, now: int, task: _Task) -> None:
        if task.retry_at > now:
            self.wake_at(task.retry_at)
            return
        if task.broker != ANY_BROKER and not self.metadata.updates:
            self.metadata.request_update()  # which broker has which address is not known yet
            return
        broker = self.metadata.controller_id if task.broker == CONTROLLER else task.broker
        connection = self.any_ready(now) if broker == ANY_BROKER else self.ready(now, broker)
        if connection is not None:
            task.is_asking = True
            self.send(now, connection, task.body, partial(self._answered_task, task), task.at_most)

    def _answered_task(self, task: _Task, now: int, answer: Any) -> None:
        task.is_asking = False
        if task.result.done:
            return
        try:
            if isinstance(answer, KafkaError):
                raise answer
            value = task.read(answer)
        except KafkaError as error:
            if error.code in PUT_AGAIN:
                self.metadata.request_update()
                task.retry_at = now + self.backoff.delay_us(task.attempts, self.random)
                task.attempts += 1
            else:
                self._finish(task, error)
        else:
            self._tasks.remove(task)
            task.result.succeed(value)

    def _finish(self, task: _Task, error: KafkaError) -> None:
        self._tasks.remove(task)
        task.result.fail(error)
