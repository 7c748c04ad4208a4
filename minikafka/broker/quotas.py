"""Quotas: how fast a client may be, and how it is slowed down.

      producer_byte_rate = 1000 B/s          windows of a second, 11 of them
                                             ┌───┬───┬───┬─ … ─┬───┐
      request of 16,000 B     ──► charge ──► │   │   │   │     │16k│  16,000 B in (at least) 10 s
                                             └───┴───┴───┴─ … ─┴───┘  = 1,600 B/s: 600 too fast
      answered at once, throttle_time_ms = 600 / 1000 * 10 s = 6,000
      and for 6 s nothing more of this connection is served

Nothing is refused or held back: the answer comes at once and says how long the client has to
wait (KIP-219), and one that does not wait is not heard meanwhile (its channel stays muted, see
runtime/loop.py). That is one place for all quotas; an API only has to say what a request costs.
A fetch that is too fast is answered without its records, and they do not count.

Changes of partitions (KIP-599) draw from a bucket instead, as they come in large lumps: a request
is let through while anything is left, and may leave a debt. Clients that are new enough are told
THROTTLING_QUOTA_EXCEEDED for what comes while there is a debt.

All who fall under one quota of a user share it; each client id under a default has its own. See
Kafka's ClientQuotaManager, its DefaultQuotaCallback, Rate and TokenBucket.

Not done: `request_percentage` and `connection_creation_rate` are kept and shown, without effect.
Not done: in the simulator a connection that ends takes what stands behind its mute with it; on
sockets that is still served, as in Kafka, unless the connection was reset.
Not done: of a request only its records are counted, not the bytes around them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

from minikafka.node import MS, NEVER, Channel, Request, Unmuted
from minikafka.wire.errors import ErrorCode, KafkaError

if TYPE_CHECKING:
    from minikafka.broker.config import BrokerConfig
    from minikafka.node import Message
    from minikafka.quorum.image import MetadataImage, QuotaEntity

ANONYMOUS = "ANONYMOUS"
"""The user of every connection that has not said who it is (KafkaPrincipal)."""

MOST_US = ((1 << 31) - 1) * MS
"""24 days: what fits into `throttle_time_ms`."""

MOST_METERS = 10_000
"""A client may call itself anything; with more names than that, all begin anew."""

Scope = tuple[str | None, str | None]
"""Who shares a meter: a user and a client id; None where it does not matter."""


class Rate:
    """What was counted lately, in windows; Kafka's Rate. Times in µs."""

    __slots__ = ("_windows", "count", "window_us")

    def __init__(self, window_us: int, count: int) -> None:
        self.window_us = window_us
        self.count = count
        self._windows: deque[list[int]] = deque()  # [when it began, what was counted since]

    def add(self, amount: int, now: int) -> None:
        windows = self._windows
        if not windows or now - windows[-1][0] >= self.window_us:
            late = (now - windows[-1][0]) % self.window_us if windows else 0
            windows.append([now - late, 0])
        windows[-1][1] += amount

    def over(self, now: int) -> tuple[int, int]:
        """What was counted, and over how long: the first moment of a client is not its rate."""
        windows = self._windows
        while windows and now - windows[0][0] >= self.count * self.window_us:
            windows.popleft()
        elapsed = now - windows[0][0] if windows else 0
        lacking = max(0, self.count - 1 - elapsed // self.window_us)
        elapsed += lacking * self.window_us
        return sum(window[1] for window in windows), elapsed or self.window_us

    def excess_us(self, bound: float, now: int) -> int:
        """After how long the rate would be `bound` again; 0 when it is not above."""
        total, elapsed = self.over(now)
        allowed = bound * elapsed / 1_000_000
        if total <= allowed:
            return 0
        return int(min((total - allowed) * elapsed / allowed, MOST_US)) if allowed else MOST_US


class Bucket:
    """Fills at `bound` a second up to what so many windows bring; Kafka's TokenBucket."""

    __slots__ = ("_filled_at", "seconds", "tokens")

    def __init__(self, seconds: float, bound: float, now: int) -> None:
        self.seconds = seconds
        self.tokens = seconds * bound
        self._filled_at = now

    def fill(self, bound: float, now: int) -> None:
        more = (now - self._filled_at) / 1_000_000 * bound
        self.tokens = min(self.seconds * bound, self.tokens + more)
        self._filled_at = now

    def debt_us(self, bound: float) -> int:
        return int(min(-self.tokens * 1_000_000 / bound, MOST_US)) if self.tokens < 0 else 0


class Mutes:
    """The channels that are not served for a while, and until when."""

    def __init__(self) -> None:
        self._until: dict[Channel, int] = {}
        self._ends: list[tuple[int, int, Channel]] = []
        self._count = 0  # makes ends of one time come out in the order they went in

    def __len__(self) -> int:
        return len(self._until)

    def mute(self, channel: Channel, until: int) -> None:
        self._until[channel] = until
        self._count += 1
        heappush(self._ends, (until, self._count, channel))

    def forget(self, channel: Channel) -> None:
        self._until.pop(channel, None)
        if len(self._ends) > 2 * len(self._until) + 100:  # most of them are over
            self._ends = [end for end in self._ends if self._until.get(end[2]) == end[0]]
            heapify(self._ends)

    def end(self, now: int, outbox: list[Message | Unmuted]) -> int:
        """Unmute whose time is over; returns when the next one's is, or NEVER."""
        while self._ends and self._ends[0][0] <= now:
            until, _, channel = heappop(self._ends)
            if self._until.get(channel) == until:
                del self._until[channel]
                outbox.append(Unmuted(channel))
        return self._ends[0][0] if self._ends else NEVER


class Quotas:
    """The quotas of the image, and what each client has used of them."""

    def __init__(self, image: MetadataImage, config: BrokerConfig) -> None:
        self._image = image
        self._config = config
        self._rates: dict[tuple[str, Scope], Rate] = {}
        self._buckets: dict[tuple[str, Scope], Bucket] = {}

    def bound(self, key: str, client_id: str | None) -> tuple[Scope, float] | None:
        """The quota that counts for this client and who shares it; None without one."""
        quotas = self._image.quotas
        if quotas:
            for entity, scope in _candidates(client_id or ""):
                bound = quotas.get(entity, {}).get(key)
                if bound is not None:
                    return scope, bound
        return None

    def most_at_once(self, key: str, client_id: str | None) -> float | None:
        """More than this in one answer could never be within the quota."""
        found = self.bound(key, client_id)
        config = self._config
        seconds = (config.quota_window_num - 1) * config.quota_window_size_seconds
        return None if found is None else found[1] * seconds

    def charge(self, key: str, client_id: str | None, amount: int, now: int) -> int:
        """Count these bytes; returns for how many ms the client has to be quiet."""
        found = self.bound(key, client_id)
        if found is None:
            return 0
        scope, bound = found
        rate = self._rates.get((key, scope))
        if rate is None:
            if len(self._rates) >= MOST_METERS:
                self._rates.clear()
            window_us = self._config.quota_window_size_seconds * 1_000_000
            rate = self._rates[key, scope] = Rate(window_us, self._config.quota_window_num)
        rate.add(amount, now)
        return rate.excess_us(bound, now) // MS

    def refund(self, key: str, client_id: str | None, amount: int, now: int) -> None:
        """They did not go out after all."""
        found = self.bound(key, client_id)
        if found is not None and (key, found[0]) in self._rates:
            self._rates[key, found[0]].add(-amount, now)

    def changes(self, key: str, request: Request, strict_from: int, now: int) -> Changes:
        """The quota for what one request changes; enforced strictly from a version on."""
        found = self.bound(key, request.client_id)
        if found is None:
            return Changes(None, 0.0, strict=False)
        scope, bound = found
        bucket = self._buckets.get((key, scope))
        if bucket is None:
            if len(self._buckets) >= MOST_METERS:
                self._buckets.clear()
            config = self._config
            seconds = (
                config.controller_quota_window_num * config.controller_quota_window_size_seconds
            )
            bucket = self._buckets[key, scope] = Bucket(seconds, bound, now)
        bucket.fill(bound, now)
        return Changes(bucket, bound, strict=request.version >= strict_from)


class Changes:
    """What one request may change. Kafka's ControllerMutationQuota."""

    def __init__(self, bucket: Bucket | None, bound: float, *, strict: bool) -> None:
        self._bucket = bucket
        self._bound = bound
        self._strict = strict

    def charge(self, partitions: int) -> None:
        """Count so many changed partitions. Raises KafkaError THROTTLING_QUOTA_EXCEEDED."""
        if self._bucket is None:
            return
        if self._strict and self._bucket.tokens < 0:
            raise KafkaError(
                ErrorCode.THROTTLING_QUOTA_EXCEEDED, "The throttling quota has been exceeded."
            )
        self._bucket.tokens -= partitions

    @property
    def throttle_time_ms(self) -> int:
        return 0 if self._bucket is None else self._bucket.debt_us(self._bound) // MS


def _candidates(client_id: str) -> Iterator[tuple[QuotaEntity, Scope]]:
    """Every entity that means this client, the most particular first, and who shares its quota."""
    both, user, client = (ANONYMOUS, client_id), (ANONYMOUS, None), (None, client_id)
    for name in (ANONYMOUS, None):
        for own in (client_id, None):
            yield (("client-id", own), ("user", name)), both
        yield (("user", name),), user
    for own in (client_id, None):
        yield (("client-id", own),), client
