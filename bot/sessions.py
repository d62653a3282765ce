"""What is left of an account's sessions once it was signed out: listed, ended one by one, and listed again.

This is right whether or not Cognito's own sign-out ends the sessions that a pool tracks, which AWS does not say.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from bot.account import Proof, Session
from bot.action import Answer, Done, Refused, Unclear
from bot.errors import NO_CALL_MADE, NOT_TRACKED, PoolUnavailableError
from bot.ports import Clock, Left, UserPool

LOOKS = (1.0, 1.0, 1.5, 2.0)  # seconds before each further list: what has ended is listed for some seconds more
SETTLED = timedelta(seconds=2)  # after the decision: a list from before may lack a session that had just begun
MAX_SESSIONS = 10  # on a card, each with a button; and in a `Proof`
GONE = "ResourceNotFoundException"  # it is the session that is not there: the pool was listed just before


@dataclass(kw_only=True)
class Ending:
    """Ends what had begun before `decided_at`. `renew` is called before each call, and raises if none may follow.

    `sent` counts the calls that were to end a session. `proof` is what the last list said; None where it could not be
    read.
    """

    pool: UserPool
    username: str
    decided_at: datetime
    left: Left
    clock: Clock
    renew: Callable[[], None]
    sent: int = field(default=0, init=False)
    proof: Proof | None = field(default=None, init=False)
    _answers: dict[str, Answer] = field(default_factory=dict, init=False)  # by the session's id

    def run(self) -> Answer:
        """List, end what is left, and list again for a few seconds. May be repeated as a whole."""
        failed, remaining = None, list[Session]()
        for pause in (*LOOKS, None):
            try:
                failed, remaining = None, self._remaining()
            except PoolUnavailableError as error:
                failed, self.proof = error.error_code or NO_CALL_MADE, None
            if pause is None or (self.proof and not remaining and self.proof.at >= self.decided_at + SETTLED):
                break
            if not failed:
                self._end(remaining)
            self.clock.sleep(pause)
        if failed:
            return Unclear(failed) if self.sent else Refused(failed, None)
        return self._came_of([each for each in remaining if not self._is_over(each)])

    def _remaining(self) -> list[Session]:
        self.renew()
        if not self.proof and not self.pool.tracks_sessions():
            raise PoolUnavailableError("This pool tracks no sessions.", NOT_TRACKED)
        at, sessions = self.clock.now(), self.pool.sessions(self.username)
        old = [each for each in sessions if self._is_old(each)]
        newer = each_device([each for each in sessions if not self._is_old(each)])
        more = len(newer[MAX_SESSIONS:])  # no request grows without end, however often someone signs in
        self.proof = Proof(at=at, left=len(old), newer=newer[:MAX_SESSIONS], more=more)
        return old

    def _end(self, remaining: Sequence[Session]) -> None:
        """End what is not over. SSO sessions come first: their tokens end with them."""
        for each in sorted(remaining, key=lambda each: (each.id in self._answers, each.kind != "SSO")):
            if self._is_over(each) or not self._may_ask(each):
                continue
            self.renew()
            answer = self.pool.end_session(each.id, self.username, self.left)
            self.sent += answer.sent
            if _is_yes(answer) or not isinstance(self._answers.get(each.id), Unclear):  # a later no proves nothing
                self._answers[each.id] = answer
            if answer.may_retry:  # Cognito is busy or silent: after the next list
                return

    def _may_ask(self, session: Session) -> bool:
        answer = self._answers.get(session.id)
        return not answer or answer.may_retry or not answer.sent

    def _is_old(self, session: Session) -> bool:
        """Whether it had begun before the decision, or has ended with one that had."""
        return not session.began_at or session.began_at < self.decided_at or self._ended_with_another(session)

    def _is_over(self, session: Session) -> bool:
        """Whether Cognito said that it ends this session, or that it is there no more."""
        answer = self._answers.get(session.id)
        return bool(answer and _is_yes(answer)) or self._ended_with_another(session)

    def _ended_with_another(self, session: Session) -> bool:
        return isinstance(self._answers.get(session.origin_id or ""), Done)

    def _came_of(self, lasting: Sequence[Session]) -> Answer:
        """Return what is known of the sessions that are listed and not over; a doubt about one is a doubt about all."""
        answers = [self._answers[each.id] for each in lasting if each.id in self._answers]
        unsure = [each for each in answers if isinstance(each, Unclear)]
        not_asked = Refused(NO_CALL_MADE, None, sent=False)
        return (unsure or answers or [not_asked])[-1] if lasting else Done(None)


def _is_yes(answer: Answer) -> bool:
    return isinstance(answer, Done) or (isinstance(answer, Refused) and answer.code == GONE)


def each_device(sessions: Sequence[Session]) -> tuple[Session, ...]:
    """Return the sessions that tell devices apart, the one that was used last first.

    What came through an SSO session ends with it, so only the SSO session is there: used when the last of them was.
    """
    sso, devices = {each.id for each in sessions if each.kind == "SSO"}, list[Session]()
    for each in sessions:
        if each.origin_id not in sso:
            used = [one.last_active_at for one in sessions if each.id in {one.id, one.origin_id} and one.last_active_at]
            devices.append(replace(each, last_active_at=max(used, default=None)))
    long_ago = datetime.min.replace(tzinfo=UTC)
    return tuple(sorted(devices, key=lambda each: each.last_active_at or long_ago, reverse=True))
