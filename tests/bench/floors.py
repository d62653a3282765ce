"""Floors: what the same job costs without a bot. A script: `calls`, `listener` or `start`, set by its environment.

None of them imports anything of the bot's.
"""

import asyncio
import importlib
import json
import os
import re
import sys
import time
from typing import Any

# What a bot that starts imports of others' work.
IMPORTED = (
    *("aiohttp.web", "boto3", "botocore.session", "phonenumbers", "prometheus_client"),
    *("pydantic.main", "pydantic.functional_validators", "pydantic.type_adapter", "pydantic.types", "re2"),
    *("slack_bolt", "slack_bolt.adapter.socket_mode", "sqlite3", "structlog", "tomllib", "ulid", "urllib3", "yaml"),
)
POOL_ID, FILTER = "eu-central-1_Bench0000", 'username = "ada"'


def calls() -> None:
    """Answer each line with the seconds, and the processor seconds, of the raw calls of a sign-out, all warm.

    A line has what is posted where, whether the account is looked up first, and how far `apart` the calls are.
    """
    boto3, urllib3 = importlib.import_module("boto3"), importlib.import_module("urllib3")
    ssl_context = importlib.import_module("ssl").create_default_context()
    cognito = boto3.client("cognito-idp")
    proxy = os.environ.get("HTTPS_PROXY")
    pool = urllib3.ProxyManager(proxy, ssl_context=ssl_context) if proxy else urllib3.PoolManager()
    headers = {
        "Authorization": f"Bearer {os.environ['SLACK_BOT_TOKEN']}",
        "Content-Type": "application/json;charset=utf-8",
    }
    for line in sys.stdin:
        order = json.loads(line)
        begun = time.perf_counter(), time.process_time()
        if order["finds"]:
            cognito.list_users(UserPoolId=POOL_ID, Filter=FILTER)
            time.sleep(order["apart"])
        cognito.admin_user_global_sign_out(UserPoolId=POOL_ID, Username="ada")
        answers = []
        for url, content in order["posts"]:
            time.sleep(order["apart"])
            answers.append(pool.urlopen("POST", url, body=json.dumps(content), headers=headers))
        ended = time.perf_counter(), time.process_time()
        if any(answer.status != 200 or answer.data[:12] == b'{"ok": false' for answer in answers):
            raise SystemExit(f"the workspace refuses it: {[answer.data for answer in answers]}")
        _say([ended[0] - begun[0], ended[1] - begun[1]])


def listener() -> None:
    """Acknowledge commands and presses as the shortest Bolt app does."""
    bolt, handler = importlib.import_module("slack_bolt"), importlib.import_module("slack_bolt.adapter.socket_mode")
    sdk = importlib.import_module("slack_sdk")
    app = bolt.App(client=_slack(sdk), token_verification_enabled=False)
    app.command("/signout")(lambda ack: ack())
    app.action(re.compile(""))(lambda ack: ack())
    handler.SocketModeHandler(app, os.environ["SLACK_APP_TOKEN"]).connect()
    sys.stdin.read()


def start() -> None:
    """Import what a bot imports, make the clients that it begins with, and connect."""
    modules = {name: importlib.import_module(name) for name in IMPORTED}
    importlib.import_module("ssl").create_default_context()  # for Slack; Cognito's client is made when it is needed
    aiohttp, client = importlib.import_module("aiohttp"), _slack(importlib.import_module("slack_sdk"))
    modules["slack_bolt"].App(client=client, token_verification_enabled=False)
    client.auth_test()
    link = client.apps_connections_open(app_token=os.environ["SLACK_APP_TOKEN"])["url"]

    async def connect() -> None:
        async with aiohttp.ClientSession() as session, session.ws_connect(link) as socket:
            await socket.receive()
            await asyncio.to_thread(sys.stdin.read)

    asyncio.run(connect())


def _slack(sdk: Any) -> Any:
    token = os.environ.pop("SLACK_BOT_TOKEN")  # Bolt warns where it finds one
    return sdk.WebClient(token=token, base_url=os.environ["SLACK_API_URL"])


def _say(what: object) -> None:
    sys.stdout.write(f"{json.dumps(what)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    {"calls": calls, "listener": listener, "start": start}[sys.argv[1]]()
