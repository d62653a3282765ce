"""Exit codes, as the AWS CLI v2 documents its own."""

from enum import IntEnum


class Code(IntEnum):
    """What became of a command."""

    DONE = 0
    INTERRUPTED = 130
    USAGE = 252  # the command, or a value in it, is wrong: nothing was asked of AWS
    SETTINGS = 253  # settings, store, credentials or permission are missing
    REFUSED = 254  # Cognito said no
    OTHER = 255  # nothing was begun, it was cancelled, or what became of it is not known
