"""What is left of an account's sessions once it was signed out: listed, ended one by one, and listed again.

This is right whether or not Cognito's own sign-out ends the sessions that a pool tracks, which AWS does not say.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bot.action import Answer, Done, Refused, Unclear
from bot.errors import NO_CALL_MADE, PoolUnavailableError
from bot.ports import Clock, Left, UserPool
from bot.request import Proof, Session

LOOKS = (0.5, 1.0, 1.5, 2.0)  # seconds before each further list: what has ended is listed for some seconds more


@dataclass(kw_only=True)
class Ending:
    """Ends what had begun before `decided_at`. `renew` is called before each call, and raises if none may follow.

    `sent` counts the calls that were to end a session, `proof` has what the last list said.
    """

    pool: UserPool
    username: str
    decided_at: datetime
    left: Left
    clock: Clock
    renew: Callable[[], None]
    sent: int = field(default=0, init=False)
    proof: Proof | None = field(default=None, init=False)
    _ended: set[str] = field(default_factory=set, init=False)  # those that Cognito said yes for
    _no: Answer = field(default=Refused(NO_CALL_MADE, None, sent=False), init=False)  # the last answer but yes

    def run(self) -> Answer:
        """List, end what is left, and list again for a few seconds. May be repeated as a whole."""
        for pause in (*LOOKS, None):
            try:
                remaining = self._remaining()
            except PoolUnavailableError as error:
                code = error.error_code or NO_CALL_MADE
                return Unclear(code) if self.sent else Refused(code, None)
            if not remaining or pause is None:
                break
            self._end([each for each in remaining if each.kind == "SSO"] or remaining)
            self.clock.sleep(pause)
        return Done(None) if self._ended.issuperset(each.id for each in remaining) else self._no

    def _remaining(self) -> Sequence[Session]:
        self.renew()
        listed = self.pool.sessions(self.username)
        old = [each for each in listed if each.began_at is None or each.began_at < self.decided_at]
        newer = tuple(each for each in listed if each not in old)
        self.proof = Proof(at=self.clock.now(), left=len(old), newer=newer)
        return old

    def _end(self, remaining: Sequence[Session]) -> None:
        for each in remaining:
            if each.id not in self._ended:
                self.renew()
                answer = self.pool.end_session(each.id, self.username, self.left)
                self.sent += answer.sent
                if isinstance(answer, Done):
                    self._ended.add(each.id)
                else:
                    self._no = answer
