"""Records and the bytes they become: RecordBatch v2, its checksum, its codecs.

    batch.py        the envelope: header, verifying, stamping, compressing again
    records.py      what is in it, for who must look inside
    builder.py      making one
    control.py      batches in which Kafka talks to itself (commit and abort markers, …)
    compression.py  none, gzip, snappy, lz4, zstd, with bounded decompression
    varint.py       the integers inside a record
    crc.py          CRC-32C
    errors.py       what can be wrong with a batch, by name

This folder imports nothing else of the package.
"""
