"""How accounts and reasons are shown, as the settings say: personal data is masked unless they say otherwise.

Every field that can have some goes through `Shown`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import quote

from bot.account import Account
from bot.authorize import Allowed, Allowlist
from bot.facts.advice import LONGEST_LIFETIME
from bot.facts.list_words import accounts
from bot.options import ReasonRule
from bot.request import Request
from bot.slack.masking import masked, masked_in, masked_name, personal_in
from bot.slack.text import Code, Line, Link, Span, cut, facts
from bot.spellings import difference

MAX_LINKS = 10  # with more of them, or longer ones, Slack would refuse the whole message
MAX_URL = 500
MAX_PERSONAL = 256  # longer than any address: people set their own attributes, and Slack refuses a card too long


@dataclass(frozen=True, kw_only=True, slots=True)
class Lasting:
    """What outlives a sign-out, by a pool's settings. The defaults are for a pool that is no longer configured."""

    lifetime: str = LONGEST_LIFETIME  # of its tokens, in words
    hosted_login: bool = True
    identity_pool: bool | None = None  # whether one gives out AWS credentials; None where that is not known


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """What the settings say about showing things. `pii` is "masked" or "full", `lasting` is by the pools' names."""

    pii: str
    reason_rule: ReasonRule | None
    ticket_url: str | None
    lasting: Mapping[str, Lasting]
    resume_within: timedelta
    performers: Mapping[str, Allowlist] = field(default_factory=dict)  # who may do each other action than a sign-out

    def who_may(self, action: str, pool: str) -> Allowed:
        """Return who may do another action than a sign-out in a pool."""
        allowlist = self.performers.get(action)
        return allowlist.of(pool) if allowlist else Allowed()

    def outlives(self, pool: str) -> Lasting:
        """Return what outlives a sign-out in a pool."""
        return self.lasting.get(pool, Lasting())

    def accepted(self, pool: str, then: str) -> str:
        """Say for how long an app may accept a token of a pool; `then` follows the time, such as "more"."""
        lifetime = self.lasting.get(pool, Lasting()).lifetime
        bound = f" by the bot's settings, and for {LONGEST_LIFETIME} at most" if lifetime != LONGEST_LIFETIME else ""
        return f"An app that checks only a token's signature may accept it for up to {lifetime} {then}{bound}."

    def personal(self, text: str) -> str:
        """Return an email, a phone number or a target as it may be shown, and no longer than `MAX_PERSONAL`."""
        return cut(text if self.pii == "full" else masked_in(masked(text)), MAX_PERSONAL)

    def name(self, account: Account) -> str:
        """Return an account's user name as it may be shown."""
        return account.username if self.pii == "full" else masked_name(account.username, account.phone)

    def subject(self, request: Request) -> str:
        """Return what a request is about, as it may be shown: the user name, or how many accounts."""
        return accounts(request.listed.size) if request.listed else self.name(request.account)

    def who(self, account: Account) -> list[Line]:
        """Return the lines that tell one account from another."""
        known: Mapping[str, Span | None] = {
            "User name": Code(self.name(account)),
            "Preferred name": account.preferred_username and Code(self.personal(account.preferred_username)),
            "Email": account.email and self.personal(account.email),
            "Phone": account.phone and self.personal(account.phone),
            "Sign-in": account.sign_in,
            "Status": account.status_in_words,
            "Created": account.created_at,
            "Last changed": account.modified_at,
            "Sub": Code(account.sub) if account.sub else None,
            "Pool": f"{account.pool} ({account.region})",
            "Protected": account.protected and f"by {account.protected}",
        }
        return facts({label: [fact] for label, fact in known.items() if fact})

    def how_read(self, request: Request) -> Line:
        """Say how the target was read, where no one was found as it was typed; nothing where someone was."""
        read = request.searched_as
        if not read:
            return []
        left_out, otherwise = difference(request.ask.options.target, read)
        shown = left_out if self.pii == "full" else [masked_in(each) for each in left_out]
        how: Line = [span for each in shown for span in (" and ", Code(each))]
        how = [" instead. Left out: ", *how[1:]] if how else [f" instead, {otherwise}."]
        return ["Exactly as typed, no one was found. The bot looked for ", Code(self.personal(read)), *how]

    def brief(self, account: Account, *, of_one_pool: bool = False) -> str:
        """Return what tells candidates apart, in one line. `of_one_pool`: all are of it, so it is left out."""
        told = [
            self.name(account),
            *(self.personal(each) for each in (account.preferred_username, account.email, account.phone) if each),
            "" if of_one_pool else f"pool {account.pool}",
            account.sign_in,
            account.status_in_words,
            f"created {account.created_at:%Y-%m-%d}" if account.created_at else "",
            f"sub {account.sub}" if account.sub else "",
            "protected" if account.protected else "",
        ]
        return " · ".join(filter(None, told))

    def reason(self, reason: str | None) -> Line:
        """Return a reason, with its ticket numbers as links to `ticket_url`, in which {} stands for the number."""
        if not reason:
            return []
        tickets = self.reason_rule.tickets(reason) if self.reason_rule else ()
        hidden = () if self.pii == "full" else personal_in(reason, tickets)
        found: dict[tuple[int, int], str | Link] = {place: masked(reason[slice(*place)]) for place in hidden}
        for start, stop in tickets[:MAX_LINKS] if self.ticket_url else ():
            url = str(self.ticket_url).replace("{}", quote(reason[start:stop], safe=""))
            if len(url) <= MAX_URL and not any(start < end and begin < stop for begin, end in hidden):
                found[start, stop] = Link(reason[start:stop], url)
        spans, end = list[Span](), 0
        for (start, stop), span in sorted(found.items()):
            spans += [reason[end:start], span]
            end = stop
        return [span for span in (*spans, reason[end:]) if span]
