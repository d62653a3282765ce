"""`signout` of a list: looked up, shown, and confirmed by its number. list_watch.py then runs it."""

from dataclasses import dataclass

from bot import errors
from bot.decide import Press
from bot.list_flow import ListFlow
from bot.list_work import ListWorker
from bot.listed import Listed
from bot.lists import MOVED_ON, Wanted
from bot.request import ENDED, Request, State
from bot.terminal import list_screen as screen
from bot.terminal.front import TerminalReply, ask_of, is_confirmed
from bot.terminal.lines import STANDARD_INPUT, lines_of
from bot.terminal.list_command import ListCommand, number_in
from bot.terminal.list_watch import Watch
from bot.terminal.output import DONE, OF_SIGNOUT, say
from bot.terminal.progress import Bar
from bot.terminal.screen import answer_to

TRIES = 3  # to type the number
_NOTHING_AGAIN = "This list is {}, so there is nothing of it to do once more."
_NO_SUCH_LIST = "The bot knows no such list. Its id is in the summary, in Slack, and in the audit log."
_NOT_YOUR_LIST = "Only the person who asked for a list can ask for it once more."


def take_list(command: ListCommand, lists: ListFlow, worker: ListWorker, arn: str) -> int:
    """Carry out what the person at this terminal, who is `arn` to AWS, asks for; return the exit code.

    Raises as `ListFlow.ask` does, and `KeyboardInterrupt` until it is confirmed: then nothing was done.
    """
    clock = worker.clock
    ask = ask_of(command.options, clock.now(), arn)
    lines = lines_of(command.file, command.column) if command.file else ()
    reply = ListTerminalReply(arn=arn, quiet=False, again=command.again, bar=Bar(monotonic=clock.monotonic))
    try:
        if command.again:
            lists.again(Press(request_id=command.again, operator=ask.operator), reply)
        else:
            lists.ask(ask, Wanted(lines=lines, everyone=not command.file), reply)
    finally:
        reply.bar.close()
    if not (request := reply.confirming):
        return reply.exit_code
    press = Press(request_id=request.id, operator=request.ask.operator)
    if not is_confirmed(lambda: _is_its_number(command, request.contents), lists.flow, press, reply):
        return reply.exit_code
    return Watch(lists=lists, worker=worker, reply=reply, request=request, press=press, bar=reply.bar).run()


@dataclass(kw_only=True)
class ListTerminalReply(TerminalReply):
    """Tells the person at a terminal of their list. `again`: the id of the one that they ask for once more."""

    again: str | None
    bar: Bar  # of the look-up, and then of the run
    _said: str = ""
    _ended: bool = False

    def looking(self, request: Request) -> None:
        """Show how much was looked up."""
        count = request.contents.lines
        self.bar.show(count, None, beside="", line=f"Looked up {count:,} so far.")

    def show(self, request: Request) -> bool:
        """Show what a list would hold, or what came of it. How far it is on the way, the bar shows."""
        if request.id == self.again:
            self.say(errors.UsageError(_NOTHING_AGAIN.format(request.state)))
        elif request.state is State.CONFIRMING:
            self.confirming = request
            self.bar.close()
            say(screen.preview(request))
        elif request.state in ENDED and not self._ended:
            self.is_answered, self.exit_code, self._ended = True, _exit_code(request), True
            say(screen.outcome(request))
        return True

    def say(self, error: errors.BotError) -> None:
        """Say what was wrong, in words for a list, and not once more for each try."""
        match error:
            case errors.BotError(sentence=sentence) if sentence == MOVED_ON:  # what it is now was shown
                return
            case errors.UnknownRequestError():
                error = errors.UsageError(_NO_SUCH_LIST)
            case errors.NotYoursError():
                error = errors.DeniedError(_NOT_YOUR_LIST)
        if str(error) != self._said:
            self._said = str(error)
            self.bar.close()  # else it would be said on the bar's line
            super().say(error)


def _is_its_number(command: ListCommand, listed: Listed) -> bool:
    """Whether `--size` or what is typed is the number of accounts."""
    if command.size is not None:
        if command.size != listed.size:
            say(f"{screen.not_the_number(listed)} --size says {command.size:,}.")
        return command.size == listed.size
    for _ in range(TRIES):
        answer = answer_to(screen.question(listed), on_tty=command.file == STANDARD_INPUT)
        if not answer.strip():
            break
        if number_in(answer) == listed.size:
            return True
        say(screen.not_the_number(listed))
    return False


def _exit_code(request: Request) -> int:
    """Return 0 only if every account was done."""
    if request.state is State.DONE:
        return DONE
    reasons = set(request.contents.counts.reasons)
    if request.state is not State.FAILED or not reasons:
        return OF_SIGNOUT[errors.Code.OTHER]
    return OF_SIGNOUT[errors.Code.SETTINGS if reasons == {errors.NO_CREDENTIALS} else errors.Code.REFUSED]
