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
# # 05 · The fetcher: how a record is read
#
# A broker never sends anything by itself. Consumers ask, again and again; and yet a record is
# there in half a millisecond. The trick is a question that waits at the broker. This chapter
# shows how it waits, what ends it, and which settings make a thousand questions or three of the
# same records.
#
# **After this chapter you can**
#
# - say why a fetch was answered when it was,
# - choose `fetch.min.bytes` and `fetch.max.wait.ms` for a goal, and predict what they cost,
# - tell `poll` from a fetch, and say when a `poll` needs no network at all,
# - say why a question about a thousand quiet partitions is short,
# - say what happens to a batch that is larger than all limits, and to a position that is not
#   there.
#
# | word | meaning | in Python |
# |---|---|---|
# | fetch | a consumer's question: what is there from this offset on? | `FetchRequest` |
# | parked | a fetch that waits at the broker for something to answer | event `parked` |
# | long poll | asking in such a way that the answer may come later | `fetch_max_wait_ms` |
# | poll | the program's call: records that are here, or a short wait | `consumer.poll(…)` |
# | prefetch | asking for the next records while the program has the last ones | |
# | position | the offset that is asked for next | `consumer.position(…)` |
# | fetch session | what a broker remembers of a consumer's questions | `session_id` |
# | reset | what to do with a position that is not there | `auto_offset_reset` |

# %% [markdown]
# ## A question that waits
#
# `billing` has read everything, and asks for more. 300 ms later an order is written.

# %%
import minikafka as mk
from minikafka.lab import check, predict, reveal

sim = mk.Simulator(seed=5)
sim.broker()
sim.admin().create_topics([mk.NewTopic("orders")])
till = sim.producer(client_id="till", linger_ms=0)
till.send("orders", b"one tea").result()
billing = sim.consumer(client_id="billing", auto_offset_reset="latest")
billing.assign([("orders", 0)])
billing.poll(timeout_ms=100)

# %%
predict(
    "05.a",
    "fetch.max.wait.ms is 500. The order is written after 300 ms. After how many ms does billing "
    "have it?",
    [300, 500, 800],
)

# %%
began, seen = sim.now, len(sim.trace)
sim.call_later(300, lambda: till.send("orders", b"two teas"))
records = billing.poll(timeout_ms=1_000)
took_ms = (sim.now - began) / 1_000
for event in list(sim.trace)[seen:]:
    if event.kind in ("append", "completed", "position"):
        what = {k: v for k, v in event.what.items() if k in ("reason", "base_offset", "offset")}
        print(f"{(event.time - began) / 1_000:7.3f} ms  {event.node:9} {event.kind:10} {what}")
[record.value.decode() for record in records], took_ms

# %%
reveal("05.a", round(took_ms, -2))

# %% [markdown]
# The fetch had been at the broker all the time, *parked*. The append completed it in the same
# moment: reason `bytes`, there is enough. The half millisecond is the order's way to the broker
# and the answer's way to `billing`. So nobody asks in vain all the time, and nobody waits for the
# next question either.
#
# Had nothing come for 500 ms (`fetch.max.wait.ms`), the answer would have been empty, reason
# `timeout`, and `billing` would have asked again.
#
# ## How much is enough?
#
# One byte, unless you say more: `fetch.min.bytes` is 1. Two consumers, the same records, one
# every two milliseconds. A is content with a byte, B wants 5,000.

# %%
predict("05.b", "A needs 48 fetches for 50 records. How many does B need?", [6, 24, 48])

# %%
from minikafka.viz import Microscope
from minikafka.viz.microscope import Arrivals

slow = Arrivals(per_ms=0.5, record_bytes=400)
view = Microscope(
    a={"fetch_min_bytes": 1},
    b={"fetch_min_bytes": 5_000},
    arrivals=slow,
    linger_ms=0,
    fetch_max_wait_ms=50,
    title="How much is worth an answer?",
    settings="A record of 400 bytes every 2 ms; `fetch.max.wait.ms` = 50",
)
view

# %%
a, b = view.result.a, view.result.b
print(f"A: {a.fetches} fetches, {a.fetches_because}, polled p50 {a.polled.p50:.1f} ms, "
      f"p99 {a.polled.p99:.1f} ms")  # fmt: skip
print(f"B: {b.fetches} fetches, {b.fetches_because}, polled p50 {b.polled.p50:.1f} ms, "
      f"p99 {b.polled.p99:.1f} ms")  # fmt: skip
reveal("05.b", b.fetches)

# %% [markdown]
# `at once`: the bytes were there when the question came, so it was not parked. (The last fetch of
# each is still parked when the run ends, so it has no reason yet.)
#
# It is the producer's trade once more, at the other end: fewer questions, each with more in it,
# and the first record of an answer waits for the last. `fetch.max.wait.ms` is the `linger.ms` of
# the consumer: the end of B's run, where too little came, waited its full 50 ms.
#
# Move the sliders: `fetch.min.bytes` up and `fetch.max.wait.ms` down, and see which of the two
# ends the waiting.
#
# ## A poll is not a fetch
#
# 2,000 records lie in the log. `max.poll.records` is 500 by default.

# %%
predict(
    "05.c",
    "Four polls give 500 records each. How many fetches have left the consumer by then?",
    [1, 2, 4],
)

# %%
world = mk.Simulator(seed=5)
world.broker()
world.admin().create_topics([mk.NewTopic("orders")])
with world.producer() as producer:
    for n in range(2_000):
        producer.send("orders", b"order %d" % n)
reader = world.consumer(client_id="reader", auto_offset_reset="earliest")
reader.assign([("orders", 0)])
given = [len(reader.poll(timeout_ms=1_000)) for _ in range(4)]
fetches = [e for e in world.trace.of("sent")
           if e.node == "reader" and type(e.what.body).__name__ == "FetchRequest"]  # fmt: skip
given, len(fetches)

# %%
reveal("05.c", len(fetches))

# %% [markdown]
# All 2,000 came with the first fetch: they are far less than the megabyte that it may bring for a
# partition (`max.partition.fetch.bytes`). `poll` hands them out from memory, 500 at a time,
# because a program should not be buried. When the last ones are handed out, the next fetch is
# already on its way, before the program asks: that is *prefetch*, and the second one here.
#
# So `max.poll.records` changes nothing on the network. It says how much your program bites off.
#
# With many partitions it is the same for each broker: it is asked again when all that it sent
# has been handed out, and before only about partitions of which it has said that there is more. If
# it were asked about the quiet ones earlier, that question would wait there, and the busy ones
# behind it.
#
# ## A question that grows short
#
# `many` reads 100 partitions of one broker, all quiet. Then one record comes, in partition 42.

# %%
wide = mk.Simulator(seed=5)
wide.broker()
wide.admin().create_topics([mk.NewTopic("clicks", partitions=100)])
visitor = wide.producer(linger_ms=0)
many = wide.consumer(client_id="many", auto_offset_reset="earliest", fetch_max_wait_ms=100)
many.assign([("clicks", n) for n in range(100)])
many.poll(timeout_ms=300)
visitor.send("clicks", b"one click", partition=42).result()
many.poll(timeout_ms=300)
wide.run(50)
questions = []
for event in wide.trace.of("sent"):
    if event.node == "many" and type(event.what.body).__name__ == "FetchRequest":
        questions.append(event.what.body)
len(questions)

# %%
predict(
    "05.e",
    "The first question names 100 partitions. How many does the one after the click name?",
    [0, 1, 99, 100],
)

# %%
for asked in questions:
    named = sum(len(topic.partitions) for topic in asked.topics)
    print(f"session {asked.session_id:10}, epoch {asked.session_epoch}: {named:3} partitions named")
reveal("05.e", named)

# %% [markdown]
# The broker answers the first question with the number of a *fetch session* (KIP-227), and
# remembers what is wanted, and from where. From then on only changes are said: partition 42 is
# asked from its next offset on, nothing else is new. The answers leave out quiet partitions in the
# same way.
#
# The epoch counts the questions. Should one get lost, the numbers do not fit: the broker says so,
# and the consumer begins again by naming all.
#
# ## Larger than all limits
#
# A record of 50,000 bytes, and a consumer that wants no more than 1,000.

# %%
predict(
    "05.d",
    "max.partition.fetch.bytes and fetch.max.bytes are 1,000. What becomes of the large record?",
    ["it is read", "it is skipped", "poll raises an error", "nothing more is ever read"],
)

# %%
world.admin().create_topics([mk.NewTopic("large")])
with world.producer() as producer:
    producer.send("large", b"." * 50_000)
    producer.flush()
    producer.send("large", b"small")
tight = world.consumer(
    auto_offset_reset="earliest", max_partition_fetch_bytes=1_000, fetch_max_bytes=1_000
)
tight.assign([("large", 0)])
sizes = [len(record.value) for _ in range(2) for record in tight.poll(timeout_ms=1_000)]
sizes

# %%
reveal("05.d", "it is read" if 50_000 in sizes else "it is skipped")

# %% [markdown]
# It is read: the first batch of an answer is sent whole, however large. Otherwise a consumer
# whose limit is too small would stand in front of it for ever. (Long ago that was so, and people
# lost nights to it.) The limits are for everything after the first batch.
#
# ## A position that is not there
#
# A new consumer has no position; an old one may have been overtaken by the log start, as `audit`
# was in chapter 00. `auto.offset.reset` says what then: `latest` (the default: only what comes
# from now on), `earliest`, `by_duration:PT1H` (an hour back), or `none`.

# %%
honest = world.consumer(auto_offset_reset="none")
honest.assign([("orders", 0)])
try:
    honest.poll(timeout_ms=100)
except mk.KafkaError as error:
    print(error)

# %% [markdown]
# `latest` looks harmless, and it is the setting that loses records: whoever is overtaken jumps to
# the end, over everything in between, and says nothing. Who cannot afford that takes `none`, gets
# an error, and decides.
#
# Not enough, because all positions here live in a consumer's memory. When it restarts, it knows
# nothing. Keeping positions, and sharing partitions between several readers, is what groups are
# for.

# %% [markdown]
# ## Exercises
#
# ### 1 · When?
#
# `fetch.min.bytes` is 10,000, `fetch.max.wait.ms` 500. The log's end has been read. From the
# moment the fetch is parked, 1,000 bytes are written every 100 ms. After how many ms is it
# answered?

# %%
answered_ms = ...

check("05.1", answered_ms)

# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# answered_ms = 500
# ```
#
# 10,000 bytes would be there after 1,000 ms, but it waits for half a second at the most. Then it
# takes what there is.
# </details>
#
# ### 2 · All of it
#
# Write `read_all`: every record that is in the consumer's partitions *now*, and no endless
# waiting. The consumer is assigned and stands at the beginning. (`end_offsets`, `position` and
# `assignment` may help.)


# %%
def read_all(consumer: mk.Consumer) -> list:
    """All records, up to the end as it is at the call."""
    return consumer.poll(timeout_ms=1_000)


check("05.2", read_all)

# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# def read_all(consumer: mk.Consumer) -> list:
#     ends, found = consumer.end_offsets(consumer.assignment()), []
#     while any(consumer.position(partition) < end for partition, end in ends.items()):
#         found += consumer.poll(timeout_ms=1_000)
#     return found
# ```
#
# One poll gives `max.poll.records` at the most, and an empty poll only means that nothing came in
# time. The end must be asked for once, before: while you read, others write.
# </details>
#
# ### 3 · A goal
#
# The microscope's records of above, one of 400 bytes every 2 ms. Find settings with **at most 10
# fetches** for all of them and a **p99 of at most 30 ms** until they are polled.

# %%
settings = {"fetch_min_bytes": ..., "fetch_max_wait_ms": ...}

check("05.3", settings)

# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# settings = {"fetch_min_bytes": 10_000, "fetch_max_wait_ms": 20}
# ```
#
# So the clock ends every wait: a fetch each 20 ms, whatever comes. With fewer bytes and a long
# wait it works while records come, and fails when they stop.
# </details>

# %% [markdown]
# ## What real Kafka does differently
#
# Names, defaults and reasons are the same.
#
# - **Several brokers are asked at once**, each for the partitions that it leads, or for those
#   that a copy nearer by has (`client.rack`). Ours does that too, where there are several.
# - **Fetches are made only in `poll`.** The last thing that a poll does before it returns records
#   is to send the next question. Here the consumer goes on between two polls: it also asks again
#   when an answer was empty.
# - **Deserializers** turn bytes into objects in `poll`. Here keys and values are bytes.
#
# ## Summary
#
# Consumers ask and fetches wait: for `fetch.min.bytes`, up to `fetch.max.wait.ms`. `poll` hands
# out what was fetched, `max.poll.records` at a time, and the next fetch is on its way before. In a
# fetch session it names only what has changed. The first batch of an answer is never too large. A
# position that is not there is reset, loudly or silently: choose.
