"""The whole bot on a DynamoDB table: one that comes late, one that is throttled, one that cannot be reached."""

import json
import subprocess
import sys
import uuid
from typing import Any

import pytest
from dynamodb import DynamoDB, lose_call, refuse
from headless import AUDIT, SAM, Headless
from whole_bot import CONFIRM, SIGN_OUT, card_for

from bot.request import State
from bot.stores.dynamodb import calls
from bot.stores.dynamodb.create import create
from bot.stores.dynamodb.store import DynamoDBStore

NO_STORE = "The bot cannot use its store, so it could not do this."
THROTTLED = refuse(400, "ThrottlingException")


def environment(headless: Headless, dynamodb: DynamoDB, table: str) -> dict[str, Any]:
    return headless.environment | dynamodb.environment | {"SIGNOUT_STORE": f"dynamodb://{table}"}


@pytest.fixture
def impatient(headless: Headless, dynamodb: DynamoDB, table: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The settings of a bot that does not try a call for long."""
    monkeypatch.setattr(calls, "KEEP_TRYING_SECONDS", 0.1)
    return environment(headless, dynamodb, table)


def test_a_table_that_is_not_there_yet_is_waited_for_and_the_audit_verb_reads_it(
    headless: Headless, dynamodb: DynamoDB
) -> None:
    name = f"signout-{uuid.uuid4()}"
    settings = environment(headless, dynamodb, name)
    with headless.bot_process(connected=False, **settings) as bot:
        headless.wait_for(lambda: "python -m bot table --create" in bot.log(), timeout=60)
        assert headless.connections() == 0
        create(name, lambda _: None)
        headless.wait_for(lambda: headless.connections() == 1, timeout=60)
        headless.press(SAM, card_for(headless, SAM), CONFIRM)
        headless.wait_for_message(SAM, AUDIT, containing="Signed out: ada")
        assert bot.terminate() == 0
    command = [sys.executable, "-m", "bot", "audit", "--format", "json"]
    ran = subprocess.run(command, env=settings, capture_output=True, text=True, check=False)
    assert ran.stderr == ""
    kinds = [json.loads(line)["kind"] for line in ran.stdout.splitlines()]
    assert kinds == ["opened", "confirmed", "signed_out"]


@pytest.mark.parametrize(
    ("fault", "told"),
    [(THROTTLED, NO_STORE), (lose_call, "The bot's store did not answer.")],
    ids=["throttled", "unreachable"],
)
def test_while_the_table_cannot_be_written_nothing_is_signed_out_and_a_later_press_works(  # noqa: PLR0913, PLR0917
    headless: Headless,
    dynamodb: DynamoDB,
    dynamodb_store: DynamoDBStore,
    impatient: dict[str, Any],
    fault: Any,
    told: str,
) -> None:
    with headless.bot_in_process(**impatient):
        card = card_for(headless, SAM)
        dynamodb.next("TransactWriteItems", *[fault] * 20)
        headless.press(SAM, card, CONFIRM)
        headless.wait_for_message(SAM, containing=told)
        dynamodb.clear()
        assert headless.cognito_calls(SIGN_OUT) == []
        (request,) = {entry.ask.id for entry in dynamodb_store.entries(None, None)}
        stored = dynamodb_store.get(request)
        assert stored
        assert stored.state is State.CONFIRMING
        headless.press(SAM, card, CONFIRM)
        headless.wait_for_message(SAM, AUDIT, containing="Signed out: ada")
    assert len(headless.cognito_calls(SIGN_OUT)) == 1


def test_a_command_while_the_table_is_throttled_opens_nothing_and_says_so(
    headless: Headless, dynamodb: DynamoDB, dynamodb_store: DynamoDBStore, impatient: dict[str, Any]
) -> None:
    with headless.bot_in_process(**impatient):
        dynamodb.next("TransactWriteItems", *[THROTTLED] * 20)
        headless.command(SAM, "ada --pool customers")
        headless.wait_for_message(SAM, containing=NO_STORE)
        dynamodb.clear()
        assert list(dynamodb_store.entries(None, None)) == []
        headless.press(SAM, card_for(headless, SAM), CONFIRM)
        headless.wait_for_message(SAM, AUDIT, containing="Signed out: ada")
