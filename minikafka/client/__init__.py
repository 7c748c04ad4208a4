"""What producer, consumer and admin share: finding the cluster and talking to it.

    facade.py      a client on the outside: blocking calls on a machine in some world
    node.py        the machine under it: connections, versions, requests and their answers
    metadata.py    its picture of the cluster: who leads what
    config.py      the configs that every client has
    arguments.py   what a program may hand in

`producer/`, `consumer/` and `admin.py` put a subclass of `ClientNode` and one of `Facade` on top.
"""
