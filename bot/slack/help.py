"""What `/signout help` says."""

from bot.options import AWS_USAGE, USAGE, Skeleton
from bot.slack.cards import Message, message, note
from bot.slack.text import bullets, header, paragraph, preformatted, words

HELP = message(
    header("Sign a Cognito user out of all devices"),
    paragraph(words(USAGE, code=True)),
    bullets(
        [
            [words("TARGET", code=True), words(" is a user name, email, phone number or sub, spelled exactly.")],
            [
                words("--pool NAME", code=True),
                words(" looks in that user pool alone; otherwise in all that you may use."),
            ],
            [words("--reason TEXT", code=True), words(" is kept with the audit entry, such as a ticket number.")],
        ]
    ),
    paragraph(words("/signout", code=True), words(" alone opens a form.")),
    paragraph(
        words("A line of the AWS CLI's cognito-idp admin-user-global-sign-out can be pasted, or only its options: "),
        words(AWS_USAGE, code=True),
        words(", --cli-input-json, --cli-input-yaml, --generate-cli-skeleton."),
    ),
    paragraph(
        words("You will see the account and confirm before anything happens. The audit channel hears of every outcome.")
    ),
)


def skeleton(asked: Skeleton) -> Message:
    """Return the answer to `--generate-cli-skeleton`."""
    return message(preformatted(asked.text)) if asked.text else note("The output of this operation is empty.")
