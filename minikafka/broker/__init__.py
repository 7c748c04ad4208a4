"""One broker: a machine that answers requests.

broker.py         the machine: start, receive, poll, stop
apis/             one file per API: what each request is answered with
purgatory.py   fetches that wait for data
sessions.py    what a client's incremental fetches need not repeat
config.py      the broker's configs; described.py shows configs to clients
identity.py    whose data directory this is
"""
