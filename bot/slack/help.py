"""What `/signout help` says."""

from bot.facts.aws_cli import AWS_USAGE, Help, Skeleton
from bot.options import USAGE
from bot.slack.text import Code, Header, Lines, Message, message

HELP = message(
    Header("Sign a Cognito user out of all devices"),
    [Code(USAGE)],
    Lines(
        [
            [Code("TARGET"), " is a user name, preferred_username, email, phone number or sub, spelled exactly."],
            [Code("--pool NAME"), " looks only in that user pool. Without it, the bot looks in all that you may use."],
            [Code("--region REGION"), " looks only in the user pools of that AWS region."],
            [Code("--reason TEXT"), " says why, such as a ticket number. The audit channel shows it."],
        ],
        "list",
    ),
    [Code("/signout"), " with nothing after it opens a form."],
    [
        "You can also paste a line of the AWS CLI's cognito-idp admin-user-global-sign-out, or only its options: ",
        Code(AWS_USAGE),
        ", --region, --cli-input-json, --cli-input-yaml, --generate-cli-skeleton.",
    ],
    ["You see the account and confirm before anything happens. The audit channel shows what came of it."],
)


def answer(asked: Help | Skeleton) -> Message:
    """Return the answer to a command that begins nothing."""
    if isinstance(asked, Help):
        return HELP
    lines = asked.text.split("\n")
    return message(
        Lines([[line] for line in lines], "preformatted") if asked.text else ["The output of this operation is empty."]
    )
