"""minikafka: Apache Kafka, small enough to read."""
