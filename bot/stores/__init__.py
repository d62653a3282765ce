"""Where requests, audit entries and cards live: one contract (store_ports.py), kept by every store.

documents.py  requests, entries and cards as the values that a store keeps, and back; shared by all stores
following.py  what following the trail is; shared by all stores
waiting.py    what waits, and how it is taken, put off and ended; shared by all stores
probe.py      whether `check` finds a store that can be used
sqlite/       one file on a local disk, for exactly one instance
dynamodb/     one table, for any number of instances
"""
