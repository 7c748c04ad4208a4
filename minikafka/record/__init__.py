"""Records and the bytes they become: RecordBatch v2, its checksum, its codecs.

    batch.py        the format: header, building, reading, verifying, stamping
    control.py      batches in which Kafka talks to itself (commit and abort markers, …)
    compression.py  none, gzip, snappy, lz4, zstd, with bounded decompression
    varint.py       the integers inside a record
    crc.py          CRC-32C
    errors.py       what can be wrong with a batch, by name

This folder imports nothing else of the package.
"""
