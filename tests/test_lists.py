from pathlib import Path

import pytest
from lists import Setting, people, press

from bot.audit import Kind
from bot.request import State
from bot.stores.sqlite.store import SQLiteStore


@pytest.fixture
def store(tmp_path: Path) -> SQLiteStore:
    store = SQLiteStore(tmp_path / "signout.db")
    store.open()
    return store


def test_a_list_is_previewed_confirmed_and_each_account_signed_out_once(store: SQLiteStore) -> None:
    setting = Setting(store, people(250))
    listed = setting.preview(*(f"p{n:05}" for n in range(250)), "p00000", "nobody")
    contents = listed.contents
    assert (contents.lines, contents.size, contents.twice, contents.not_found.count) == (252, 250, 1, 1)
    ready = setting.rules.confirm(press(listed))
    assert ready.state is State.READY
    setting.run()
    done = setting.get(ready)
    assert (done.state, done.contents.counts.done) == (State.DONE, 250)
    kinds = [entry.kind for entry in setting.entries(done)]
    assert kinds.count(Kind.SIGNED_OUT) == 251
    assert len({entry.ask.id for entry in setting.entries(done)}) == 251
