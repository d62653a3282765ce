"""What `/signout help` says."""

from bot.facts.aws_cli import AWS_USAGE, Skeleton
from bot.options import USAGE
from bot.slack.text import Message, bullets, header, message, paragraph, preformatted, words

HELP = message(
    header("Sign a Cognito user out of all devices"),
    paragraph(words(USAGE, code=True)),
    bullets(
        [
            [words("TARGET", code=True), words(" is a user name, email, phone number or sub, spelled exactly.")],
            [
                words("--pool NAME", code=True),
                words(" looks only in that user pool. Without it, the bot looks in all that you may use."),
            ],
            [
                words("--reason TEXT", code=True),
                words(" says why, such as a ticket number. The audit channel shows it."),
            ],
        ]
    ),
    paragraph(words("/signout", code=True), words(" with nothing after it opens a form.")),
    paragraph(
        words(
            "You can also paste a line of the AWS CLI's cognito-idp admin-user-global-sign-out, or only its options: "
        ),
        words(AWS_USAGE, code=True),
        words(", --cli-input-json, --cli-input-yaml, --generate-cli-skeleton."),
    ),
    paragraph(
        words("You see the account and confirm before anything happens. The audit channel shows what came of it.")
    ),
)


def skeleton(asked: Skeleton) -> Message:
    """Return the answer to `--generate-cli-skeleton`."""
    return message(
        preformatted(asked.text) if asked.text else paragraph(words("The output of this operation is empty."))
    )
