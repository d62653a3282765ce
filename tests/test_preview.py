import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from examples import ADA, NOON, SAM, asked, done_in
from hypothesis import given, settings
from hypothesis import strategies as st
from lists import Always, EventfulClock, ListPool, Setting, people, portion, press

from bot import preview as module
from bot.account import Account
from bot.action import Done
from bot.audit import Kind
from bot.decide import AlreadyDecidedError
from bot.errors import AccountNotFoundError, ClockChangedError, PoolUnavailableError, UsageError
from bot.limits import Protection
from bot.listed import LONGEST_NAMED, MOST_NAMED, Listed
from bot.lists import Wanted
from bot.options import Attribute
from bot.pace import Pace
from bot.preview import ACCOUNTS_IN_A_PORTION, MOST_CANDIDATES, MOST_CHOICES, UNNOTED_FOR
from bot.request import Request, State
from bot.settings.syntax import LEAST_PER_SECOND
from bot.stores.sqlite.store import SQLiteStore

THROTTLED = PoolUnavailableError("Cognito throttled.", "TooManyRequestsException", may_retry=True)
SILENT = PoolUnavailableError("Cognito does not answer.")


@pytest.fixture
def store(tmp_path: Path) -> SQLiteStore:
    return opened(tmp_path / "signout.db")


def opened(path: Path) -> SQLiteStore:
    store = SQLiteStore(path)
    store.open()
    return store


@dataclass
class Asked(ListPool):
    """A pool that counts what it is asked, and raises what is next in `troubles`."""

    looks: list[str] = field(default_factory=list)
    pages: int = 0
    troubles: list[PoolUnavailableError | None] = field(default_factory=list)
    first_raises: int = 0  # so many questions are answered before

    def list_users(self, attribute: Attribute, value: str) -> list[Account]:
        self.looks.append(value)
        self._may_raise()
        return super().list_users(attribute, value)

    def get_user(self, username: str) -> Account | None:
        """Resolve an alias, in any case: as Cognito does."""
        self.looks.append(username)
        self._may_raise()
        low = username.lower()
        return next((each for each in self.accounts if low in {each.username.lower(), each.email}), None)

    def everyone(self, token: str | None = None) -> tuple[Sequence[Account], str | None]:
        self.pages += 1
        self._may_raise()
        return super().everyone(token)

    def _may_raise(self) -> None:
        if len(self.looks) + self.pages > self.first_raises and self.troubles and (error := self.troubles.pop(0)):
            raise error


def asking(store: SQLiteStore, accounts: Sequence[Account], **changes: Any) -> tuple[Setting, Asked]:
    setting = Setting(store, accounts, pools=Asked, **changes)
    assert isinstance(setting.pool, Asked)
    return setting, setting.pool


def accounts_in(store: SQLiteStore, request: Request) -> list[str]:
    """Return the user names in a list, in its order."""
    return [each.username for number in request.contents.numbers for each in portion(store, request.id, number)]


def test_lines_that_lead_nowhere_are_left_out_and_named(store: SQLiteStore) -> None:
    setting = Setting(store, people(3))
    listed = setting.preview("p00001", "nobody", "", "two words", "p\u202e1", "x" * 129, "no@example.com").contents
    assert (listed.lines, listed.size) == (7, 1)
    assert listed.not_found.first == ("nobody", "no@example.com")
    assert listed.unreadable.first == ("", "two words", "p\u202e1", "x" * 129)


def test_it_counts_all_lines_that_are_left_out_and_names_the_first_ones_only_so_far(store: SQLiteStore) -> None:
    setting = Setting(store, people(3))
    listed = setting.preview("p00001", *("two words" * 1000 for _ in range(200))).contents
    assert listed.unreadable.count == 200
    assert len(listed.unreadable.first) == MOST_NAMED
    assert {len(line) for line in listed.unreadable.first} == {LONGEST_NAMED}


def test_an_account_is_in_a_list_once_though_different_lines_name_it(store: SQLiteStore) -> None:
    setting = Setting(store, people(3))
    first = people(1)[0]
    request = setting.preview("p00000", str(first.email), str(first.sub), str(first.sub).upper(), "p00001")
    assert (request.contents.size, request.contents.twice) == (2, 3)
    assert accounts_in(store, request) == ["p00000", "p00001"]


def shared(count: int) -> list[Account]:
    """Return accounts that have one preferred_username."""
    return people(count, preferred_username="twin")


def test_a_line_that_means_several_is_left_out_and_so_many_choices_are_offered(store: SQLiteStore) -> None:
    setting = Setting(store, shared(15))
    request = setting.preview("p00000", "twin")
    listed = request.contents
    assert (listed.size, listed.several.first) == (1, ("twin",))
    (choice,) = listed.choices
    assert (choice.line, choice.begin, choice.count) == ("twin", 0, MOST_CANDIDATES)
    assert len(request.candidates) == MOST_CANDIDATES


def test_only_the_first_lines_that_mean_several_offer_a_choice(store: SQLiteStore) -> None:
    twins = [replace(each, preferred_username=f"twin{n // 2}") for n, each in enumerate(people(20))]
    setting = Setting(store, twins)
    request = setting.preview("p00000", *(f"twin{n}" for n in range(10)))
    listed = request.contents
    assert listed.several.count == 10
    assert [choice.line for choice in listed.choices] == [f"twin{n}" for n in range(MOST_CHOICES)]
    for choice in listed.choices:
        offered = request.candidates[choice.begin : choice.begin + choice.count]
        assert {each.preferred_username for each in offered} == {choice.line}


PROTECTIONS = {
    "a group": Protection(groups=frozenset({"staff", "vip"})),
    "a user name": Protection(usernames=frozenset({"P00001"})),
    "a sub": Protection(subs=frozenset({str(people(2)[1].sub)})),
    "a group, where a second person may approve it": Protection(groups=frozenset({"staff"}), may_approve=True),
}


@pytest.mark.parametrize("protection", PROTECTIONS.values(), ids=PROTECTIONS)
def test_a_protected_account_is_left_out_and_offered_in_no_choice(store: SQLiteStore, protection: Protection) -> None:
    setting = Setting(store, shared(3), changes={"protections": {"customers": protection}})
    setting.pool.groups = {"p00001": frozenset({"staff"})}
    request = setting.preview(*setting.names(), "twin")
    assert request.contents.protected.first == ("p00001",)
    assert accounts_in(store, request) == ["p00000", "p00002"]
    assert [each.username for each in request.candidates] == ["p00000", "p00002"]


def test_the_members_of_each_group_are_asked_for_once_whatever_the_size_of_the_list(store: SQLiteStore) -> None:
    protection = Protection(groups=frozenset({"staff", "vip"}))
    setting = Setting(store, people(30), changes={"protections": {"customers": protection}})
    setting.preview(*setting.names())
    assert setting.pool.asked_for_groups == ["staff", "vip"]


def test_while_it_is_not_known_who_is_protected_there_is_no_list(store: SQLiteStore) -> None:
    setting = Setting(store, people(3), changes={"protections": {"customers": Protection(groups=frozenset({"vip"}))}})
    setting.pool.silent = SILENT
    with pytest.raises(PoolUnavailableError):
        setting.preview("p00000")
    assert [entry.kind for entry in store.entries(None, None)] == [Kind.OPENED, Kind.CANCELLED]


def test_accounts_that_were_signed_out_within_the_hour_are_counted_and_stay(store: SQLiteStore) -> None:
    setting = Setting(store, people(3))
    for minutes, account in zip((61, 59), setting.accounts, strict=False):
        done_in(store, NOON - timedelta(minutes=minutes), candidates=(account,), chosen=account)
    request = setting.preview(*setting.names())
    assert (request.contents.size, request.contents.recent) == (3, 1)


@pytest.mark.parametrize(("lines", "pages", "is_read"), [(10, 10, True), (10, 11, False), (9, 1, False), (30, 1, True)])
def test_the_pool_is_read_once_if_it_has_no_more_pages_than_there_are_lines(
    store: SQLiteStore, lines: int, pages: int, *, is_read: bool
) -> None:
    setting, pool = asking(store, people(max(lines, pages)))
    pool.page_size = -(-len(pool.accounts) // pages)
    request = setting.preview(*setting.names()[:lines])
    assert request.contents.size == lines
    assert bool(pool.looks) is not is_read
    assert pool.pages == (pages if is_read else (lines + 1 if lines >= 10 else 0))


TARGETS = st.lists(
    st.one_of(
        st.sampled_from(
            [
                "ada",
                "ADA",
                "Ada",
                "ada@example.com",
                "ADA@example.com",
                "bob",
                "twin",
                "Twin",
                "nobody",
                "a b",
                "",
                "<ada>",
            ]
        ),
        st.sampled_from(
            [str(ADA.sub), str(ADA.sub).upper(), "+4930123456", "eve@example.com", "'ada'", "vip", "<vip>"]
        ),
    ),
    min_size=10,
    max_size=25,
)
POOL = [
    ADA,
    replace(ADA, username="bob", sub="b", email="BOB@example.com", preferred_username="twin"),
    replace(ADA, username="eve", sub="e", email="eve@example.com", preferred_username="twin"),
    replace(ADA, username="mallory", sub="m", email="eve@example.com", preferred_username="ada"),
    replace(ADA, username="vip", sub="v", email=None, phone="+4930123456"),
]


@settings(max_examples=60)
@given(lines=TARGETS, seed=st.integers(0, 9))
def test_the_same_list_comes_of_reading_the_pool_once_and_of_looking_each_line_up(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], seed: int
) -> None:
    found = list[object]()
    for read_from in (10, 1000):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "READ_ONCE_FROM", read_from)
            store = opened(tmp_path_factory.mktemp("both") / "signout.db")
            accounts = random.Random(seed).sample(POOL, len(POOL))
            protection = Protection(usernames=frozenset({"vip"}))
            setting, pool = asking(store, accounts, changes={"protections": {"customers": protection}})
            try:
                request = setting.preview(*lines)
            except AccountNotFoundError as error:
                found.append(str(error))
            else:
                candidates = [sorted(each.username for each in request.candidates)]
                found.append((request.contents, accounts_in(store, request), candidates))
            read = any(1 for _ in range(pool.pages))
            assert read is (read_from == 10 and sum(_is_read(line) for line in lines) >= 10)
            store.close()
    assert found[0] == found[1]


def _is_read(line: str) -> bool:
    return line not in {"", "a b"}


def test_it_is_told_now_and_then_how_far_the_look_up_is(store: SQLiteStore) -> None:
    setting = Setting(store, people(60))
    told: list[Listed] = []
    request = setting.preview(*_slowly(setting), looking=lambda each: told.append(each.contents))
    assert [each.size for each in told] == sorted({each.size for each in told})
    assert len(told) > 3
    assert request.version == len(told) + 2


def _slowly(setting: Setting) -> list[str]:
    """Return lines whose look-up takes a second for each call."""
    real = setting.pool.list_users

    def list_users(attribute: Attribute, value: str) -> list[Account]:
        setting.clock.sleep(1)
        return real(attribute, value)

    setting.pool.list_users = list_users  # type: ignore[method-assign]
    setting.pool.page_size = 1
    return setting.names()[:-10]


def test_a_cancel_on_the_way_ends_the_look_up(store: SQLiteStore) -> None:
    setting = Setting(store, people(60))

    def cancel(request: Request) -> None:
        if setting.get(request).state is State.PREVIEWING:
            setting.rules.cancel(press(request))

    with pytest.raises(AlreadyDecidedError) as error:
        setting.preview(*_slowly(setting), looking=cancel)
    assert error.value.request.state is State.CANCELLED
    assert setting.clock.now() < NOON + timedelta(minutes=1)
    assert [entry.kind for entry in store.entries(None, None)] == [Kind.OPENED, Kind.CANCELLED]


def test_a_look_up_whose_process_died_expires_and_one_that_goes_on_does_not(store: SQLiteStore) -> None:
    class KilledError(BaseException):
        pass

    setting = Setting(store, people(300))
    lines, looking = _slowly(setting), list[Request]()

    def die(request: Request) -> None:
        setting.rules.expire()
        if setting.clock.now() > NOON + 1.5 * UNNOTED_FOR:
            looking.append(request)
            raise KilledError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(setting.rules), "_end", lambda *_: None)  # a killed process ends nothing
        with pytest.raises(KilledError):
            setting.preview(*lines, looking=die)
    (request,) = looking
    setting.rules.expire()
    assert setting.get(request).state is State.PREVIEWING
    setting.clock.sleep(UNNOTED_FOR.total_seconds() + 6)
    setting.rules.expire()
    assert setting.get(request).state is State.EXPIRED


@pytest.mark.parametrize("pace", [LEAST_PER_SECOND, 2, 12])
def test_a_look_up_does_not_expire_however_slow_the_pace_is(store: SQLiteStore, pace: float) -> None:
    clock = EventfulClock()
    setting = Setting(store, people(1), clock=clock)
    setting.rules = replace(setting.rules, per_second=pace, look_ups=lambda _: Pace(clock=clock, per_second=pace))
    for second in range(1000):
        clock.at(second, setting.rules.expire)
    assert setting.preview(*(f"<Nobody.{n}@Example.com>" for n in range(8)), "p00000").contents.size == 1


def test_a_clock_that_was_set_while_lines_were_looked_up_opens_no_list(store: SQLiteStore) -> None:
    setting, pool = asking(store, people(3))
    setting.clock.error = lambda: ClockChangedError() if pool.looks else None
    with pytest.raises(ClockChangedError):
        setting.preview(*setting.names())
    assert [entry.kind for entry in store.entries(None, None)] == [Kind.OPENED, Kind.CANCELLED]


def test_where_nothing_is_left_there_is_no_list_and_it_is_said_why(store: SQLiteStore) -> None:
    setting = Setting(
        store, shared(2), changes={"protections": {"customers": Protection(usernames=frozenset({"p00000"}))}}
    )
    with pytest.raises(AccountNotFoundError, match="1 not found, 1 with several accounts, 1 protected, 1 not readable"):
        setting.preview("p00000", "twin", "nobody", "a b")
    assert [entry.kind for entry in store.entries(None, None)] == [Kind.OPENED, Kind.CANCELLED]


@pytest.mark.parametrize("everyone", [False, True])
def test_where_cognito_fails_on_the_way_there_is_no_list(store: SQLiteStore, *, everyone: bool) -> None:
    setting, pool = asking(store, people(20))
    pool.page_size, pool.first_raises, pool.troubles = 1, 12, [SILENT]
    with pytest.raises(PoolUnavailableError):
        setting.preview(*setting.names()[:15], everyone=everyone)
    assert [entry.kind for entry in store.entries(None, None)] == [Kind.OPENED, Kind.CANCELLED]


def test_a_look_up_that_cognito_throttles_goes_on_more_slowly(store: SQLiteStore) -> None:
    setting, pool = asking(store, people(20))
    pool.page_size, pool.first_raises, pool.troubles = 1, 12, [THROTTLED, None, THROTTLED]
    request = setting.preview(*setting.names()[:15])
    assert request.contents.size == 15


def test_portions_have_so_many_accounts_and_no_more_text_than_an_item_holds(store: SQLiteStore) -> None:
    long = people(450, provider="P" * 2000, preferred_username="x" * 2000)
    for accounts, most in ((people(450), ACCOUNTS_IN_A_PORTION), (long, 40)):
        request = Setting(store, accounts).preview(everyone=True)
        assert request.contents.size == 450
        portions = [portion(store, request.id, number) for number in request.contents.numbers]
        assert sum(map(len, portions)) == 450
        assert max(map(len, portions)) <= most
        assert all(each.preferred_username is None and each.status is None for some in portions for each in some)


def test_the_whole_pool_is_a_list_without_looking_anyone_up(store: SQLiteStore) -> None:
    setting, pool = asking(store, people(150))
    request = setting.preview(everyone=True)
    assert (request.contents.everyone, request.contents.size, request.contents.lines) == (True, 150, 150)
    assert (pool.looks, pool.pages) == ([], 3)
    assert accounts_in(store, request) == setting.names()


def test_the_digest_tells_lists_apart_by_their_accounts_and_the_order_of_these(store: SQLiteStore) -> None:
    setting = Setting(store, people(3), answers=Always(Done("aws-1")))
    orders = (["p00000", "p00001"], ["p00001", "p00000"], ["p00000", "p00001", "p00002"], ["p00000", "p00001"])
    digests = [setting.preview(*order).contents.digest for order in orders]
    assert digests[0] == digests[3]
    assert len(set(digests)) == 3


def test_a_list_is_of_one_pool_and_can_only_sign_out(store: SQLiteStore) -> None:
    setting = Setting(store, people(3))
    ask = asked("", pool="customers", action="keep_out", operator=SAM)
    with pytest.raises(UsageError, match="only sign out"):
        setting.rules.preview(setting.rules.authorize(asked("")), ask, Wanted(lines=["p00000"]), None, print)
