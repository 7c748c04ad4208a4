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
# # Kafka, understood by running it
#
# Here is Kafka in Python, small enough to read: brokers, logs, clients, the wire. Each chapter
# lets you run a part of it, look at what it does, and break it. The same code runs in a
# simulator, where time stands still while you look, and on real sockets.
#
# A chapter is a notebook. You do four things in it:
#
# - **Predict.** A question comes before the run. Choose an answer: it is kept, and compared
#   with what happened. Nothing waits for it.
# - **Run.** `Shift`+`Enter` runs a cell. The same seed gives the same run, so your numbers are
#   those of the text, until you change something.
# - **Look.** Press play in a picture, or walk through it with the arrow keys.
# - **Do.** Exercises check themselves. They say what is missing, never what the answer is.

# %% [markdown]
# ## The chapters
#
# **Start where you like:** each chapter begins in an empty world and needs no other to have
# been run. If you are new to Kafka, begin with 00.

# %%
from minikafka.lab import Progress, contents, predict, reveal

contents()

# %% [markdown]
# ## How far you are
#
# Run this cell to see what you have done.

# %%
Progress()

# %% [markdown]
# A tick is an accepted exercise. JupyterLab keeps this in one file,
# `~/.local/share/minikafka/progress.json`; delete it to begin anew. `MINIKAFKA_PROGRESS` names
# another place.
#
# ## Try it
#
# Four lines are a broker, a producer and a record. **Predict first:**

# %%
predict(
    "try.a",
    "A log is empty. Which offset does its first record get?",
    ["0", "1", "none, until somebody has read it"],
)

# %%
import minikafka as mk

sim = mk.Simulator(seed=7)
sim.broker()
sim.admin().create_topics([mk.NewTopic("orders")])
first = sim.producer().send("orders", b"tea").result()
first

# %%
reveal("try.a", first.offset)

# %% [markdown]
# The answer came from a broker that speaks Kafka's protocol and wrote Kafka's file format,
# though all of it happened inside this notebook. Chapter 00 plays the whole game.
