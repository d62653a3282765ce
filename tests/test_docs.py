"""README.md and the pages in .github/: each link leads somewhere, and each page can be found."""

import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / ".github").rglob("*.md"))]


def without_blocks(page: Path) -> str:
    """Return a page without its blocks of code, where `#` and brackets mean something else."""
    return re.sub(r"^ *```.*?^ *```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)


def links(page: Path) -> list[str]:
    """Return the targets of a page's links and pictures that are in this repository."""
    prose = re.sub(r"`[^`\n]*`", "", without_blocks(page))
    return [link for link in re.findall(r"\]\(([^)\s]*)", prose) if not re.match(r"https?:", link)]


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


def test_the_readme_leads_to_every_page() -> None:
    pages = {page.resolve() for page in PAGES if page.name not in {"README.md", "PULL_REQUEST_TEMPLATE.md"}}
    assert {target(README, link) for link in links(README)} >= pages


def test_the_readme_shows_its_two_pictures() -> None:
    assert {".github/card.png", ".github/audit.png"} <= set(links(README))


def test_the_readme_stays_short_since_there_is_a_page_for_the_rest() -> None:
    assert len(README.read_text("utf-8").split()) <= 1_900
