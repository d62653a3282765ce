"""Other spellings of a target."""

import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.options import MAX_TARGET
from bot.spellings import bare, other_spellings, peelings, unusual

SIGNS = st.sampled_from("*_~`\"'<>()[]{}\u201c\u201d\u201e\u2018\u2019,.;:!? @\u2022a\u00e9\uff41")


@pytest.mark.parametrize("target", ["_ada", "ada_", "*ada", "~ada", "o'brien", "a.b@c.de", "ada-l", "a_b_c", "+49"])
def test_what_is_part_of_a_name_stays(target: str) -> None:
    assert bare(target) == target


def test_signs_are_taken_off_one_after_the_other() -> None:
    assert peelings('*"_ada_",*') == ['*"_ada_",*', '"_ada_",', '"_ada_"', "_ada_", "ada"]


def test_the_nearest_spelling_comes_first() -> None:
    assert other_spellings('"_ada_"') == ["_ada_", "ada"]
    assert other_spellings("ada") == []
    assert other_spellings("ADA.L@a.de") == ["ada.l@a.de", "Ada.l@a.de", "Ada.L@a.de"]
    assert other_spellings("Jose\u0301") == ["Jos\u00e9"]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("ad\u0131", ["\u201c\u0131\u201d (U+0131, LATIN SMALL LETTER DOTLESS I)"]),
        ("\u0430da", ["\u201c\u0430\u201d (U+0430, CYRILLIC SMALL LETTER A)"]),
        ("jos\u00e9", []),
        ("jose\u0301", []),
        ("\u0455\u0441\u043e\u0440\u0435", ["\u201c\u0455\u201d (U+0455, CYRILLIC SMALL LETTER DZE)"]),
        ("7-\u0430\u0434\u0430", ["\u201c\u0430\u201d (U+0430, CYRILLIC SMALL LETTER A)"]),
        ("\u03bf\u03bd", ["\u201c\u03bf\u201d (U+03BF, GREEK SMALL LETTER OMICRON)"]),
        ("\u65e5\u672c", []),
        ("123\u2014", []),
        ("\uff41da", []),
    ],
)
def test_letters_that_may_be_taken_for_others_are_named(text: str, named: list[str]) -> None:
    assert unusual(text) == named


@given(st.text(SIGNS, max_size=MAX_TARGET) | st.text(max_size=MAX_TARGET))
@settings(max_examples=500)
def test_each_text_has_few_other_spellings_and_none_is_empty_or_the_text_itself(text: str) -> None:
    others = other_spellings(text)
    assert len(others) == len(set(others)) <= 8
    assert text not in others
    assert all(each.strip() for each in others)
    assert not text.isascii() or all(map(str.isascii, others))
    assert all(len(unicodedata.normalize("NFKD", each)) <= len(unicodedata.normalize("NFKD", text)) for each in others)


@pytest.mark.parametrize(
    "signs", ["()))))", "<>>>>", "a@b (", "(", ".", "*", "a <a@b>,", "x(x),", "mailto:", "'\"", "\ufdfa"]
)
def test_a_target_of_nothing_but_signs_costs_little(signs: str) -> None:
    begun = time.thread_time()
    other_spellings(("a" + signs * MAX_TARGET)[:MAX_TARGET])
    assert time.thread_time() - begun < 0.05
