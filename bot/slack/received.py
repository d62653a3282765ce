"""What Slack sent, as what the rules take."""

from datetime import UTC, datetime

from slack_bolt import BoltContext

from bot.options import has_surrogate
from bot.request import Ask, Operator, Options, new_id


def ask_of(context: BoltContext, operator: Operator, channel_id: str, options: Options) -> Ask:
    """Return what someone asked."""
    check_texts(channel_id, options.pool or "")
    # The edge gives an id: over HTTP a request that comes again has that of the first.
    id_ = str(context.get("ask_id") or new_id(datetime.now(UTC)))
    return Ask(id=id_, operator=operator, source="slack", channel_id=channel_id, options=options)


def check_texts(*values: object) -> None:
    """Raise `TypeError` where one is not text that a store can hold. Slack never sends that: it must not fail later."""
    if not all(isinstance(value, str) and not has_surrogate(value) for value in values):
        raise TypeError("not a text")
