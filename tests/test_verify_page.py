"""verify.md: its two programs, beside a real bot and moto's tokens. The old token is refused, a new one accepted."""

import importlib
import json
import re
import sqlite3
import subprocess
import sys
import time
import urllib.request
from contextlib import nullcontext
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from headless import AUDIT, SAM, Headless
from joserfc import errors, jwt
from joserfc.jwk import KeySet, RSAKey
from whole_bot import CONFIRM, card_for

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / ".github/docs/verify.md").read_text("utf-8")
PROGRAMS = dict(re.findall(r"^```python\n# (\w+)\.py\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[ModuleType, ModuleType]:
    """The page's programs, as a reader has them."""
    for name, text in PROGRAMS.items():
        (tmp_path / f"{name}.py").write_text(text, "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in PROGRAMS:
        monkeypatch.delitem(sys.modules, name, raising=False)
    return importlib.import_module("signed_out"), importlib.import_module("accept")


class Api:
    """A service that accepts tokens of the pool `customers` as the page says."""

    def __init__(self, headless: Headless, accept: ModuleType, book: sqlite3.Connection) -> None:
        self.pool_id, self._accept, self._book = headless.stage.cognito.pools["customers"].id, accept, book
        with urllib.request.urlopen(f"{headless.stage.cognito.url}/{self.pool_id}/.well-known/jwks.json") as answer:  # noqa: S310 -- moto's
            self._keys = KeySet.import_key_set(json.load(answer))

    def claims(self, token: str, region: str = "eu-central-1") -> Any:
        """Return what the token says, or raise."""
        issuer = f"https://cognito-idp.{region}.amazonaws.com/{self.pool_id}"
        return self._accept.claims_of(token, self._keys, issuer, self._book)

    def accepts(self, token: str) -> bool:
        """Whether the token's person is not known to be signed out since."""
        try:
            return bool(self.claims(token))
        except self._accept.SignedOutError:
            return False


def test_the_old_token_is_refused_and_a_new_one_accepted(
    headless: Headless, programs: tuple[ModuleType, ModuleType], tmp_path: Path
) -> None:
    signed_out, accept = programs
    book = signed_out.open_book(tmp_path / "signed_out.db")
    api = Api(headless, accept, book)
    old, hers = headless.devices("ada")[0].access_token, headless.devices("grace")[0].access_token
    command = [sys.executable, "signed_out.py", sys.executable, "-m", "bot", "audit", "--follow"]
    with headless.bot_in_process():
        environment = headless.environment | {"PYTHONPATH": str(ROOT)}
        with subprocess.Popen(command, cwd=tmp_path, env=environment) as follower:
            assert api.accepts(old)
            headless.press(SAM, card_for(headless, SAM), CONFIRM)
            headless.wait_for_message(SAM, AUDIT, containing="Signed out")
            headless.wait_for(lambda: not api.accepts(old))
            follower.kill()
    ((not_before,),) = book.execute("SELECT not_before FROM signed_out").fetchall()

    headless.wait_for(lambda: time.time() >= not_before)  # of what was issued sooner no one can tell
    new = headless.run(headless.stage.cognito.sign_in("customers", "ada")).access_token
    assert [api.accepts(each) for each in (old, hers, new)] == [False, True, True]
    book.close()


def test_what_is_no_token_of_the_pool_is_refused_as_before(
    headless: Headless, programs: tuple[ModuleType, ModuleType]
) -> None:
    signed_out, accept = programs
    api = Api(headless, accept, signed_out.open_book(":memory:"))
    token = headless.devices("ada")[0].access_token
    for wrong in (f"{token[:-9]}AAAAAAAA", token.replace(".", ".e30.", 1)):
        with pytest.raises((errors.JoseError, ValueError)):
            api.claims(wrong)
    with pytest.raises(errors.InvalidClaimError):
        api.claims(token, "us-east-1")


@pytest.mark.parametrize(
    ("claims", "is_accepted"),
    [
        ({}, True),
        ({"iat": 3}, True),
        ({"iat": 3600}, False),
        ({"exp": -60}, False),
        ({"iat": ""}, False),
        ({"token_use": "id"}, False),
    ],
)
def test_a_token_counts_where_the_clocks_differ_by_seconds_and_only_with_all_that_it_needs(
    programs: tuple[ModuleType, ModuleType], claims: dict[str, Any], *, is_accepted: bool
) -> None:
    signed_out, accept = programs
    key, issuer = RSAKey.generate_key(2048, {"kid": "1"}), "https://cognito-idp.x/x_1"
    every = {"iss": issuer, "sub": "s", "iat": 0, "exp": 3600, "token_use": "access"} | claims
    now = int(time.time())
    given = {name: now + value if isinstance(value, int) else value for name, value in every.items() if value != ""}
    token = jwt.encode({"alg": "RS256", "kid": "1"}, given, key)
    book = signed_out.open_book(":memory:")
    with nullcontext() if is_accepted else pytest.raises(errors.JoseError):
        accept.claims_of(token, KeySet([key]), issuer, book)
    book.close()


def test_the_last_id_is_kept_with_what_its_entry_says_and_a_later_sign_out_counts(
    programs: tuple[ModuleType, ModuleType],
) -> None:
    signed_out, _ = programs
    book = signed_out.open_book(":memory:")
    lines = [("1", 20), ("2", None), ("3", 30), ("4", 10)]
    for id_, not_before in lines:
        iss, sub = ("https://cognito-idp.x/x_1", "s") if not_before else (None, None)
        signed_out.note(book, json.dumps({"id": id_, "iss": iss, "sub": sub, "not_before": not_before}))
    assert book.execute("SELECT * FROM signed_out").fetchall() == [("x_1", "s", 30)]
    assert book.execute("SELECT entry_id FROM last").fetchall() == [("4",)]
    says = "import sys; print(sys.argv[1:], file=open(1, 'w'), end='')"
    assert signed_out.follow(book, [sys.executable, "-c", says]) == 0, "a line that was cut is left"
    book.close()
