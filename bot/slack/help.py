"""What `/signout help` says."""

from bot.options import USAGE
from bot.slack.cards import message
from bot.slack.text import bullets, header, paragraph, words

HELP = message(
    header("Sign a Cognito user out of all devices"),
    paragraph(words(USAGE, code=True)),
    bullets(
        [
            [words("TARGET", code=True), words(" is the user name in Cognito, exactly as it is spelled there.")],
            [words("--pool NAME", code=True), words(" says which user pool, where you may use several.")],
            [words("--reason TEXT", code=True), words(" is kept with the audit entry, such as a ticket number.")],
        ]
    ),
    paragraph(
        words("You will see the account and confirm before anything happens. The audit channel hears of every outcome.")
    ),
)
