"""Measuring: a broker under load beside Apache Kafka and the bare disk, and the simulator."""
