"""The sandbox's answers about Cognito's quotas, which fit botocore's model of it."""

from typing import Any

import pytest

from bot.aws.check_pools import QUOTAS
from bot.sandbox import aws_model
from bot.sandbox.accounts import Refused
from bot.sandbox.quotas import GET, instead


def question(category: str) -> dict[str, Any]:
    return {"LimitDefinition": {"LimitClass": "API_CATEGORY", "Attributes": {"Category": category}}}


@pytest.mark.parametrize(("category", "documented"), [(name, number) for name, (_, number) in QUOTAS.items()])
def test_what_aws_documents_is_answered_in_its_form(category: str, documented: int) -> None:
    answer = instead(GET, question(category))
    assert answer
    assert aws_model.faults(GET, answer, answers=True) == []
    assert answer["Limit"]["ProvisionedLimitValue"] == documented


def test_another_question_is_not_answered_and_one_about_nothing_is_refused() -> None:
    assert instead("ListUsers", {"UserPoolId": "eu-central-1_AbCdEf123"}) is None
    for asked in (question("Nothing"), {}):
        with pytest.raises(Refused):
            instead(GET, asked)
