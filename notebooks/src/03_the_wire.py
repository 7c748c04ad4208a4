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
# # 03 · The wire: bytes become a conversation
#
# A client and a broker share nothing but a TCP connection: a stream of bytes without
# paragraphs. This chapter writes to a real broker by hand, byte by byte, until it answers, and
# then listens to a client that somebody else wrote.
#
# **After this chapter you can**
#
# - cut a stream into frames, and say which answer belongs to which request,
# - explain how two programs of different age find a version that both speak,
# - point at a key, a value and a varint in the bytes of a produce request,
# - say what a broker changes in a batch before a consumer fetches it,
# - say what a broker does with bytes that lie.
#
# | word | meaning | in Python |
# |---|---|---|
# | frame | a size, then so many bytes: one message | `capture.frames[0].frame` |
# | API key | which request this is, 0 for Produce | `ProduceRequest.API_KEY` |
# | version | how its fields lie there | `request.version` |
# | correlation id | the number that an answer repeats | `request.correlation_id` |
# | error code | a number in an answer, 0 when all is well | `mk.ErrorCode` |
# | produce | the request that writes records | `ProduceRequest` |
# | fetch | the request that reads them | `FetchRequest` |
# | batch | records that are sent, stored and read together, behind one header | |
# | flexible version | one with short lengths and room for new fields | `ProduceRequest.FLEXIBLE` |
# | varint | a number in as few bytes as it needs, seven bits each | |

# %% [markdown]
# ## Four bytes, then so many
#
# TCP keeps the order of bytes and nothing else: what was sent in one call may arrive in three
# pieces, or two calls in one. So each message begins with its size.
#
# Here is the smallest question there is, "which versions do you speak?", made by hand.

# %%
import minikafka as mk
from minikafka.lab import check, predict, reveal

predict("03.smallest", "How many bytes is the smallest question, its size not counted?")

# %%
import socket
import struct


def ask_versions(correlation_id: int, version: int = 0) -> bytes:
    """An ApiVersions request: API key 18, version, correlation id, and no client id (-1)."""
    message = struct.pack(">hhih", 18, version, correlation_id, -1)
    return struct.pack(">i", len(message)) + message


ask_versions(7).hex(" ")

# %%
reveal("03.smallest", len(ask_versions(7)) - 4)

# %% [markdown]
# Ten: two for the API key, two for the version, four for the correlation id, two for the length
# of a client id that is not there. Everything is *big-endian*, the large end first. Now a real
# broker is asked, on a real socket.

# %%
import logging
from contextlib import ExitStack

logging.disable(logging.WARNING)  # the broker is going to complain about us
stack = ExitStack()
broker = stack.enter_context(mk.local_broker())
host, port = broker.address.split(":")


def read_frame(connection: socket.socket) -> bytes:
    """The next frame, without its size: as many reads as it takes."""
    stream = connection.makefile("rb")
    (size,) = struct.unpack(">i", stream.read(4))
    return stream.read(size)


with socket.create_connection((host, int(port))) as connection:
    connection.sendall(ask_versions(7))
    answer = read_frame(connection)
correlation_id, error_code, count = struct.unpack_from(">ihi", answer)
correlation_id, error_code, count

# %% [markdown]
# It has answered our 7, without an error (0), with a list of 24 APIs. An answer says neither which
# API it is for nor which version: **only who asked knows how to read it**, and the correlation id
# says which question it was.
#
# ## Several at once
#
# A client need not wait for an answer before it asks again.

# %%
predict(
    "03.order",
    "Three questions are sent in one piece, with the numbers 3, 1 and 2. In which order do the "
    "answers come?",
    ["1 2 3", "3 1 2", "in any order"],
)

# %%
with socket.create_connection((host, int(port))) as connection:
    connection.sendall(ask_versions(3) + ask_versions(1) + ask_versions(2))
    stream = connection.makefile("rb")
    order = []
    for _ in range(3):
        (size,) = struct.unpack(">i", stream.read(4))
        order.append(struct.unpack(">i", stream.read(size)[:4])[0])
reveal("03.order", " ".join(map(str, order)))

# %% [markdown]
# In the order of the questions. A broker answers the requests of one connection strictly one
# after the other, even if the first is a fetch that waits for records: so a client that wants two
# things independently opens two connections.
#
# ## The version dance
#
# A client from next year asks in version 99. How could a broker of today answer in a way that
# the client can read?

# %%
with socket.create_connection((host, int(port))) as connection:
    connection.sendall(ask_versions(5, version=99))
    answer = read_frame(connection)
correlation_id, error_code = struct.unpack_from(">ih", answer)
mk.ErrorCode.of(error_code).name, answer[6:].hex(" ")

# %% [markdown]
# In version 0, the one that everybody has to know for ever: "unsupported", and one entry, for
# API 18 (`00 12`) from version 0 to 4. The client asks again in version 4, gets the whole list,
# and from then on uses, for each API, the newest version that both know. Nobody ever has to
# upgrade at the same moment as somebody else.

# %% [markdown]
# ## What a record looks like on its way
#
# Enough of questions about questions. A producer sends one order; here is its request, taken to
# pieces. Point at a field to see its bytes, at a byte to see its field.

# %%
from minikafka.viz import WireExplorer

sim = mk.Simulator(seed=3)
sim.broker()
sim.admin().create_topics([mk.NewTopic("orders")])
sim.producer(client_id="early").send("orders", b"water").result()
till = sim.producer(client_id="till")
till.send("orders", b"two teas", key=b"bob", headers=[("table", b"4")]).result()


def said(name: str, by: str = "broker-1") -> list:
    """All messages of this name that a node has sent."""
    sent = [event.what for event in sim.trace.of("sent") if event.node == by]
    return [each for each in sent if type(each.body).__name__ == name]


(produce,) = said("ProduceRequest", by="till")
WireExplorer(
    produce,
    title="How does an order travel?",
    settings="one record, key `bob`, one header",
    caption="seed 3",
)

# %% [markdown]
# 1. **`bob` and `two teas` stand there as they are.** What they mean is nobody's business here.
# 2. In front of them stands the header of a **batch**, 61 bytes, with one checksum for all that
#    follows it. The broker checks it, and stores the records as they are.
# 3. **A record's lengths are varints**: the length of `two teas` takes one byte and not four. It is
#    `10`, 16 and not 8, because -1 must have a place too: it stands for null (exercise 3). The
#    record's own length, 25, is `32`.
# 4. The line beside the versions says what the one at hand changed: 13 drops the topic's name and
#    adds a 16-byte **id**, so that a topic that was deleted and made again is not the same.
# 5. Version 9 is the first *flexible* one: lengths become shorter, and `tagged fields` leave
#    room for what nobody has thought of yet. Such a length is written plus one, and 0 is null.
# 6. `acks` is -1, which means *all*.
#
# The answer is small, and one number in it is what the producer waited for: `base_offset`, the
# record's place in its partition. Somebody had ordered water before.

# %%
said("ProduceResponse")[-1].body.responses[0].partition_responses[0].base_offset

# %% [markdown]
# ## And to a reader
#
# A consumer fetches it: from offset 1 on.

# %%
predict(
    "03.back",
    "The batch has 87 bytes. How many of them are different when they reach the consumer?",
)

# %%
with sim.consumer(client_id="kitchen") as kitchen:
    kitchen.assign([("orders", 0)])
    kitchen.seek(("orders", 0), 1)
    kitchen.poll(timeout_ms=1_000)
WireExplorer(
    said("FetchRequest", by="kitchen")[0],
    title="How does a consumer ask?",
    settings="from offset 1 of orders-0",
    caption="seed 3",
)

# %% [markdown]
# 1. **`fetch_offset` is the position**, and it comes with the question: the broker need not know
#    where a consumer stands.
# 2. `min_bytes` 1 and `max_wait_ms` 500: if there is nothing, **the broker waits** half a second
#    for something before it answers "nothing". So a record is delivered when it comes, and nobody
#    asks a thousand times a second.
# 3. `max_bytes` and `partition_max_bytes` limit the answer, but a first batch that is larger comes
#    whole: otherwise a consumer would be stuck before it for ever.
# 4. `session_epoch` 0 opens a *session*: the next fetch names only the partitions that changed.
#
# The answer:

# %%
fetched = said("FetchResponse")[0]
WireExplorer(
    fetched,
    title="What does a consumer get?",
    settings="the answer to that fetch",
    caption="seed 3",
)

# %%
written = produce.body.topic_data[0].partition_data[0].records
read = fetched.body.responses[0].partitions[0].records
changed = [at for at, (a, b) in enumerate(zip(written, read, strict=True)) if a != b]
changed

# %%
reveal("03.back", len(changed))

# %% [markdown]
# Byte 7 is the end of `base_offset`: the producer wrote 0, as always, the broker 1. Bytes 12 to 15
# are the leader's epoch, which counts the brokers that have led this partition: -1 became 0. Both
# stand in front of the checksum and outside of it, so nothing has to be computed again. All other
# bytes are the producer's, on the disk as well, and the consumer checks the producer's checksum.
# `high_watermark`, the end of what may be read, comes along: so a consumer knows its lag without
# asking.

# %% [markdown]
# ## Listening to a stranger
#
# Not enough, because all this was ours. `Capture` sits between a client and a broker and keeps
# every frame. The client is librdkafka with its defaults; the record is dated one second after
# 1970 began, so that its bytes are the same each time.

# %%
predict(
    "03.first",
    "What does it say before it sends its first record?",
    ["nothing", "ApiVersions", "Metadata", "ApiVersions and Metadata"],
)

# %%
import confluent_kafka

capture = mk.Capture()
with mk.local_broker(advertised_listeners=capture.listener) as behind:
    capture.forward_to(behind.address)
    stranger = confluent_kafka.Producer({"bootstrap.servers": capture.address, "log_level": 0})
    stranger.produce("orders", b"an espresso", key=b"eve", timestamp=1_000)
    stranger.flush(10)
capture.close()
asked = dict.fromkeys(f"{f.name} v{f.version}" for f in capture.frames if not f.is_answer)
list(asked)

# %%
before = [name.split()[0] for name in asked if not name.startswith("Produce")]
reveal("03.first", " and ".join(sorted(set(before) & {"ApiVersions", "Metadata"})))

# %% [markdown]
# Which versions do you speak; which broker leads the partition; here is a record. Its produce
# request has the same pieces as ours, because they are Kafka's, and is older: version 10 is the
# newest that this librdkafka knows.

# %%
(espresso,) = [f for f in capture.frames if f.name == "Produce" and not f.is_answer]
[line.split(maxsplit=2)[1:] for line in str(espresso.tree).splitlines() if "espresso" in line]

# %% [markdown]
# ## Bytes that lie
#
# Now play that request again, to a broker in a simulator, but with one bit wrong. `judge.ask` says
# what the broker would answer to some bytes, and leaves it as it is, so each lie can be told to
# the same broker. Think of a wrong bit in the size, in the correlation id, in the client's name, in
# the topic's name, and in the espresso: is it refused, is the connection closed, or does nobody
# notice?

# %%
predict(
    "03.unnoticed",
    "The request has 128 bytes. In how many can the lowest bit be wrong, and nobody notices?",
)

# %%
world = mk.Simulator(seed=3)
judge = world.broker()
world.admin().create_topics([mk.NewTopic("orders")])
again = espresso.frame[:8] + (42).to_bytes(4, "big") + espresso.frame[12:]  # as our question 42
explorer = WireExplorer(
    again,
    ask=judge.ask,
    title="Which bytes are guarded, and by what?",
    settings="librdkafka's espresso, one wrong byte at a time",
    caption="seed 3",
)
explorer

# %%
reveal("03.unnoticed", explorer.outcomes["same"], within=5)

# %% [markdown]
# Choose a byte and press **C**; then **A**, and the map fills.
#
# 1. **Σ, 66 bytes: the checksum.** It guards the batch from `attributes` to its end, and itself.
#    Whatever is wrong there is a `CORRUPT_MESSAGE`, the connection lives on, and `orders-0` still
#    ends at 0. (`magic` is no part of it, but a batch of another magic is no batch either.)
# 2. **!, 24 bytes: somebody looks it up.** There is no topic `nrders`, no partition 1, no `acks`
#    of -2, and a producer's batch begins at offset 0 and nowhere else. So it is refused by name.
# 3. **×, 13 bytes: the frame falls apart.** An API or a version that there is not, or one wrong
#    length, and all that follows stands in the wrong place. Nobody could read an answer to that, so
#    the connection is closed.
# 4. **…, 4 bytes: the size promises more than comes.** 16,777,216 bytes more, if it is its first
#    byte. The broker waits, and sets aside no memory for them before they are there.
# 5. **≠, 4 bytes: the correlation id.** Written and answered, but as question 43, if it is its last
#    byte. The client that asked 42 has no use for that.
# 6. **=, 17 bytes: nobody notices.** Who is called `sdkafka` is nobody's business, nor how long
#    somebody would wait (`timeout_ms`). Version 11 of this request looks like version 10. The
#    leader's epoch stands outside of the checksum because the broker writes it itself. Here only
#    the network's own checksums help, or TLS.
#
# With **all bits** changed (key **L**) more of it falls apart: `rdkafka` is no text any more.
#
# A real broker is the same code behind a socket. Ask one: an honest request, then an espresso
# with one letter wrong.


# %%
from minikafka.wire.anatomy import dissect_response


def send(frame: bytes) -> bytes:
    """What a broker says to these bytes."""
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(frame)
        connection.shutdown(socket.SHUT_WR)
        return connection.makefile("rb").read()


with mk.Admin(broker.address) as admin:
    admin.create_topics([mk.NewTopic("orders")])
for frame in (again, again.replace(b"espresso", b"espressi")):
    answer = dissect_response(send(frame), espresso.api_key, espresso.version)
    print([line.split(maxsplit=2)[2] for line in str(answer).splitlines() if "error_code" in line])

# %% [markdown]
# And two that cannot be read at all: an API that there is not, and a size below zero.

# %%
cut = again[:4] + b"\x00\x63" + again[6:]  # API 99
send(cut), send(struct.pack(">i", -5))

# %% [markdown]
# Whoever speaks another language gets no answer: any answer would be misread. The connection is
# closed, that one alone, and the broker says so in its log.

# %%
stack.close()  # stops the broker

# %% [markdown]
# ## Exercises
#
# ### 1 · Read a frame
#
# `00 00 00 11 00 03 00 01 00 00 00 2a ff ff 00 00 00 01 00 01 74` is a whole request. Which API
# key has it, which version, and which correlation id?

# %%
api_key, version, correlation_id = ..., ..., ...

check("03.1", (api_key, version, correlation_id))

# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# api_key, version, correlation_id = 3, 1, 42
# ```
#
# After the size (17) come two bytes each for API key and version, and four for the
# correlation id: `00 00 00 2a` is 42. API 3 is Metadata; it asks about the topic `t` (`74`).
# </details>
#
# ### 2 · Cut a stream
#
# Write `frames` so that it returns the whole frames at the beginning of some bytes, without
# their sizes, and what is left over: the beginning of a frame that has not arrived yet.


# %%
def frames(data: bytes) -> tuple[list[bytes], bytes]:
    """Whole frames, and the rest."""
    return [], data


check("03.2", frames)

# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# def frames(data: bytes) -> tuple[list[bytes], bytes]:
#     found = []
#     while len(data) >= 4 and len(data) >= 4 + int.from_bytes(data[:4], "big"):
#         end = 4 + int.from_bytes(data[:4], "big")
#         found.append(data[4:end])
#         data = data[end:]
#     return found, data
# ```
#
# Even the size itself may have come only in part: fewer than four bytes say nothing yet.
# </details>
#
# ### 3 · Zigzag
#
# A varint has no sign, and a small negative number would need ten bytes. So signed numbers are
# folded first: 0, -1, 1, -2, 2 become 0, 1, 2, 3, 4. Write `zigzag`.


# %%
def zigzag(number: int) -> int:
    """The folded number."""
    return number


check("03.3", zigzag)

# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# def zigzag(number: int) -> int:
#     return 2 * number if number >= 0 else -2 * number - 1
# ```
#
# So a null key, whose length is -1, is the single byte `01`.
# </details>

# %% [markdown]
# ## What real Kafka does differently
#
# - **Nothing on the wire.** All requests that a client or a tool sends to a broker are declared
#   here, in all versions of Kafka 4; those that are not handled yet are not offered.
# - **Memory.** Kafka sets aside the whole size of a request as soon as it has read it, at most
#   100 MiB (`socket.request.max.bytes`). This broker grows with what comes.
# - **Text.** Kafka reads a name that is no UTF-8 as well as it can; this broker closes the
#   connection.
# - **Encryption and names.** Usually TLS lies around all of this, and a client says who it is
#   (SASL) before it may ask anything.
# - **Who may ask.** A broker in production refuses what you are not allowed to.
#
# ## Summary
#
# A frame is a size and so many bytes. A request says its API, its version and a number; an answer
# repeats the number and nothing else. Both sides use the newest version that both know. Records
# travel in batches with one checksum; producer, disk and consumer have the same bytes, but for an
# offset and an epoch. Bytes that lie are refused by name where they can be read, and cost a
# connection where they cannot.
