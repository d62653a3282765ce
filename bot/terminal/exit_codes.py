"""Exit codes. `signout` has those that the AWS CLI v2 documents as its own."""

from collections.abc import Mapping

from bot.errors import Code

DONE = 0
FAILED = 1
INTERRUPTED = 130  # Ctrl-C
OF_SIGNOUT: Mapping[Code, int] = {
    Code.USAGE: 252,  # the command, or a value in it, is wrong: nothing was asked of AWS
    Code.SETTINGS: 253,  # settings, store, credentials or permission are missing
    Code.REFUSED: 254,  # Cognito said no
    Code.OTHER: 255,  # nothing was begun, it was cancelled, or what became of it is not known
}
