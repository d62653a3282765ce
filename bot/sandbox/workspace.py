"""The Slack look-alike: what people can do in it, and what the app is told of it."""

from bot.sandbox import cast, payloads
from bot.sandbox.board import Board, Message, as_slack_sends_it, as_the_api_shows_it
from bot.sandbox.changes import Changes
from bot.sandbox.forms import Forms
from bot.sandbox.limits import refusal
from bot.sandbox.response_urls import ResponseUrls
from bot.sandbox.socket_mode import Ack, Sockets


class Workspace(Board):
    """A board, and with it people, groups and forms, and the app's sockets and response_urls."""

    def __init__(self, changes: Changes | None = None) -> None:
        super().__init__(changes or Changes())
        self.people = cast.people()
        self.usergroups = cast.usergroups()
        self.usergroup_team = cast.TEAM_ID  # the workspace that has them
        self.install = cast.Install.WORKSPACE
        self.messages_tab = True  # where the app may write to people directly, as its manifest asks for
        self.sockets = Sockets(self.changes)
        self.response_urls = ResponseUrls(self)
        self.forms = Forms(self.people, self.sockets, self.changes, lambda: self.install)

    async def command(self, person_id: str, text: str, channel_id: str, command: str = cast.COMMAND) -> Ack:
        """Type a slash command: the app is told, and its acknowledgement may be an answer at once."""
        person, channel = self.people[person_id], self.channels[channel_id]
        url = self.response_urls.issue(person_id, channel_id, None)
        payload = payloads.slash_command(person, channel, as_slack_sends_it(text), url, command, install=self.install)
        self.forms.admit(payload, person_id)
        ack = await self.sockets.deliver("slash_commands", payload, accepts_response=True)
        if ack.payload and (ack.payload.get("text") or ack.payload.get("blocks")):
            if refused := refusal(ack.payload):
                return Ack(payload=ack.payload, seconds=ack.seconds, error=refused.error)
            public = ack.payload.get("response_type") == "in_channel"
            self.post(channel_id, ack.payload, only_for=None if public else person_id)
        return ack

    async def press(self, person_id: str, message: Message, action_id: str, value: str | None = None) -> Ack:
        """Press a button of `message` as that person's window shows it. With a `value`, press a forged button."""
        button = {"type": "button", "action_id": action_id, "block_id": "forged", "value": value}
        if value is None:
            button = message.button(action_id)
        url = self.response_urls.issue(person_id, message.channel, message.ts)
        payload = payloads.block_actions(
            self.people[person_id],
            self.channels[message.channel],
            message_ts=message.ts,
            message=None if message.only_for else as_the_api_shows_it(message),
            action={key: button[key] for key in SENT_OF_A_BUTTON if key in button},
            response_url=url,
            install=self.install,
        )
        self.forms.admit(payload, person_id)
        return await self.sockets.deliver("interactive", payload, accepts_response=False)

    async def shortcut(self, person_id: str, message: Message | None = None) -> Ack:
        """Use the app's shortcut: the one in the menu of `message`, or else the one that is anywhere.

        Slack has no such menu for a message that only one person sees.
        """
        if message and message.only_for:
            raise LookupError("a message that only one person sees has no shortcuts")
        person = self.people[person_id]
        if message is None:
            payload = payloads.shortcut(person, cast.ANYWHERE, self.install)
        else:
            url = self.response_urls.issue(person_id, message.channel, None)
            channel, shown = self.channels[message.channel], as_the_api_shows_it(message)
            payload = payloads.message_action(person, channel, shown, url, cast.OF_A_MESSAGE, install=self.install)
        self.forms.admit(payload, person_id)
        return await self.sockets.deliver("interactive", payload, accepts_response=False)


SENT_OF_A_BUTTON = ("type", "action_id", "block_id", "text", "value", "style", "url")
