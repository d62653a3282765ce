"""The AWS CLI's spelling in Slack, over real sockets."""

import pytest
from headless import AUDIT, RAY, SAM, Headless, shows
from whole_bot import ACKED_WITHIN, CONFIRM, SIGN_OUT, entries

LINE = "aws cognito-idp admin-user-global-sign-out"


def pool_of(headless: Headless) -> str:
    return headless.stage.cognito.pools["customers"].id


@pytest.mark.parametrize(
    "text",
    [
        LINE + " \\\n  --user-pool-id POOL \\\n  --username ada",
        "\u2014user-pool-id POOL \u2014username ada \u2014reason lost phone",
        "--cli-input-json '{\u201cUserPoolId\u201d: \u201cPOOL\u201d, \u201cUsername\u201d: \u201cada\u201d}'",
    ],
)
def test_the_aws_clis_line_leads_to_the_same_card_and_the_same_sign_out(headless: Headless, text: str) -> None:
    with headless.bot_in_process():
        assert headless.command(SAM, text.replace("POOL", pool_of(headless))).seconds < ACKED_WITHIN
        card = headless.wait_for_message(SAM, button=CONFIRM)
        assert shows(card, "a…@example.com")
        headless.press(SAM, card, CONFIRM)
        headless.wait_for_message(SAM, AUDIT, containing="Signed out: ada")
    (call,) = headless.cognito_calls(SIGN_OUT)
    assert call.parameters == {"UserPoolId": pool_of(headless), "Username": "ada"}
    assert not headless.is_signed_in("ada")


def test_a_skeleton_is_in_the_ack_and_no_one_is_asked_anything(headless: Headless) -> None:
    with headless.bot_in_process():
        for form, shown in (("", '"UserPoolId": ""'), ("yaml-input", "UserPoolId: ''  # [REQUIRED]"), ("input", "{")):
            assert headless.command(RAY, f"--generate-cli-skeleton {form}").error is None
            headless.wait_for_message(RAY, containing=shown)
        headless.command(RAY, f"--generate-cli-skeleton output --user-pool-id {pool_of(headless)} --username ada")
        headless.wait_for_message(RAY, containing="The output of this operation is empty.")
    assert headless.cognito_calls() == []
    assert entries(headless) == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "--user-pool-id eu-central-1_other --username ada",
            "This bot knows no such pool. You may use: customers, staff.",
        ),
        ("--user-pool-id POOL --username no@example.com", "looking for a user name, preferred_username or email."),
        ("--cli-input-json file:///etc/passwd", "files and addresses are not followed"),
        ("--cli-input-json http://127.0.0.1:8080/latest/", "files and addresses are not followed"),
        ("ada --username ada", "Use either TARGET and --pool, or --username and --user-pool-id, but not both."),
    ],
)
def test_what_is_refused_is_refused_in_a_sentence_and_signs_no_one_out(
    headless: Headless, text: str, told: str
) -> None:
    with headless.bot_in_process():
        headless.command(SAM, text.replace("POOL", pool_of(headless)))
        message = headless.wait_for_message(SAM, containing=told)
    assert "root:" not in message.text
    assert headless.is_signed_in("ada")
    assert headless.cognito_calls(SIGN_OUT) == []
