"""The store in one DynamoDB table, for any number of instances.

table.py   what the table is: its keys, its one index, what is where, and what an instance may do with it
create.py  makes the table, and switches on what protects it
schema.py  which version of the bot the table belongs to
calls.py   calls to DynamoDB, each tried again for a few seconds
items.py   keys; requests, entries and cards as items, and back; what a write is made of
store.py   the store
lists.py   what it keeps of lists beside the requests that they are
reader.py  all entries, month by month; for the store, and for someone who may not write
"""
