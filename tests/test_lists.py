from pathlib import Path

import pytest
from lists import Setting, people, press

from bot.action import Done, Unclear
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


def test_an_account_is_called_once_though_the_instance_dies_in_between(store: SQLiteStore) -> None:
    """The second instance goes on where the first one was killed, after its lease."""
    setting = Setting(store, people(60))
    listed = setting.confirmed(*(f"p{n:05}" for n in range(60)))

    class KilledError(BaseException):
        pass

    def die() -> None:
        if len(setting.pool.called_at) == 40:
            raise KilledError

    setting.pool.during = die
    with pytest.raises(KilledError):
        setting.run()
    setting.pool.during = lambda: None
    other = setting.another()
    other.sweep()
    assert len(setting.pool.called_at) == 40  # the lease of the first one holds
    setting.clock.sleep(21)
    other.sweep()
    while setting.get(listed).state is State.RUNNING:
        setting.clock.sleep(21)
        other.sweep()
    done = setting.get(listed)
    assert (done.state, done.contents.counts.done) == (State.DONE, 60)
    assert len(setting.pool.called_at) == 61  # one whose answer was lost
    assert sum(entry.kind is Kind.SIGNED_OUT for entry in setting.entries(done)) == 61


def test_a_list_that_no_one_worked_on_for_long_is_paused_until_someone_lets_it_go_on(store: SQLiteStore) -> None:
    setting = Setting(store, people(5))
    listed = setting.confirmed(*(f"p{n:05}" for n in range(5)))
    setting.clock.sleep(301)
    setting.run()
    paused = setting.get(listed)
    assert (paused.state, paused.contents.trouble, setting.pool.called_at) == (State.PAUSED, "TooLate", [])
    setting.run()
    assert setting.get(listed) == paused
    setting.rules.go_on(press(listed))
    setting.run()
    assert setting.get(listed).state is State.DONE


def test_a_stop_is_durable_and_says_what_was_done(store: SQLiteStore) -> None:
    setting = Setting(store, people(50))
    listed = setting.confirmed(*(f"p{n:05}" for n in range(50)))

    def stop() -> None:
        if len(setting.pool.called_at) == 20:
            setting.rules.stop(press(listed))

    setting.pool.during = stop
    setting.run()
    stopped = setting.get(listed)
    assert stopped.state is State.PARTLY
    assert 20 <= stopped.contents.counts.done < 40
    assert len(setting.pool.called_at) == stopped.contents.counts.done


def test_a_list_that_was_changed_after_the_decision_does_not_run(store: SQLiteStore) -> None:
    setting = Setting(store, people(5))
    listed = setting.confirmed("p00000", "p00001")
    store.put_portion(listed.id, 0, people(3)[1:])
    setting.run()
    failed = setting.get(listed)
    assert (failed.state, failed.error_code, setting.pool.called_at) == (State.FAILED, "ListChanged", [])


def test_the_pace_is_kept(store: SQLiteStore) -> None:
    setting = Setting(store, people(100))
    setting.confirmed(*(f"p{n:05}" for n in range(100)))
    setting.run()
    called = [at.timestamp() for at in setting.pool.called_at]
    assert all(sum(at <= other < at + 1 for other in called) <= 13 for at in called)
    assert 99 / (called[-1] - called[0]) > 0.98 * 12


def test_the_log_says_how_a_list_ended_and_alarms_look_for_that(
    store: SQLiteStore, caplog: pytest.LogCaptureFixture
) -> None:
    setting = Setting(store, people(2), answers=[Done("1"), Unclear("TimedOut")])
    with caplog.at_level("INFO", "bot.list_work"):
        setting.confirmed("p00000", "p00001")
        setting.run()
    assert [each.message for each in caplog.records if each.name == "bot.list_work"] == [
        "Ended as unknown after 2 accounts"
    ]
