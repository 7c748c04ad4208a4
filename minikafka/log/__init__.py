"""Kafka's log: an append-only sequence of batches in files, and everything that keeps it honest.

Read in this order:

    files.py        the disk seam
    config.py       the topic configs that shape a log
    names.py        which names are ours: all else in a directory stays untouched
    checkpoint.py   the small text files: offsets, epochs, topic id, clean shutdown
    index.py        offset → position and timestamp → offset, sparse
    segment.py      one .log file with its indexes
    epochs.py       which leader epoch began at which offset
    producers.py    who wrote what last: de-duplication of retries
    validate.py     what an append must be before it may change anything
    recovery.py     opening what a crash has left
    log.py          the log of one partition: all of the above together
    directory.py    all logs of one broker
    dump.py         what the files hold, for people
"""
