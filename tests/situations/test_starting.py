"""Situations 01 to 10: what is in the environment and in the settings where the bot starts."""

from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest
from headless import AUDIT, SAM, Headless
from moto.cognitoidp.models import cognitoidp_backends
from shell import BARE, Ran, run_here
from whole_bot import CONFIRM, card_for

from bot.sandbox.cognito import REGION, Moto

Check = Callable[[dict[str, str]], Ran]

# Of a Kubernetes Service called signout-bot, in each of its pods.
KUBERNETES = {
    "SIGNOUT_BOT_SERVICE_HOST": "10.0.48.109",
    "SIGNOUT_BOT_SERVICE_PORT": "80",
    "SIGNOUT_BOT_SERVICE_PORT_HTTP": "80",
    "SIGNOUT_BOT_PORT": "tcp://10.0.48.109:80",
    "SIGNOUT_BOT_PORT_80_TCP": "tcp://10.0.48.109:80",
    "SIGNOUT_BOT_PORT_80_TCP_PROTO": "tcp",
    "SIGNOUT_BOT_PORT_80_TCP_PORT": "80",
    "SIGNOUT_BOT_PORT_80_TCP_ADDR": "10.0.48.109",
}
# Of `docker run --link signout-store`, whose name is also the beginning of a setting's.
DOCKER = {
    "SIGNOUT_STORE_NAME": "/bot/signout-store",
    "SIGNOUT_STORE_ENV_PATH": "/usr/local/bin:/usr/bin:/bin",
    "SIGNOUT_STORE_ENV_python_version": "3.13",
    "SIGNOUT_STORE_PORT": "tcp://172.17.0.5:8000",
    "SIGNOUT_STORE_PORT_8000_TCP": "tcp://172.17.0.5:8000",
    "SIGNOUT_STORE_PORT_8000_TCP_ADDR": "172.17.0.5",
    "SIGNOUT_STORE_PORT_8000_TCP_PORT": "8000",
    "SIGNOUT_STORE_PORT_8000_TCP_PROTO": "tcp",
    "SIGNOUT_STORE_PORT_8000_TCP_START": "tcp://172.17.0.5:8000",
}


@pytest.fixture(scope="module")
def stage(moto: Moto) -> Iterator[Headless]:
    with Headless(moto, people=["nobody"]) as made:
        yield made


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Check:
    """Run `python -m bot check --no-post` in such an environment."""
    return lambda environment: run_here(monkeypatch, capfd, BARE | environment, "check", "--no-post")


def log_of(stage: Headless, more: dict[str, str]) -> str:
    """Return what `python -m bot run` logs until it is connected."""
    with stage.bot_process(**more) as bot:  # type: ignore[arg-type]  # none of them is `connected`
        return bot.log()


def all_well(ran: Ran) -> str:
    assert (ran.code, ran.err) == (0, ""), ran.out
    assert "\n! " not in f"\n{ran.out}"
    assert "\nAll well: " in ran.out
    return ran.out


def fault(ran: Ran) -> str:
    """Return the only fault that `check` names."""
    first, *others = ran.out.splitlines()
    assert (ran.code, ran.err) == (1, "")
    assert others == [
        "– everything else: not tried: it needs valid settings",  # noqa: RUF001
        "1 missing, 1 not tried. Fix what is marked, and run the check again.",
    ]
    return first.removeprefix("✗ settings: ")


def test_01_kubernetes_service_variables(check: Check, stage: Headless) -> None:
    """A Service called signout-bot puts eight variables into every pod: none is a fault, and none is spoken of."""
    assert "SIGNOUT_BOT" not in all_well(check(stage.environment | KUBERNETES))
    assert "SIGNOUT_BOT" not in log_of(stage, KUBERNETES)


def test_02_docker_link_variables(check: Check, stage: Headless) -> None:
    """Docker's links write such names too, also for a container whose name begins like a setting."""
    assert "SIGNOUT_STORE_" not in all_well(check(stage.environment | DOCKER))


def test_03_a_misspelled_setting(check: Check, stage: Headless) -> None:
    """A name that is a letter or two off is a fault that names the setting; any other is told, and not used."""
    assert (
        fault(check(stage.environment | {"SIGNOUT_ALOW_USERS": "U0123ABCDEF"}))
        == "SIGNOUT_ALOW_USERS is not a setting of this bot. Check its spelling. Is SIGNOUT_ALLOW_USERS meant?"
    )
    other = {"SIGNOUT_COLOUR": "secret-blue", "SIGNOUT_TEAM": "secret-support"}
    ran = check(stage.environment | other)
    lines = [
        f"! {name}: is not a setting of this bot, so it is not used. Check its spelling, or leave it out."
        for name in other
    ]
    assert (ran.code, ran.out.splitlines()[:2]) == (0, lines)
    log = log_of(stage, other)
    first, second, *_ = log.splitlines()
    assert "SIGNOUT_COLOUR is not a setting of this bot, so it is not used." in first
    assert "SIGNOUT_TEAM is not a setting of this bot, so it is not used." in second
    assert "secret-" not in log + ran.out


def test_04_quotes_of_docker_env_file(check: Check, stage: Headless) -> None:
    """`docker --env-file` keeps quotes: those around a value are taken off, and one on one side is named."""
    names = [name for name in stage.environment if name.startswith(("SLACK_", "SIGNOUT_", "AWS_"))]
    assert "SLACK_BOT_TOKEN" in names
    for quote in "\"'":
        all_well(check(stage.environment | {name: f"{quote}{stage.environment[name]}{quote}" for name in names}))
    token = stage.environment["SLACK_BOT_TOKEN"]
    said = "SLACK_BOT_TOKEN has a quote on one side only. Leave it out, or close it."
    assert fault(check(stage.environment | {"SLACK_BOT_TOKEN": f'"{token}'})) == said


def test_05_byte_order_mark(check: Check, stage: Headless, tmp_path: Path) -> None:
    """A mark at the start of the settings file, of a token file or of a list of ids is taken off."""
    given = stage.environment
    settings = Path(given["SIGNOUT_CONFIG"]).read_text("utf-8")
    (tmp_path / "token").write_text(f"{given['SLACK_BOT_TOKEN']}\r\n", "utf-8-sig")
    others = {name: value for name, value in given.items() if name != "SLACK_BOT_TOKEN"}
    others |= {"SLACK_BOT_TOKEN_FILE": str(tmp_path / "token"), "SIGNOUT_ALLOW_USERS": f"\ufeff{SAM}"}
    for encoding in ("utf-8-sig", "utf-16"):
        (tmp_path / "marked.toml").write_text(settings, encoding)
        all_well(check(others | {"SIGNOUT_CONFIG": str(tmp_path / "marked.toml")}))


def test_06_empty_aws_variables(check: Check, stage: Headless) -> None:
    """A template leaves variables empty: each counts as not set, where boto3 by itself would fail."""
    empty = dict.fromkeys(("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_CA_BUNDLE", "AWS_MAX_ATTEMPTS"), "")
    all_well(check(stage.environment | empty | {"AWS_RETRY_MODE": '""', "SIGNOUT_RETAIN": "", "SIGNOUT_PII": " "}))
    assert "Connected to Slack in Socket Mode" in log_of(stage, empty)


def test_07_endpoint_without_scheme(check: Check, stage: Headless) -> None:
    """An address without http:// is named, for AWS and for Slack."""
    bare = stage.stage.cognito.url.removeprefix("http://")
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER"):
        said = f"{name} has no http:// or https:// at its start. Write the whole address, as in http://127.0.0.1:5000."
        assert fault(check(stage.environment | {name: bare})) == said
    said = "SLACK_API_URL has no https:// at its start. Write the whole address, such as https://slack.com/api/."
    assert fault(check(stage.environment | {"SLACK_API_URL": "slack.com/api"})) == said


def test_08_token_rotation(check: Check, stage: Headless) -> None:
    """A token that rotates ends after twelve hours: the sentence says so, and what to do."""
    for token in ("xoxe.xoxb-1-secret", "xoxe-1-secret"):
        assert fault(check(stage.environment | {"SLACK_BOT_TOKEN": token})) == (
            "SLACK_BOT_TOKEN is of a Slack app with token rotation: it ends after 12 hours, and the bot cannot renew "
            "it. Make a new app from manifest.yml, which leaves token rotation off, and use the bot token of that app: "
            "it starts with xoxb-."
        )


def test_09_european_sovereign_cloud_pool(check: Check, stage: Headless, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pool of another partition is taken, and asked in its own region."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, stage.environment[name])
    there = boto3.Session().client("cognito-idp", "eusc-de-east-1", endpoint_url=stage.stage.cognito.url)
    pool_id = there.create_user_pool(PoolName="sovereign")["UserPool"]["Id"]
    assert pool_id.startswith("eusc-de-east-1_")
    ran = check(stage.environment | {"SIGNOUT_POOL_ID": pool_id})
    assert (ran.code, ran.err) == (0, ""), ran.out
    assert "✓ pool default, AdminUserGlobalSignOut: allowed" in ran.out


def test_10_replica_in_another_region(headless: Headless, tmp_path: Path) -> None:
    """A replica has the id of its first pool: `region` says where it is asked, here while the first one is away."""
    customers = headless.stage.cognito.pools["customers"].id
    assert customers.startswith(f"{REGION}_")
    settings = tmp_path / "replica.toml"
    settings.write_text(
        f"[pools.customers]\nid = '{customers}'\n[pools.customers-west]\nid = '{customers}'\nregion = 'us-west-2'\n"
    )
    first, second = (cognitoidp_backends["123456789012"][region].user_pools for region in (REGION, "us-west-2"))
    second[customers] = first[customers]
    with headless.bot_in_process(SIGNOUT_CONFIG=str(settings)):
        del first[customers]
        card = card_for(headless, SAM, "ada --pool customers-west")
        assert "customers-west (us-west-2)" in card.text
        headless.press(SAM, card, CONFIRM)
        headless.wait_for_message(SAM, AUDIT, containing="Signed out: ada")
        first[customers] = second[customers]
    assert not headless.is_signed_in("ada")
