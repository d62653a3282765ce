"""How long people wait: acks, and click to result, here and far away. With it: connections, and processor time."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from statistics import median

from headless import SAM, SUPPORT, BotProcess

from bench.clicks import CONFIRM, RESULT, click, warm_up
from bench.floor import Floor
from bench.rows import Row, progress
from bench.scene import FAR, FAR_AND_GUARDED, HERE, Place, Scene, scene
from bot.sandbox.board import Message
from bot.sandbox.cognito import Moto

RAW = "the two raw calls, warm"
APART = 0.008  # seconds between the calls of a sign-out: after a pause the same call costs more, with cold caches


def acks(moto: Moto, rounds: int, number: int) -> Iterator[Row]:
    """Measure acks while Cognito hangs, half of them to commands and half to presses."""
    row = Row(what="ack while Cognito hangs, p99", floor="bare Bolt listener", goal=1.5)
    with ExitStack() as exits:
        ours, bare = (exits.enter_context(scene(moto)) for _ in range(2))
        exits.enter_context(ours.bot())
        exits.enter_context(Floor("listener", bare))
        bare.headless.wait_for(bare.headless.connections, timeout=60)
        warm_up(ours.headless)
        bare.headless.command(SAM, "ada")  # Bolt asks Slack who it is
        content = ours.last_sent("response_url", CONFIRM)
        yield acks_of(row, ours, bare, rounds, number, lambda: bare.show(content))


def acks_of(  # noqa: PLR0913, PLR0917 -- what is measured, and how often
    row: Row, ours: Scene, other: Scene, rounds: int, number: int, card: Callable[[], Message] | None = None
) -> Row:
    """Measure acks on both sides in turns. The other one is a bot too, or gets its `card` to press from elsewhere."""
    for each in range(rounds):
        progress(f"{row.what}: round {each + 1}")
        both = [(ours, _card(ours)), (other, card() if card else _card(other))]
        for side, _ in both:
            side.hang(on=True)
        measured, floor = (_acks(*side, number) for side in (both if each % 2 else both[::-1]))
        row.add(*((measured, floor) if each % 2 else (floor, measured)), share=0.99)
        for side, _ in both:
            side.hang(on=False)
            side.clear()
    return row


def _card(where: Scene) -> Message:
    where.headless.command(SAM, "ada --pool customers")
    return where.headless.wait_for_message(SAM, button=CONFIRM)


def _acks(where: Scene, card: Message, number: int) -> Sequence[float]:
    """The milliseconds of so many acks."""
    seconds = []
    for each in range(number):
        stage = where.headless
        ack = stage.press(SAM, card, CONFIRM) if each % 2 else stage.command(SAM, "ada --pool customers", SUPPORT)
        if ack.error:
            raise TimeoutError(f"no ack: {ack.error}")
        seconds.append(1000 * ack.seconds)
    return seconds


def here(moto: Moto, rounds: int, sign_outs: int) -> Iterator[Row]:
    """Measure click to result on this machine, and the processor time of a whole sign-out."""
    row = Row(what="click to result, services on this machine", floor=RAW, goal=2)
    processor = Row(
        what="processor for one sign-out, from the command to the audit",
        floor="its five raw calls, as far apart",
        goal=8,
    )
    processor.absolute = True
    with Pair(moto, HERE) as pair:
        for each in range(rounds):
            progress(f"{row.what}: round {each + 1}")
            pair.turn(row, sign_outs)
            if sys.platform == "linux":
                pair.processor(processor, sign_outs)
    yield row
    if processor.rounds:
        yield processor


def far(moto: Moto, rounds: int, sign_outs: int) -> Iterator[Row]:
    """Measure click to result far away, also past a proxy with TLS; and what is connected to for 40 sign-outs."""
    where = "Cognito 40 ms away, Slack 60 ms"
    row = Row(what=f"click to result, {where}", floor=RAW, goal=1.3)
    guarded = Row(what="the same, with TLS past a proxy", floor=RAW, goal=1.3)
    opened = Row(what="connections opened to Slack for 40 sign-outs", floor="0", goal=4, unit="", absolute=True)
    with Pair(moto, FAR) as pair, Pair(moto, FAR_AND_GUARDED) as other:
        for each in range(rounds):
            progress(f"{row.what}: round {each + 1}")
            count = pair.turn(row, sign_outs)
            other.turn(guarded, max(sign_outs // 2, 1))
            opened.rounds.append((40 * count / sign_outs, 0))
    yield from (row, guarded, opened)


class Pair(ExitStack):
    """A bot, and its raw calls, on one scene."""

    def __init__(self, moto: Moto, place: Place) -> None:
        super().__init__()
        self.scene = self.enter_context(scene(moto, place))
        self._bot: BotProcess = self.enter_context(self.scene.bot())
        self._floor = self.enter_context(Floor("calls", self.scene))
        warm_up(self.scene.headless)
        self._card, self._result = (self.scene.last_sent("response_url", words) for words in (CONFIRM, RESULT))
        self._entry = self.scene.last_sent("chat.postMessage", RESULT)
        self._entry_url = f"{self.scene.environment['SLACK_API_URL']}chat.postMessage"

    def turn(self, row: Row, number: int) -> int:
        """Do one round of clicks, side by side; return how many connections the bot opened to Slack, once warm."""
        self.scene.clear()
        click(self.scene.headless)
        self.raw()
        measured, floor, opened = list[float](), list[float](), 0
        for _ in range(number):
            before = self.scene.to_slack.connections
            measured.append(1000 * click(self.scene.headless))
            opened += self.scene.to_slack.connections - before
            floor.append(1000 * self.raw())
        row.add(measured, floor)
        return opened

    def raw(self) -> float:
        """The seconds of the two raw calls."""
        seconds, _ = self._floor.calls((self.scene.card_to_replace(self._card), self._result))
        return seconds

    def processor(self, row: Row, number: int) -> None:
        """Do one round of whole sign-outs, and of all the calls that one needs, in the same rhythm."""
        self.scene.clear()
        before = self._bot.processor_seconds()
        for _ in range(number):
            click(self.scene.headless)
        ours = (self._bot.processor_seconds() - before) / number
        row.rounds.append((1000 * ours, 1000 * median(self._all_raw() for _ in range(number))))

    def _all_raw(self) -> float:
        to = self.scene.card_to_replace
        posts = ((to(self._card), self._card), (to(self._card), self._result), (self._entry_url, self._entry))
        _, processor = self._floor.calls(*posts, finds=True, apart=APART)
        return processor
