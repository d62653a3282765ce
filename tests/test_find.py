"""Which accounts a target means, asked of the real adapter over real sockets; of Cognito's side, a stand-in."""

import unicodedata
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
from bot.find import MAX_MORE_LOOKS, Finder
from bot.options import Attribute
from bot.sandbox.cognito import Moto
from bot.sandbox.wire import hang, refuse

SUB = "343d94cb-5ddd-4f39-ab9f-be013c348223"
ADA = user("ada", email="ada@example.com", phone_number="+4915112345678", sub=SUB)
GOOGLE = user("Google_123", provider="Google", email="ada@example.com", sub="9" + SUB[1:])
COUNTESS = user("ada", email="ada@example.com", phone_number="+4915112345678", sub=SUB, preferred_username="countess")
UPPER = user("grace", email="Grace@Example.com")
GRACES_EMAIL = "Grace@Example.com"
UUID_NAMED = user("7" + SUB[1:], email="linus@example.com", sub="7" + SUB[1:])
NAMED_LIKE_AN_EMAIL = user("ada@example.com", email="other@example.com")
ODD = user('a"b\\c')

Find = Callable[..., list[str]]


@pytest.fixture(scope="module")
def stage(moto: Moto) -> Iterator[Headless]:
    """A stage without anyone: all who can be found are on the wire."""
    with Headless(moto, ()) as made:
        yield made


@pytest.fixture(scope="module")
def cognito(stage: Headless) -> Iterator[Clients]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in stage.environment.items():
            if name.startswith("AWS_"):
                patch.setenv(name, value)
        clients = Clients(10)
        yield clients
        clients.close()


@pytest.fixture
def headless(stage: Headless) -> Headless:
    """The stage, with nothing on its wire."""
    wire = stage.stage.weather.cognito
    stage.do(wire.clear)
    stage.do(wire.calls.clear)
    return stage


@pytest.fixture
def finder(headless: Headless, cognito: Clients) -> Callable[..., Finder]:
    def make(
        directory: Directory, pools: Sequence[str] = ("customers",), region: str | None = "DE", abroad: str = ""
    ) -> Finder:
        wire = headless.stage.weather.cognito
        headless.do(lambda: wire.always("ListUsers", directory.list_users))
        headless.do(lambda: wire.always("AdminGetUser", directory.admin_get_user))
        made = {name: CognitoUserPool(name, f"eu-central-1_{name}", "eu-central-1", cognito) for name in pools}
        country = {name: None if name == abroad else region for name in pools}
        return Finder(pools=made, e164=lambda text, name: e164(text, country[name]), together=together)

    return make


def names(finder: Finder, target: str, *, exactly: bool = False) -> list[str]:
    return [account.username for account in finder.find(asked(target, exactly=exactly), list(finder.pools)).accounts]


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


@pytest.mark.parametrize(
    ("username", "found"),
    [
        ("ada", ["ada"]),
        ("ada@example.com", ["ada", "Google_123"]),
        ("+4915112345678", ["ada"]),
        (SUB, ["ada"]),
        ("countess", ["ada"]),
        (GRACES_EMAIL, ["grace"]),
    ],
)
def test_username_is_what_cognito_takes_for_it_and_two_accounts_behind_one_email_are_a_choice(
    finder: Callable[..., Finder], username: str, found: list[str]
) -> None:
    assert names(finder(Directory([COUNTESS, GOOGLE, UPPER])), username, exactly=True) == found


def test_username_is_a_user_name_or_sub_before_anything_else(finder: Callable[..., Finder]) -> None:
    look = finder(Directory([NAMED_LIKE_AN_EMAIL, ADA]))
    assert names(look, "ada@example.com", exactly=True) == ["ada@example.com"]
    assert names(look, "ada@example.com") == ["ada@example.com", "ada"]


@pytest.mark.parametrize("exactly", [True, False])
def test_a_preferred_username_counts_where_nothing_else_does(
    finder: Callable[..., Finder], headless: Headless, *, exactly: bool
) -> None:
    """Else anyone who may set their own would be in the way of others; and each card would cost one look-up more."""
    look = finder(Directory([user("mallory", preferred_username="ada"), user("eve", preferred_username=SUB), ADA]))
    assert names(look, "ada", exactly=exactly) == ["ada"]
    assert len(headless.cognito_calls("ListUsers")) == 1
    assert names(look, SUB, exactly=exactly) == ["ada"]
    assert names(finder(Directory([COUNTESS, GOOGLE])), "countess", exactly=exactly) == ["ada"]


class EachItsOwn(Directory):
    """Each pool has its own users."""

    def __init__(self, **users: Sequence[dict[str, Any]]) -> None:
        super().__init__([])
        self.users = users

    def _of(self, exchange: Any) -> None:
        self._users = list(self.users[exchange.call.parameters["UserPoolId"].removeprefix("eu-central-1_")])

    async def list_users(self, exchange: Any) -> Any:
        self._of(exchange)
        return await super().list_users(exchange)

    async def admin_get_user(self, exchange: Any) -> Any:
        self._of(exchange)
        return await super().admin_get_user(exchange)


@pytest.mark.parametrize("typed", ["grace", '"grace"', SUB])
def test_a_preferred_username_in_one_pool_is_not_in_the_way_of_another_pool(
    finder: Callable[..., Finder], typed: str
) -> None:
    many = [user(f"mallory-{number}", preferred_username=typed.strip('"'), sub=f"{number}") for number in range(11)]
    look = finder(EachItsOwn(customers=many, staff=[user("grace", sub=SUB)]), ["customers", "staff"])
    assert names(look, typed) == ["grace"]
    look = finder(EachItsOwn(customers=many[:2], staff=many[2:3]), ["customers", "staff"])
    assert names(look, typed) == ["mallory-0", "mallory-1", "mallory-2"]


def test_whose_user_name_or_sub_it_is_comes_before_those_with_such_an_email(finder: Callable[..., Finder]) -> None:
    many = [user(f"mallory-{number}", email="ada@example.com", sub=f"{number}") for number in range(11)]
    look = finder(EachItsOwn(customers=many, staff=[NAMED_LIKE_AN_EMAIL]), ["customers", "staff"])
    assert names(look, "ada@example.com")[0] == "ada@example.com"
    assert len(names(look, "ada@example.com")) == 12


@pytest.mark.parametrize(
    "target",
    [
        "ad",
        "Ada",
        "ada ",
        "ada@example.co",
        "+491511234567",
        "*",
        "=",
        "username",
        "ad\u0430",
        "_ada",
        "ada_",
        "ada*",
        "~ada",
    ],
)
def test_near_matches_are_none(finder: Callable[..., Finder], target: str) -> None:
    with pytest.raises(AccountNotFoundError):
        names(finder(Directory([ADA, user("kim", email="kim@example.com")])), target)


def test_a_filter_that_cognito_reads_too_widely_makes_no_match(finder: Callable[..., Finder]) -> None:
    """All that Cognito gives is compared again."""

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
    assert names(finder(Lagging([ADA])), "ada") == ["ada"]
    assert len(headless.cognito_calls("AdminGetUser")) == 1


def test_admingetuser_which_is_billed_is_not_called_for_whom_listusers_finds(
    finder: Callable[..., Finder], headless: Headless
) -> None:
    names(finder(Directory([ADA])), "ada")
    assert headless.cognito_calls("AdminGetUser") == []


@pytest.mark.parametrize("target", ['x" or email ^= "', "x\\", '"', 'a"da', "a\x00"])
def test_no_target_can_bend_a_filter(finder: Callable[..., Finder], target: str) -> None:
    directory = Directory([ADA, GOOGLE])
    with pytest.raises(AccountNotFoundError):
        names(finder(directory), target)
    assert directory.filters == []


@pytest.mark.parametrize("value", ["", 'x" or email ^= "', "x\\", "x y", "x" * 201, "\x00", "x\u200b"])
def test_the_adapter_itself_refuses_a_value_that_no_filter_can_hold(
    finder: Callable[..., Finder], headless: Headless, value: str
) -> None:
    pool = finder(Directory([ADA])).pools["customers"]
    with pytest.raises(PoolUnavailableError):
        pool.list_users(Attribute.EMAIL, value)
    assert headless.cognito_calls() == []


def test_all_pools_are_asked_and_each_match_says_its_own(finder: Callable[..., Finder]) -> None:
    found = finder(Directory([ADA]), ["customers", "staff"]).find(asked("ada"), ["customers", "staff"]).accounts
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
        (
            "nobody",
            "DE",
            "No one was found in customers, looking for a user name or preferred_username. Check the spell",
        ),
        ("nobody", "DE", "in many pools, capital letters count. Or try the email, phone number or sub."),
        ("no@example.com", "DE", "looking for a user name, preferred_username or email."),
        ("no@example.com", "DE", "The account may have another email: try its user name, phone number or sub."),
        ("+49 30 123456", "DE", "looking for a phone number. Check the number."),
        ("+4930123456", "DE", "looking for a user name, preferred_username or phone number. Check the number."),
        (
            "030 123456",
            None,
            "This is not a complete phone number: write it with its country code, such as +49 30 123456. Or",
        ),
        ("+999 30 123456", None, "This is not a valid phone number. Check it, or try the email, user name or sub."),
        ("0" + SUB[1:], "DE", "looking for a user name, preferred_username or sub. Check that the sub is complete."),
        ("*nobody*", "DE", "Without the signs around it, no one was found either. Check the spelling"),
        (
            "ada\u0131",
            "DE",
            "Look at \u201c\u0131\u201d (U+0131, LATIN SMALL LETTER DOTLESS I): is another letter meant?",
        ),
        (
            "\u0430da@example.com",
            "DE",
            "Look at \u201c\u0430\u201d (U+0430, CYRILLIC SMALL LETTER A): is another",
        ),
        ("Ada L. <no@example.com>", "DE", "looking for a user name, preferred_username or email. Without the signs"),
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


class Lagging(Directory):
    """ListUsers knows no one yet."""

    async def list_users(self, exchange: Any) -> Any:
        exchange.call.parameters["Filter"] = 'username = "nobody"'
        return await super().list_users(exchange)


@pytest.mark.parametrize("target", ["ada@example.com", "ADA@example.com", "+4915112345678", SUB, "countess"])
@pytest.mark.parametrize("exactly", [True, False])
def test_what_cognito_resolves_is_taken_where_the_account_holds_what_was_typed(
    finder: Callable[..., Finder], target: str, *, exactly: bool
) -> None:
    class Resolving(Lagging):
        async def admin_get_user(self, exchange: Any) -> Any:
            exchange.call.parameters["Username"] = "ada"
            return await super().admin_get_user(exchange)

    look = finder(Resolving([COUNTESS]))
    assert names(look, target, exactly=exactly) == ["ada"]
    with pytest.raises(AccountNotFoundError):
        names(look, "other@example.com", exactly=exactly)


def test_an_account_is_one_account_however_an_answer_spells_its_name(finder: Callable[..., Finder]) -> None:
    class Flattened(Directory):
        async def list_users(self, exchange: Any) -> Any:
            by_email = exchange.call.parameters["Filter"].startswith("email")
            self._users = [ADA | {"Username": "ada@example.com" if by_email else "Ada@Example.com"}]
            exchange.call.parameters["Filter"] = 'email = "ada@example.com"'
            return await super().list_users(exchange)

    assert len(names(finder(Flattened([])), "Ada@Example.com")) == 1


JOSE = user("jos\u00e9", email="jos\u00e9@example.com")
SHOUTED = user("o'brien", email="O'Brien@example.com")


@pytest.mark.parametrize(
    ("target", "found", "read"),
    [
        *((each, ["ada"], "ada") for each in ("`ada`", "*ada*", "_ada_", "~ada~", '"ada"', "'ada'", "(ada)", "<ada>")),
        *(
            (each, ["ada"], "ada")
            for each in ("\u201cada\u201d", "\u201eada\u201c", "\u2018ada\u2019", "\u00abada\u00bb")
        ),
        *((each, ["ada"], "ada") for each in ("ada,", "ada.", "ada;", "@ada", '*"ada",*', "[ada]:", "(ada", 'ada"')),
        ("<ada@example.com>", ["ada"], "ada@example.com"),
        ("<Ada@Example.com>", ["ada"], "Ada@Example.com"),
        ('"<Ada@Example.com>"', ["ada"], "Ada@Example.com"),
        ("mailto:ada@example.com", ["ada"], "ada@example.com"),
        ("Ada Lindgren <ada@example.com>", ["ada"], "ada@example.com"),
        ('"Lindgren, Ada" <ada@example.com>;', ["ada"], "ada@example.com"),
        ("Ada Lindgren (ada@example.com)", ["ada"], "ada@example.com"),
        ("ada@example.com (Ada Lindgren)", ["ada"], "ada@example.com"),
        ("ada@example.com <ada@example.com>", ["ada"], "ada@example.com"),
        ("Ada Lindgren <ada>", ["ada"], "ada"),
        ("tel:+49-151-12345678", ["ada"], "+49-151-12345678"),
        ('"+49 151 12345678"', ["ada"], "+49 151 12345678"),
        (f"{{{SUB}}}", ["ada"], SUB),
        ("jose\u0301", ["jos\u00e9"], "jos\u00e9"),
        ("*jose\u0301*,", ["jos\u00e9"], "jos\u00e9"),
        ("jose\u0301@example.com", ["jos\u00e9"], "jos\u00e9@example.com"),
        ("JOS\u00c9@example.com", ["jos\u00e9"], "jos\u00e9@example.com"),
        ("\uff41\uff44\uff41", ["ada"], "ada"),
        ("\uff02\uff41\uff44\uff41\uff02", ["ada"], "ada"),
        ("\uff41\uff44\uff41\uff20example.com", ["ada"], "ada@example.com"),
        ("\u212aim@example.com", ["kim"], "Kim@example.com"),
        ("o\u2019brien", ["o'brien"], "o'brien"),
        ("ADA@example.com", ["ada"], "ada@example.com"),
        ("ada@example.com", ["ada"], None),
        ("0151 12345678", ["ada"], None),
    ],
)
@pytest.mark.parametrize("exactly", [True, False])
def test_what_no_one_has_as_typed_is_read_without_signs_or_with_other_letters_and_the_finder_says_so(
    finder: Callable[..., Finder], target: str, found: list[str], read: str | None, *, exactly: bool
) -> None:
    people = [ADA, JOSE, SHOUTED, user("kim", email="kim@example.com")]
    given = finder(Directory(people)).find(asked(target, exactly=exactly), ["customers"])
    assert [account.username for account in given.accounts] == found
    assert given.searched_as == read


@pytest.mark.parametrize(
    "name", ["*ada*", "_ada_", "`ada`", "<ada@example.com>", "@ada", "ada,", "ad\u00e1", "ada\u0301"]
)
def test_who_has_the_name_as_it_was_typed_is_meant_and_no_one_else(
    finder: Callable[..., Finder], headless: Headless, name: str
) -> None:
    others = [user("ada", email="ada@example.com"), user(unicodedata.normalize("NFC", f"{name}\u0301"))]
    given = finder(Directory([*others, user(name)])).find(asked(name), ["customers"])
    assert [account.username for account in given.accounts] == [name]
    assert given.searched_as is None
    assert headless.cognito_calls("AdminGetUser") == []


def test_the_spelling_that_is_nearest_to_what_was_typed_counts(finder: Callable[..., Finder]) -> None:
    look = finder(Directory([user("_ada_"), user("ada")]))
    assert names(look, '"_ada_"') == ["_ada_"]
    assert names(look, '"~ada~"') == ["ada"]


def test_two_accounts_behind_another_spelling_are_a_choice(finder: Callable[..., Finder]) -> None:
    assert names(finder(Directory([ADA, GOOGLE])), "<ada@example.com>") == ["ada", "Google_123"]


@pytest.mark.parametrize(
    "target",
    [
        "nobody",
        "*nobody*",
        "No@Example.com",
        '*"<mailto:No\u00c9@Example.com>",*',
        "Mr. No <no@example.com>",
        "\uff4e\u00f3",
    ],
)
def test_other_spellings_cost_six_look_ups_in_a_pool_at_most_and_admingetuser_is_asked_once(
    finder: Callable[..., Finder], headless: Headless, target: str
) -> None:
    directory = Directory([ADA])
    look = finder(directory, ["customers", "staff"])
    with pytest.raises(AccountNotFoundError):
        names(look, target)
    asked_for = [call.parameters for call in headless.cognito_calls("ListUsers")]
    for pool in ("customers", "staff"):
        filters = [each["Filter"] for each in asked_for if each["UserPoolId"].endswith(pool)]
        assert len(filters) == len(set(filters)) <= 4 + MAX_MORE_LOOKS
        made = [each for each in headless.cognito_calls("AdminGetUser") if each.parameters["UserPoolId"].endswith(pool)]
        assert [each.parameters["Username"] for each in made] == ([] if " " in target else [target])


def test_another_spelling_of_a_phone_number_that_only_some_pools_can_read_is_asked_for_with_its_country_code(
    finder: Callable[..., Finder],
) -> None:
    look = finder(Directory([ADA]), ["customers", "staff"], abroad="staff")
    with pytest.raises(BotError, match="For staff, write the phone number with its country code"):
        look.find(asked('"0151 12345678"'), ["customers", "staff"])


@pytest.mark.parametrize("where", [["customers"], ["staff"], ["customers", "staff"]])
def test_a_phone_number_that_only_some_pools_can_read_is_asked_for_with_its_country_code(
    finder: Callable[..., Finder], where: list[str]
) -> None:
    look = finder(Directory([ADA]), ["customers", "staff"], abroad="staff")
    if where == ["customers"]:
        assert [account.pool for account in look.find(asked("0151 12345678"), where).accounts] == ["customers"]
        return
    with pytest.raises(BotError, match="country code, such as"):
        look.find(asked("0151 12345678"), where)
    assert len(look.find(asked("+49 151 12345678"), where).accounts) == len(where)


def test_a_customers_number_that_looks_like_a_phone_number_is_found_all_the_same(
    finder: Callable[..., Finder],
) -> None:
    look = finder(Directory([user("10023417")]), ["customers", "staff"], abroad="staff")
    assert names(look, "10023417") == ["10023417", "10023417"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"pool": "staff"}, "Leave out --pool (in the form: choose all pools) to look in every pool that you may use."),
        ({"pool_id": "eu-central-1_staff", "exactly": True}, "It looked only in the user pool of --user-pool-id."),
        ({}, None),
    ],
)
def test_no_match_tells_of_no_other_pool_but_how_the_search_was_narrowed(
    finder: Callable[..., Finder], options: dict[str, Any], said: str | None
) -> None:
    look = finder(Directory([ADA]), ["customers", "staff"])
    with pytest.raises(AccountNotFoundError) as caught:
        look.find(asked("nobody", **options), ["staff"])
    assert "customers" not in caught.value.sentence
    assert "pool" not in caught.value.sentence.replace(said or "", "").replace("in many pools", "")
    assert said is None or said in caught.value.sentence


def test_a_federated_account_says_its_provider(finder: Callable[..., Finder]) -> None:
    (google,) = finder(Directory([GOOGLE])).find(asked("Google_123"), ["customers"]).accounts
    assert (google.provider, google.status) == ("Google", "EXTERNAL_PROVIDER")
    (ada,) = finder(Directory([ADA])).find(asked("ada"), ["customers"]).accounts
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
    (found,) = finder(Directory([odd])).find(asked("Google_123"), ["customers"]).accounts
    assert found.provider == "another provider"
