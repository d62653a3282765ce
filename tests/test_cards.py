"""The card, in each state of its request."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from examples import ADA, ASKED_FOR, NOON, awaiting
from messages import OUTCOMES, SHOWN, leaves, request, second

from bot.action import ACTIONS
from bot.authorize import Allowed, Allowlist
from bot.errors import TOO_LATE
from bot.facts.advice import ADVICE
from bot.request import AWAITING, OF_ONE_ACCOUNT, Earlier, State
from bot.slack.approvals import APPROVAL_REFUSED
from bot.slack.cards import AUDIT_REFUSED, card
from bot.slack.outcomes import HOSTED
from bot.slack.shown import Lasting


def moments(state: State) -> list[int]:
    return [leaf["timestamp"] for leaf in leaves(card(SHOWN, request(state)).blocks) if leaf.get("type") == "date"]


def test_a_button_carries_only_the_request_id() -> None:
    asked = awaiting()
    buttons = [leaf for leaf in leaves(card(SHOWN, asked).blocks) if leaf.get("type") == "button"]
    assert [(each["action_id"], each["value"], each.get("style")) for each in buttons] == [
        ("signout_confirm", asked.id, "danger"),
        ("signout_cancel", asked.id, None),
    ]


def test_what_waits_for_approval_can_only_be_cancelled() -> None:
    waiting = second(State.APPROVING)
    buttons = [leaf for leaf in leaves(card(SHOWN, waiting).blocks) if leaf.get("type") == "button"]
    assert [(each["action_id"], each["value"]) for each in buttons] == [("signout_cancel", waiting.id)]


def test_the_card_says_before_the_press_that_a_second_person_has_to_approve_it_and_why() -> None:
    text = card(SHOWN, replace(second(State.CONFIRMING), approval=None)).text
    assert "Protected  by protect.groups: admins" in text
    assert (
        "A second person has to approve this: the settings ask for it (approve.when); "
        "the person who asks may only ask for it (allow.ask.users); "
        "the account is protected (protect.groups: admins); "
        "the limit of accounts within an hour is reached (limits.per_operator and limits.all). "
        "Your press asks for that."
    ) in text
    assert "second person" not in card(SHOWN, request(State.CONFIRMING)).text


def test_a_rule_of_one_pool_is_told_with_the_pools_name() -> None:
    mine = replace(request(State.CONFIRMING), needs=("pools.customers.allow.ask.groups: S0FIRST001",))
    assert (
        "the person who asks may only ask for it (pools.customers.allow.ask.groups: S0FIRST001)"
        in card(SHOWN, mine).text
    )


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (State.APPROVING, "Signing out ada waits for a second person's approval until 2026-11-22 12:15:00 UTC."),
        (State.DENIED, "Denied by U0KIM00001 2026-11-22 12:01:00 UTC. Nothing was done.\nWhy  lost phone"),
        (
            State.EXPIRED,
            "No one approved this in time: it waited until 2026-11-22 12:00:00 UTC. Nothing was done.",
        ),
        (State.READY, "Approved by U0KIM00001 2026-11-22 12:01:00 UTC. Signing out ada has begun or waits to begin"),
        (State.RUNNING, "Signing out ada, approved by U0KIM00001 2026-11-22 12:01:00 UTC."),
        *((state, "Second person  approved by U0KIM00001 2026-11-22 12:01:00 UTC") for state in OUTCOMES),
    ],
)
def test_the_card_names_the_second_person_and_what_they_said(state: State, said: str) -> None:
    assert said in card(SHOWN, second(state)).text
    assert "U0KIM00001" not in card(SHOWN, request(state)).text


def test_a_protected_one_of_several_accounts_says_so() -> None:
    several = replace(request(State.CHOOSING), candidates=(ADA, replace(ADA, username="bob", protected="protect.subs")))
    assert card(SHOWN, several).text.count("protected") == 1


def test_each_of_several_accounts_has_a_button_with_its_number() -> None:
    several = request(State.CHOOSING)
    buttons = [leaf for leaf in leaves(card(SHOWN, several).blocks) if leaf.get("type") == "button"]
    assert [each["action_id"] for each in buttons] == [*(f"signout_choose_{n}" for n in range(10)), "signout_cancel"]
    assert {each["value"] for each in buttons} == {several.id}


@pytest.mark.parametrize("state", [state for state in OF_ONE_ACCOUNT if state not in AWAITING])
def test_only_a_card_that_awaits_its_operator_has_buttons(state: State) -> None:
    assert "actions" not in {block["type"] for block in card(SHOWN, request(state)).blocks}


def test_the_card_tells_the_account_what_will_happen_and_until_when() -> None:
    asked = awaiting()
    text = card(SHOWN, asked).text
    for fact in ("ada", "a…@example.com", "CONFIRMED, enabled", "2025-10-18", "customers (eu-central-1)", "lost phone"):
        assert fact in text
    assert "for up to 1 hour more by the bot's settings, and for 1 day at most." in text
    assert int(asked.expires_at.timestamp()) in moments(State.CONFIRMING)


@pytest.mark.parametrize(
    ("target", "read", "said"),
    [
        ("*ada*", "ada", "The bot looked for ada instead. Left out: * and *"),
        ("ada,", "ada", "The bot looked for ada instead. Left out: ,"),
        ("Ada L. <ada@a.de>", "ada@a.de", "The bot looked for a…@a.de instead. Left out: Ada L. &lt; and &gt;"),
        ("ada,;", "ada", "The bot looked for ada instead. Left out: ,;"),
        ("mailto:ada@a.de", "ada@a.de", "The bot looked for a…@a.de instead. Left out: mailto:"),
        ("jos\u00e9", "jose\u0301", "instead, with its letters in another form."),
        ("ADA@a.de", "ada@a.de", "The bot looked for a…@a.de instead, with other capital letters."),
        ("*jose\u0301*", "jos\u00e9", "instead, without the signs around it, with its letters in another form."),
    ],
)
@pytest.mark.parametrize("state", [State.CHOOSING, State.CONFIRMING])
def test_a_card_says_how_the_target_was_read_where_no_one_was_found_as_it_was_typed(
    target: str, read: str, said: str, state: State
) -> None:
    asked = replace(request(state), ask=awaiting(target=target).ask, searched_as=read)
    assert said in card(SHOWN, asked).text
    assert "Exactly as typed, no one was found." in card(SHOWN, asked).text
    assert "Exactly as typed" not in card(SHOWN, replace(asked, searched_as=None)).text


@pytest.mark.parametrize(
    ("target", "read", "said"),
    [
        ("Ada +49 170 1234567 <ada@x.y>", "ada@x.y", "Left out: Ada +49…67 &lt; and &gt;"),
        ("ada@x.y (0170 1234567)", "ada@x.y", "Left out: (01…67)"),
        ('"@ada"', "ada", 'Left out: "@ and "'),
    ],
)
def test_what_was_left_out_of_a_target_shows_no_phone_number_and_no_email(target: str, read: str, said: str) -> None:
    asked = awaiting(target=target, searched_as=read)
    assert said in card(SHOWN, asked).text
    assert "1234567" not in card(SHOWN, asked).text


@pytest.mark.parametrize("target", ["ada@x.y +49 170 1234567", "Ada 0170 1234567", "+49 170 1234567 (ada)"])
def test_a_target_of_several_words_shows_no_phone_number_among_them(target: str) -> None:
    assert "1234567" not in SHOWN.personal(target)
    assert replace(SHOWN, pii="full").personal(target) == target


def test_a_card_that_ended_before_its_wait_was_over_tells_no_time_to_come() -> None:
    """A wrong clock had written until when it waits."""
    ahead = awaiting(state=State.EXPIRED, expires_at=NOON + timedelta(days=3), ended_at=NOON)
    assert card(SHOWN, ahead).text.startswith("This card expired: 2026-11-22 12:00:00 UTC.")
    late = awaiting(state=State.EXPIRED, ended_at=NOON + timedelta(hours=3))
    assert card(SHOWN, late).text.startswith("This card expired: 2026-11-22 12:05:00 UTC.")


def test_a_token_of_a_pool_that_is_no_longer_configured_is_told_to_live_as_long_as_any() -> None:
    without = replace(SHOWN, lasting={})
    assert "for up to 1 day more." in card(without, awaiting()).text
    assert "and until 2026-11-23 12:00:00 UTC at most." in card(without, request(State.DONE)).text


def test_the_card_tells_when_and_by_whom_the_account_was_signed_out_before() -> None:
    before = replace(awaiting(), earlier=Earlier(at=NOON - timedelta(hours=1), by="kim"))
    assert "Last signed out  2026-11-22 11:00:00 UTC by @kim" in card(SHOWN, before).text
    assert "Last signed out" not in card(SHOWN, awaiting()).text


def test_pii_full_shows_the_whole_email() -> None:
    assert "ada@example.com" in card(replace(SHOWN, pii="full"), awaiting()).text
    assert "ada@example.com" not in card(SHOWN, awaiting()).text


def test_a_card_that_waits_says_so_and_until_when() -> None:
    assert card(SHOWN, request(State.READY)).text.startswith("Confirmed. Signing out ada has begun or waits to begin")
    assert moments(State.READY) == [int((NOON + SHOWN.resume_within).timestamp())]


def test_the_result_tells_the_truth_about_what_goes_on() -> None:
    text = card(SHOWN, request(State.DONE)).text
    assert (
        "signature may accept it until 2026-11-22 13:00:00 UTC if tokens live no longer than the bot's settings say"
        in text
    )
    assert "and until 2026-11-23 12:00:00 UTC at most." in text
    assert "can sign in again at once" in text
    assert "Disable the account or reset its password" in text
    assert "all access" not in text.lower()


def of_pool(**lasting: Any) -> str:
    return card(replace(SHOWN, lasting={"customers": Lasting(**lasting)}), request(State.DONE)).text


def test_the_hosted_login_page_is_told_of_where_there_is_one_and_with_no_end_since_each_use_renews_it() -> None:
    assert HOSTED in of_pool(hosted_login=True)
    assert "hosted login" not in of_pool(hosted_login=False)
    assert "no fixed end" in HOSTED
    assert moments(State.DONE) == [int((NOON + timedelta(hours=hours)).timestamp()) for hours in (0, 1, 24)], (
        "all times that are told: of the sign-out, and of the end of the tokens"
    )


@pytest.mark.parametrize(
    ("known", "told"), [(True, "AWS credentials that"), (None, "If there is an identity pool: AWS"), (False, None)]
)
def test_credentials_of_an_identity_pool_are_told_of_unless_there_is_none(
    *, known: bool | None, told: str | None
) -> None:
    text = of_pool(identity_pool=known)
    assert ("AWS credentials" in text) is (told is not None)
    assert told is None or f"- {told}" in text


def test_a_federated_account_is_told_of_its_providers_session_and_of_no_password() -> None:
    federated = replace(request(State.DONE), chosen=replace(ADA, provider="Google"))
    text = card(SHOWN, federated).text
    assert "The session at Google goes on: it may let the person in without a password." in text
    assert "Disable the account in Cognito, and end the session at Google." in text
    assert "reset its password" not in text
    assert "session at" not in card(SHOWN, request(State.DONE)).text


@pytest.mark.parametrize("state", [state for state in OF_ONE_ACCOUNT if state is not State.DONE])
def test_signed_out_is_said_only_of_what_was_done(state: State) -> None:
    assert "Signed out" not in card(SHOWN, request(state)).text


def test_unknown_says_that_it_may_have_happened() -> None:
    assert (
        "It may or may not have happened. Running it again is possible; it would also end sessions opened since."
        in card(SHOWN, request(State.UNKNOWN)).text
    )


def test_what_could_not_begin_in_time_says_that_nothing_was_sent() -> None:
    text = card(SHOWN, replace(request(State.FAILED), error_code=TOO_LATE, aws_request_ids=())).text
    assert "No session was ended. The bot could not begin in time, so nothing was sent to Cognito." in text


def test_what_was_partly_done_says_what_was_and_what_was_not() -> None:
    text = card(SHOWN, request(State.PARTLY)).text
    assert text.startswith("Disabled. Not signed out: ada\nSessions that were open may go on. Cognito did not answer")


@pytest.mark.parametrize("code", ADVICE)
def test_each_known_error_has_advice_of_its_own_that_the_result_shows(code: str) -> None:
    assert ADVICE[code] in card(SHOWN, replace(request(State.FAILED), error_code=code)).text
    assert list(ADVICE.values()).count(ADVICE[code]) == 1


@pytest.mark.parametrize("state", OF_ONE_ACCOUNT)
def test_only_an_outcome_tells_that_the_audit_channel_takes_nothing(state: State) -> None:
    text = card(SHOWN, request(state), audit_refused=True).text
    assert (AUDIT_REFUSED in text) is (state in {*OUTCOMES, State.DENIED})
    assert AUDIT_REFUSED not in card(SHOWN, request(state)).text


@pytest.mark.parametrize("state", OF_ONE_ACCOUNT)
def test_only_a_card_that_waits_for_approval_tells_that_its_channel_takes_nothing(state: State) -> None:
    text = card(SHOWN, second(state), approval_refused=True).text
    assert (APPROVAL_REFUSED in text) is (state is State.APPROVING)
    assert APPROVAL_REFUSED not in card(SHOWN, second(state)).text


def test_look_alikes_are_told_apart_by_their_sub_and_by_what_cannot_be_seen() -> None:
    names = ["ada", "ad\u0430", "ada\u3164"]
    accounts = tuple(replace(ADA, username=name, sub=f"sub-{number}") for number, name in enumerate(names))
    text = card(SHOWN, awaiting(state=State.CHOOSING, chosen=None, candidates=accounts, matches=3)).text
    assert r"ada\u3164" in text
    assert all(f"sub-{number}" in text for number in range(3))


def test_what_a_second_person_has_to_approve_is_said_beside_its_button() -> None:
    text = card(SHOWN, awaiting(may=ASKED_FOR, may_ask=("new_password",))).text
    said = "A second person has to approve it."
    assert f"{ACTIONS['new_password'].effect} {said}" in text
    assert f"{ACTIONS['keep_out'].effect} {said}" not in text


@pytest.mark.parametrize(
    ("may", "listed", "said"),
    [
        (("sign_out", "keep_out", "let_in"), ["U0KIM00001"], "Use the button below to let them back in."),
        (("sign_out", "keep_out"), ["U0KIM00001"], "To let them back in, ask U0KIM00001."),
        (("sign_out", "keep_out"), [], "To let them back in, enable the account in Cognito."),
    ],
)
def test_who_was_kept_out_has_a_way_back_that_the_card_names(
    may: tuple[str, ...], listed: list[str], said: str
) -> None:
    let_in = Allowlist(Allowed(frozenset(listed)), {"customers": Allowed()}, table="actions.let_in")
    kept_out = replace(request(State.DONE, action="keep_out"), may=may)
    assert said in card(replace(SHOWN, performers={"let_in": let_in}), kept_out).text
