"""What operators are told, over real sockets: where a card goes, what counts as shown, and how long it took."""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from examples import NOON, awaiting
from headless import SAM, SUPPORT, Headless
from messages import request, second
from slack_cards import POST, TELL, Timed, Workspace

from bot.errors import BotError, DeliveryError
from bot.request import State
from bot.sandbox.wire import Fault, answer, reset
from bot.slack.cards import AUDIT_REFUSED
from bot.slack.clients import BlockingClient
from bot.slack.form import FormState
from bot.slack.reply import NO_CARD, REFUSING_FOR, CardReply
from bot.slack.responses import is_slacks, respond
from bot.slack.text import message

HELLO = message(["hello"])


@pytest.fixture
def slack(headless: Headless) -> Workspace:
    return Workspace(headless)


def error_of(act: Callable[[], object]) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        act()
    return caught.value


def test_a_card_is_shown_only_to_its_operator_and_a_press_replaces_it(slack: Workspace) -> None:
    slack.cards.show(awaiting(), slack.place())
    slack.cards.show(request(State.DONE), slack.place(pressed=True))
    (shown,) = slack.headless.messages(SAM)
    assert shown.text.startswith("Signed out: ada")
    assert shown.only_for == SAM


def test_what_waits_for_a_press_is_noted_once_slack_took_its_card(slack: Workspace) -> None:
    cards, place = slack.cards, slack.place()
    slack.headless.before_slack(TELL, reset())
    CardReply(cards, place, NOON).show(awaiting())
    assert list(cards.waiting) == []
    for card in (awaiting(), request(State.DONE)):
        CardReply(cards, place, NOON).show(card)
    assert list(cards.waiting) == [(place.response_url, awaiting().expires_at)]
    assert place.response_url not in repr(cards)


def test_without_a_place_the_result_is_a_direct_message_that_says_why(slack: Workspace) -> None:
    slack.headless.before_slack(POST, answer(200, {"ok": True, "ts": "1.1"}))
    slack.cards.show(request(State.DONE), None)
    (call,) = slack.headless.slack_calls(POST)
    assert call.parameters["channel"] == SAM
    assert call.parameters["text"].startswith(f"{NO_CARD}\nSigned out: ada")


def test_the_result_tells_of_a_refusing_audit_channel_while_it_refuses(slack: Workspace) -> None:
    for slack.refusing in (True, False):
        slack.cards.show(request(State.FAILED), slack.place())
    assert [AUDIT_REFUSED in text for text in slack.seen()] == [True, False]


@pytest.mark.parametrize(
    ("fault", "reason", "gone", "wait"),
    [
        (answer(404, {"ok": False, "error": "expired_url"}), "expired_url", True, None),
        (answer(404, {"ok": False, "error": "used_url"}), "used_url", True, None),
        (answer(404, "expired_url", "text/plain"), "HTTP 404", True, None),
        (answer(410, ""), "HTTP 410", True, None),
        (answer(200, {"ok": False, "error": "used_url"}), "used_url", True, None),
        (answer(200, {"ok": False, "error": "invalid_blocks"}), "invalid_blocks", False, None),
        (answer(200, "<html>Please log in to the proxy</html>", "text/html"), "HTTP 200", False, None),
        (answer(200, "", "text/plain"), "HTTP 200", False, None),
        (answer(200, "[1]"), "HTTP 200", False, None),
        (answer(200, "[" * 9_000), "HTTP 200", False, None),
        (answer(200, {"ok": "no"}), "HTTP 200", False, None),
        (answer(500, "ok", "text/plain"), "HTTP 500", False, None),
        (answer(500, "oops", "text/plain"), "HTTP 500", False, None),
        (answer(503, "oops", "text/plain", Retry_After="1"), "HTTP 503", False, None),
        (answer(429, {"ok": False}, Retry_After="7"), "ratelimited", False, timedelta(seconds=7)),
        (answer(429, "", Retry_After="soon"), "ratelimited", False, timedelta(seconds=30)),
        (answer(429, "", Retry_After="99999999"), "ratelimited", False, timedelta(minutes=5)),
        (reset(), "RemoteDisconnected", False, None),
    ],
)
def test_a_card_that_slack_does_not_take_is_a_delivery_error_with_what_is_known(
    slack: Workspace,
    fault: Fault,
    reason: str,
    gone: bool,  # noqa: FBT001 -- an example
    wait: timedelta | None,
) -> None:
    slack.headless.before_slack(TELL, fault)
    error = error_of(lambda: slack.cards.show(awaiting(), slack.place()))
    assert (error.reason, error.gone, error.retry_after, error.for_good) == (reason, gone, wait, False)
    assert [method for method, _ in slack.failed] == [TELL]
    assert len(slack.headless.slack_calls(TELL)) == 1, "the client sends nothing again; who called it may"


def test_those_who_may_approve_are_asked_in_the_channel_and_the_message_becomes_what_came_of_it(
    slack: Workspace,
) -> None:
    ts = slack.cards.show_approval(second(State.APPROVING), None)
    (asked,) = slack.headless.audit()
    assert (asked.ts, asked.only_for) == (ts, None)
    assert asked.text.startswith("Approval needed: ada")
    assert slack.cards.show_approval(second(State.DENIED), ts) == ts
    (edited,) = slack.headless.audit()
    assert edited.text.startswith("Denied: ada")
    assert "actions" not in {block["type"] for block in edited.blocks or []}


@pytest.mark.parametrize(
    ("word", "gone"),
    [
        *((word, True) for word in ("message_not_found", "cant_update_message", "edit_window_closed", "is_inactive")),
        *((word, False) for word in ("invalid_auth", "missing_scope", "internal_error")),
    ],
)
def test_an_approval_message_is_given_up_only_where_it_cannot_be_edited_any_more(
    slack: Workspace,
    word: str,
    gone: bool,  # noqa: FBT001 -- an example
) -> None:
    ts = slack.cards.show_approval(second(State.APPROVING), None)
    slack.headless.before_slack("chat.update", answer(200, {"ok": False, "error": word}))
    error = error_of(lambda: slack.cards.show_approval(second(State.DENIED), ts))
    assert (error.reason, error.gone) == (word, gone)


def test_an_approval_channel_refuses_until_it_takes_a_message_or_that_was_long_ago(slack: Workspace) -> None:
    cards, channel = slack.cards, second(State.APPROVING).approval
    assert channel
    for word in ("not_in_channel", "internal_error"):
        slack.headless.before_slack(POST, answer(200, {"ok": False, "error": word}))
        assert error_of(lambda: cards.show_approval(second(State.APPROVING), None)).reason == word
        assert cards.refusing() == {channel.channel_id: "not_in_channel"}, "an error in passing says nothing of it"
    cards.show_approval(second(State.APPROVING), None)
    assert cards.refusing() == {}
    slack.headless.before_slack(POST, answer(200, {"ok": False, "error": "is_archived"}))
    error_of(lambda: cards.show_approval(second(State.APPROVING), None))
    slack.clock.time += REFUSING_FOR
    assert cards.refusing() == {}, "another instance may have asked since"


@pytest.mark.parametrize("ts", [None, "1.1"])
def test_no_approval_message_is_sent_or_edited_once_its_time_is_over(slack: Workspace, ts: str | None) -> None:
    error_of(lambda: slack.cards.show_approval(second(State.APPROVING), ts, lambda: timedelta(0)))
    assert slack.headless.slack_calls() == []


@pytest.mark.parametrize("word", ["not_in_channel", "channel_not_found", "is_archived"])
def test_a_channel_that_takes_no_approval_message_may_take_it_later(slack: Workspace, word: str) -> None:
    slack.headless.before_slack(POST, answer(200, {"ok": False, "error": word}))
    error = error_of(lambda: slack.cards.show_approval(second(State.APPROVING), None))
    assert (error.reason, error.gone) == (word, False)


def test_slacks_yes_may_be_json(slack: Workspace) -> None:
    slack.headless.before_slack(TELL, answer(200, {"ok": True}))
    slack.cards.show(awaiting(), slack.place())
    assert slack.failed == []


def test_a_sixth_use_of_a_response_url_is_told_as_gone(slack: Workspace) -> None:
    place = slack.place()
    for _ in range(5):
        slack.cards.show(awaiting(), place)
    assert error_of(lambda: slack.cards.show(awaiting(), place)).gone


def test_a_card_that_is_not_there_any_more_is_told_as_gone(slack: Workspace) -> None:
    slack.cards.show(awaiting(), slack.place())
    pressed = slack.place(pressed=True)
    workspace = slack.headless.stage.workspace
    slack.headless.do(lambda: workspace.delete(workspace.messages[-1]))
    assert error_of(lambda: slack.cards.show(request(State.DONE), pressed)).gone


@pytest.mark.parametrize(
    ("word", "gone"),
    [
        *((word, True) for word in ("channel_not_found", "user_not_found", "messages_tab_disabled", "cannot_dm_bot")),
        *((word, False) for word in ("invalid_auth", "missing_scope", "internal_error")),
    ],
)
def test_a_direct_message_is_given_up_only_where_the_person_cannot_be_written_to(
    slack: Workspace,
    word: str,
    gone: bool,  # noqa: FBT001 -- an example
) -> None:
    slack.headless.before_slack(POST, answer(200, {"ok": False, "error": word}))
    error = error_of(lambda: slack.cards.show(request(State.DONE), None))
    assert (error.reason, error.gone) == (word, gone)


def test_a_direct_message_that_slack_asks_to_wait_for_says_how_long(slack: Workspace) -> None:
    slack.headless.before_slack(POST, answer(429, {"ok": False, "error": "ratelimited"}, Retry_After="3"))
    assert error_of(lambda: slack.cards.show(request(State.DONE), None)).retry_after == timedelta(seconds=3)


@pytest.mark.parametrize(
    ("response_url", "base_url"),
    [
        ("http://hooks.slack.com/commands/1", "https://slack.com/api/"),
        ("https://slack.com.example.com/commands/1", "https://slack.com/api/"),
        ("https://exampleslack.com/commands/1", "https://slack.com/api/"),
        ("https://hooks.slack.com@example.com/commands/1", "https://slack.com/api/"),
        ("https://someone@hooks.slack.com/commands/1", "https://slack.com/api/"),
        ("https://someone:secret@hooks.slack.com/commands/1", "https://slack.com/api/"),
        ("https://example.com\\@hooks.slack.com/commands/1", "https://slack.com/api/"),
        ("https://example.com\\.slack.com/commands/1", "https://slack.com/api/"),
        ("http://169.254.169.254/latest/meta-data/", "https://slack.com/api/"),
        ("http://127.0.0.1:3000/commands/1", "https://slack.com/api/"),
        ("file:///etc/passwd", "https://slack.com/api/"),
        ("https://[hooks.slack.com/commands/1", "https://slack.com/api/"),
        ("https://hooks.slack.com/commands/1", "http://127.0.0.1:3000/api/"),
    ],
)
def test_a_card_goes_only_to_slack(response_url: str, base_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BlockingClient, "send", lambda *_, **__: pytest.fail("it was sent"))
    client = BlockingClient("xoxb-secret", base_url)
    assert error_of(lambda: respond(client, response_url, HELLO, replace=False)).gone


@pytest.mark.parametrize("host", ["hooks.slack.com", "hooks.slack-gov.com", "slack.com"])
def test_slacks_own_addresses_are_taken(host: str) -> None:
    assert is_slacks(f"https://{host}/commands/T/1/secret", "https://slack.com/api/")


def test_a_command_is_timed_from_its_arrival_to_slacks_yes_to_the_card(slack: Workspace) -> None:
    reply = slack.reply()
    slack.clock.sleep(2)
    assert reply.show(awaiting())
    assert (slack.timed.cards, slack.timed.results) == ([2.0], [])


def test_a_press_is_timed_to_slacks_yes_to_the_result_and_once_per_decision(slack: Workspace) -> None:
    slack.cards.show(awaiting(), slack.place())
    ended = replace(request(State.DONE), version=4)
    slack.clock.sleep(3)
    assert slack.reply(pressed=True).show(ended)
    assert slack.reply(pressed=True, came_at=NOON + timedelta(seconds=2)).show(ended), "a late second press"
    assert slack.reply(pressed=True).show(replace(request(State.CANCELLED), version=2))
    assert (slack.timed.cards, slack.timed.results) == ([], [3.0])


def test_a_card_that_slack_did_not_take_is_not_timed_and_logged_without_its_address(
    slack: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    slack.headless.before_slack(TELL, answer(500, "oops", "text/plain"))
    with caplog.at_level(logging.INFO, logger="bot.slack"):
        assert not slack.reply().show(awaiting())
    assert caplog.messages == ["A card was not shown: HTTP 500"]
    assert slack.timed == Timed()


def test_what_was_wrong_is_said_beside_the_card_not_in_its_place(slack: Workspace) -> None:
    slack.cards.show(awaiting(), slack.place())
    slack.reply(pressed=True).say(BotError("It broke.", "Try again."))
    assert len(slack.seen()) == 2
    assert slack.seen()[1] == "It broke. Try again."


def test_a_sentence_that_slack_does_not_take_raises_nothing(slack: Workspace) -> None:
    slack.headless.before_slack(TELL, reset())
    slack.reply().say(BotError("It broke."))
    CardReply(slack.cards, None, NOON).say(BotError("It broke."))
    assert slack.seen() == []


def test_without_a_response_url_nothing_is_shown_and_nothing_is_certain(slack: Workspace) -> None:
    assert not CardReply(slack.cards, None, NOON).show(awaiting())
    assert slack.headless.slack_calls() == []


def test_a_reply_shows_no_address_when_it_is_printed(slack: Workspace) -> None:
    place = slack.place()
    form = FormState(channel_id=SUPPORT, pools=[], reason_required=False, response_url=place.response_url)
    for each in (place, CardReply(slack.cards, place, NOON), form):
        assert place.response_url not in repr(each)
