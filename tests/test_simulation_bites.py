"""Each rule that the simulation guards, broken: it must not take the broken bot for a sound one."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SIMULATION = ROOT / "tests" / "simulation"
SEEDS = 2000


@dataclass(frozen=True)
class Broken:
    """One text of one file, which stands there exactly once, and what is put in its place. `found`: by which check."""

    file: str
    text: str
    by: str
    found: str


BROKEN = {
    "a claim is written whatever was written meanwhile": Broken(
        "stores/sqlite.py",
        " AND version = :version - 1",
        "",
        "what_the_store_took_is_kept",
    ),
    "whoever lost the claim signs out all the same": Broken(
        "confirm.py",
        "            raise AlreadyDecidedError(self.store.get(before.id) or before) from None",
        "            pass",
        "one_holder_calls_at_a_time",
    ),
    "the claim is not written before Cognito is called": Broken(
        "confirm.py",
        "        return self._advance(request, claimed, now)\n",
        "        return claimed\n",
        "every_call_is_for_a_claim_that_the_store_holds",
    ),
    "a press is not authorized": Broken(
        "confirm.py",
        "return self._authorize(_ask_again(request, presser), request, narrowed).rules[account.pool]",
        "return request.allowed_by",
        "every_claim_was_allowed_then",
    ),
    "a late press is taken": Broken(
        "confirm.py",
        "        if now >= request.expires_at:",
        "        if False:",
        "every_claim_is_in_time",
    ),
    "anybody may press": Broken(
        "confirm.py",
        "if (presser.team_id, presser.id) != (request.operator.team_id, request.operator.id):",
        "if False:",
        "only_the_operator_moves_a_request",
    ),
    "somebody of another team with the same id may press": Broken(
        "confirm.py",
        "if (presser.team_id, presser.id) != (request.operator.team_id, request.operator.id):",
        "if presser.id != request.operator.id:",
        "only_the_operator_moves_a_request",
    ),
    "a refusal leaves no entry": Broken(
        "confirm.py",
        "        self.store.record(entry_of_ask(Kind.REFUSED, ask, rule, self.clock.now(), account))\n",
        "",
        "whoever_is_refused_leaves_an_entry",
    ),
    "a claim is resumed while its lease runs": Broken(
        "recover.py",
        "self.store.dead_claims(self.clock.now() - CLOCKS_AGREE_WITHIN)",
        "self.store.dead_claims(self.clock.now() + LEASE)",
        "a_claim_is_taken_over_only_after_its_lease",
    ),
    "clocks are taken to agree to the second": Broken(
        "recover.py",
        "self.store.dead_claims(self.clock.now() - CLOCKS_AGREE_WITHIN)",
        "self.store.dead_claims(self.clock.now())",
        "a_claim_is_taken_over_only_after_its_lease",
    ),
    "whoever came second to a dead claim resumes it too": Broken(
        "recover.py",
        "        except SupersededError:\n            return None",
        "        except SupersededError:\n            return self.sign_outs.sign_out(taken)",
        "one_holder_calls_at_a_time",
    ),
    "FAILED is said after a time-out": Broken(
        "sign_out.py",
        "self.state, self.error_code = State.UNKNOWN, code",
        "self.error_code = code",
        "failed_only_if_every_call_was_definitely_refused",
    ),
    "a dead holder's calls are forgotten": Broken(
        "sign_out.py",
        "_Calls(doubt=claimed.resumed)",
        "_Calls(doubt=False)",
        "failed_only_if_every_call_was_definitely_refused",
    ),
    "a call is made however long ago the claim was": Broken(
        "sign_out.py",
        "min(claimed.lease_until - CALL - MARGIN, claimed.claimed_at + self.resume_within)",
        "claimed.lease_until - CALL - MARGIN",
        "no_call_starts_later_than_resume_within",
    ),
    "the outcome is told although the store did not take it": Broken(
        "sign_out.py",
        "        self.store.advance(claimed, ended, entry_of(ended, now))\n        return ended",
        "        try:\n            self.store.advance(claimed, ended, entry_of(ended, now))\n        finally:\n"
        "            return ended",
        "signed_out_is_said_only_once_the_store_says_so",
    ),
    "the card loses its buttons before the claim": Broken(
        "slack/conversation.py",
        "            seat = self.aws_lane.reserve(urgent=True)",
        "            self.respond(press.response_url, note(STILL_SIGNING_OUT), replace=True)\n"
        "            seat = self.aws_lane.reserve(urgent=True)",
        "a_card_keeps_its_buttons_until_the_store_has_moved",
    ),
    "a move is written without its entry": Broken(
        "stores/sqlite.py",
        "            if moved.rowcount != 1:\n                raise SupersededError\n"
        '            _insert(db, "audit_entries", row_of_entry(entry))',
        "            if moved.rowcount != 1:\n                raise SupersededError",
        "moves_and_entries_match_one_to_one",
    ),
    "an entry is noted as delivered before it is posted": Broken(
        "recover.py",
        "            ts = self.channel.post(entries)\n",
        '            self.store.delivered(entries, "1.0", self.clock.now())\n'
        "            ts = self.channel.post(entries)\n",
        "every_post_is_of_a_stored_entry_that_was_not_noted_as_taken",
    ),
    "an entry is posted without being held": Broken(
        "recover.py",
        "held = self.store.hold(entries, asked_at + self.POST)",
        "held = entries",
        "no_entry_is_posted_by_two_at_once",
    ),
    "an entry that another instance took is held all the same": Broken(
        "stores/sqlite.py",
        "if db.execute(sql, (text(until), entry.id, text(entry.next_at))).rowcount",
        "if db.execute(sql[:-16], (text(until), entry.id)).rowcount",
        "no_entry_is_posted_by_two_at_once",
    ),
    "what Slack took is forgotten where the store cannot note it": Broken(
        "recover.py",
        "        self.taken.append((entries, ts))\n        self._note_taken()\n",
        "        self.store.delivered(entries, ts, self.clock.now())\n",
        "a_yes_that_was_heard_is_not_repeated_at_once",
    ),
    "what Slack refused is noted as delivered": Broken(
        "recover.py",
        "            return self._put_off(entries, error)",
        '            self.store.delivered(entries, "1.0", self.clock.now())\n            return not error',
        "nothing_waits_for_delivery_at_rest",
    ),
    "a group's members are kept for long": Broken(
        "slack/groups.py",
        "MAX_AGE_SECONDS = 50.0",
        "MAX_AGE_SECONDS = 500.0",
        "every_claim_was_allowed_then",
    ),
    "a group that Slack cannot list lets people in": Broken(
        "slack/groups.py",
        "            return None\n        with",
        '            return frozenset({"U0GIL", "U0HAL", "U0MAL"})\n        with',
        "every_claim_was_allowed_then",
    ),
}


@pytest.mark.parametrize("broken", [pytest.param(broken, id=name) for name, broken in BROKEN.items()])
def test_a_broken_rule_is_found(broken: Broken, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "bot", tmp_path / "bot", ignore=shutil.ignore_patterns("sandbox", "__pycache__"))
    file = tmp_path / "bot" / broken.file
    sound = file.read_text("utf-8")
    assert sound.count(broken.text) == 1, "the text that is to be broken is no longer there, or more than once"
    file.write_text(sound.replace(broken.text, broken.by), "utf-8")
    ran = subprocess.run(
        [sys.executable, str(SIMULATION), "--seeds", str(SEEDS), "--invariant", broken.found],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert ran.stderr == ""
    assert f": {broken.found}: " in ran.stdout
