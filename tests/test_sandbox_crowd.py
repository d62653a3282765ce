"""The pool with so many people, and the list of those whose passwords leaked."""

from collections.abc import Iterator

import pytest
from headless import SAM, Headless

from bot.sandbox.cognito import Moto
from bot.sandbox.crowd import POOL, SIZE, Crowd
from bot.sandbox.form_limits import LONGEST_ANSWER
from bot.sandbox.snapshot import snapshot
from bot.slack.pasted_list import people_in


@pytest.fixture(scope="module")
def crowd(moto: Moto) -> Iterator[tuple[Headless, Crowd]]:
    with Headless(moto, people=("ada",), crowd=50) as headless:
        crowd = headless.stage.crowd
        assert crowd
        headless.run(crowd.gather())
        yield headless, crowd


def shown(headless: Headless) -> dict[str, object]:
    state = headless.do(lambda: snapshot(headless.stage, SAM, 0))
    assert [each["pool"] for each in state["cognito"]] == ["customers", "staff"], "no card for each of them"
    counts: dict[str, object] = state["crowd"]
    return counts


def test_a_list_of_300_accounts_has_room_in_one_field_of_a_form_and_is_read_line_by_line(moto: Moto) -> None:
    with Headless(moto, people=(), crowd=SIZE) as headless:
        crowd = headless.stage.crowd
        assert crowd
        assert (len(crowd.everyone), len({each.username for each in crowd.everyone})) == (400, 400)
        subs = {each.username: f"{number:08}-0000-4000-8000-000000000000" for number, each in enumerate(crowd.hit, 1)}
        text = crowd.listed(subs)
    assert len(text) < LONGEST_ANSWER
    lines = people_in(text)
    assert len(crowd.hit) == 300
    assert len(lines) == 300 + 8 + 1 + 2 + 5, "some twice, one of two accounts, two protected, five of no one"
    assert sum("@" in line for line in lines) > 20
    assert sum(line.startswith("+49") for line in lines) > 10
    assert len({*subs.values()} & {*lines}) == 6


def test_everyone_is_signed_in_and_only_counted(crowd: tuple[Headless, Crowd]) -> None:
    headless, people = crowd
    headless.run(people.sign_in_again())
    counts = shown(headless)
    assert (counts["size"], counts["there"], counts["signed_in"], counts["hit"]) == (50, 50, 50, 37)
    assert counts["leaked"] == people.leaked
    assert (counts["pool"], counts["pool_id"]) == (POOL, people.pool.id)


def test_the_count_falls_with_each_sign_out_of_the_bots_and_all_can_be_signed_in_again(
    crowd: tuple[Headless, Crowd],
) -> None:
    headless, people = crowd
    names = [each.username for each in people.hit[:2]]
    with headless.bot_in_process():
        for name in names:
            headless.command(SAM, f"{name} --pool {POOL}")
            headless.press(
                SAM, headless.wait_for_message(SAM, containing=name, button="signout_confirm"), "signout_confirm"
            )
        headless.wait_for(lambda: shown(headless)["signed_in"] == 48)
    headless.run(people.sign_in_again())
    assert shown(headless)["signed_in"] == 50
    assert all(len(account.devices) == 1 for account in people.pool.accounts.values())


def test_who_is_protected_is_in_the_group_and_a_family_has_one_email(crowd: tuple[Headless, Crowd]) -> None:
    headless, people = crowd
    cognito, pool_id = headless.stage.cognito, people.pool.id
    members = headless.run(cognito.ask("ListUsersInGroup", UserPoolId=pool_id, GroupName="admins"))["Users"]
    assert {each["Username"] for each in members} == {each.username for each in people.protected}
    family = headless.run(cognito.ask("ListUsers", UserPoolId=pool_id, Filter='email = "family@example.com"'))["Users"]
    assert {each["Username"] for each in family} == {each.username for each in people.family}
