"""The page's server: what it shows to whom, what one can do through it, and whom it refuses."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientSession
from headless import AUDIT, KIM, LEE, PAT, RAY, SAM, SUPPORT, Headless

from bot.sandbox import page
from bot.sandbox.cognito import SIGNED_FOR, TARGET, Moto
from bot.sandbox.page import Page
from bot.sandbox.stage import Stage
from bot.sandbox.views import View
from bot.sandbox.weather import SIGN_OUT

BUTTON = {"type": "button", "action_id": "go", "value": "R1", "text": {"type": "plain_text", "text": "Go"}}
CARD: dict[str, Any] = {"text": "card", "blocks": [{"type": "actions", "elements": [BUTTON]}]}

INPUT = {"type": "input", "label": BUTTON["text"], "element": {"type": "plain_text_input"}}
FORM: dict[str, Any] = {
    "type": "modal",
    "title": BUTTON["text"],
    "submit": BUTTON["text"],
    "blocks": [INPUT, *CARD["blocks"]],
}


class Window:
    """A browser's window on the page, as far as its server can tell."""

    def __init__(self, session: ClientSession, url: str) -> None:
        self._session = session
        self.url = url

    async def do(self, what: str, **details: Any) -> tuple[int, dict[str, Any]]:
        async with self._session.post(f"{self.url}do/{what}", json=details) as response:
            return response.status, await response.json()

    async def get(self, path: str, **headers: str) -> tuple[int, dict[str, str], str]:
        async with self._session.get(self.url + path, headers=headers) as response:
            return response.status, dict(response.headers), await response.text()

    @asynccontextmanager
    async def events(self, person: str, **query: str) -> AsyncIterator[Callable[[], Awaitable[dict[str, Any]]]]:
        async with self._session.get(f"{self.url}events", params={"person": person, **query}) as response:
            assert response.content_type == "text/event-stream"

            async def following() -> dict[str, Any]:
                async for line in response.content:
                    if line.startswith(b"data: "):
                        state: dict[str, Any] = json.loads(line[6:])
                        return state
                raise AssertionError("the events ended")

            yield following


@pytest.fixture(scope="module")
def shown(moto: Moto) -> Iterator[Headless]:
    """One stage for this module's tests, with everyone on it."""
    with Headless(moto, people=None) as headless:
        yield headless


@pytest.fixture
def on_the_page(shown: Headless) -> Callable[[Callable[[Window, Stage], Awaitable[None]]], None]:
    """Run a test's steps in a window on the page."""

    async def run(steps: Callable[[Window, Stage], Awaitable[None]]) -> None:
        async with Page(shown.stage).open(0) as url, ClientSession() as session:
            await asyncio.wait_for(steps(Window(session, url), shown.stage), 20)

    return lambda steps: shown.run(run(steps))


Run = Callable[[Callable[[Window, Stage], Awaitable[None]]], None]


def test_a_snapshot_shows_the_whole_state(on_the_page: Run) -> None:
    async def steps(window: Window, _: Stage) -> None:
        async with window.events(SAM) as following:
            state = await following()
        assert state["team"] == {"id": "T0SIGNOUT1", "name": "Sign-out sandbox"}
        assert state["bot"] == {"id": "U0BOT00001", "name": "Sign-out", "connected": False}
        assert [person["id"] for person in state["people"]] == [SAM, KIM, LEE, RAY, PAT]
        roles = ["operator", "approver", "asker", "no one", "no one"]
        assert [person["role"] for person in state["people"]] == roles
        assert state["people"][4]["team_name"] == "Partner"
        assert [channel["name"] for channel in state["channels"]] == ["support", "signout-audit"]
        assert state["command"]["name"] == "/signout"
        assert [switch["on"] for switch in state["weather"]] == [False] * 6
        customers, staff = state["cognito"]
        assert state["crowd"] is None
        assert [person["username"] for person in customers["people"]][:2] == ["ada", "grace"]
        assert staff["people"][3]["username"] == "<!channel>*ops*"
        protected = [(person["username"], person["groups"]) for person in staff["people"] if person["protected"]]
        assert protected == [("frances", ["admins"])]
        assert not any(person["protected"] for person in customers["people"])
        device = customers["people"][0]["devices"][0]
        assert device["name"] == "Ada's phone"
        assert (device["refresh"], device["access"]) == ("works", "works")
        assert 3500 < device["access_expires"] - state["now"] <= 3600

    on_the_page(steps)


def test_changes_arrive_without_asking(on_the_page: Run) -> None:
    async def steps(window: Window, _: Stage) -> None:
        async with window.events(KIM) as following:
            await following()
            assert await window.do("say", person=SAM, channel=SUPPORT, text="hello <all>") == (200, {"ok": True})
            message = (await following())["channels"][0]["messages"][-1]
        assert (message["from"], message["text"], message["ephemeral"]) == (SAM, "hello &lt;all&gt;", False)

    on_the_page(steps)


def test_an_ephemeral_message_is_shown_to_one_person_until_the_window_is_reloaded(on_the_page: Run) -> None:
    async def steps(window: Window, stage: Stage) -> None:
        async def seen(person: str, **query: str) -> list[str]:
            async with window.events(person, **query) as following:
                return [message["text"] for message in (await following())["channels"][0]["messages"]]

        async with window.events(SAM) as following:
            opened = (await following())["now"]
        stage.workspace.post(SUPPORT, {"text": "for sam"}, only_for=SAM)
        assert "for sam" in await seen(SAM, since=str(opened))
        assert "for sam" not in await seen(KIM, since=str(opened))
        assert "for sam" not in await seen(SAM)

    on_the_page(steps)


def test_a_sign_out_is_seen_to_strike_and_a_person_can_sign_in_again(on_the_page: Run) -> None:
    async def steps(window: Window, stage: Stage) -> None:
        def devices(state: dict[str, Any]) -> list[tuple[str, str]]:
            return [(device["refresh"], device["access"]) for device in state["cognito"][0]["people"][1]["devices"]]

        async with window.events(SAM) as following:
            await following()
            await through_the_weather(stage, SIGN_OUT, Username="grace")
            while devices(await following()) != [("revoked", "revoked")] * 2:
                pass
            await window.do("sign-in", pool="customers", username="grace")
            assert devices(await following())[-1] == ("works", "works")

    on_the_page(steps)


def test_what_becomes_of_an_account_is_asked_and_its_password_is_tried(on_the_page: Run) -> None:
    async def steps(window: Window, stage: Stage) -> None:
        def edsger(state: dict[str, Any]) -> tuple[bool, str, str]:
            (found,) = (each for each in state["cognito"][0]["people"] if each["username"] == "edsger")
            return found["enabled"], found["status"], found["password"]

        async with window.events(SAM) as following:
            for action, expected in (
                ("AdminResetUserPassword", (True, "RESET_REQUIRED", "NEW_PASSWORD_REQUIRED")),
                ("AdminDisableUser", (False, "RESET_REQUIRED", "NotAuthorizedException")),
            ):
                await through_the_weather(stage, action, Username="edsger")
                while edsger(await following()) != expected:
                    pass
            _, refused = await window.do("sign-in", pool="customers", username="edsger")
            assert refused["error"] == "Cognito refuses: User is disabled. (NotAuthorizedException)"
            await through_the_weather(stage, "AdminEnableUser", Username="edsger")
            assert await window.do("sign-in", pool="customers", username="edsger") == (200, {"ok": True})
            while edsger(await following()) != (True, "CONFIRMED", "works"):
                pass

    on_the_page(steps)


def test_a_federated_account_has_its_own_status_and_no_password(on_the_page: Run) -> None:
    async def steps(window: Window, stage: Stage) -> None:
        await stage.cognito.check("Google_1172")
        async with window.events(SAM) as following:
            people = (await following())["cognito"][0]["people"]
        (donald,) = (each for each in people if each["username"] == "Google_1172")
        assert (donald["status"], donald["password"], donald["provider"]) == ("EXTERNAL_PROVIDER", "", "Google")
        told = await through_the_weather(stage, "AdminGetUser", Username="Google_1172")
        listed = await through_the_weather(stage, "ListUsers", Filter='email = "donald@example.com"')
        assert [each["UserStatus"] for each in (told, *listed["Users"])] == ["EXTERNAL_PROVIDER"] * 2

    on_the_page(steps)


def test_weather_is_switched(on_the_page: Run) -> None:
    async def steps(window: Window, stage: Stage) -> None:
        assert await window.do("weather", name="audit_channel_archived", on=True) == (200, {"ok": True})
        assert stage.workspace.channels[AUDIT].archived
        assert (await window.do("say", person=SAM, channel=AUDIT, text="x"))[1]["ok"] is False
        await window.do("weather", name="audit_channel_archived", on=False)
        assert not stage.workspace.channels[AUDIT].archived
        assert (await window.do("weather", name="fog", on=True))[0] == 400

    on_the_page(steps)


def test_a_command_without_a_bot_says_so_as_slack_does(on_the_page: Run) -> None:
    async def steps(window: Window, _stage: Stage) -> None:
        status, answer = await window.do("say", person=SAM, channel=SUPPORT, text="/signout ada")
        assert (status, answer["error"]) == (200, "/signout failed with the error “dispatch_failed”")
        status, answer = await window.do("say", person=SAM, channel=SUPPORT, text="/sing out")
        assert answer["error"] == "/sing is not a valid command."

    on_the_page(steps)


def test_a_button_is_pressed_only_by_who_sees_it_and_while_it_is_there(on_the_page: Run) -> None:
    async def steps(window: Window, stage: Stage) -> None:
        card = stage.workspace.post(SUPPORT, CARD, only_for=SAM)

        async def press(person: str, action_id: str = "go") -> str:
            where = {"channel": SUPPORT, "message": card.ts, "block_id": "b0"}
            return str((await window.do("press", person=person, action_id=action_id, **where))[1]["error"])

        assert "did not respond" in await press(SAM)
        assert "gone" in await press(KIM)
        assert "changed" in await press(SAM, "other")

    on_the_page(steps)


def test_a_shortcut_is_used_anywhere_and_on_a_message_that_all_see(on_the_page: Run) -> None:
    async def steps(window: Window, stage: Stage) -> None:
        said = stage.workspace.say(KIM, "She is ada@example.com.", "C0SUPPORT1")
        hidden = stage.workspace.post("C0SUPPORT1", {"text": "only to Sam"}, only_for=SAM)

        async def no(**of: str) -> str:
            return str((await window.do("shortcut", person=SAM, **of))[1]["error"])

        assert "did not work (“dispatch_failed”)" in await no()
        assert "did not work (“dispatch_failed”)" in await no(channel=said.channel, message=said.ts)
        assert [each["payload"]["type"] for each in stage.workspace.sockets.sent[-2:]] == ["shortcut", "message_action"]
        for ts in (hidden.ts, "1.1"):
            assert await no(channel=said.channel, message=ts) == "This message is gone, or has no menu."
        with pytest.raises(LookupError):
            await stage.workspace.shortcut(SAM, hidden)

    on_the_page(steps)


def test_a_form_is_shown_to_its_person_and_used_only_by_them(on_the_page: Run) -> None:
    async def steps(window: Window, stage: Stage) -> None:
        async def seen(person: str, **query: str) -> Any:
            async with window.events(person, **query) as following:
                return (await following())["form"]

        before = str(time.time())
        form = open_form(stage, SAM)
        shown = await seen(SAM, since=before)
        assert (shown["id"], shown["view"]["title"], shown["errors"]) == (form.id, FORM["title"], {})
        assert await seen(KIM, since=before) is None
        assert await seen(SAM) is None

        use = {"view": form.id, "values": {"b0": ""}}
        assert await window.do("submit", person=SAM, **use) == (200, {"ok": True})
        assert (await seen(SAM, since=before))["errors"] == {"b0": "Please complete this required field."}
        await window.do("submit", person=SAM, view=form.id, values={"b0": "ada"})
        assert "trouble connecting" in (await seen(SAM, since=before))["trouble"]

        async def no(what: str, person: str = SAM, **details: Any) -> str:
            return str((await window.do(what, person=person, **(use | details)))[1]["error"])

        assert "no longer open" in await no("submit", person=KIM)
        assert "no longer open" in await no("close", view="V0NOWHERE1")
        assert "changed" in await no("submit", values={"b5": "x"})
        assert "changed" in await no("act", action_id="other")
        assert "texts by block_id" in await no("submit", values={"b0": 5})
        assert "did not respond" in await no("act", action_id="go")
        assert await window.do("close", person=SAM, view=form.id) == (200, {"ok": True})
        assert await seen(SAM, since=before) is None

    on_the_page(steps)


@pytest.mark.parametrize(
    ("what", "details"),
    [
        ("say", {"person": SAM, "channel": SUPPORT}),
        ("say", {"person": "U0NOBODY01", "channel": SUPPORT, "text": "x"}),
        ("say", {"person": SAM, "channel": "C0NOWHERE1", "text": "x"}),
        ("say", {"person": SAM, "channel": SUPPORT, "text": " "}),
        ("press", {"person": SAM, "channel": SUPPORT, "message": 1, "action_id": "go"}),
        ("sign-in", {"pool": "customers", "username": "nobody"}),
        ("sign-in", {"pool": "nowhere", "username": "ada"}),
        ("sign-all-in", {}),
    ],
)
def test_a_senseless_request_gets_a_sentence(on_the_page: Run, what: str, details: dict[str, Any]) -> None:
    async def steps(window: Window, _: Stage) -> None:
        status, answer = await window.do(what, **details)
        assert (status, answer["ok"]) == (400, False)
        assert answer["error"]

    on_the_page(steps)


@pytest.mark.parametrize(
    "headers",
    [{"Host": "evil.example"}, {"Host": "127.0.0.1:1"}, {"Origin": "http://evil.example"}, {"Origin": "null"}],
)
def test_a_foreign_host_or_origin_is_refused(on_the_page: Run, headers: dict[str, str]) -> None:
    async def steps(window: Window, _: Stage) -> None:
        for path in ("", "page/index.html", "events"):
            assert (await window.get(path, **headers))[0] == 403

    on_the_page(steps)


def test_the_page_is_reached_by_all_names_of_this_machine(on_the_page: Run) -> None:
    async def steps(window: Window, _: Stage) -> None:
        port = window.url.rstrip("/").rpartition(":")[2]
        for host in (f"127.0.0.1:{port}", f"localhost:{port}", f"[::1]:{port}"):
            assert (await window.get("", Host=host, Origin=f"http://{host}"))[0] == 200

    on_the_page(steps)


def test_every_answer_carries_a_strict_policy_and_is_not_cached(on_the_page: Run) -> None:
    async def steps(window: Window, _: Stage) -> None:
        for path in ("", "page/index.html", "nowhere"):
            headers = (await window.get(path))[1]
            assert headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self';")
            assert headers["Cache-Control"] == "no-store"

    on_the_page(steps)


def test_nothing_beside_the_pages_own_files_is_served(on_the_page: Run) -> None:
    async def steps(window: Window, _: Stage) -> None:
        for path in ("page/../page.py", "page/%2e%2e/page.py", "page/..%2fpage.py"):
            assert (await window.get(path))[0] in (403, 404)

    on_the_page(steps)


def test_open_windows_have_the_devices_checked_again(on_the_page: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "CHECK_DEVICES_EVERY", 0.05)

    async def steps(window: Window, stage: Stage) -> None:
        device = stage.cognito.devices("ken")[0]
        pool = stage.cognito.pools["staff"]
        await stage.cognito.ask(SIGN_OUT, UserPoolId=pool.id, Username="ken")
        async with window.events(SAM) as following:
            while device.refresh_works:
                await following()

    on_the_page(steps)


def open_form(stage: Stage, person: str) -> View:
    """Do as the bot does."""
    stage.workspace.forms.admit({"trigger_id": "1.2.x"}, person)
    return stage.workspace.forms.open("1.2.x", FORM)


async def through_the_weather(stage: Stage, action: str, **what: str) -> Any:
    """Do as the bot does to a customer; return what Cognito says."""
    headers = {"X-Amz-Target": TARGET + action, "Authorization": SIGNED_FOR}
    body = json.dumps({"UserPoolId": stage.cognito.pools["customers"].id, **what})
    url = stage.environment["AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER"]
    async with ClientSession() as session, session.post(url, data=body, headers=headers) as response:
        assert response.status == 200
        return json.loads(await response.read() or b"{}")
