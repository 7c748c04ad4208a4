# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 20 · Looking after a broker
#
# A broker that runs is somebody's job: a topic keeps too much, one client takes all the
# bandwidth, the power fails, a stranger sends nonsense. This chapter does all four to a
# broker and looks at what it says.
#
# **After this chapter you can**
#
# - change a config while the broker runs, and say where a value comes from,
# - limit a client, and predict for how long it will be told to wait,
# - say what a power cut takes, and what `flush.messages` buys and costs,
# - read the broker's log, and make it tell more,
# - say what a hostile connection costs the others.
#
# | word | meaning | in Python |
# |---|---|---|
# | source | where a config in force was set | `ConfigEntry.source` |
# | quota | what a client may do in a second | `admin.alter_quotas(…)` |
# | throttle time | for how long a client that was too fast is not heard | `throttle_time_ms` |
# | flush | the moment when the disk, not only the system, has the bytes | `flush.messages` |
# | recovery | checking a log that was not closed | event `recovered` |
# | logger | a name and a level: which events become lines | `("logger", "1")` |

# %% [markdown]
# ## A config, and who has set it
#
# A topic that sets nothing goes by its broker, and a broker that sets nothing goes by
# Kafka's defaults. `describe_configs` tells the value in force and its source.

# %%
import minikafka as mk
from minikafka.lab import check, predict, reveal

sim = mk.Simulator(seed=20)
broker = sim.broker()
admin = sim.admin()
admin.create_topics([mk.NewTopic("clicks")])


def retention() -> tuple[str | None, str]:
    """How long clicks are kept, in ms, and who says so."""
    entry = admin.describe_configs([("topic", "clicks")])["topic", "clicks"]["retention.ms"]
    return entry.value, entry.source.name


retention()

# %% [markdown]
# A week, by default. Now all brokers are told to keep an hour, then the topic to keep a minute,
# then the topic's own wish is taken back.

# %%
predict(
    "20.taken-back",
    "For how long are clicks kept in the end?",
    ["a week", "an hour", "a minute"],
)

# %%
admin.alter_configs({("broker", ""): {"log.retention.ms": 3_600_000}})
for_all = retention()
admin.alter_configs({("topic", "clicks"): {"retention.ms": 60_000}})
its_own = retention()
admin.alter_configs({("topic", "clicks"): {"retention.ms": None}})
for_all, its_own, retention()

# %%
words = {604_800_000: "a week", 3_600_000: "an hour", 60_000: "a minute"}
reveal("20.taken-back", words[int(retention()[0])])

# %% [markdown]
# The most particular one counts, and taking it away uncovers the next. Nothing was restarted:
# a change is a record in the metadata log, on the disk before you are answered and in force
# from then on. `sim.trace.of("config_changed")` has all three.

# %%
[(event.what["resource"], event.what["value"]) for event in sim.trace.of("config_changed")]

# %% [markdown]
# ## A client that is too fast
#
# `reports` may write 100,000 bytes a second. It writes 40 records of 50,000 bytes, 2 MB, one
# after the other, as fast as it is let.

# %%
predict("20.two-megabytes", "How many seconds does that take?")

# %%
admin.alter_quotas({"client-id": "reports"}, {"producer_byte_rate": 100_000})
reports = sim.producer(client_id="reports")
began = sim.now
seconds = []
for _ in range(40):
    reports.send("clicks", b"." * 50_000).result()
    seconds.append(round((sim.now - began) / 1_000_000, 1))
print(*seconds)

# %%
reveal("20.two-megabytes", seconds[-1], within=1)

# %% [markdown]
# The first megabyte goes through at once. A rate is measured over eleven windows of a second,
# and never over less than ten seconds: who was quiet may use up ten seconds' worth. Then it
# gets slow, and after some eleven seconds the window with the first megabyte is forgotten:
# there is room for another. So it took 13 seconds and not 20: **a quota holds on average, not
# at every moment.**
#
# Each answer that came too fast carried a `throttle_time_ms`, and the broker did not listen
# to that connection for so long:

# %%
throttled = [e.what for e in sim.trace.of("throttled") if e.node == broker.node.name]
[(each["client_id"], each["api"], each["throttle_time_ms"]) for each in throttled][:3]

# %% [markdown]
# Here are the two of them around that moment. The diamond is what an answer said, and the gap
# before the next arrow is that long. Press play, or point at an arrow to see why it exists.

# %%
from minikafka.viz import SpaceTime

moment_ms = (sim.trace.of("throttled")[0].time - sim.trace.events[0].time) / 1_000
SpaceTime(
    sim.trace,
    since_ms=moment_ms - 20,
    until_ms=moment_ms + 2_000,
    nodes=["reports", broker.node.name],
    title="What does a quota look like?",
    settings="`producer_byte_rate` = 100,000, records of 50,000 bytes",
    look_for=[
        ("The answer comes at once.", "The record is written; it says for how long to wait."),
        ("Then nothing is sent.", "The client was told, and waits by itself."),
    ],
    caption="seed 20",
)

# %% [markdown]
# Where does the first one come from? With the 21st record 1,051,000 bytes had come in 10.1
# seconds, or 104,000 a second: 4 % too much of 10.1 seconds, so 0.4 seconds is the wait after
# which it would have been right. Nothing was refused, and no record was
# lost: **a quota makes a client slow, it does not make it fail.** The answer comes before the
# wait, so a client that behaves can wait by itself; one that does not is not heard anyway.
#
# Not enough, because the limit counts per broker and per client id, and a client may call
# itself anything. A limit that holds needs users, and so security.

# %% [markdown]
# ## The power fails
#
# A broker answers when the operating system has the records, not when the disk has them.

# %%
predict(
    "20.power",
    "20 records were acknowledged when the power failed. Are all of them there afterwards, by "
    "default, and with flush.messages = 1?",
    ["yes and yes", "no and yes", "no and no"],
)


# %%
def survivors(flush_messages: int | None) -> int:
    """How many of 20 acknowledged records a power cut leaves."""
    world = mk.Simulator(seed=4)
    machine = world.broker()
    configs = {} if flush_messages is None else {"flush.messages": str(flush_messages)}
    world.admin().create_topics([mk.NewTopic("ledger", configs=configs)])
    with world.producer() as producer:
        for number in range(20):
            producer.send("ledger", b"%d" % number).result()
    machine.crash(torn=True)
    machine.restart()
    return machine.node.statistics().partitions[0].log_end_offset


survivors(None), survivors(1), survivors(8)

# %%
reveal("20.power", " and ".join("yes" if survivors(n) == 20 else "no" for n in (None, 1)))

# %% [markdown]
# By default there may be anything from none to all; here a part of the file had reached the
# disk, and the last batch was torn. With `flush.messages` = 1 all 20 were safe, at the price
# of an `fsync` for each request. With 8 it is a multiple of 8, or a little more by luck.
#
# What is left is always a clean beginning, **never a hole**: the broker checks what was not
# flushed, batch by batch, and cuts where a checksum is wrong. It says so:

# %%
world = mk.Simulator(seed=4)
machine = world.broker()
world.admin().create_topics([mk.NewTopic("ledger")])
with world.producer() as producer:
    for number in range(20):
        producer.send("ledger", b"%d" % number).result()
machine.crash(torn=True)
machine.restart()
[event.what for event in world.trace.of("recovered") if event.what["topic"] == "ledger"]

# %% [markdown]
# Production answers differently: not by flushing, but by *copies*. Three machines seldom lose
# their power in the same second.

# %% [markdown]
# ## What a broker says
#
# On the command line a broker tells such events on standard error, a line each. They go
# through Python's `logging`, so a program can listen too. This is a real broker on a socket.

# %%
import logging


class Listener(logging.Handler):
    """Keeps what was said."""

    def emit(self, record: logging.LogRecord) -> None:
        heard.append(f"{record.levelname} {record.name} {getattr(record, 'event', '?')}")


heard: list[str] = []
logger = logging.getLogger("minikafka")
logger.addHandler(Listener())
logger.setLevel(logging.DEBUG)
with mk.local_broker() as real, mk.Admin(real.address) as real_admin:
    real_admin.create_topics([mk.NewTopic("quiet")])
    real_admin.alter_configs({("logger", "1"): {"request": "DEBUG"}})
    real_admin.delete_topics(["quiet"])
heard

# %% [markdown]
# From the change on, each request has its line; before it, none had. Loggers look like the
# configs of a resource, so Kafka's own `kafka-configs` changes them as well.

# %% [markdown]
# ## A stranger
#
# A connection may send anything. One sends a frame that claims to be two gigabytes long, another
# four letters.

# %%
predict(
    "20.stranger",
    "What does an honest client beside them notice?",
    ["nothing", "its connection is closed too", "the broker has no memory left"],
)

# %%
import socket

with mk.local_broker() as real, mk.Admin(real.address) as honest:
    host, port = real.address.split(":")
    for nonsense in (b"\x7f\xff\xff\xff", b"\0\0\0\4oops"):
        with socket.create_connection((host, int(port))) as stranger:
            stranger.sendall(nonsense)
            print(nonsense, "->", stranger.recv(100))  # nothing: it was closed
    honest.create_topics([mk.NewTopic("still-here")])
    found = list(honest.list_topics())
heard[-4:]

# %%
reveal("20.stranger", "nothing" if found == ["still-here"] else found)

# %% [markdown]
# A malformed frame closes its connection, and that connection alone. No two gigabytes were
# reserved: a frame's buffer grows with the bytes that really come. And the second complaint
# is not in the list: of each kind one a minute is told, or a log would fill a disk for
# whoever likes to send nonsense. `minikafka fuzz --live` does this a hundred thousand times.

# %% [markdown]
# ## Exercises
#
# ### 1 · How long?
#
# A client may produce 500 bytes a second. After a quiet hour it sends 8,000 bytes at once.
# For how many milliseconds will it be told to wait?

# %%
throttle_time_ms = ...

check("20.1", throttle_time_ms)

# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# throttle_time_ms = 6_000
# ```
#
# 8,000 bytes over ten seconds are 800 a second, 300 too many: 300 / 500 of ten seconds.
# </details>
#
# ### 2 · Everybody but one
#
# Write `limit` so that every client may produce 1,000 bytes a second, each for itself, but
# the client `vip` a million.


# %%
def limit(admin: mk.Admin) -> None:
    """Set the quotas."""


check("20.2", limit)

# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# def limit(admin: mk.Admin) -> None:
#     admin.alter_quotas({"client-id": None}, {"producer_byte_rate": 1_000})
#     admin.alter_quotas({"client-id": "vip"}, {"producer_byte_rate": 1_000_000})
# ```
#
# No name means each that has no quota of its own; the more particular quota counts.
# </details>
#
# ### 3 · An hour, and for ever
#
# Write `keep` so that the topic `audit` keeps its records for ever and every other topic, also
# one that is created tomorrow, for an hour. (-1 is for ever.)


# %%
def keep(admin: mk.Admin) -> None:
    """Set the configs."""


check("20.3", keep)

# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# def keep(admin: mk.Admin) -> None:
#     admin.alter_configs(
#         {
#             ("broker", ""): {"log.retention.ms": 3_600_000},
#             ("topic", "audit"): {"retention.ms": -1},
#         }
#     )
# ```
#
# The topic's name for the config lacks the `log.` in front; the broker's is its default.
# </details>

# %% [markdown]
# ## What real Kafka does differently
#
# - **Configs, quotas, loggers: the same requests, the same answers**, compared field by field.
# - **More quotas.** Kafka also limits the time that a client's requests take, and how fast an
#   address may connect. Here both can be set and shown, and nothing comes of it.
# - **More loggers.** Kafka has one for each class; here there are five.
# - **A controller apart.** What changes goes through a quorum of controllers there, so a broker
#   hears of it some milliseconds later.
#
# ## Summary
#
# A config in force has a source; the most particular one counts. A quota slows a client down,
# by an answer that says for how long and a connection that is not heard meanwhile. A crash takes
# what was not flushed, from the end. A log line is an event of the trace. And who sends
# nonsense loses a connection, and nobody else does.
