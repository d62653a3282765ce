from dataclasses import replace
from pathlib import Path

import pytest
from examples import KIM, NOON, awaiting
from hypothesis import given
from hypothesis import strategies as st
from lists import people, portion

from bot.account import Account
from bot.list_accounts import accounts_of, child_id, child_of, digest_of, sizes_as_decided
from bot.listed import Listed
from bot.request import Approval, Request, State, new_id
from bot.stores.sqlite.store import SQLiteStore


@pytest.fixture
def store(tmp_path: Path) -> SQLiteStore:
    store = SQLiteStore(tmp_path / "signout.db")
    store.open()
    return store


def stored(store: SQLiteStore, accounts: list[Account], portion: int = 2) -> Request:
    """Return a list of these accounts, so many in a portion."""
    request, digest, number = awaiting(chosen=None, candidates=()), "", 0
    for number, start in enumerate(range(0, len(accounts), portion)):
        some = accounts[start : start + portion]
        store.put_portion(request.id, number, some)
        digest = digest_of(some, digest)
    listed = Listed(pool="customers", pool_id="p", region="r", size=len(accounts), portions=number + 1, digest=digest)
    return replace(request, listed=listed)


def nothing() -> None:
    """Do nothing meanwhile."""


def test_accounts_come_in_order_with_their_places_and_nothing_that_the_list_does_not_name(store: SQLiteStore) -> None:
    request = stored(store, people(5))
    store.put_portion(request.id, 3, people(9)[8:])
    store.put_portion(request.id, 7, people(8)[7:])
    assert [(n, each.username) for n, each in accounts_of(store, request)] == [(n, f"p{n:05}") for n in range(5)]
    chosen = replace(request, listed=replace(request.contents, chosen=(4,)))
    assert [each.username for _, each in accounts_of(store, chosen)][5:] == ["p00007"]


@pytest.mark.parametrize("settled", range(7))
def test_portions_of_which_all_accounts_are_settled_are_not_read_again(store: SQLiteStore, settled: int) -> None:
    request, read = stored(store, people(5)), list[int]()
    store.put_portion(request.id, 4, people(6)[5:])
    chosen = replace(request, listed=replace(request.contents, chosen=(1,)))
    rest = accounts_of(store, chosen, lambda: read.append(1), sizes=[2, 2, 1, 1], settled=settled)
    first = settled if settled in {5, 6} else settled // 2 * 2
    assert [(n, each.username) for n, each in rest] == [(n, f"p{n:05}") for n in range(first, 6)]
    assert len(read) == {0: 4, 1: 4, 2: 3, 3: 3, 4: 2, 5: 1, 6: 0}[settled]


def test_something_can_be_done_before_each_portion_is_read(store: SQLiteStore) -> None:
    request, done = stored(store, people(5)), list[int]()
    list(accounts_of(store, request, lambda: done.append(1)))
    assert sizes_as_decided(store, request, lambda: done.append(2)) == [2, 2, 1]
    assert done == [1, 1, 1, 2, 2, 2]


@given(st.lists(st.sampled_from(people(4)), max_size=6), st.lists(st.sampled_from(people(4)), max_size=6))
def test_two_digests_are_the_same_only_for_the_same_accounts_in_the_same_order(
    some: list[Account], others: list[Account]
) -> None:
    assert (digest_of(some) == digest_of(others)) is (some == others)
    assert digest_of(others, digest_of(some)) != digest_of(others)


CHANGES = {
    "another account": lambda accounts: [*accounts[:1], people(9)[8]],
    "one more": lambda accounts: [*accounts, people(9)[8]],
    "one fewer": lambda accounts: accounts[:1],
    "none": lambda _: [],
    "another order": lambda accounts: accounts[::-1],
    "another person under the same user name": lambda accounts: [replace(accounts[0], sub="other"), *accounts[1:]],
    "another pool": lambda accounts: [replace(accounts[0], pool_id="eu-central-1_Other"), *accounts[1:]],
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_list_of_which_any_portion_was_changed_is_not_as_decided(
    store: SQLiteStore, number: int, change: object
) -> None:
    assert callable(change)
    request = stored(store, people(6))
    assert sizes_as_decided(store, request, nothing)
    store.put_portion(request.id, number, change(list(portion(store, request.id, number))))
    assert sizes_as_decided(store, request, nothing) is None


def test_a_list_of_other_accounts_than_were_approved_is_not_as_decided(store: SQLiteStore) -> None:
    request = stored(store, people(6))
    for digest, is_right in ((request.contents.digest, True), ("other", False), (None, False)):
        approval = Approval(asked_at=NOON, channel_id="C0APPROVE1", approver=KIM, digest=digest)
        sizes = sizes_as_decided(store, replace(request, approval=approval), nothing)
        assert sizes == ([2, 2, 2] if is_right else None)


@given(st.integers(0, 200_000), st.integers(0, 200_000))
def test_the_request_of_an_account_has_one_id_that_no_other_has(index: int, other: int) -> None:
    first, second = LISTS
    assert (child_id(first, index) == child_id(first, other)) is (index == other)
    assert child_id(first, index) != child_id(second, other)
    assert child_id(first, index)[:10] == first[:10]  # it sorts beside its list


LISTS = (new_id(NOON), new_id(NOON))


def test_the_request_of_an_account_is_decided_by_whom_the_list_was_and_as_of_now(store: SQLiteStore) -> None:
    approval = Approval(asked_at=NOON, channel_id="C0APPROVE1", approver=KIM)
    request = replace(stored(store, people(3)), approval=approval)
    later = NOON.replace(hour=13)
    child = child_of(request, 1, people(2)[1], later)
    assert (child.state, child.decided_at, child.list_id, child.approval) == (State.READY, later, request.id, approval)
    assert (child.ask.operator, child.ask.options.reason) == (request.ask.operator, request.ask.options.reason)
    assert (child.account, child.listed, child.tracks_sessions) == (people(2)[1], None, False)
