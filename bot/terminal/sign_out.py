"""From a command line to an exit code: the rules of the Slack command, with the caller's AWS identity as operator."""

import logging
import os
import pwd
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.authorize import TERMINAL
from bot.confirm import AlreadyDecidedError, Confirmations
from bot.errors import (
    AccountNotFoundError,
    BotError,
    DeniedError,
    PoolUnavailableError,
    StoreUnavailableError,
    UsageError,
)
from bot.options import SignOutOptions
from bot.request import Ask, Operator, SignOutRequest, State, new_id
from bot.sign_out import SignOuts
from bot.terminal import screen
from bot.terminal.codes import Code

NOT_LISTED = "{arn} is not in allow.terminal, so it may not sign users out. If it should be, ask the bot's engineer."
_CODES = (
    (UsageError, Code.USAGE),
    (DeniedError, Code.SETTINGS),
    (AccountNotFoundError, Code.REFUSED),
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Terminal:
    """Signs out on behalf of whoever sits at this terminal: `arn`, says AWS."""

    confirmations: Confirmations
    sign_outs: SignOuts
    arn: str

    def sign_out(self, options: SignOutOptions, *, yes: bool) -> Code:
        """Return the exit code; say on standard error whatever is not a success."""
        try:
            return self._sign_out(options, yes=yes)
        except AlreadyDecidedError as error:
            screen.say(screen.outcome(error.request))
            return Code.OTHER
        except BotError as error:
            screen.say(NOT_LISTED.format(arn=self.arn) if isinstance(error, DeniedError) else error.sentence)
            if isinstance(error, PoolUnavailableError) and error.refused:
                return Code.REFUSED
            return next((code for kind, code in _CODES if isinstance(error, kind)), Code.OTHER)
        except Exception:
            log.exception("The command failed")
            screen.say(BotError.sentence)
            return Code.OTHER

    def _sign_out(self, options: SignOutOptions, *, yes: bool) -> Code:
        operator = Operator(team_id=TERMINAL, id=self.arn, name=local_account())
        request = self._open(operator, options)
        if not yes and not self._is_confirmed(request):
            screen.say(screen.outcome(self.confirmations.cancel(request.id, operator)))
            return Code.OTHER
        try:
            return self._carry_out(self.confirmations.confirm(request.id, operator, None))
        except KeyboardInterrupt:
            screen.say(f"\n{screen.INTERRUPTED}")
            raise

    def _open(self, operator: Operator, options: SignOutOptions) -> SignOutRequest:
        ask = Ask(
            id=new_id(datetime.now(UTC)),
            operator=operator,
            source=TERMINAL,
            channel_id="",
            target=options.target,
            pool_id=options.pool_id,
            exactly=options.exactly,
            reason=options.reason,
        )
        authorized = self.confirmations.authorize(ask)
        return self.confirmations.open(authorized, self.confirmations.pools_of(authorized, ask), ask)

    def _is_confirmed(self, request: SignOutRequest) -> bool:
        try:
            return screen.is_confirmed(request)
        except KeyboardInterrupt:
            self.confirmations.cancel(request.id, request.operator)
            screen.say("")  # the prompt's line ends here
            raise

    def _carry_out(self, claimed: SignOutRequest) -> Code:
        try:
            ended = self.sign_outs.sign_out(claimed)
        except StoreUnavailableError as error:
            log.warning("Request %s did not end (%s); the bot will resume it", claimed.id, error.reason)
            screen.say(screen.UNFINISHED)
            return Code.OTHER
        except Exception:
            log.exception("Request %s did not end; the bot will resume it", claimed.id)
            screen.say(screen.UNFINISHED)
            return Code.OTHER
        if ended.state is State.SIGNED_OUT:
            return Code.DONE
        screen.say(screen.outcome(ended))
        if ended.error_code == "NoCredentials":
            return Code.SETTINGS
        return Code.REFUSED if ended.state is State.FAILED and ended.attempts else Code.OTHER


def local_account() -> str:
    """Return the name of the local account: a note, since anybody may be anything on their own machine."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
