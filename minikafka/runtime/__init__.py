"""The two worlds that carry nodes: a seeded simulator and real sockets. Both turn the same loop."""
