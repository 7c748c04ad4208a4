"""`python -m minikafka …` is the same as `minikafka …`."""

from minikafka.cli import main

main()
