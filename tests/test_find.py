"""Which accounts a target means, asked of the real adapter over real sockets; of Cognito's side, a stand-in."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from directory import Directory, user
from examples import asked
from headless import Headless

from bot.aws.clients import Clients
from bot.aws.phone_numbers import e164
from bot.aws.user_pool import CognitoUserPool
from bot.edge.lanes import together
from bot.errors import AccountNotFoundError, BotError, PoolUnavailableError
from bot.find import Finder
from bot.ports import Attribute
from bot.sandbox.wire import hang, refuse

SUB = "343d94cb-5ddd-4f39-ab9f-be013c348223"
ADA = user("ada", email="ada@example.com", phone_number="+4915112345678", sub=SUB)
GOOGLE = user("Google_123", provider="Google", email="ada@example.com", sub="9" + SUB[1:])
UPPER = user("grace", email="Grace@Example.com")
UUID_NAMED = user("7" + SUB[1:], email="linus@example.com", sub="7" + SUB[1:])
NAMED_LIKE_AN_EMAIL = user("ada@example.com", email="other@example.com")
ODD = user('a"b\\c')

Find = Callable[..., list[str]]


@pytest.fixture
def finder(headless: Headless, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Finder]]:
    for name, value in headless.environment.items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    cognito = Clients(10)

    def make(
        directory: Directory, pools: Sequence[str] = ("customers",), region: str | None = "DE", abroad: str = ""
    ) -> Finder:
        wire = headless.stage.weather.cognito
        headless.do(lambda: wire.always("ListUsers", directory.list_users))
        headless.do(lambda: wire.always("AdminGetUser", directory.admin_get_user))
        made = {name: CognitoUserPool(name, f"eu-central-1_{name}", "eu-central-1", cognito) for name in pools}
        country = {name: None if name == abroad else region for name in pools}
        return Finder(pools=made, e164=lambda text, name: e164(text, country[name]), together=together)

    yield make
    cognito.close()


def names(finder: Finder, target: str, *, exactly: bool = False) -> list[str]:
    return [account.username for account in finder.find(asked(target, exactly=exactly), list(finder.pools))]


@pytest.mark.parametrize(
    ("target", "found"),
    [
        ("ada", ["ada"]),
        ("ada@example.com", ["ada@example.com", "ada", "Google_123"]),
        ("ADA@example.com", ["ada", "Google_123"]),
        ("grace@example.com", ["grace"]),
        ("GRACE@EXAMPLE.COM", ["grace"]),
        ("+4915112345678", ["ada"]),
        ("+49 151 12345678", ["ada"]),
        ("0151/12345678", ["ada"]),
        ("(0151) 123-456-78", ["ada"]),
        ("0049 151 12345678", ["ada"]),
        ("4915112345678", ["ada"]),
        (SUB, ["ada"]),
        (SUB.upper(), ["ada"]),
        ("7" + SUB[1:], ["7" + SUB[1:]]),
        ("Google_123", ["Google_123"]),
        ('a"b\\c', ['a"b\\c']),
    ],
)
def test_a_target_is_found_as_user_name_email_phone_number_and_sub(
    finder: Callable[..., Finder], target: str, found: list[str]
) -> None:
    directory = Directory([ADA, GOOGLE, UPPER, UUID_NAMED, NAMED_LIKE_AN_EMAIL, ODD])
    assert names(finder(directory), target) == found


def test_exactly_means_the_user_name_and_nothing_else(finder: Callable[..., Finder]) -> None:
    directory = Directory([ADA, GOOGLE])
    assert names(finder(directory), "ada", exactly=True) == ["ada"]
    with pytest.raises(AccountNotFoundError, match="looking for a user name"):
        names(finder(directory), "ada@example.com", exactly=True)


@pytest.mark.parametrize(
    "target",
    ["ad", "Ada", "ada ", "ada@example.co", "+491511234567", "*", "=", "username", "ad\u0430", "\u212aim@example.com"],
)
def test_near_matches_are_none(finder: Callable[..., Finder], target: str) -> None:
    with pytest.raises(AccountNotFoundError):
        names(finder(Directory([ADA, user("kim", email="kim@example.com")])), target)


def test_a_filter_that_cognito_reads_too_widely_makes_no_match(finder: Callable[..., Finder]) -> None:
    """Whatever Cognito gives, it is compared again."""

    class Generous(Directory):
        async def list_users(self, exchange: Any) -> Any:
            exchange.call.parameters["Filter"] = 'username = "ada"'
            return await super().list_users(exchange)

    with pytest.raises(AccountNotFoundError):
        names(finder(Generous([ADA])), "grace@example.com")


def test_all_pages_are_read_and_empty_ones_followed(finder: Callable[..., Finder]) -> None:
    many = [user(f"ada-{number}", email="ada@example.com") for number in range(7)]
    assert len(names(finder(Directory(many, page=2, empty_pages=3)), "ada@example.com")) == 7


def test_a_user_that_listusers_does_not_know_yet_is_asked_for_by_name_once(
    finder: Callable[..., Finder], headless: Headless
) -> None:
    class Lagging(Directory):
        async def list_users(self, exchange: Any) -> Any:
            exchange.call.parameters["Filter"] = 'username = "nobody"'
            return await super().list_users(exchange)

    assert names(finder(Lagging([ADA])), "ada") == ["ada"]
    assert len(headless.cognito_calls("AdminGetUser")) == 1


def test_admingetuser_which_is_billed_is_not_called_for_whom_listusers_finds(
    finder: Callable[..., Finder], headless: Headless
) -> None:
    names(finder(Directory([ADA])), "ada")
    assert headless.cognito_calls("AdminGetUser") == []


@pytest.mark.parametrize("target", ['x" or email ^= "', "x\\", '"', 'ada"', "a\x00"])
def test_no_target_can_bend_a_filter(finder: Callable[..., Finder], target: str) -> None:
    directory = Directory([ADA, GOOGLE])
    with pytest.raises(AccountNotFoundError):
        names(finder(directory), target)
    assert directory.filters == []


@pytest.mark.parametrize("value", ["", 'x" or email ^= "', "x\\", "x y", "x" * 201, "\x00"])
def test_the_adapter_itself_refuses_a_value_that_no_filter_can_hold(
    finder: Callable[..., Finder], headless: Headless, value: str
) -> None:
    pool = finder(Directory([ADA])).pools["customers"]
    with pytest.raises(PoolUnavailableError):
        pool.list_users(Attribute.EMAIL, value)
    assert headless.cognito_calls() == []


def test_all_pools_are_asked_and_each_match_says_its_own(finder: Callable[..., Finder]) -> None:
    found = finder(Directory([ADA]), ["customers", "staff"]).find(asked("ada"), ["customers", "staff"])
    assert [account.pool for account in found] == ["customers", "staff"]


def test_where_a_pool_cannot_be_asked_nothing_is_certain(finder: Callable[..., Finder], headless: Headless) -> None:
    look = finder(Directory([ADA]), ["customers", "staff"])
    headless.before_cognito("ListUsers", refuse(400, "AccessDeniedException"))
    with pytest.raises(PoolUnavailableError, match="could not be asked, so it is not certain who is meant"):
        names(look, "ada")


def test_pools_are_asked_at_the_same_time(finder: Callable[..., Finder], headless: Headless) -> None:
    look = finder(Directory([ADA]), ["a", "b", "c"])
    headless.before_cognito("ListUsers", hang(), hang(), hang())
    with pytest.raises(PoolUnavailableError):
        names(look, "ada")
    first, *_, last = [call.at for call in headless.cognito_calls("ListUsers")]
    assert last - first < 2, "the second did not wait for the first's time-out"


@pytest.mark.parametrize(
    ("target", "region", "sentence"),
    [
        ("nobody", "DE", "No one was found in customers, looking for a user name. Check the spelling. In many pools"),
        ("no@example.com", "DE", "looking for a user name or email."),
        ("+49 30 123456", "DE", "looking for a user name or phone number."),
        ("030 123456", None, "write it with its country code, such as +49 30 123456."),
        ("0" + SUB[1:], "DE", "looking for a user name or sub."),
    ],
)
def test_no_match_says_where_it_looked_how_and_what_to_try(
    finder: Callable[..., Finder], target: str, region: str | None, sentence: str
) -> None:
    look = finder(Directory([ADA]), region=region)
    with pytest.raises(AccountNotFoundError) as caught:
        names(look, target)
    assert sentence in caught.value.sentence


def test_a_pool_that_takes_names_in_any_case_is_believed_about_its_own_names(finder: Callable[..., Finder]) -> None:
    class AnyCase(Directory):
        async def admin_get_user(self, exchange: Any) -> Any:
            exchange.call.parameters["Username"] = exchange.call.parameters["Username"].lower()
            return await super().admin_get_user(exchange)

    assert names(finder(AnyCase([ADA])), "Ada") == ["ada"]


def test_what_cognito_resolves_by_an_alias_alone_is_not_taken(finder: Callable[..., Finder]) -> None:
    class Lagging(Directory):
        async def list_users(self, exchange: Any) -> Any:
            exchange.call.parameters["Filter"] = 'username = "nobody"'
            return await super().list_users(exchange)

    with pytest.raises(AccountNotFoundError):
        names(finder(Lagging([ADA, GOOGLE])), "ada@example.com")


@pytest.mark.parametrize("where", [["customers"], ["staff"], ["customers", "staff"]])
def test_a_phone_number_that_only_some_pools_can_read_is_asked_for_with_its_country_code(
    finder: Callable[..., Finder], where: list[str]
) -> None:
    look = finder(Directory([ADA]), ["customers", "staff"], abroad="staff")
    if where == ["customers"]:
        assert [account.pool for account in look.find(asked("0151 12345678"), where)] == ["customers"]
        return
    with pytest.raises(BotError, match="country code, such as"):
        look.find(asked("0151 12345678"), where)
    assert len(look.find(asked("+49 151 12345678"), where)) == len(where)


def test_a_customers_number_that_looks_like_a_phone_number_is_found_all_the_same(
    finder: Callable[..., Finder],
) -> None:
    look = finder(Directory([user("10023417")]), ["customers", "staff"], abroad="staff")
    assert names(look, "10023417") == ["10023417", "10023417"]


def test_a_search_narrowed_to_one_pool_hints_at_the_others(finder: Callable[..., Finder]) -> None:
    look = finder(Directory([ADA]), ["customers", "staff"])
    with pytest.raises(AccountNotFoundError) as caught:
        look.find(asked("nobody"), ["staff"])
    assert "It may be in another pool." in caught.value.sentence


def test_a_federated_account_says_its_provider(finder: Callable[..., Finder]) -> None:
    (google,) = finder(Directory([GOOGLE])).find(asked("Google_123"), ["customers"])
    assert (google.provider, google.status) == ("Google", "EXTERNAL_PROVIDER")
    (ada,) = finder(Directory([ADA])).find(asked("ada"), ["customers"])
    assert ada.provider is None
    assert (ada.email, ada.phone, ada.sub) == ("ada@example.com", "+4915112345678", SUB)
    assert ada.modified_at
    assert ada.created_at


@pytest.mark.parametrize("identities", ["no JSON", "[]", "[{}]", "null", None])
def test_a_federated_account_whose_provider_cannot_be_read_is_found_all_the_same(
    finder: Callable[..., Finder], identities: str | None
) -> None:
    attributes = [each for each in GOOGLE["Attributes"] if each["Name"] != "identities"]
    odd = GOOGLE | {"Attributes": [*attributes, {"Name": "identities", "Value": identities}]}
    (found,) = finder(Directory([odd])).find(asked("Google_123"), ["customers"])
    assert found.provider == "another provider"
