"""What Slack sent, as what the rules take."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from slack_bolt import BoltContext

from bot.options import has_surrogate
from bot.ports import Place
from bot.request import Ask, Operator, Options, new_id
from bot.slack.reply import RESPONSE_URL_LASTS, CardReply, SlackCards


def ask_of(context: BoltContext, operator: Operator, channel_id: str, options: Options) -> Ask:
    """Return what someone asked."""
    check_texts(channel_id, options.pool or "")
    # The edge gives an id: over HTTP a request that comes again has that of the first.
    id_ = str(context.get("ask_id") or new_id(datetime.now(UTC)))
    return Ask(id=id_, operator=operator, source="slack", channel_id=channel_id, options=options)


def pressed(body: Mapping[str, Any]) -> tuple[str, str]:
    """Return which button was pressed, and the id of the request that it carries."""
    button = body["actions"][0]
    request_id = str(button.get("value") or "")
    check_texts(request_id)
    return button["action_id"], request_id


def check_texts(*values: object) -> None:
    """Raise `TypeError` where one is not text that a store can hold. Slack never sends that: it must not fail later."""
    if not all(isinstance(value, str) and not has_surrogate(value) for value in values):
        raise TypeError("not a text")


def sender_of(
    cards: SlackCards, payload: Mapping[str, Any], place: Place | None = None, *, replaces: bool = False
) -> tuple[Operator, CardReply]:
    """Return who sent a command, a form or a press, and how to reply: at its response_url, or else at `place`."""
    user = payload.get("user")
    if user:
        # The person's own. `team`, `enterprise` and `is_enterprise_install` tell of the installation, not of them.
        team_id = user.get("team_id") or ""
        id_, name = user["id"], user.get("username") or user.get("name") or ""
    else:
        team_id, id_, name = payload["team_id"], payload["user_id"], payload.get("user_name") or ""
    now, url = cards.now(), payload.get("response_url")
    check_texts(team_id, id_, url or "")
    # Without lone surrogates, which no store can hold: even then a refusal must be stored.
    operator = Operator(team_id=team_id, id=id_, name=name.encode("utf-8", "replace").decode())
    if url:
        place = Place(response_url=url, until=now + RESPONSE_URL_LASTS, replaces=replaces)
    return operator, CardReply(cards, place, now)
