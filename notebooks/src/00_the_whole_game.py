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
# # 00 · The whole game in ten minutes
#
# Kafka looks like a large thing. The game it plays is small: **producers add records at the
# end of a log, consumers read along it, and nobody changes what is written.** You will play
# the whole game once, first in a simulated world where you can stop time, then with the
# same code against a real broker on a socket.
#
# **After this chapter you can**
#
# - say what a log between systems changes, and count it,
# - start a broker, write records to it and read them back,
# - say what *offset*, *log end*, *high watermark*, *position* and *lag* are, and point at
#   each of them in a picture,
# - predict what a second reader sees, and which records an hour of waiting deletes,
# - tell what is simulated here and what is real.
#
# | word | meaning | in Python |
# |---|---|---|
# | broker | the server that keeps the logs | `sim.broker()` |
# | producer | a program that writes records | `mk.Producer` |
# | consumer | a program that reads them | `mk.Consumer` |
# | record | a key, a value and a time | `ConsumerRecord` |
# | batch | records that are sent, stored and read together | |
# | topic | a name for a stream of records | `"orders"` |
# | partition | one log; a topic has one or more of them | `("orders", 0)` |
# | offset | a record's place in its log, counted from 0 | `record.offset` |
# | log end (LEO) | the next free offset | `log_end_offset` |
# | high watermark (HW) | what lies before it is *committed*: it may be read | `high_watermark` |
# | segment | a file with a stretch of the log | `…0006.log` |
# | position | the offset that a consumer reads next | `consumer.position(…)` |
# | lag | high watermark minus position | |

# %% [markdown]
# ## Why a log?
#
# A shop has systems that know something (orders, payments, sensors, clicks) and systems that
# want to know it (billing, search, reports, mail, fraud). The first idea is a pipeline from
# each to each that needs it: a small program that takes a record out of one database and puts
# it into another. Each has its own format, its own buffer, and its own way to fail.
#
# **Predict:** what does it take for five systems that write and six that read, when everybody
# wants everything? How many programs is it if all of them write to, or read from, one log? And
# if the search index moves to another database, who has to change?

# %%
from minikafka.lab import check, predict, reveal

predict("00.pipelines", "Five write, six read: how many pipelines from each to each?")

# %%
from minikafka.viz import Pipelines

Pipelines(caption="A model with rules of its own: not Kafka yet")

# %% [markdown]
# Both sides have the same systems. The left one joins each to each, the right one has a log
# between them. Do the same thing to both, and let time run:
#
# 1. **Add** a source and a target, and there are five and six. With two and two it would be four
#    programs on either side: a log pays when there are many. The new target gets what is new
#    through its pipelines; from the log it gets everything, from offset 0 on.
# 2. **Swap the database** of `search`. On the left, every source has a pipeline to change. On the
#    right it is one program, because nobody but search knows how search keeps its records.
# 3. **Break** `search` and play. On the left, the buffers are full after five seconds. Then
#    `shop` and `payments` wait, *and nobody gets their records any more*; `sensors` and `clicks`
#    lose theirs. On the right nothing happens but that one position stands still. **Repair** it:
#    it reads on from there, and its lag shrinks to nothing.
#
# Your prediction, and the other side beside it:

# %%
writers, readers = 5, 6
print(f"{writers + readers} programs with one log")
reveal("00.pipelines", writers * readers)

# %% [markdown]
# Three things do the work: sources and targets *do not know each other*, records are *kept* when
# they have been read, and each reader has *its own position*. That is the whole idea of Kafka.
#
# Not enough, because the model cheats where it is hard. Its log never breaks, never fills up,
# and serves everybody at once. A real one is bytes in files and messages on a network, on
# machines that fail. So from here on, no more models: the rest of this course runs a broker.

# %% [markdown]
# ## A broker in a world of its own
#
# The broker here lives in a simulator: it is the code that also serves real sockets, but time
# stands still unless somebody waits for something.

# %%
import minikafka as mk

sim = mk.Simulator(seed=7)
broker = sim.broker()
minutes = 60_000  # in milliseconds, as Kafka's configs are
configs = {"segment.ms": str(30 * minutes), "retention.ms": str(60 * minutes)}
sim.admin().create_topics([mk.NewTopic("orders", partitions=2, configs=configs)])
list(sim.admin().list_topics())

# %% [markdown]
# ## Produce
#
# A café writes down its orders. The key says whose order it is, the value what it is.

# %%
producer = sim.producer()
bob = producer.send("orders", b"tea", key=b"bob").result()
alice = producer.send("orders", b"coffee", key=b"alice").result()
[(bob.partition, bob.offset), (alice.partition, alice.offset)]

# %% [markdown]
# `send` only hands the record over; `result()` waits until the broker has written it. The
# answer is the record's address for ever: its partition and its offset there. The key chose
# the partition (a hash of it, modulo 2), so **the orders of one customer stay in one log,
# in order**.
#
# Bob orders a scone, then carol, whose key also hashes to partition 0, orders water.

# %%
predict(
    "00.addresses",
    "Which addresses (partition, offset) do the scone and the water get?",
    ["(0, 0) and (0, 0)", "(0, 1) and (0, 2)", "(0, 1) and (1, 1)", "(0, 2) and (0, 3)"],
)

# %%
scone = producer.send("orders", b"scone", key=b"bob")
water = producer.send("orders", b"water", key=b"carol")
producer.flush()  # wait for everything that was sent
places = [(f.result().partition, f.result().offset) for f in (scone, water)]
reveal("00.addresses", " and ".join(map(str, places)))

# %% [markdown]
# ## Consume
#
# A consumer asks for records from an offset on. `billing` starts with the earliest.

# %%
billing = sim.consumer(client_id="billing", auto_offset_reset="earliest")
billing.assign([("orders", 0), ("orders", 1)])
for record in billing.poll(timeout_ms=1_000):
    print(record.partition, record.offset, record.key.decode(), record.value.decode())

# %% [markdown]
# Partition 0 comes in its order and partition 1 in its own. Between two partitions Kafka
# promises no order at all: *order is per partition*.
#
# `billing` has now read all four records. A second consumer, `audit`, starts at the earliest
# offset too.

# %%
predict("00.audit", "How many records does audit get?", [0, 1, 4])

# %%
audit = sim.consumer(client_id="audit", auto_offset_reset="earliest")
audit.assign([("orders", 0), ("orders", 1)])
read_again = [record.value.decode() for record in audit.poll(timeout_ms=1_000)]
read_again

# %%
reveal("00.audit", len(read_again))

# %% [markdown]
# The same four. Reading takes nothing away: to the log, a consumer is a position that moves.
# Here are both logs as the broker sees them. (The *epoch* counts the brokers that have led a
# partition. With one broker it stays 0; in the picture further down it is the tag `e0`, and the
# crown stands beside the leader's name.)

# %%
from minikafka.viz import LogStrip, picture

picture(broker)

# %% [markdown]
# ## Watch
#
# Let the café work for two hours: every 15 minutes a few orders. `billing` keeps up, `audit`
# has gone to lunch. You need not wait: the simulator jumps from event to event.

# %%
guests = [("bob", "tea"), ("alice", "cake"), ("carol", "soup"), ("frank", "coffee"), ("bob", "pie")]
for quarter in range(8):
    sim.run(15 * minutes)
    for name, order in guests[: 2 + quarter % 4]:
        producer.send("orders", order.encode(), key=name.encode())
    producer.flush()
    billing.poll(timeout_ms=1_000)

# %%
LogStrip(
    sim.trace,
    title="Where does an order go?",
    settings="Topic orders, two partitions, `segment.ms` = 30 minutes, `retention.ms` = 1 hour",
    caption="seed 7",
)

# %% [markdown]
# Press **play**, or step with the arrow keys. Everything that happened above is in there; what
# moves is driven by the trace of the run and by nothing else. The numbers in the picture:
#
# 1. **Only one file is open**, the one without a right edge. When its first record is half an hour
#    old, the next record begins a new file. Nobody adds to a closed one.
# 2. A tag from the left is a producer's request. It lands as one batch, **hatched: written, not
#    yet committed**. Then the high watermark passes it, and consumers may read. With one
#    broker both happen at once; with three, committed means that *copies* exist.
# 3. `audit` does not read, so its **lag** grows. Lag is measured to the high watermark, the
#    end of what it could read.
# 4. A file whose youngest record is older than an hour is **deleted whole**, and the log start
#    moves: to 8 and to 5 in the end. `audit` still stands at 3 and at 1: what lies between is
#    gone, unread. Kafka does not wait.
#
# The same in a terminal, for a log file or a test's message:

# %%
picture(sim.trace)

# %% [markdown]
# ## The same game for real
#
# Not enough, because a simulator can claim anything. So here is the game as a function. It
# gets three clients and does not know which world they live in.


# %%
def play(admin: mk.Admin, producer: mk.Producer, consumer: mk.Consumer) -> list[str]:
    """Write five orders, read them back, and say where each one was found."""
    admin.create_topics([mk.NewTopic("orders", partitions=2)])
    for name, order in guests:
        producer.send("orders", order.encode(), key=name.encode())
    producer.flush()
    consumer.assign([("orders", 0), ("orders", 1)])
    found = []
    while len(found) < len(guests):
        found += consumer.poll(timeout_ms=1_000)
    return sorted(f"{r.partition}:{r.offset} {r.key.decode()} {r.value.decode()}" for r in found)


earliest = {"auto_offset_reset": "earliest"}
world = mk.Simulator(seed=1)
world.broker()
simulated = play(world.admin(), world.producer(), world.consumer(**earliest))
simulated

# %% [markdown]
# Now a broker on a socket: it listens on a port of this machine and keeps its files in a
# temporary directory, in Kafka's own format. The same function, the same client classes.

# %%
with mk.local_broker() as real:
    at = real.address  # "127.0.0.1:" and a free port
    on_socket = play(mk.Admin(at), mk.Producer(at), mk.Consumer(at, **earliest))

assert on_socket == simulated
on_socket

# %% [markdown]
# ## Somebody else's client
#
# Still not enough: our clients could share a mistake with our broker. So let a stranger
# judge. `confluent-kafka` is the C library **librdkafka**, which many companies run in
# production. It knows nothing of this project. We write, it reads.

# %%
import confluent_kafka

with mk.local_broker() as real:
    play(mk.Admin(real.address), mk.Producer(real.address), mk.Consumer(real.address, **earliest))
    stranger = confluent_kafka.Consumer(
        {"bootstrap.servers": real.address, "group.id": "stranger", "enable.auto.commit": False}
    )
    stranger.assign([confluent_kafka.TopicPartition("orders", p, 0) for p in (0, 1)])
    read = []
    while len(read) < len(guests):
        read += stranger.consume(1, timeout=10)
    stranger.close()

seen = sorted(f"{m.partition()}:{m.offset()} {m.key().decode()} {m.value().decode()}" for m in read)
assert seen == simulated
seen

# %% [markdown]
# The same five addresses, found by an unmodified Kafka client: from the bytes on the wire to
# the offsets in the log, it meets what it expects.

# %% [markdown]
# ## Exercises
#
# Each has a check. It refuses the untouched cell and tells you what is missing.
#
# ### 1 · Three numbers
#
# A new topic with one partition. Ten records are written, and a consumer that began
# at offset 0 has polled four of them. Replace the dots with numbers.

# %%
log_end, position, lag = ..., ..., ...

check("00.1", (log_end, position, lag))

# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# log_end, position, lag = 10, 4, 6
# ```
#
# Offsets count from 0, so ten records fill 0 to 9 and the next free offset is 10. Four were
# read (0 to 3): the next is 4. From there to the high watermark, 10, it is 6.
# </details>
#
# ### 2 · Read again
#
# `audit` was fired, and the new auditor wants to read everything from the beginning.
# Write `reread` so that it makes any consumer, wherever it stands, read all its partitions
# once more from their first record. (`help(mk.Consumer)` lists what a consumer can do.)


# %%
def reread(consumer: mk.Consumer) -> None:
    """Let the next poll return the first records again."""


check("00.2", reread)

# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# def reread(consumer: mk.Consumer) -> None:
#     consumer.seek_to_beginning()
# ```
#
# Moving a pointer is all it takes: the broker never knew that the records had been read.
# </details>
#
# ### 3 · Three files
#
# Make a log of three files. `write` gets a simulator with a broker, a producer and a
# topic `logbook` whose files are closed after 10 minutes (`segment.ms`). Write at least
# three records so that three files exist in the end, and lose none.


# %%
def write(sim: mk.Simulator, producer: mk.Producer) -> None:
    """Fill the topic "logbook" so that its log has three files."""


check("00.3", write)

# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# def write(sim: mk.Simulator, producer: mk.Producer) -> None:
#     for hour in (b"first", b"second", b"third"):
#         producer.send("logbook", hour).result()
#         sim.run(11 * 60_000)
# ```
#
# Time alone closes no file: Kafka looks at the age when the next record arrives. Three
# records, more than ten minutes apart, make three files; ten records at once make one.
# </details>

# %% [markdown]
# ## What real Kafka does differently
#
# - **Nothing in the messages and the files.** Both are Kafka's, byte for byte.
# - **More brokers.** Here one broker is everything. In production each partition has copies on
#   several, and the high watermark waits for them. That is where it gets interesting.
# - **Groups.** We told each consumer its partitions. Usually consumers form a group, and the
#   broker shares the partitions out among them and remembers their positions.
# - **Nothing in what an answer is worth.** Kafka's broker, and this one, answer before the disk has
#   the record; they trust copies more than disks. With a single broker, a power cut can cost
#   records that were acknowledged. Chapter 02 shows it.
#
# ## Summary
#
# A topic is some logs. A producer appends batches at the log end; a record's address is its
# partition and offset. Committed records, those before the high watermark, can be read by
# anybody, in order, as often as they like. A consumer is a position, its distance from the high
# watermark is its lag. Old records go file by file, at the log start, read or not.
