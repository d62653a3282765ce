"""settings.md says of each setting what the model says. `UPDATE_SETTINGS=1 pytest` on this file writes it again."""

import ast
import inspect
import os
import re
import textwrap
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from bot.settings.faults import sentences
from bot.settings.model import ENVIRONMENT, NEVER_IN_THE_FILE, SECRETS, Allow, AllowEverywhere, Pool, Settings

PAGE = Path(__file__).parent.parent / ".github/docs/settings.md"
GENERATED = re.compile(r"(?<=^## Each setting\n).*?(?=^## )", re.MULTILINE | re.DOTALL)
INSIDE: dict[str, type[BaseModel]] = {"allow": AllowEverywhere, "pools.NAME": Pool, "pools.NAME.allow": Allow}
WRONG = [timedelta(-1), "://", "?"]


def described(model: type[BaseModel]) -> dict[str, str]:
    """The line under each field."""
    lines = {}
    for each in model.__mro__:
        body = ast.parse(inspect.getsource(each)).body[0].body if each.__module__ == Settings.__module__ else []  # type: ignore[attr-defined]
        for field, line in pairwise(body):
            match field, line:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                    lines[name] = text
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
    return f"Default: `{value}`." if isinstance(value, str) else ""


def settings() -> Iterator[tuple[str, type[BaseModel], str, FieldInfo]]:
    """Each setting's place in the file, its model, its name there and its field."""
    for name, field in Settings.model_fields.items():
        if name not in {"allow", "pools"}:
            yield name, Settings, name, field
    for place, model in INSIDE.items():
        for name, field in model.model_fields.items():
            if name != "allow":
                yield f"{place}.{name}", model, name, field


def block(place: str, model: type[BaseModel], name: str, field: FieldInfo) -> str:
    paths = {".".join(path).replace(".default.", ".NAME."): variable for variable, path in ENVIRONMENT.items()}
    variable = paths.get(place)
    says = described(model)[name] + " For this pool only." * place.startswith("pools.NAME.allow.")
    where = f"Environment: `{variable}`" if variable else "Only in the file"
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


def test_every_setting_is_described() -> None:
    assert all(described(model)[name].endswith(".") for _, model, name, _ in settings())


def test_every_setting_that_the_environment_may_give_is_on_the_page() -> None:
    page = PAGE.read_text("utf-8")
    assert [name for name in ENVIRONMENT if f"`{name}`" not in page] == []
