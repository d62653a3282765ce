"""settings.md says of each setting what the model says. `UPDATE_SETTINGS=1 pytest` on this file writes it again."""

import ast
import inspect
import os
import re
import textwrap
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from bot.settings.faults import sentences
from bot.settings.load import load
from bot.settings.model import ENVIRONMENT, NEVER_IN_THE_FILE, SECRETS, TABLES, Pool, Settings
from bot.settings.tables import (
    Allow,
    AllowEverywhere,
    Approve,
    LimitSettings,
    ListSettings,
    People,
    Performers,
    Protect,
)

PAGE = Path(__file__).parent.parent / ".github/docs/settings.md"
GENERATED = re.compile(r"(?<=^## Each setting\n).*?(?=^## )", re.MULTILINE | re.DOTALL)
INSIDE: dict[str, type[BaseModel]] = {
    "allow": AllowEverywhere,
    "allow.ask": People,
    "actions.ACTION": Performers,
    "approve": Approve,
    "protect": Protect,
    "limits": LimitSettings,
    "lists": ListSettings,
    "pools.NAME": Pool,
    "pools.NAME.allow": Allow,
    "pools.NAME.allow.ask": People,
    "pools.NAME.actions.ACTION": Performers,
    "pools.NAME.approve": Approve,
    "pools.NAME.protect": Protect,
}
LISTS = ("users", "groups", "terminal", "usernames", "subs")
WRONG = [timedelta(-1), "://", "?"]


def described(model: type[BaseModel]) -> dict[str, str]:
    """The line under each field."""
    lines = dict[str, str]()
    for each in model.__mro__:
        body = ast.parse(inspect.getsource(each)).body[0].body if each.__module__.startswith("bot.") else []  # type: ignore[attr-defined]
        for field, line in pairwise(body):
            match field, line:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                    lines.setdefault(name, text)
    return lines


def must_be(model: type[BaseModel], name: str) -> str:
    """What the bot says of a value that is wrong, without the setting's name: so the page says what the bot says."""
    for value in WRONG:
        try:
            model.model_validate({name: value})
        except ValidationError as error:
            for sentence in sentences(error, {}):
                _, must, form = sentence.partition(" must be ")
                if must and sentence.split()[0].lower() in {name, f"signout_{name}"}:
                    return f"Form: {form}"
    return ""


def default(field: FieldInfo) -> str:
    value = field.default
    if field.is_required():
        return "Required."
    if isinstance(value, timedelta):
        units = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))
        unit, size = next(each for each in units if value.total_seconds() % each[1] == 0)
        value = f"{value.total_seconds() // size:.0f}{unit}"
    if isinstance(value, bool):
        value = str(value).lower()
    if isinstance(value, float | int):
        value = f"{value}/s"
    return f"Default: `{value}`." if isinstance(value, str) else ""


def settings() -> Iterator[tuple[str, type[BaseModel], str, FieldInfo]]:
    """Each setting's place in the file, its model, its name there and its field."""
    for name, field in Settings.model_fields.items():
        if (name,) not in TABLES:
            yield name, Settings, name, field
    for place, model in INSIDE.items():
        for name, field in model.model_fields.items():
            if not any(inside.startswith(f"{place}.{name}.") for inside in INSIDE) and f"{place}.{name}" not in INSIDE:
                yield f"{place}.{name}", model, name, field


def place_of(path: Sequence[str]) -> str:
    """The place of a setting with NAME for a pool's name, and ACTION for an action."""
    place = ".".join(path).replace("pools.default.", "pools.NAME.")
    return re.sub(r"^actions\.\w+", "actions.ACTION", place)


def block(place: str, model: type[BaseModel], name: str, field: FieldInfo) -> str:
    variables = [variable for variable, path in ENVIRONMENT.items() if place_of(path) == place]
    variable = ", ".join(variables)
    says = described(model)[name]
    if model is not Pool and place.startswith("pools."):
        says += " For this pool only." if name in LISTS else " For this pool, in place of what is set for all pools."
    where = f"Environment: {', '.join(f'`{each}`' for each in variables)}" if variables else "Only in the file"
    where += f" or, for a file that has it, `{variable}_FILE`" * (variable in SECRETS)
    where += ", for the pool `default`" * (variable == "SIGNOUT_POOL_ID")
    title = variable if place in NEVER_IN_THE_FILE else place
    facts = " ".join(filter(None, (must_be(model, name), default(field), f"{where}.")))
    return "".join(f"{filled(text)}\n\n" for text in (f"### `{title}`", says, facts))


def filled(text: str) -> str:
    return textwrap.fill(text, 160, break_long_words=False, break_on_hyphens=False)


def test_the_page_of_settings_says_what_the_model_says() -> None:
    generated = "\n" + "".join(block(*each) for each in settings())
    page = PAGE.read_text("utf-8")
    wanted = GENERATED.sub(lambda _: generated, page, count=1)
    if os.environ.get("UPDATE_SETTINGS"):
        PAGE.write_text(wanted, "utf-8")
    assert generated in wanted
    assert PAGE.read_text("utf-8") == wanted, "UPDATE_SETTINGS=1 writes it again"


@pytest.mark.parametrize("toml", re.findall(r"^```toml\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL))
def test_an_example_of_a_file_can_be_used(toml: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("signout.toml").write_text(toml, "utf-8")
    tokens = {"SLACK_BOT_TOKEN": "xoxb-1-2-x", "SLACK_APP_TOKEN": "xapp-1-A-2-x"}
    if "audit_channel" not in toml:
        tokens["SIGNOUT_AUDIT_CHANNEL"] = "C0123ABCDEF"
    assert load(tokens).pools["staff"].id == "eu-central-1_GhIjKl456"


def test_every_setting_is_described() -> None:
    assert all(described(model)[name].endswith(".") for _, model, name, _ in settings())


def test_every_setting_that_the_environment_may_give_is_on_the_page() -> None:
    page = PAGE.read_text("utf-8")
    assert [name for name in ENVIRONMENT if f"`{name}`" not in page] == []
