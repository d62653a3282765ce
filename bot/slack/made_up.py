"""Made-up people, accounts and requests, with as much in them as there can be: what samples are made of."""

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.account import Account, Session
from bot.action import ACTIONS, OTHERS, SIGN_OUT
from bot.audit import Entry, Kind, entry_of_ask
from bot.authorize import Allowed, Allowlist
from bot.facts.list_words import REASONS
from bot.listed import MOST_NAMED as MOST_NAMED_OF_A_LIST
from bot.listed import Counts, LeftOut, Listed, Several
from bot.options import MAX_REASON, MAX_TARGET, ReasonRule
from bot.request import AWAITING, ENDED, Approval, Ask, Earlier, Operator, Options, Request, State
from bot.sessions import MAX_SESSIONS
from bot.slack.approvals import MOST_NAMED
from bot.slack.shown import Lasting, Shown

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ID, AWS_ID, POOL = "01JDA0000000000000000000AA", "8da554a7-3bb9-4841-8630-abf386eecebc", "customers"
NEEDS = ("approve.when", f"pools.{POOL}.allow.ask.users", "protect.groups: admins", "limits.per_operator")
LONGEST_ATTRIBUTE, LONGEST_NAME = 2048, 80  # that Cognito keeps, and Slack
MANY = Allowed(
    frozenset({"U0PERSON01"}),
    frozenset(f"S0GROUP{number:02}" for number in range(MOST_NAMED)),
)
SHOWN = Shown(
    pii="full",
    reason_rule=ReasonRule(required=True, pattern=re.compile(r"TICKET-\d")),
    ticket_url="https://tickets.example.com/browse/{}",
    lasting={POOL: Lasting(lifetime="1 hour", identity_pool=True)},
    resume_within=timedelta(minutes=5),
    performers={each: Allowlist(MANY, {POOL: Allowed()}) for each in OTHERS},
)


@dataclass(frozen=True, kw_only=True)
class MadeUp:
    """How all accounts and people are called, what they set themselves, what is typed, and why. All is long."""

    name: str = "ada.lovelace@example.com".rjust(MAX_TARGET, "a")
    attribute: str = "ada.lovelace@example.com".rjust(LONGEST_ATTRIBUTE, "a")
    target: str = "ada.lovelace@example.com".rjust(MAX_TARGET, "a")
    reason: str = "TICKET-1 and TICKET-2, lost phone ".ljust(MAX_REASON, "x")
    shown: Shown = SHOWN

    @property
    def operator(self) -> Operator:
        """The person who asks."""
        return Operator(team_id="T0123ABCDEF", id="U0123ABCDEF", name=self.name)

    @property
    def account(self) -> Account:
        """The account that is meant."""
        return Account(
            pool=POOL,
            pool_id="eu-central-1_AbCdEf123",
            region="eu-central-1",
            username=self.name,
            sub="343d94cb-5ddd-4f39-ab9f-be013c348223",
            email=self.attribute,
            phone=self.attribute,
            status="FORCE_CHANGE_PASSWORD",
            enabled=True,
            created_at=AT,
            modified_at=AT,
            preferred_username=self.attribute,
            protected=NEEDS[2],
        )

    @property
    def federated(self) -> Account:
        """The same account, of someone who signs in elsewhere."""
        return replace(self.account, provider=self.name, status="EXTERNAL_PROVIDER")

    @property
    def sessions(self) -> tuple[Session, ...]:
        """The account's sessions."""
        first = Session(
            id="sso",
            kind="SSO",
            device=self.attribute[:1024],
            last_active_at=AT,
            began_at=AT,
            city=self.attribute[:256],
            country=self.attribute[:256],
            address="2001:db8:85a3:8d3:1319:8a2e:370:7348",
        )
        return tuple(replace(first, id=f"sso{number:025}") for number in range(MAX_SESSIONS))

    def asked(self, action: str = SIGN_OUT) -> Ask:
        """Return what the operator asked for."""
        dropped = ("--output", "--no-cli-pager", "| …")
        options = Options(target=self.target, pool=POOL, reason=self.reason, action=action, dropped=dropped)
        return Ask(id=ID, operator=self.operator, source="slack", channel_id="C0123ABCDEF", options=options)

    def request(self, state: State, action: str = SIGN_OUT, **changes: Any) -> Request:
        """Return a request in this state."""
        steps = tuple(map(str, ACTIONS[action].steps))
        failed = state in {State.PARTLY, State.FAILED, State.UNKNOWN}
        made = Request(
            ask=self.asked(action),
            state=state,
            candidates=(self.account,) * 10,
            matches=12,
            chosen=None if state is State.CHOOSING else self.account,
            searched_as=f"{self.target},",
            earlier=Earlier(at=AT, by="kim".ljust(LONGEST_NAME, "x")),
            allowed_by=f"pools.{POOL}.allow.users",
            may=(SIGN_OUT, *OTHERS),
            created_at=AT,
            expires_at=AT,
            decided_at=None if state in {*AWAITING, State.CANCELLED, State.EXPIRED, State.DENIED} else AT,
            done=steps if state is State.DONE else steps[:1] if state is State.PARTLY else (),
            attempts=4,
            error_code="LimitExceededException" if failed else None,
            aws_request_ids=(AWS_ID,) * 4,
            ended_at=AT if state in ENDED else None,
            access_until=AT if state is State.DONE else None,
        )
        return replace(made, **changes)

    def second(self, state: State, action: str = SIGN_OUT, **changes: Any) -> Request:
        """Return a request that a second person has, or had, to approve."""
        approval = Approval(asked_at=AT, channel_id="C0123ABCDEF")
        if state not in {State.CONFIRMING, State.APPROVING, State.CANCELLED, State.EXPIRED}:
            approver = replace(self.operator, id="U0456ABCDEF")
            reason = self.reason if state is State.DENIED else None
            approval = replace(approval, approver=approver, rule=f"pools.{POOL}.approve.users", at=AT, reason=reason)
        return self.request(state, action, **({"needs": NEEDS, "approval": approval} | changes))

    def a_list(self, state: State, **changes: Any) -> Request:
        """Return a list that a second person has, or had, to approve, with as much in it as there can be."""
        many = LeftOut(count=1_234_567, first=(self.target,) * MOST_NAMED_OF_A_LIST)
        choices = tuple(Several(line=self.target, begin=10 * number, count=10) for number in range(5))
        counts = Counts(ended=90_000, done=80_000, failed=9_000, unknown=1_000, reasons=dict.fromkeys(REASONS, 500))
        listed = Listed(
            pool=POOL,
            pool_id="eu-central-1_AbCdEf123",
            region="eu-central-1",
            lines=1_234_567,
            size=90_000 if state is State.DONE else 100_000,
            **dict.fromkeys(("not_found", "unreadable", "protected", "several"), many),  # type: ignore[arg-type]
            choices=choices,
            twice=12_345,
            recent=12_345,
            counts=counts,
            rate=11.9,
            trouble="AccessDeniedException" if state in {State.RUNNING, State.PAUSED, State.STOPPING} else None,
        )
        ask = self.asked()
        ask = replace(ask, options=replace(ask.options, target=""))
        pressed_by = self.operator if state in {State.PAUSED, State.STOPPING, *ENDED} else None
        beside = {"ask": ask, "chosen": None, "candidates": (self.account,) * 50, "pressed_by": pressed_by}
        return self.second(state, **(beside | {"listed": listed} | changes))

    def nothing_moved(self, kind: Kind) -> Entry:
        """Return the entry of something that came to no request."""
        return entry_of_ask(kind, self.asked("keep_out"), f"pools.{POOL}.allow.users", AT, account=self.federated)
