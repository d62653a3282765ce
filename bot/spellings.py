"""How else a target may have been meant: without the signs around it, or with its letters in another form."""

import unicodedata
from collections.abc import Sequence

# What people and programs put around a name. A `*`, `_` or `~` at one end only is part of a name.
_FORMATTING = "*_~"
_BEGIN = "`\"'<([{\u00ab\u00bb\u2039\u201c\u201d\u201e\u2018\u2019\u201a"
_END = "`\"'>)]}\u00bb\u00ab\u203a\u201d\u201c\u2019\u2018"
_BEFORE = ("mailto:", "tel:", "@", "\u2022")
_AFTER = ",.;:!?\u2026\uff0c\u3002\uff1b\u3001"
# What clients and keyboards write instead of an apostrophe or a hyphen.
_TYPEWRITTEN = str.maketrans(
    dict.fromkeys("\u2018\u2019\u02bc\u00b4", "'") | dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-")
)
MOST_NAMED = 3
_LOOK_ALIKE = ("CYRILLIC ", "GREEK ", "ARMENIAN ", "CHEROKEE ", "COPTIC ", "LISU ")  # have letters as A to Z look


def peelings(target: str) -> Sequence[str]:
    """Return a target, and what is left of it as the signs around it are taken off one by one."""
    left = [target]
    while (less := left[-1] and _peeled(left[-1])) != left[-1] and less.strip():
        left.append(less.strip())
    return left


def bare(target: str) -> str:
    """Return a target without any sign around it."""
    return peelings(target)[-1]


def difference(target: str, read: str) -> tuple[Sequence[str], str]:
    """Return what was left out of a target to read it so, and what else is different, in words (empty: nothing)."""
    if read in target:
        before, _, after = target.rpartition(read)
        return [each for each in (before.strip(), after.strip()) if each], ""
    signs = "without the signs around it, " if bare(target) != target else ""
    return [], f"{signs}with {'other capital letters' if target.isascii() else 'its letters in another form'}"


def other_spellings(target: str) -> Sequence[str]:
    """Return what else a target may mean, the nearest first: without signs, then with its letters in other forms."""
    name = bare(target)
    composed, decomposed = (unicodedata.normalize(form, name) for form in ("NFC", "NFD"))
    plain = bare(unicodedata.normalize("NFKC", name.translate(_TYPEWRITTEN)))
    found = [*peelings(target)[1:2], name, composed, plain, decomposed]
    local, at, domain = plain.lower().rpartition("@")
    if at:  # people sign up with a capital letter, which a phone wrote for them
        found += [f"{each}@{domain}" for each in (local, local.capitalize(), local.title())]
    return [each for each in dict.fromkeys(found) if each != target]


def unusual(text: str) -> Sequence[str]:
    """Name the letters that may be taken for ones of A to Z; where the text has none of these, one at most."""
    odd = [each for each in dict.fromkeys(text) if not unicodedata.normalize("NFKD", each)[0].isascii()]
    odd = [each for each in odd if not unicodedata.combining(each)]
    if not any(each.isascii() and each.isalpha() for each in text):
        odd = [each for each in odd if unicodedata.name(each, "").startswith(_LOOK_ALIKE)][:1]
    return [f"\u201c{each}\u201d (U+{ord(each):04X}, {unicodedata.name(each, 'no name')})" for each in odd[:MOST_NAMED]]


def _peeled(text: str) -> str:
    """Return a text without its outermost sign."""
    for sign in _BEFORE:
        if text.lower().startswith(sign):
            return text[len(sign) :]
    if text[-1] in _AFTER:
        return text[:-1]
    if address := _address(text):
        return address
    if (text[0] in _FORMATTING and text[0] == text[1:][-1:]) or (text[0] in _BEGIN and text[-1] in _END):
        return text[1:-1]
    return text[text[0] in _BEGIN : -1 if text[-1] in _END else None]


def _address(text: str) -> str | None:
    """Return who is meant by a text such as `Ada Lindgren <ada@example.com>`; None for any other text."""
    for begin, end in ("<>", "()"):
        name, _, inner = text[:-1].rpartition(begin)
        if not text.endswith(end) or not any(map(str.isalpha, name)):
            continue
        said, inner = name.strip(f" {_BEGIN}{_END}"), inner.strip()
        if "@" in inner and " " not in inner and ("@" not in said or said == inner):
            return inner
        if end == ">" and name.endswith(" ") and inner and " " not in inner and "@" not in said:
            return inner
        if end == ")" and "@" in said and " " not in said and "@" not in inner:
            return said
    return None
