"""The store in one SQLite file on a local disk, for exactly one instance.

schema.py      the tables, and what a file is: a store of this bot, of another version of it, or something else
migrate.py     opens a file for writing: takes a file of an earlier schema to the present one, in small portions
statements.py  every statement that the store runs
file.py        the file, opened by each thread on its own connection, and its faults
lists.py       what the store keeps of lists beside the requests that they are
store.py       the store, and what someone who may not write reads of it: all entries, page by page
"""
