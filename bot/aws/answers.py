"""What a failed call to AWS means: a definite refusal, or no clear answer."""

from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
    ReadTimeoutError,
    TokenRetrievalError,
)

from bot.action import Refused, Unclear
from bot.aws.clients import TooLateError
from bot.errors import NO_CALL_MADE

NO_CREDENTIALS = "NoCredentials"
_THROTTLED = frozenset({"TooManyRequestsException", "ThrottlingException", "Throttling", "LimitExceededException"})
_REQUEST_TIMEOUT, _TOO_MANY = 408, 429
_CLIENT_ERRORS = range(400, 500)


def answer_to(error: Exception) -> Refused | Unclear:
    """Return what is known after a failed call. Only AWS's own 4xx, which carries its request id, is a refusal."""
    match error:
        case ClientError():
            return _answer_of(error)
        case TooLateError():
            return Refused(NO_CALL_MADE, None, sent=False)
        case ParamValidationError():
            return Refused("InvalidParameterException", None, sent=False)
        case ReadTimeoutError() | ConnectTimeoutError():
            return Unclear("TimedOut")
        case (
            NoCredentialsError()
            | PartialCredentialsError()
            | CredentialRetrievalError()
            | TokenRetrievalError()
            | ProfileNotFound()
        ):  # nothing was sent
            return Refused(NO_CREDENTIALS, None, sent=False)
        case _:
            return Unclear("Unreachable")


def _answer_of(error: ClientError) -> Refused | Unclear:
    metadata = error.response["ResponseMetadata"]
    status, request_id = metadata["HTTPStatusCode"], metadata.get("RequestId")
    code = str(error.response["Error"].get("Code"))
    doubt = status not in _CLIENT_ERRORS or status == _REQUEST_TIMEOUT or code == "InternalErrorException"
    if doubt or not request_id:
        return Unclear(code, request_id)
    return Refused(code, request_id, may_retry=status == _TOO_MANY or code in _THROTTLED)
