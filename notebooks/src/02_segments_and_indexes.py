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
# # 02 · Segments and indexes: what is on the disk
#
# A log only grows, and a disk does not. So a log is cut into files: the oldest can be deleted
# whole, and a record can be found without reading all of them. This chapter opens the folder of a
# partition, finds a record in it step by step, lets files be deleted, and pulls the plug.
#
# **After this chapter you can**
#
# - name the files of a partition and say what is in each of them,
# - find an offset, or a time, with two short searches and one short read,
# - say why a record outlives its `retention.ms`, and by how much,
# - tell what a crash takes, how the broker notices, and what an acknowledgement was worth.
#
# | word | meaning | in Python, or on the disk |
# |---|---|---|
# | segment | a stretch of the log in a file of its own | `00000000000000000526.log` |
# | base offset | the first offset of a segment: its name | `segment.base_offset` |
# | active segment | the last one, the only one that is written to | |
# | roll | close the active segment, begin the next | `segment.bytes`, `segment.ms` |
# | offset index | some offsets, and where their batches begin | `….index` |
# | time index | some times, and the offsets that had them | `….timeindex` |
# | batch | records that are sent, stored and read together, behind one header | |
# | retention | how old or how much a log may be | `retention.ms`, `retention.bytes` |
# | acks | who must have a record before its producer is told so | `acks="all"` |
# | flush | carry what was written from memory to the disk | `flush.messages` |
# | recovery point | up to here the disk is known to have it all | `recovery_point` |
# | torn | cut off in the middle of a batch | |

# %% [markdown]
# ## A partition is a folder
#
# Three orders, one after the other, and then the folder of `orders-0`. (The disk is one in memory,
# which the simulator gives to its broker; a real one holds the same files, byte for byte.)

# %%
import minikafka as mk
from minikafka.lab import check, predict, reveal
from minikafka.viz import SegmentBrowser

minute, hour = 60_000, 3_600_000  # in milliseconds, as Kafka's configs are

sim = mk.Simulator(seed=4)
broker, admin = sim.broker(), sim.admin()
admin.create_topics([mk.NewTopic("orders")])
producer = sim.producer(client_id="till")
for n, drink in enumerate([b"tea", b"coffee", b"water"]):
    producer.send("orders", drink, timestamp_ms=1_000 * n).result()


def folder(name: str) -> dict[str, int]:
    """The files of a partition, with their sizes in bytes."""
    return {file: len(broker.files.read(f"{name}/{file}")) for file in broker.files.list(name)}


folder("orders-0")

# %% [markdown]
# The records are in the `.log`. Its name is the offset of its first record, with zeros in front,
# so that a sorted list of names is a sorted list of offsets. Two indexes stand beside it, empty
# still. `leader-epoch-checkpoint` says from which offset on which leader wrote, and
# `partition.metadata` holds the topic's id.

# %%
from minikafka.log.dump import dump

name = "00000000000000000000.log"
for row in dump(name, broker.files.read(f"orders-0/{name}"), records=True):
    print(str(row)[:96])

# %% [markdown]
# Three batches of one record each, because each was waited for. A batch lies here as it came over
# the wire: the broker has put its offset and the leader's epoch in front, and touched nothing else.
# So it can send a piece of this file to a consumer without opening a batch.
#
# ## The next file
#
# Meters report: 2,000 records, 110 kB. A segment is closed when the next batch would make it
# too large (`segment.bytes`), or when its first record is too old (`segment.ms`, seven days; that
# comes further down). Kafka's `segment.bytes` is 1 GiB, and at least 1 MiB; for a picture we use
# 32 KiB, with the name that Kafka keeps for its own tests.

# %%
predict("02.a", "How many files will 110 kB of records lie in, at 32 KiB each?",
        [3, 4, 5])  # fmt: skip

# %%
small = {"internal.segment.bytes": "32768", "index.interval.bytes": "2048", "retention.ms": "-1"}
admin.create_topics([mk.NewTopic("meter", configs=small)])
meters = sim.producer(client_id="meters", linger_ms=100, batch_size=700)
for n in range(2_000):
    meters.send("meter", b"%06d watt, all is well in street %d" % (n * 37 % 1000, n % 9))
    if n % 5 == 0:
        sim.run(7_000)
meters.flush()


def partition(topic: str):
    """What the broker says of a topic's partition 0."""
    return next(each for each in broker.statistics().partitions if each.topic == topic)


segments = partition("meter").segments
[(each.base_offset, each.size_bytes, each.index_entries) for each in segments]

# %%
reveal("02.a", len(segments))

# %% [markdown]
# Each line is a base offset, a size, and the number of entries in the offset index. None is larger
# than 32,768 bytes, and all but the last are nearly that: a batch is never cut in two. The last one
# is *active*: only there is anything written, and only at its end. (Each new file brings a
# `.snapshot`: which producer has written how far, so that a batch sent twice is known again.)
#
# ## Finding a record
#
# A consumer asks for offset 1234. Nobody reads 110 kB for that.

# %%
predict(
    "02.b",
    "About how many bytes of log and index must the broker look at to find offset 1234?",
    [68_000, 2_000, 200],
)

# %%
search = SegmentBrowser(
    "meter-0", files=broker.files, offset=1234,
    title="Where is offset 1234?",
    settings="Topic meter, `index.interval.bytes` = 2048",
    caption="seed 4",
)  # fmt: skip
search

# %% [markdown]
# Press **play** or step. Two searches by halves and a short walk:
#
# 1. **Which file?** The last one whose name is not beyond 1234. The names are in memory.
# 2. **Which index entry?** The last one not beyond 1234. An entry holds the last offset of a batch
#    and the byte where this batch begins. The index is *sparse*: an entry for one batch in 2,048
#    bytes (4,096 by default), eight bytes each, so it stays small.
# 3. **Walk** from there, from header to header. A header says how many records follow and where
#    the next batch begins, so nothing is decompressed and no record is looked at.
#
# All in all it looked at 215 of 110,461 bytes: four entries and three headers of 61. The answer
# begins with the batch that *contains* 1234, here with 1231, because batches are never opened. The
# consumer throws away what it did not ask for.

# %%
reveal("02.b", round(search.answer["read"], -2))

# %% [markdown]
# By time it is the same with one search more: the time index leads to an offset, and from there
# it goes on as above. An entry of it says "up to this offset, nothing is younger than this". The
# question is always for *the first record that is not older than…*.

# %%
at_ms = 1_500_000
SegmentBrowser(
    "meter-0", files=broker.files, timestamp_ms=at_ms,
    title="What was written from minute 25 on?",
    settings="Topic meter; the clock of this run began at 0",
    caption="seed 4",
)  # fmt: skip

# %%
with sim.consumer() as consumer:
    found = consumer.offsets_for_times({("meter", 0): at_ms})
found

# %% [markdown]
# ## Old files go
#
# `retention.ms` says how long a record is kept: seven days, if nobody says otherwise. A topic gets
# one hour, and a record every minute, for a day.

# %%
predict("02.c", "retention.ms is one hour, all other configs have their defaults. How many of the "
        "1,440 records of a day are still there at its end?",
        [60, 66, 1440])  # fmt: skip

# %%
an_hour = {"retention.ms": str(hour)}
admin.create_topics([
    mk.NewTopic("quiet", configs=an_hour),
    mk.NewTopic("cut", configs={**an_hour, "segment.ms": str(10 * minute)}),
])  # fmt: skip
midnight = sim.now
sensor = sim.producer(client_id="sensor", linger_ms=0)
for _ in range(24 * 60):
    for topic in ("quiet", "cut"):
        sensor.send(topic, b"still here")
    sim.run(minute)

kept = {t: partition(t).log_end_offset - partition(t).log_start_offset for t in ("quiet", "cut")}
kept

# %%
reveal("02.c", kept["quiet"])

# %% [markdown]
# All of them! Files are deleted whole, and a file can go when its *youngest* record is old enough.
# The active file of `quiet` got a record a minute ago, and it is closed after seven days
# (`segment.ms`) or a gibibyte. The topic `cut` closes a file every ten minutes, and the broker
# looks every five: it has 66 records now, and never had more than 75.

# %%
import plotly.graph_objects as go

from minikafka.viz.theme import LIGHT, plotly_template


def records_over_time(topic: str) -> tuple[list[float], list[int]]:
    """Hours since midnight, and how many records the log held then."""
    hours, counts, start, end = [], [], 0, 0
    for event in sim.trace.of("append", "log_start_offset"):
        if event.what["topic"] == topic:
            start = event.what.get("offset", start)
            end = event.what.get("last_offset", end - 1) + 1
            hours.append(round((event.time - midnight) / 1_000 / hour, 3))
            counts.append(end - start)
    return hours[::5], counts[::5]


# %%
lines = [("quiet: segment.ms = 7 days", "quiet", "dash", "lost"),
         ("cut: segment.ms = 10 minutes", "cut", "solid", "commit")]  # fmt: skip
go.Figure(
    [go.Scatter(x=(xy := records_over_time(topic))[0], y=xy[1], name=name, mode="lines",
                line={"dash": dash, "color": LIGHT[idea], "shape": "hv"})
     for name, topic, dash, idea in lines],
    layout={"template": plotly_template(), "title": "How long is an hour?", "height": 320,
            "xaxis": {"title": "hours"}, "yaxis": {"title": "records kept"},
            "legend": {"orientation": "h", "y": 1.12}},
)  # fmt: skip

# %% [markdown]
# Where a law says "deleted after an hour", `segment.ms` matters as much as `retention.ms`. Three
# things more:
#
# - When *nothing* comes for an hour, the active file is old enough as well. The broker closes it,
#   begins an empty one, and deletes it.
# - The age is that of the record's timestamp, which the producer sets. A wrong clock keeps a file
#   too long, or deletes it too soon.
# - `retention.bytes` limits the size of a partition: the oldest file goes when the others alone
#   have that many bytes. There is no such limit by default.
#
# The log start waits for no reader, as `audit` learned in chapter 00.
#
# ## Pull the plug
#
# Now a broker gets eight orders, one at a time, and acknowledges each of them. Then its machine
# loses power. The producer asked for `acks=all`.

# %%
predict("02.d", "How many of the eight acknowledged orders are still there after the restart?",
        [8, 5, 0])  # fmt: skip

# %%
night = mk.Simulator(seed=7)
broker = night.broker()
night.admin().create_topics([mk.NewTopic("orders")])
till = night.producer(linger_ms=0, acks="all")
began = night.now
acknowledged = [till.send("orders", b"order number %d" % n).result().offset for n in range(8)]
took_ms = (night.now - began) / 1_000
broker.crash(torn=True)
acknowledged, folder("orders-0")["00000000000000000000.log"]

# %%
SegmentBrowser(
    "orders-0", files=broker.files,
    title="What does a power cut leave?",
    settings="Eight orders of 82 bytes were acknowledged; none was flushed",
    caption="seed 7",
)  # fmt: skip

# %% [markdown]
# Eight times 82 bytes were written, and 439 are there. The operating system had said "written" as
# soon as the bytes were in its memory, and took its time to carry them to the disk. The last batch
# is *torn*: of its 82 bytes the first 29 are there.
#
# A broker that is stopped in order leaves a file `.kafka_cleanshutdown`. When it starts and finds
# none, it reads from the recovery point on (here from the beginning, nothing was flushed), batch by
# batch: does the length fit, does the checksum? It cuts at the first batch that is not whole.

# %%
broker.restart()
night.run(100)
(recovered,) = [e.what for e in night.trace.of("recovered") if e.what["topic"] == "orders"]
recovered["reason"], recovered["offset"]

# %%
reveal("02.d", partition("orders").log_end_offset)

# %% [markdown]
# Three orders are gone, and the producer was told that they are safe. With **one** broker,
# `acks=all` means "the one broker has it", and a broker that has it in memory says so. Kafka can
# wait for the disk, if it is told to:

# %%
careful = mk.Simulator(seed=7)
broker = careful.broker()
careful.admin().create_topics([mk.NewTopic("orders", configs={"flush.messages": "1"})])
till = careful.producer(linger_ms=0, acks="all")
began = careful.now
for n in range(8):
    till.send("orders", b"order number %d" % n).result()
careful_ms = (careful.now - began) / 1_000
broker.crash(torn=True)
broker.restart()
careful.run(100)
partition("orders").log_end_offset, round(took_ms), round(careful_ms)

# %% [markdown]
# All eight, in 33 ms instead of 9: for each order the log and its two indexes are flushed, and this
# disk needs a millisecond for each. Most people do not pay that. They put copies on three machines
# and bet that not all of them lose power in the same second. That bet is called replication, and
# one broker is **not enough** for it.

# %% [markdown]
# ## Exercises
#
# ### 1 · Which file?
#
# `bases` are the base offsets of a log's files, in order. Write `file_of`, so that it gives the
# name of the file that holds an offset.


# %%
def file_of(offset: int, bases: list[int]) -> str:
    """A name such as "00000000000000000526.log"."""
    return ""


check("02.1", file_of)

# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# from bisect import bisect_right
#
# def file_of(offset: int, bases: list[int]) -> str:
#     base = bases[bisect_right(bases, offset) - 1]
#     return f"{base:020}.log"
# ```
#
# The last base offset that is not beyond the one we look for: a file begins with its base offset,
# so an offset that equals one is in that file and not in the one before.
# </details>
#
# ### 2 · Where to begin
#
# `entries` are an offset index: pairs of an offset and a position, in order. The offset is that of
# the *last* record of the batch that begins at the position. Where must the broker begin to read to
# find an offset? Write `begin_at`.


# %%
def begin_at(offset: int, entries: list[tuple[int, int]]) -> int:
    """The position in the file; 0 is its beginning."""
    return 0


check("02.2", begin_at)

# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# def begin_at(offset: int, entries: list[tuple[int, int]]) -> int:
#     return max((position for last, position in entries if last <= offset), default=0)
# ```
#
# A broker searches by halves instead of looking at all. Beginning at 0 is right as well and
# reads the whole file; beginning one entry later may jump over the batch.
# </details>
#
# ### 3 · An hour, and not much more
#
# A topic gets a record every minute. Choose its configs so that every record is kept for an hour at
# the least, and none is there when it is 80 minutes old.

# %%
minute, hour = 60_000, 3_600_000
configs = {"retention.ms": str(hour)}

check("02.3", configs)

# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# configs = {"retention.ms": str(hour), "segment.ms": str(10 * minute)}
# ```
#
# The oldest record of a file is ten minutes older than its youngest, and the broker looks every
# five minutes (`log.retention.check.interval.ms`): 60 + 10 + 5 = 75 minutes.
# </details>

# %% [markdown]
# ## What real Kafka does differently
#
# - **Nothing in the files.** Kafka's tools read this folder, and Kafka can take it over.
# - **Index files of the active segment have 10 MiB** in Kafka, mostly zeros: it maps them into
#   memory. Here they are as long as what is in them.
# - **A deleted file** is renamed to `….deleted`, and gone a minute later (`file.delete.delay.ms`).
#   Here it goes at once.
# - **Compaction** (`cleanup.policy=compact`) keeps the last record of each key instead of the last
#   hour. The cleaner is a matter of its own.
# - **Tiered storage** moves closed files to an object store. Not here.
#
# ## Summary
#
# A partition is a folder, a segment is a file named after its first offset, and only the last one
# grows. Two searches by halves and a short walk find any offset; one more search finds a time.
# Files are deleted whole, when their youngest record is old enough, so a record may live much
# longer than its retention. What was not flushed may be lost or torn in a crash; the broker cuts at
# the first batch that is not whole. And an acknowledgement is worth as much as the machines that
# gave it.
