"""Replication: the copies of a partition, and how far the cluster vouches for its records.

partition.py   the leader's view of one partition: its log, its high watermark
manager.py     all partitions that this broker holds, and the timed care of their logs
"""
