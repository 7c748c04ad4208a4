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
# # 01 · The log: topics, partitions, offsets, ordering
#
# Kafka keeps things in order. That sentence is half true, and the other half has cost people
# money. This chapter shows which order is promised, breaks the one that is not, and follows a
# key to its partition, until somebody adds a partition and the key moves.
#
# **After this chapter you can**
#
# - say what is in order and what is not, and show a run that proves it,
# - choose a key so that what must stay in order does,
# - compute by hand which partition a key goes to, and name a client that disagrees,
# - tell what happens to keys when a topic grows, before it happens to you.
#
# | word | meaning | in Python |
# |---|---|---|
# | log | a list that grows at one end and is never changed | |
# | topic | a name for one or more logs | `mk.NewTopic("orders", partitions=2)` |
# | partition | one of these logs, numbered from 0 | `record.partition` |
# | offset | a record's place in its partition, counted from 0 | `record.offset` |
# | key | bytes that say which records belong together, or nothing | `record.key` |
# | partitioner | the rule that picks a record's partition | `partition_of_key` |
# | hash | a number mixed from all bytes of a key, the same each time | `murmur2` |
# | batch | records that are sent, stored and read together | |
# | sticky | how records without a key are spread: a batch here, a batch there | |

# %% [markdown]
# ## One log, one order
#
# Eight letters go into a topic with one partition. A helper reads a whole topic from its
# beginning; we shall need it often.

# %%
import minikafka as mk
from minikafka.lab import check, predict, reveal
from minikafka.viz import LogStrip

sim = mk.Simulator(seed=11)
broker = sim.broker()
admin, producer = sim.admin(), sim.producer(client_id="writer")


def read(topic: str, partitions: int) -> list:
    """All records of a topic, in the order in which a consumer gets them."""
    found = []
    with sim.consumer(client_id="reader", auto_offset_reset="earliest") as consumer:
        consumer.assign([(topic, p) for p in range(partitions)])
        while records := consumer.poll(timeout_ms=100):
            found += records
    return found


admin.create_topics([mk.NewTopic("one")])
for letter in "abcdefgh":
    producer.send("one", letter.encode())
producer.flush()
"".join(record.value.decode() for record in read("one", 1))

# %% [markdown]
# In order, for every reader, for ever. A partition is a list: `a` is at offset 0, `h` at 7, and
# nothing can come to stand between them.
#
# ## Two logs, no order between them
#
# Now a topic with two partitions, and the letters go to them in turn: `a` to 0, `b` to 1, `c` to
# 0. They are still written in the order of the alphabet.

# %%
predict(
    "01.a",
    "A consumer reads both partitions from the beginning. Which letters come, in which order?",
    ["abcdefgh", "acegbdfh", "badcfehg"],
)

# %%
admin.create_topics([mk.NewTopic("two", partitions=2)])
for n, letter in enumerate("abcdefgh"):
    producer.send("two", letter.encode(), partition=n % 2)
    producer.flush()
letters = "".join(record.value.decode() for record in read("two", 2))
reveal("01.a", letters)

# %% [markdown]
# Each partition is in order: `aceg` and `bdfh`. What the consumer makes of the two is its own
# affair: it asks for both, and hands out what came for the first, then what came for the second.
# Another one, with other limits or a slower network, mixes them differently. Nobody is wrong:
# **order is promised within a partition, and nowhere else.**

# %%
LogStrip(
    sim.trace,
    topics=["two"],
    title="Which of these came first?",
    settings="Topic two; writer sends a to h, to 0 and 1 in turn",
    caption="seed 11",
)

# %% [markdown]
# Step through it. Offset 2 is `e` in `two-0` and `f` in `two-1`, and these two have nothing to do
# with each other: each partition counts for itself. The records do carry a time, but the clocks of
# two machines are seldom the same to the millisecond.
#
# ## What it costs
#
# An account. Money comes and goes, and at no time is there less than nothing in it: after each
# move the balance is 100, 30, 80, 20, 50, 10. The developer needs a key, and every move has a
# number: that is the key.

# %%
moves = [100, -70, 50, -60, 30, -40]


def balances(topic: str, keys: list[bytes]) -> list[int]:
    """Write the moves under these keys, read them back, and add them up as they come."""
    admin.create_topics([mk.NewTopic(topic, partitions=2)])
    for key, amount in zip(keys, moves, strict=True):
        producer.send(topic, b"%d" % amount, key=key)
        producer.flush()
    total, seen = 0, []
    for record in read(topic, 2):
        total += int(record.value)
        seen.append(total)
    return seen


by_move = balances("by-move", [b"move-%d" % number for number in range(1000, 1006)])
by_move

# %% [markdown]
# The end is right, 10. On the way there the account was 130 in debt, and a program that acts on
# each record as it comes (blocks the card, writes the letter) has done harm that no later record
# takes back. The sum was never the problem; the order was.
#
# **What must stay in order gets the same key.** Here that is not the move but the account:

# %%
by_account = balances("by-account", [b"account-7"] * 6)
by_account

# %% [markdown]
# ## From a key to a partition
#
# How does the same key always find the same partition? No table is kept anywhere. The producer
# takes a hash of the key (*murmur2*, 32 bits), clears the bit of the sign, and divides by the
# number of partitions; the remainder is the partition. The broker has no part in this.

# %%
from minikafka.producer.partitioner import murmur2, partition_of_key

names = [b"bob", b"carol", b"alice", b"frank"]
for name in names:
    hashed = murmur2(name)
    positive = hashed & 0x7FFF_FFFF
    print(f"{name.decode():6} {hashed:08x} -> {positive:10} % 2 = {positive % 2}")

# %% [markdown]
# Two customers share each partition. That is as it should be: a partition holds many keys, a key
# has one partition. It also means that a key cannot be spread: if one customer makes half of all
# orders, one partition gets at least half of them, however many partitions there are.

# %%
import plotly.graph_objects as go

from minikafka.viz.theme import LIGHT, plotly_template

many = [b"customer-%d" % n for n in range(1_000)]
alike = [partition_of_key(name, 6) for name in many]
with_a_star = alike + [partition_of_key(b"star", 6)] * len(many)
go.Figure(
    [
        go.Bar(name=name, x=list(range(6)), y=[where.count(p) for p in range(6)],
               marker={"color": LIGHT["write"], "pattern": {"shape": shape}})
        for name, where, shape in (("1,000 customers, an order each", alike, ""),
                                   ("the same, and one who orders 1,000 times", with_a_star, "/"))
    ],
    layout={"template": plotly_template(), "title": "How even is a hash?", "barmode": "group",
            "xaxis": {"title": "partition", "dtick": 1}, "yaxis": {"title": "records"},
            "height": 320, "legend": {"orientation": "h", "y": 1.12}},
)  # fmt: skip

# %% [markdown]
# Without a key nothing needs to stay together, and the producer is free. It does not deal the
# records out one by one, though. It stays with a partition for `batch.size` (16 KiB if nobody says
# otherwise; here 1,000 bytes), then draws another: *sticky*. A full batch is a little smaller than
# that, so two in a row are the rule. Over time the spread is the same, and the requests are fewer
# and fuller. Here are 40 clicks of 100 bytes each:

# %%
admin.create_topics([mk.NewTopic("clicks", partitions=3)])
clicker = sim.producer(client_id="clicker", batch_size=1_000, linger_ms=50)
for n in range(40):
    clicker.send("clicks", b"%0100d" % n)
    sim.run(1)
clicker.flush()
batches = [(e.what["partition"], e.what["last_offset"] - e.what["base_offset"] + 1)
           for e in sim.trace.of("append") if e.what["topic"] == "clicks"]  # fmt: skip
batches  # (partition, records)

# %% [markdown]
# Eight fill a batch. The batches of one had just been opened when a full one left for the same
# broker, and went with it; the last five were flushed.
#
# ## A client that disagrees
#
# The partition is a matter of the producer alone. So what if another program, in another
# language, writes to the same topic? We ask librdkafka, the C library under many clients that are
# not Java. Three partitions, six customers.

# %%
predict(
    "01.b",
    "Our producer and librdkafka, both with their defaults, write orders of the same six "
    "customers. For how many do they choose the same partition?",
    ["all six", "some, by chance", "none"],
)

# %%
import confluent_kafka

guests = [b"bob", b"carol", b"alice", b"frank", b"erin", b"heidi"]


def places(address: str, **configs: str) -> list[int]:
    """Which partitions librdkafka chooses for the guests."""
    found = {}
    stranger = confluent_kafka.Producer({"bootstrap.servers": address, "log_level": 0, **configs})
    for guest in guests:
        stranger.produce(
            "orders",
            b"tea",
            key=guest,
            on_delivery=lambda _, m: found.update({m.key(): m.partition()}),
        )
    stranger.flush(10)
    return [found[guest] for guest in guests]


# %%
ours = [partition_of_key(guest, 3) for guest in guests]
with mk.local_broker() as real:
    with mk.Admin(real.address) as real_admin:
        real_admin.create_topics([mk.NewTopic("orders", partitions=3)])
    theirs = places(real.address)
    agreed = places(real.address, partitioner="murmur2_random")
ours, theirs, agreed

# %%
same = sum(a == b for a, b in zip(ours, theirs, strict=True))
print(f"{same} of {len(guests)}")
reveal("01.b", {6: "all six", 0: "none"}.get(same, "some, by chance"))

# %% [markdown]
# Carol alone goes to the same place; chance would give two. librdkafka hashes with CRC32
# (`consistent_random`), Kafka's own client and ours with murmur2. A shop in Java and a till in C
# that write to one topic split most customers' orders over two partitions, and no error is ever
# seen. One config, `partitioner=murmur2_random`, makes them agree: the third list.
#
# ## Adding partitions later
#
# Business is good, two partitions are not enough. A topic can grow while it is in use, in an
# instant. It can never shrink.

# %%
predict(
    "01.c",
    "1,000 keys live in 2 partitions; then there are 3. How many keys are sent to another "
    "partition from now on?",
    ["none, a key stays where it is", "about 333", "about 650"],
)

# %%
moved = sum(partition_of_key(key, 2) != partition_of_key(key, 3) for key in many)
print(f"{moved} of {len(many):,}")
reveal("01.c", f"about {moved // 10 * 10}")

# %% [markdown]
# Two of three keys move, because nothing but a remainder held them. And what is written stays where
# it is: **the partition is a place, not a label**. So for each key that moves, the old
# records lie in one log and the new ones in another, and the order between these two is the one
# that nobody promises. Watch carol: she orders, the topic grows, she cancels.

# %%
admin.create_topics([mk.NewTopic("orders", partitions=2)])
first = producer.send("orders", b"a cake", key=b"carol").result()
for _ in range(5):
    producer.send("orders", b"tea", key=b"bob")
producer.flush()
admin.create_partitions({"orders": 3})
while len(producer.partitions_for("orders")) < 3:  # a producer looks again every five minutes
    sim.run(60_000)
second = producer.send("orders", b"no cake", key=b"carol").result()
(first.partition, first.offset), (second.partition, second.offset)

# %% [markdown]
# Two consumers share the work. One has partitions 0 and 1, is busy, and polls late; the other has
# only partition 2.

# %%
busy = sim.consumer(client_id="busy", auto_offset_reset="earliest", max_poll_records=1)
idle = sim.consumer(client_id="idle", auto_offset_reset="earliest")
busy.assign([("orders", 0), ("orders", 1)])
idle.assign([("orders", 2)])
told = [(r.key.decode(), r.value.decode()) for r in idle.poll(timeout_ms=1_000)]
while records := busy.poll(timeout_ms=1_000):
    told += [(r.key.decode(), r.value.decode()) for r in records if r.key == b"carol"]
told

# %%
LogStrip(
    sim.trace,
    topics=["orders"],
    title="What becomes of a key when its topic grows?",
    settings="Topic orders, two partitions, then three; carol’s key moves from 0 to 2",
    caption="seed 11",
)

# %% [markdown]
# The kitchen was told "no cake" first, and then bakes one. What people do about it: choose enough
# partitions on the first day (a few dozen cost little), grow only topics whose keys need no order,
# or write a new topic of the new size and move over at a moment of their choosing.
#
# Not enough yet, because so far a log is a list in our heads. It lives in files, and files are
# full, torn, and deleted. That is [chapter 02](02_segments_and_indexes.ipynb).

# %% [markdown]
# ## Exercises
#
# ### 1 · By hand
#
# Write `partition_for`, so that it does what Kafka's producer does with a key. `murmur2` is there.

# %%
from minikafka.producer.partitioner import murmur2


def partition_for(key: bytes, partitions: int) -> int:
    """The partition of a key in a topic with so many partitions."""
    return 0


check("01.1", partition_for)

# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# def partition_for(key: bytes, partitions: int) -> int:
#     return (murmur2(key) & 0x7FFFFFFF) % partitions
# ```
#
# The sign bit is cleared, not the absolute value taken: the smallest of all 32-bit numbers has no
# absolute value, and Java would answer with a negative partition.
# </details>
#
# ### 2 · In order, and not in one place
#
# Trips of many taxis are written to the topic `trips`, which has four partitions. Each event is a
# dictionary with `taxi`, `trip` and `what` ("starts", "ends"). Events of one taxi must stay in
# order, over all of its trips, and the load should use more than one partition. Write `send`.


# %%
def send(producer: mk.Producer, event: dict[str, str]) -> None:
    """Send one event to "trips"; its `what` is the value."""
    producer.send("trips", event["what"].encode())


check("01.2", send)

# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# def send(producer: mk.Producer, event: dict[str, str]) -> None:
#     producer.send("trips", event["what"].encode(), key=event["taxi"].encode())
# ```
#
# The trip as a key keeps start and end of one trip together, and loses the order of a taxi's trips.
# </details>
#
# ### 3 · Grow without moving
#
# A topic grew from 4 to 8 partitions. Customers with a number below 1,000 were there before, and
# their records must still go where they always went; new customers should use all 8. Write
# `place`; a producer would use it as `partition=place(number)`.


# %%
from minikafka.producer.partitioner import partition_of_key


def place(number: int) -> int:
    """The partition of customer `number`, whose key is b"customer-<number>"."""
    return partition_of_key(b"customer-%d" % number, 8)


check("01.3", place)

# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# def place(number: int) -> int:
#     return partition_of_key(b"customer-%d" % number, 4 if number < 1_000 else 8)
# ```
#
# Somebody has to know who was there before. That is the price, and why most people write a new
# topic instead.
# </details>

# %% [markdown]
# ## What real Kafka does differently
#
# - **Nothing in the hash.** Keys go where Kafka's Java client sends them; the test compares them.
# - **Partitions live on several brokers**, which is what they are for: reading and writing in
#   parallel. Here all of them are on one.
# - **A slow broker gets fewer records without a key**: both producers draw the next partition with
#   weights, the fewer batches wait for it the likelier. With one broker you do not see that.
# - **Consumers find a new partition late, too**, up to five minutes (`metadata.max.age.ms`). With
#   `auto.offset.reset=latest`, the default, one begins at the end of what it finds, and never sees
#   what was written there before.
# - **Retries can break even the order of a partition**, when a batch fails and the next one
#   does not. An idempotent producer, the default in Kafka and here, numbers its batches, and the
#   broker takes them in their order only.
# - **A partitioner can be a class of your own** (`partitioner.class`). Here you give `partition=`.
#
# ## Summary
#
# A topic is a name for some logs. In each of them order is for ever; between them there is none.
# So what must stay in order gets one key, and a key is a remainder: (murmur2 without its sign) %
# partitions, computed by the producer. Change the number, and keys move while records stay. And
# check what your neighbour's client hashes with.
