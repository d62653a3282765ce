"""`audit`: the store, only for reading."""


@contextmanager
def trail_to_read(settings: StoreSettings) -> Iterator[Trail]:
    """Give the configured store's trail, only for reading; nothing is made where there is none. Raises `StoreError`."""
    kind, place = kind_and_place(settings)
    reader = DynamoDBStore(place) if kind == "dynamodb" else SQLiteReader(Path(place))
    try:
        reader.open()
        yield reader
    finally:
        reader.close()
