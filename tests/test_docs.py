"""README.md and the pages in .github/: each link leads somewhere, lines are short, and names are real ones."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from pydantic import BaseModel

from bot.settings.model import Pool, Settings
from bot.settings.names import KNOWN

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / ".github").rglob("*.md"))]
SHOWN_BY_GITHUB = {"PULL_REQUEST_TEMPLATE.md"}
LONGEST_LINE = 160
EACH_PAGE = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())


def without_blocks(page: Path) -> str:
    """Return a page without its blocks of code, where `#` and brackets mean something else."""
    return re.sub(r"^ *```.*?^ *```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)


def code_in(page: Path) -> list[str]:
    """Return what is written as code in a page's sentences."""
    return re.findall(r"(?<!`)`([^`\n]+)`(?!`)", without_blocks(page))


def all_links(page: Path) -> list[str]:
    """Return the targets of a page's links and pictures."""
    prose = re.sub(r"`[^`\n]*`", "", without_blocks(page))
    return [bare or given for given, bare in re.findall(r"\]\(([^)\s]*)|<(https?:[^>\s]*)", prose)]


def links(page: Path) -> list[str]:
    """Return those that are in this repository."""
    return [link for link in all_links(page) if not re.match(r"https?:", link)]


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives to a page's headings: the second of a name ends in `-1`."""
    headings = re.findall(r"^#+ +(.+)$", without_blocks(page), flags=re.MULTILINE)
    names = Counter(re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings)
    return {f"{name}-{nth}" if nth else name for name, many in names.items() for nth in range(many)}


def target(page: Path, link: str) -> Path:
    path, _, _ = link.partition("#")
    return (page.parent / path).resolve() if path else page


@pytest.mark.parametrize(
    ("page", "link"),
    [
        pytest.param(page, link, id=f"{page.relative_to(ROOT)}-{nth}-{link}")
        for page in PAGES
        for nth, link in enumerate(links(page))
    ],
)
def test_a_link_leads_to_a_file_and_a_heading_of_this_repository(page: Path, link: str) -> None:
    there = target(page, link)
    assert there.is_relative_to(ROOT.resolve())
    assert there.is_file()
    _, _, anchor = link.partition("#")
    assert not anchor or anchor in anchors(there)


@EACH_PAGE
def test_a_link_to_another_place_is_an_address_of_https(page: Path) -> None:
    away = [link for link in all_links(page) if link not in links(page)]
    wrong = [link for link in away if not re.fullmatch(r"https://[\w-]+(\.[\w-]+)+(/\S*)?", link)]
    assert wrong == [link for link in away if urlsplit(link).hostname == "localhost"]


def test_from_the_readme_one_gets_to_every_page() -> None:
    reached, waiting = set[Path](), [README.resolve()]
    while waiting:
        page = waiting.pop()
        if page not in reached and page.suffix == ".md":
            reached.add(page)
            waiting += [target(page, link).resolve() for link in links(page)]
    assert reached >= {page.resolve() for page in PAGES if page.name not in SHOWN_BY_GITHUB}


@EACH_PAGE
def test_a_page_names_files_that_are_there(page: Path) -> None:
    named = {
        code.partition("::")[0] for code in code_in(page) if re.match(r"(bot|tests|\.github)/[\w./*-]+(::|$)", code)
    }
    assert [name for name in named if not list(ROOT.glob(name))] == []


@EACH_PAGE
def test_a_line_fits_a_window(page: Path) -> None:
    lines = enumerate(page.read_text("utf-8").splitlines(), 1)
    assert [number for number, line in lines if len(line) > LONGEST_LINE] == []


def test_the_readme_shows_its_two_pictures() -> None:
    assert {".github/card.png", ".github/audit.png"} <= set(links(README))


def test_the_readme_can_be_read_in_one_sitting_since_there_is_a_page_for_the_rest() -> None:
    assert len(README.read_text("utf-8").split()) <= 1_447


def test_installing_takes_eight_steps() -> None:
    install = README.read_text("utf-8").partition("\n## Install\n")[2].partition("\n## ")[0]
    assert re.findall(r"^(\d)\. \*\*", install, re.MULTILINE) == list("12345678")


def keys(model: type[BaseModel], before: str = "") -> Iterator[str]:
    """Give each key of the settings file, with the tables that it is in."""
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from keys(inner, f"{before}{name}.")
        else:
            yield f"{before}{name}"


def test_the_readme_names_settings_that_there_are() -> None:
    variables = set(re.findall(r"\b(?:SIGNOUT|SLACK)_[A-Z_]+", README.read_text("utf-8")))
    named = {code for code in code_in(README) if re.match(r"(pools|allow|approve|protect|limits)\.", code)}
    assert variables
    assert named
    assert variables <= KNOWN
    assert named <= {*keys(Settings), *keys(Pool, "pools.NAME.")}
