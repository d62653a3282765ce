"""How an account, a target and a reason are shown. Personal data is masked unless the settings say otherwise."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from bot.options import looks_like_phone
from bot.reason import ReasonRule
from bot.request import Account
from bot.slack.text import Element, linked, moment, words

Line = tuple[str, list[Element]]
LONG_NUMBER = 9  # a shorter one would hardly be masked if its beginning showed as well


def masked(text: str) -> str:
    """Return an email with but its first letter and domain, a phone number with but its first and last digits."""
    local, at, domain = text.rpartition("@")
    if at:
        return f"{local[:1]}…{at}{domain}"
    if looks_like_phone(text):
        return f"{text[:3] if len(text) > LONG_NUMBER else ''}…{text[-2:]}"
    return text


def duration(length: timedelta) -> str:
    """Return a length of time in words, exact to the minute."""
    minutes = round(length.total_seconds() / 60)
    for unit, size in (("day", 1440), ("hour", 60)):
        if minutes and minutes % size == 0:
            count = minutes // size
            return f"{count} {unit}{'s' * (count != 1)}"
    return f"{minutes} minute{'s' * (minutes != 1)}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """What the settings say about showing things. `pii` is "masked" or "full"."""

    pii: str
    reason_rule: ReasonRule
    ticket_url: str | None
    token_lifetimes: Mapping[str, timedelta]

    def personal(self, text: str) -> str:
        """Return an email or phone number as it may be shown, and any other text as it is."""
        return text if self.pii == "full" else masked(text)

    def name(self, username: str) -> str:
        """Return a user name as it may be shown: masked where it is an email or, by its plus, a phone number."""
        return self.personal(username) if "@" in username or username.startswith("+") else username

    def who(self, account: Account) -> list[Line]:
        """Return the lines that tell one account from another."""
        return [
            ("User name", [words(self.name(account.username), code=True)]),
            *([("Email", [words(self.personal(account.email))])] if account.email else []),
            *([("Phone", [words(self.personal(account.phone))])] if account.phone else []),
            ("Sign-in", [words(account.sign_in)]),
            *([("Status", [words(account.standing)])] if account.standing else []),
            *([("Created", [moment(account.created_at)])] if account.created_at else []),
            *([("Last changed", [moment(account.modified_at)])] if account.modified_at else []),
            *([("Sub", [words(account.sub, code=True)])] if account.sub else []),
            ("Pool", [words(f"{account.pool} ({account.region})")]),
        ]

    def brief(self, account: Account) -> str:
        """Return what tells candidates apart, in one line."""
        created = f"created {account.created_at:%Y-%m-%d}" if account.created_at else None
        personal = [self.personal(each) for each in (account.email, account.phone) if each]
        sub = f"sub {account.sub}" if account.sub else None
        who = [self.name(account.username), *personal, f"pool {account.pool}"]
        return " · ".join(filter(None, [*who, account.sign_in, account.standing, created, sub]))

    def reason(self, reason: str | None) -> list[Line]:
        """Return the line of a reason, with its ticket numbers as links; none for no reason."""
        return [("Reason", linked(reason, self.reason_rule.tickets(reason), self.ticket_url))] if reason else []

    def token_lifetime(self, pool: str) -> str:
        """Return how long a token of a pool lives; of a pool that is no longer configured, the longest there is."""
        return duration(self.token_lifetimes.get(pool, timedelta(days=1)))
