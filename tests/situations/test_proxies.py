"""`check` and `run` where a proxy, or an authority of one's own, is on the way to Slack and AWS."""

from pathlib import Path

import pytest
from slack_over_tls import (
    COGNITO,
    HOOKS,
    LINK,
    PATIENCE,
    SLACK,
    check,
    connected,
    environment,
    past_it,
    running,
    start,
    there,
)

pytestmark = pytest.mark.long
SLACKS = {"Slack's address", "bot token", "app-level token", "audit channel"}


def test_14_proxy_without_scheme(tmp_path: Path) -> None:
    """`HTTPS_PROXY=HOST:PORT`: `check` and `run` reach Slack, its response_urls, Socket Mode and AWS through it."""
    with there(tmp_path) as slack, past_it(slack, "ada:p@ss") as for_check, past_it(slack, "ada:p@ss") as for_run:
        given = environment(slack, tmp_path, SSL_CERT_FILE=str(slack.ca), SIGNOUT_LOG_LEVEL="DEBUG")
        said = check(given | {"HTTPS_PROXY": f"ada:p%40ss@127.0.0.1:{for_check.port}"})
        with running(given | {"HTTPS_PROXY": f"ada:p%40ss@127.0.0.1:{for_run.port}"}) as log:
            assert slack.answered.wait(PATIENCE), log
    assert {name: each for name, each in said.items() if name in SLACKS and not each.startswith("ok")} == {}
    through = f"through the proxy http://127.0.0.1:{for_check.port}"
    assert said["Slack's address"] == f"ok: https://slack.com/api/ answers {through}"
    may = "ok: may open a Socket Mode connection (none was opened)"
    assert said["app-level token"] == f"{may}; wss-primary.slack.com {through} can be reached"
    both = {f"{host}:443" for host in (SLACK, LINK, COGNITO)}
    assert connected(for_check) == both
    assert connected(for_run) == both | {f"{HOOKS}:443"}
    assert [line for line in log if "p%40ss" in line or "p@ss" in line] == []
    assert any("Connected to Slack in Socket Mode" in line for line in log)


def test_15_no_proxy_names_slack(tmp_path: Path) -> None:
    """What NO_PROXY names is reached directly by `check` and `run`, though the proxy is one that leads nowhere."""
    with there(tmp_path, directly=True) as slack:
        nowhere = {"HTTPS_PROXY": "127.0.0.1:9", "NO_PROXY": f"example.com, LOCALHOST:{slack.port}"}
        given = environment(slack, tmp_path, SSL_CERT_FILE=str(slack.ca), **nowhere)
        said = check(given)
        with running(given) as log:
            assert slack.answered.wait(PATIENCE), log
    assert {name: each for name, each in said.items() if name in SLACKS and not each.startswith("ok")} == {}
    assert said["Slack's address"] == f"ok: https://localhost:{slack.port}/api/ answers"


def test_16_own_certificate_authority(tmp_path: Path) -> None:
    """Where SSL_CERT_FILE names it, Slack and AWS are trusted; without it `check` says so; a missing file is named."""
    with there(tmp_path, directly=True) as slack:
        given = environment(slack, tmp_path)
        named = {"SSL_CERT_FILE": str(slack.ca)}
        without, said = check(given), check(given | named)
        with running(given | named) as log:
            assert slack.answered.wait(PATIENCE), log
        gone = given | {"SSL_CERT_FILE": "/gone/ca.pem"}
        not_checked, not_run = check(gone), start(gone)
    assert without["Slack's address"] == (
        f"missing: https://localhost:{slack.port}/api/ does not answer as Slack does (its certificate is not trusted: "
        "self-signed certificate). Check the way there: network, proxy (HTTPS_PROXY, NO_PROXY), certificates "
        "(SSL_CERT_FILE), SLACK_API_URL."
    )
    assert {name: each for name, each in said.items() if name in SLACKS and not each.startswith("ok")} == {}
    sentence = "SSL_CERT_FILE names /gone/ca.pem, but there is no such file. Correct or remove SSL_CERT_FILE."
    assert not_checked["settings"] == f"missing: {sentence}"
    assert (not_run.returncode, not_run.stderr) == (1, f"{sentence}\n")
