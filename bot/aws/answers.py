"""What a failed call to AWS means: a definite refusal, or no clear answer."""

from botocore.exceptions import ClientError, ConnectTimeoutError, ParamValidationError, ReadTimeoutError

from bot.action import Refused, Unclear
from bot.errors import NO_CALL_MADE, NO_CREDENTIALS, AwsSetupError
from bot.facts.advice import USER_DISABLED
from bot.facts.aws_credentials import NOT_OF_AWS
from bot.facts.aws_names import THROTTLED
from bot.facts.leaving import TooLateError

_REQUEST_TIMEOUT, _TOO_MANY = 408, 429
_CLIENT_ERRORS = range(400, 500)
# Cognito failed, or could not send the code of a reset and does not say whether it reset the password before.
_UNCLEAR = frozenset(
    {
        "InternalErrorException",
        *("CodeDeliveryFailureException", "UnexpectedLambdaException", "UserLambdaValidationException"),
        *("InvalidLambdaResponseException", "InvalidSmsRoleAccessPolicyException"),
        *("InvalidSmsRoleTrustRelationshipException", "InvalidEmailRoleAccessPolicyException"),
    }
)


def answer_to(error: Exception, *, sent: bool = True) -> Refused | Unclear:
    """Return what is known after a failed call. `sent`: a byte of it may have left; else it did nothing.

    Only AWS's own 4xx, which carries its request id, is a refusal.
    """
    match error:
        case TooLateError():
            return Refused(NO_CALL_MADE, None, sent=False)
        case ParamValidationError():
            return Refused("InvalidParameterException", None, sent=False)
        case AwsSetupError():
            return Refused(NO_CREDENTIALS, None, may_retry=error.may_pass, sent=False)
    answer = _answer_of(error)
    if sent:
        return answer
    return Refused(answer.code, None, may_retry=answer.may_retry, sent=False)


def _answer_of(error: Exception) -> Refused | Unclear:
    if not isinstance(error, ClientError):
        return Unclear("TimedOut" if isinstance(error, (ReadTimeoutError, ConnectTimeoutError)) else "Unreachable")
    metadata = error.response["ResponseMetadata"]
    status, request_id = metadata["HTTPStatusCode"], metadata.get("RequestId")
    said = error.response.get("Error", {})  # a page that is not of AWS may have none
    code = str(said.get("Code", NOT_OF_AWS))
    if code == "NotAuthorizedException" and "user is disabled" in str(said.get("Message")).lower():
        code = USER_DISABLED
    is_definite = status in _CLIENT_ERRORS and status != _REQUEST_TIMEOUT and code not in _UNCLEAR
    if not is_definite or not request_id:
        return Unclear(code, request_id)
    return Refused(code, request_id, may_retry=status == _TOO_MANY or code in THROTTLED)
