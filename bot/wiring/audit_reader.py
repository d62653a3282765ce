"""`audit`: the store, only for reading."""
