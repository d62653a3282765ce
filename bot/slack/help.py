"""What `/signout help` says."""

from bot.options import USAGE
from bot.slack.cards import message
from bot.slack.text import bullets, header, paragraph, words

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
        words("You will see the account and confirm before anything happens. The audit channel hears of every outcome.")
    ),
)
