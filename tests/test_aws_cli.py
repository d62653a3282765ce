"""The real `aws` (version 1) and `signout-bot signout`, side by side on the same arguments, over the same moto.

Where ours does less, the table says why. What only version 2 has (YAML, most exit codes) is in test_terminal.py and
test_spelling.py.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from headless import Headless
from real_aws import RealAws
from shell import Shell, run_here
from whole_bot import SIGN_OUT

from bot.sandbox.cognito import Moto

# In the arguments: POOL is the id of the pool, FOLDER one with files in it.
BOTH = ("--user-pool-id", "POOL", "--username", "ada")
ADA, GRACE = '{"UserPoolId": "POOL", "Username": "ada"}', '{"UserPoolId": "POOL", "Username": "grace"}'
PEOPLE = ("-ada", "-5", "\u00e4da", "true", "[x]", '"ada"')

AS_AWS: tuple[tuple[str, ...], ...] = (
    BOTH,
    ("--username=ada", "--user-pool-id=POOL"),
    (),
    ("--user-pool-id", "POOL"),
    ("--username", "ada"),
    ("--user-pool-id", "POOL", "--username"),
    ("--user-pool-id", "POOL", "--username", ""),
    ("--user-pool-id", "", "--username", "ada"),
    ("--user-pool-id", "POOL", "--username="),
    ("--user-pool-id", "POOL", "--username", "-ada"),
    ("--user-pool-id", "POOL", "--username=-ada"),
    ("--user-pool-id", "POOL", "--username", "-5"),
    ("--user-pool-id", "POOL", "--username", "--", "ada"),
    ("--user-pool-id", "POOL", "--username", "\u00e4da"),
    ("--user-pool-id", "POOL", "--username", "true"),
    ("--user-pool-id", "POOL", "--username", "[x]"),
    ("--user-pool-id", "POOL", '--username="ada"'),
    ("--user-pool-id", "POOL", "-username", "ada"),
    ("--User-Pool-Id", "POOL", "--username", "ada"),
    (*BOTH, "grace"),
    (*BOTH, "--bogus", "1"),
    (*BOTH, "--region", "eu-central-1"),
    (*BOTH, "--output", "json"),
    (*BOTH, "--color=off", "--no-paginate", "--cli-read-timeout", "0"),
    (*BOTH, "--output"),
    ("--cli-input-json", ADA),
    ("--cli-input-json", f" {ADA} "),
    ("--cli-input-json", "file://FOLDER/good.json"),
    ("--cli-input-json", "file://FOLDER/bad.json"),
    ("--cli-input-json", "file://FOLDER/missing.json"),
    ("--cli-input-json", GRACE, "--username", "ada"),
    ("--cli-input-json", '{"UserPoolId": "POOL"}', "--username", "ada"),
    ("--cli-input-json", '{"UserPoolId": "POOL", "Username": 5}', "--username", "ada"),
    ("--cli-input-json", '{"UserPoolId": "POOL", "Username": null}', "--username", "ada"),
    ("--cli-input-json", '{"UserPoolId": "POOL", "Username": 5}'),
    ("--cli-input-json", '{"UserPoolId": "POOL", "Username": null}'),
    ("--cli-input-json", '{"UserPoolId": "POOL", "Username": "ada", "Foo": 1}'),
    ("--cli-input-json", '{"UserPoolId": "POOL", "Username": ""}'),
    ("--cli-input-json", '{"userPoolId": "POOL", "username": "ada"}'),
    ("--cli-input-json", "{}"),
    ("--cli-input-json", "{"),
    ("--cli-input-json", "[]"),
    ("--cli-input-json", "null"),
    ("--cli-input-json", ""),
    ("--cli-input-json",),
    ("--generate-cli-skeleton",),
    ("--generate-cli-skeleton", "input"),
    ("--generate-cli-skeleton", "input", *BOTH),
    ("--generate-cli-skeleton", "input", "--cli-input-json", ADA),
    ("--generate-cli-skeleton", "input", "--cli-input-json", "{"),
    ("--generate-cli-skeleton", "input", "extra"),
    ("--generate-cli-skeleton", "output"),
    ("--generate-cli-skeleton", "output", *BOTH),
    ("--generate-cli-skeleton", "output", "--user-pool-id", "POOL", "--username", ""),
    ("--generate-cli-skeleton", "bogus"),
    ("--generate-cli-skeleton", "--bogus"),
)
STRICTER: tuple[tuple[tuple[str, ...], str], ...] = (
    ((*BOTH[:3], "nobody"), "the account is looked up first: it is what gets shown, confirmed and audited"),
    (("--user-pool-id", "eu-central-1_other", "--username", "ada"), "only configured pools: nothing else is allowed"),
    (("--user-pool-id", "nope", "--username", "ada"), "Cognito's pattern is checked before any call"),
    ((*BOTH[:3], "a da"), "Cognito's pattern is checked before any call"),
    ((*BOTH[:3], "x" * 129), "Cognito's longest length is checked before any call"),
    ((*BOTH, "--username", "grace"), "given twice: the AWS CLI takes the last, which may be the wrong person"),
    (("--cli-input-json", ADA[:-1] + ', "Username": "grace"}'), "given twice, in a document"),
    (("--user-pool", "POOL", "--usern", "ada"), "abbreviations change their meaning with each new option"),
    ((*BOTH[:3], "file://FOLDER/name"), "a file's line break would be part of the user name"),
    ((*BOTH, "--region", "us-east-1"), "the pool's id says where it is"),
    ((*BOTH, "--no-verify-ssl"), "AWS's certificate is always checked"),
)


@dataclass
class Left:
    """What a command left behind."""

    succeeded: bool
    out: str
    calls: list[dict[str, Any]] = field(default_factory=list)


@pytest.fixture(scope="module")
def stage(moto: Moto) -> Iterator[Headless]:
    with Headless(moto) as headless:
        for name in PEOPLE:
            headless.run(headless.stage.cognito.add("customers", name, "Somebody"))
        (headless.stage.folder / "name").write_text("ada\n", "utf-8")
        (headless.stage.folder / "bad.json").write_text("{", "utf-8")
        pool = headless.stage.cognito.pools["customers"].id
        (headless.stage.folder / "good.json").write_text(ADA.replace("POOL", pool), "utf-8")
        yield headless


@pytest.fixture(scope="module")
def aws() -> Iterator[RealAws]:
    with RealAws() as started:
        yield started


@pytest.fixture
def both(
    stage: Headless,
    aws: RealAws,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    words: tuple[str, ...],
) -> tuple[Left, Left]:
    shell = Shell(stage, monkeypatch)
    here = [word.replace("POOL", shell.customers).replace("FOLDER", str(stage.stage.folder)) for word in words]
    already = len(stage.cognito_calls(SIGN_OUT))
    environment = shell.environment | {"HOME": str(stage.stage.folder)}
    code, out = aws.run(environment, "cognito-idp", "admin-user-global-sign-out", *here)
    theirs = Left(code == 0, out)
    theirs.calls = [call.parameters for call in stage.cognito_calls(SIGN_OUT)[already:]]
    ran = run_here(monkeypatch, capfd, shell.environment, "signout", *here, "--yes")
    ours = Left(ran.code == 0, ran.out)
    ours.calls = [call.parameters for call in stage.cognito_calls(SIGN_OUT)[already + len(theirs.calls) :]]
    assert "Traceback" not in ran.err
    return theirs, ours


@pytest.mark.parametrize("words", AS_AWS, ids=" ".join)
def test_the_same_arguments_do_the_same(both: tuple[Left, Left]) -> None:
    theirs, ours = both
    assert ours == theirs
    assert len(ours.calls) <= ours.succeeded


@pytest.mark.parametrize("words", [words for words, _ in STRICTER], ids=[why for _, why in STRICTER])
def test_where_ours_is_stricter_it_calls_nothing(both: tuple[Left, Left]) -> None:
    theirs, ours = both
    assert ours == Left(succeeded=False, out="", calls=[])
    assert theirs.calls, "else it would belong into the other table"


def test_the_tables_are_long_enough_to_mean_something() -> None:
    assert len(AS_AWS) + len(STRICTER) >= 30
