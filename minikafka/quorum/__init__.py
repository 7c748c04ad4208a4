"""Who decides for the cluster: the metadata log, and what it says.

controller.py    what may be created and deleted: decides, in records
metadata_log.py  those records, in `__cluster_metadata-0`, in Kafka's own encoding
image.py         what all records so far add up to
"""
