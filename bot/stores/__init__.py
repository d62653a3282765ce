"""Where requests, audit entries and cards live: one contract (ports.py), kept by every store.

documents.py  a request and an entry as one JSON document, and back; shared by all stores
sqlite/       one file on a local disk, for exactly one instance
dynamodb/     one table, for any number of instances
"""
