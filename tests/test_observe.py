"""/readyz, /metrics and the log lines of a bot at work, over real sockets."""

import http.client
import json
import logging
import re
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from headless import AUDIT, RAY, SAM, Headless
from prometheus_client.parser import text_string_to_metric_families
from whole_bot import CANCEL, CONFIRM, FIND, POST, SIGN_OUT, Travel, card_for, entries, store_path, trail, travel

from bot import __version__, deliver
from bot.audit import Kind
from bot.sandbox.wire import answer, hang, refuse, reset

Numbers = Mapping[tuple[str, str], float]
SHOWN_AT = re.compile(r"http://127\.0\.0\.1:(\d+)/healthz")


@dataclass
class Watcher:
    """Someone who asks for the pages. Each page it sees must show no secret."""

    headless: Headless
    log: Callable[[], str]
    pages: list[str] = field(default_factory=list)

    def get(self, path: str) -> tuple[int, str]:
        """Ask for a page of the bot that started last."""
        connection = http.client.HTTPConnection("127.0.0.1", int(SHOWN_AT.findall(self.log())[-1]), timeout=60)
        connection.request("GET", path)
        response = connection.getresponse()
        status, text = response.status, response.read().decode()
        connection.close()
        self.pages.append(text)
        for secret in ("xoxb", "xapp", "hooks.slack", "/actions/", "/commands/", "ticket", "ada", "grace", "U0"):
            assert secret not in text
        return status, text

    def readiness(self) -> tuple[int, str, list[str]]:
        """What /readyz says."""
        status, text = self.get("/readyz")
        said = json.loads(text)
        return status, said["status"], said["reasons"]

    def wait_until(self, status: int, word: str, reason: str = "") -> None:
        """Wait until /readyz says this."""

        def look() -> bool:
            said = self.readiness()
            return said[:2] == (status, word) and (reason in " ".join(said[2]) if reason else said[2] == [])

        self.headless.wait_for(look, timeout=60)

    def numbers(self) -> Numbers:
        """What /metrics says: values by name, and by the values of the labels."""
        _, text = self.get("/metrics")
        return {
            (
                sample.name,
                "/".join(value for label, value in sorted(sample.labels.items()) if label != "le"),
            ): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name.startswith("signout_") and not sample.name.endswith("_bucket")
        }


@pytest.fixture
def watcher(headless: Headless, caplog: pytest.LogCaptureFixture) -> Watcher:
    caplog.set_level(logging.INFO, "bot")
    return Watcher(headless, lambda: caplog.text)


def some(numbers: Numbers, name: str) -> dict[str, float]:
    """One metric's values that are not 0."""
    return {labels: value for (each, labels), value in numbers.items() if each == name and value}


def test_the_numbers_after_a_full_flow_tell_exactly_what_happened(headless: Headless, watcher: Watcher) -> None:
    with headless.bot_in_process():
        watcher.wait_until(200, "ready")
        before = watcher.numbers()
        headless.press(SAM, card_for(headless, SAM), CONFIRM)
        headless.wait_for_message(SAM, AUDIT, containing="Signed out: ada")
        headless.wait_for_message(SAM, containing="Signed out: ada")
        headless.press(SAM, card_for(headless, SAM, "grace --pool customers"), CANCEL)
        headless.wait_for_message(SAM, containing="Cancelled.")
        headless.command(SAM, "nobody --pool customers")
        headless.wait_for_message(SAM, containing="No one was found")
        headless.command(RAY, "ada")
        headless.wait_for_message(SAM, AUDIT, containing="Refused: ada")
        headless.wait_for(lambda: some(watcher.numbers(), "signout_ack_seconds_count") == {"": 6})
        headless.wait_for(lambda: some(watcher.numbers(), "signout_lane_places_taken") == {})
        headless.wait_for(lambda: some(watcher.numbers(), "signout_audit_undelivered_entries") == {}, timeout=30)
        numbers = watcher.numbers()
    assert some(before, "signout_requests_total") == {}
    assert before["signout_requests_total", "sign_out/signed_out"] == 0, "a series is there before its first event"
    ended = {f"sign_out/{word}": 1 for word in ("signed_out", "cancelled", "not_found", "refused")}
    assert some(numbers, "signout_requests_total") == ended
    assert numbers["signout_command_to_card_seconds_count", ""] == 2
    assert numbers["signout_click_to_result_seconds_count", ""] == 1
    assert 0 < numbers["signout_click_to_result_seconds_sum", ""] < 60
    assert some(numbers, "signout_cognito_errors_total") == some(numbers, "signout_slack_errors_total") == {}
    assert numbers["signout_lists_running", "customers"] == numbers["signout_lists_stuck", ""] == 0
    assert numbers["signout_lists_throttled_total", "own/eu-central-1"] == 0
    of_lists = {"lists": 8, "list accounts": 32, "look-ups": 4}
    assert some(numbers, "signout_lane_places") == {"slack": 80, "newcomers": 72, "aws": 48, **of_lists}
    assert some(numbers, "signout_lane_turned_away_total") == {}
    assert some(numbers, "signout_status") == {"ready": 1}
    assert numbers["signout_socket_mode_connections", ""] == 1
    assert numbers["signout_socket_mode_reconnects_total", ""] == 0
    assert numbers["signout_socket_mode_connected_seconds", ""] > 0
    assert numbers["signout_audit_oldest_undelivered_age_seconds", ""] == 0
    assert some(numbers, "signout_build_info") == {__version__: 1}


def test_the_pages_name_nobody_and_no_secret(headless: Headless, watcher: Watcher) -> None:
    with headless.bot_in_process():
        headless.press(SAM, card_for(headless, SAM), CONFIRM)
        headless.wait_for_message(SAM, containing="Signed out: ada")
        headless.command(RAY, "ada")
        headless.wait_for_message(SAM, AUDIT, containing="Refused: ada")
        pages = f"{watcher.get('/readyz')}{watcher.get('/metrics')}"
    secrets = [value for name, value in headless.environment.items() if re.fullmatch("SLACK_.*(TOKEN|SECRET)", name)]
    assert secrets
    assert [each for each in ("ada", SAM, RAY, AUDIT, *secrets) if each in pages] == []


def test_over_http_acks_are_timed_and_no_connection_is_missed(headless: Headless, watcher: Watcher) -> None:
    with headless.bot_in_process("--http"):
        watcher.wait_until(200, "ready")
        headless.press(SAM, card_for(headless, SAM), CANCEL)
        headless.wait_for_message(SAM, containing="Cancelled.")
        numbers = watcher.numbers()
    assert numbers["signout_ack_seconds_count", ""] == 2
    assert some(numbers, "signout_requests_total") == {"sign_out/cancelled": 1}
    assert some(numbers, "signout_socket_mode_connected_seconds") == {}


def test_a_request_that_expires_by_itself_is_counted_once(headless: Headless, watcher: Watcher) -> None:
    clock = travel(headless)
    with headless.bot_in_process():
        card = card_for(headless, SAM)
        clock.forward(minutes=5)
        headless.wait_for(lambda: entries(headless) == ["opened", "expired"])
        headless.press(SAM, card, CONFIRM)
        headless.wait_for_message(SAM, containing="This card expired")
        assert some(watcher.numbers(), "signout_requests_total") == {"sign_out/expired": 1}


def test_what_fails_is_counted_by_kind_and_an_unknown_kind_is_other(
    headless: Headless, watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliver, "PROGRESS_AFTER", timedelta(minutes=5))  # so that the result meets the fault
    headless.before_cognito(FIND, refuse(400, "TooManyRequestsException"))
    headless.before_cognito(SIGN_OUT, refuse(400, "SomethingNewException"))
    headless.before_slack(POST, answer(200, {"ok": False, "error": "internal_error"}), reset())
    headless.before_slack("usergroups.users.list", answer(200, {"ok": False, "error": "something_new"}))
    with headless.bot_in_process():
        headless.command("U0KIM00001", "ada --pool customers")
        headless.wait_for_message("U0KIM00001", containing="Slack could not be asked who is in a group")
        headless.command(SAM, "ada --pool customers")
        headless.wait_for_message(SAM, containing="Wait a minute and run the command again")
        card = card_for(headless, SAM)
        headless.before_slack("response_url", answer(404, "used_url", "text/plain"))
        headless.press(SAM, card, CONFIRM)
        headless.wait_for_message(SAM, AUDIT, containing="Not signed out: ada", timeout=30)
        headless.wait_for(lambda: len(headless.slack_calls(POST)) == 4, timeout=30)
        numbers = watcher.numbers()
    assert some(numbers, "signout_cognito_errors_total") == {
        "TooManyRequestsException/ListUsers": 1,
        "other/AdminUserGlobalSignOut": 1,
    }
    assert some(numbers, "signout_slack_errors_total") == {
        "internal_error/chat.postMessage": 1,
        "unreachable/chat.postMessage": 1,
        "http_4xx/response_url": 1,
        "other/usergroups.users.list": 1,
    }
    assert some(numbers, "signout_requests_total") == {"sign_out/failed": 1, "sign_out/refused": 1}


def test_an_audit_channel_that_refuses_for_good_makes_the_bot_degraded_until_it_is_repaired(
    headless: Headless, watcher: Watcher
) -> None:
    with headless.bot_in_process():
        watcher.wait_until(200, "ready")
        headless.switch("audit_channel_archived")
        headless.press(SAM, card_for(headless, SAM), CONFIRM)
        watcher.wait_until(200, "degraded", "The audit channel takes no messages (is_archived).")
        headless.wait_for(lambda: some(watcher.numbers(), "signout_audit_undelivered_entries") == {"": 1})
        waiting = watcher.numbers()
        headless.switch("audit_channel_archived", on=False)
        watcher.wait_until(200, "ready")
    assert waiting["signout_audit_oldest_undelivered_age_seconds", ""] > 0
    assert some(waiting, "signout_status") == {"degraded": 1}


def test_an_approval_channel_that_takes_no_messages_makes_the_bot_degraded_until_it_is_repaired(
    headless: Headless, watcher: Watcher
) -> None:
    with headless.bot_in_process(SIGNOUT_APPROVE_WHEN="always", SIGNOUT_APPROVE_USERS=RAY):
        watcher.wait_until(200, "ready")
        headless.switch("audit_channel_archived")
        headless.press(SAM, card_for(headless, SAM), CONFIRM)
        watcher.wait_until(200, "degraded", f"The approval channel {AUDIT} takes no messages (is_archived)")
        headless.switch("audit_channel_archived", on=False)
        watcher.wait_until(200, "ready")


def test_a_bot_with_no_such_aws_ca_bundle_starts_and_is_not_ready(headless: Headless, watcher: Watcher) -> None:
    with headless.bot_in_process(AWS_CA_BUNDLE="/no/such.pem"):
        watcher.wait_until(
            503,
            "not ready",
            "The bot cannot use AWS (CaBundle), so no one can be signed out. AWS_CA_BUNDLE names /no/such.pem, but",
        )


def test_a_bot_without_aws_credentials_is_not_ready(headless: Headless, watcher: Watcher) -> None:
    nowhere = {"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"}
    with headless.bot_in_process(AWS_ACCESS_KEY_ID="", AWS_EC2_METADATA_DISABLED="true", **nowhere):
        watcher.wait_until(
            503,
            "not ready",
            "The bot has no AWS credentials (NoCredentialsError), so no one can be signed out. There are no AWS "
            "credentials: none in the environment",
        )
        numbers = watcher.numbers()
    assert numbers["signout_aws_credentials", ""] == 0
    assert some(numbers, "signout_aws_credentials_missing") == {"NoCredentialsError/none": 1}
    assert some(numbers, "signout_status") == {"not_ready": 1}


def test_a_cognito_that_cannot_be_reached_makes_the_bot_degraded_until_it_answers(
    headless: Headless, watcher: Watcher
) -> None:
    with headless.bot_in_process():
        watcher.wait_until(200, "ready")
        assert watcher.numbers()["signout_pool_trouble", "customers"] == 0, "the series is there before its first event"
        headless.before_cognito(FIND, reset())
        headless.command(SAM, "ada --pool customers")
        watcher.wait_until(200, "degraded", "The last call for pool customers failed. Cognito cannot be reached.")
        assert some(watcher.numbers(), "signout_pool_trouble") == {"customers": 1}
        card_for(headless, SAM, "ada --pool customers")
        watcher.wait_until(200, "ready")


def test_a_failed_sign_out_is_known_to_the_next_start_though_its_counter_is_not(
    headless: Headless, watcher: Watcher
) -> None:
    headless.before_cognito(SIGN_OUT, refuse(400, "AccessDeniedException"))
    with headless.bot_in_process():
        headless.press(SAM, card_for(headless, SAM), CONFIRM)
        headless.wait_for_message(SAM, AUDIT, containing="Not signed out: ada")
    with headless.bot_in_process():
        watcher.wait_until(200, "ready")
        numbers = watcher.numbers()
    assert numbers["signout_requests_total", "sign_out/failed"] == 0
    (entry,) = (each for each in trail(headless) if each.kind is Kind.FAILED)
    assert some(numbers, "signout_last_ended_timestamp_seconds") == {"failed": pytest.approx(entry.at.timestamp())}


def test_an_outcome_that_waits_for_long_makes_the_bot_degraded(headless: Headless, watcher: Watcher) -> None:
    headless.clock = clock = Travel()  # which waits for no rest: a post hangs
    with headless.bot_in_process():
        card = card_for(headless, SAM)
        headless.before_slack(POST, hang())
        headless.press(SAM, card, CONFIRM)
        headless.wait_for(lambda: headless.slack_calls(POST))
        clock.forward(minutes=7)
        watcher.wait_until(200, "degraded", "An undelivered audit entry has waited for 7 minutes.")


def test_a_lost_connection_that_slack_does_not_renew_is_not_ready_and_is_again_once_it_does(
    headless: Headless, watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.edge.socket_mode.GAP_SECONDS", 0.5)
    slack = headless.stage.weather.slack
    with headless.bot_in_process():
        watcher.wait_until(200, "ready")
        headless.do(lambda: slack.always("apps.connections.open", answer(503, "away", "text/plain")))
        headless.run(headless.stage.workspace.sockets.close())
        watcher.wait_until(503, "not ready", "Slack cannot reach the bot: Socket Mode is not connected.")
        away = watcher.numbers()
        headless.do(lambda: slack.always("apps.connections.open", None))
        watcher.wait_until(200, "ready")
        back = watcher.numbers()
    assert some(away, "signout_status") == {"not_ready": 1}
    assert away["signout_socket_mode_connected_seconds", ""] == 0
    assert away["signout_slack_errors_total", "http_5xx/apps.connections.open"] >= 1
    assert back["signout_socket_mode_reconnects_total", ""] == 1


def test_a_connection_that_is_renewed_at_once_never_makes_the_bot_unready(headless: Headless, watcher: Watcher) -> None:
    with headless.bot_in_process():
        watcher.wait_until(200, "ready")
        headless.run(headless.stage.workspace.sockets.refresh())
        said = []

        def renewed() -> bool:
            said.append(watcher.readiness()[1])
            return bool(some(watcher.numbers(), "signout_socket_mode_reconnects_total"))

        headless.wait_for(renewed)
        assert set(said) == {"ready"}, "nor does Slack count the old connection as a ghost"


def test_a_store_that_cannot_be_written_is_not_ready_and_the_page_does_not_wait_for_it(
    headless: Headless, watcher: Watcher
) -> None:
    with headless.bot_in_process():
        watcher.wait_until(200, "ready")
        db = sqlite3.connect(store_path(headless), isolation_level=None)
        db.execute("BEGIN EXCLUSIVE")
        watcher.wait_until(503, "not ready", "The store does not answer in time, so no one can be signed out.")
        watcher.wait_until(503, "not ready", "The store cannot be written, so no one can be signed out.")
        assert watcher.get("/healthz")[0] == 200
        db.execute("ROLLBACK")
        db.close()
        watcher.wait_until(200, "ready")


def test_the_pages_answer_while_cognito_hangs(headless: Headless, watcher: Watcher) -> None:
    held = headless.pause(SIGN_OUT)
    with headless.bot_in_process():
        headless.press(SAM, card_for(headless, SAM), CONFIRM)
        held.wait_until_arrived()
        watcher.wait_until(200, "ready")
        assert some(watcher.numbers(), "signout_lane_places_taken") == {"aws": 1}
        held.release()
        headless.wait_for_message(SAM, AUDIT, containing="Signed out: ada")


def test_a_second_connection_on_a_sqlite_store_is_told_and_counted(headless: Headless, watcher: Watcher) -> None:
    with headless.bot_in_process():
        watcher.wait_until(200, "ready")
        with headless.bot_in_process(SIGNOUT_STORE=headless.environment["SIGNOUT_STORE"] + ".other"):
            watcher.wait_until(200, "degraded", "Slack counted 2 connections of this app")
            assert watcher.numbers()["signout_socket_mode_connections", ""] == 2


def test_a_group_that_slack_cannot_list_makes_the_bot_degraded(headless: Headless, watcher: Watcher) -> None:
    with headless.bot_in_process(SIGNOUT_ALLOW_GROUPS="S0NOSUCH01,S0SUPPORT1"):
        watcher.wait_until(200, "degraded", "Slack does not list S0NOSUCH01, so it allows no one.")


def test_each_line_between_a_click_and_its_result_carries_the_request_id_and_a_draining_bot_is_not_ready(
    headless: Headless,
) -> None:
    headless.before_slack(POST, answer(200, {"ok": False, "error": "internal_error"}))
    with headless.forked_bot(SIGNOUT_LOG_LEVEL="DEBUG", SIGNOUT_LOG_FORMAT="json") as bot:
        watcher = Watcher(headless, bot.log)
        watcher.wait_until(200, "ready")
        card = card_for(headless, SAM)
        held = headless.pause(SIGN_OUT)
        headless.before_slack("response_url", answer(404, "used_url", "text/plain"))
        headless.press(SAM, card, CONFIRM)
        held.wait_until_arrived()
        headless.wait_for(lambda: "Slack did not take a card" in bot.log())
        held.release()
        headless.wait_for_message(SAM, AUDIT, containing="Signed out: ada")
        held = headless.pause(FIND)
        headless.command(SAM, "grace --pool customers")
        held.wait_until_arrived()
        bot.signal_to_stop()
        watcher.wait_until(503, "not ready", "The bot is restarting")
        held.release()
        assert bot.wait() == 0
        lines = [json.loads(line) for line in bot.log().splitlines()]
    for line in lines:
        assert {"timestamp", "level", "logger", "message"} <= line.keys()
        assert line["timestamp"].endswith("Z")
    request_id = card.button(CONFIRM)["value"]
    messages = [line["message"] for line in lines]
    begun, ended = messages.index("Confirmed"), messages.index("The audit channel took the entry")
    between = [line for line in lines[begun : ended + 1] if line["logger"].startswith("bot.")]
    about_it = [line for line in between if line.get("request_id") == request_id]
    assert {line["message"].partition(" (")[0] for line in about_it} >= {
        "Confirmed",
        "Slack did not take a card",
        "Ended as done after 1 calls",
        "The card is shown",
        "Slack did not take an audit entry",
        "The audit channel took the entry",
    }
    assert between == about_it
    assert about_it[-1]["entry_id"]
