"""Who is in a text that was pasted, and that reading any text costs little."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from test_hostile_text import PARTS, steps

from bot.errors import UsageError
from bot.options import check_target
from bot.slack.pasted_list import MOST_LINES, people_in

SUB, OTHER_SUB = "343d94cb-5ddd-4f39-ab9f-be013c348223", "343D94CB-5DDD-4F39-AB9F-BE013C348224"


@pytest.mark.parametrize(
    ("text", "people"),
    [
        ("", []),
        (" \n\t\n---\n,;\n", []),
        ("ada", ["ada"]),
        ("ada\r\ngrace\rbob\u2028eve", ["ada", "grace", "bob", "eve"]),
        ("ada, grace;bob\teve", ["ada", "grace", "bob", "eve"]),
        ("ada\uff0cgrace\uff1bbob\u3001eve", ["ada", "grace", "bob", "eve"]),
        ("- ada\n* grace\n\u2022\u00a0bob\n\u2013 eve", ["ada", "grace", "bob", "eve"]),
        ("1. ada\n2) grace\n10. bob", ["ada", "grace", "bob"]),
        ("- [ ] ada\n- [x] grace\n> > bob", ["ada", "grace", "bob"]),
        ("ada@a.de grace@a.de   bob@a.de", ["ada@a.de", "grace@a.de", "bob@a.de"]),
        (f"{SUB} {OTHER_SUB}", [SUB, OTHER_SUB]),
        ("Ada Lindgren <ada@a.de>, Grace <grace@a.de>", ["Ada Lindgren <ada@a.de>", "Grace <grace@a.de>"]),
        ("Ada Lindgren <ada@a.de> Grace <grace@a.de>", ["Ada Lindgren <ada@a.de>", "Grace <grace@a.de>"]),
        (
            "Lindgren, Ada <ada@a.de>; van Berg, Grace <grace@a.de>; bob",
            ['"Lindgren, Ada" <ada@a.de>', '"van Berg, Grace" <grace@a.de>', "bob"],
        ),
        ("ada7, Bob <bob@a.de>", ["ada7", "Bob <bob@a.de>"]),
        ("email,name\nAda <ada@a.de>,x", ["Ada <ada@a.de>"]),
        (
            "old.shop, Ada <ada@a.de>, bob, Grace Hopper <grace@a.de>",
            ["old.shop", "Ada <ada@a.de>", "bob", "Grace Hopper <grace@a.de>"],
        ),
        ('"Lindgren, Ada" <ada@a.de>; grace@a.de', ['"Lindgren, Ada" <ada@a.de>', "grace@a.de"]),
        ("ada@a.de (Ada Lindgren)", ["ada@a.de (Ada Lindgren)"]),
        ("+49 30 123456\n(030) 123-456, 0170/123 45 67", ["+49 30 123456", "(030) 123-456", "0170/123 45 67"]),
        ("+49 30 123456 +49 30 654321", ["+49 30 123456", "+49 30 654321"]),
        ("+49 30 123456 ada@a.de +49 30 654321", ["+49 30 123456 ada@a.de", "+49 30 654321"]),
        ("Google_117, auth0|12345, ad|a", ["Google_117", "auth0|12345", "ad|a"]),
        ("email\nada@a.de\ngrace@a.de", ["ada@a.de", "grace@a.de"]),
        ("User name:\nada\ngrace", ["ada", "grace"]),
        ("name,email\nAda,ada@a.de\nGrace,grace@a.de", ["ada@a.de", "grace@a.de"]),
        (f"email,sub\nada@a.de,{SUB}", [SUB]),
        ("name,email\nAda", ["Ada"]),
        ('"name"\t"email"\nAda\t"ada@a.de"', ['"ada@a.de"']),
        ("| name | email |\n|------|-------|\n| Ada | ada@a.de |", ["ada@a.de"]),
        ("ada, email", ["ada", "email"]),
        ("Ada Lindgren", ["Ada Lindgren"]),
        ("mailto:ada@a.de\n`grace`\n'bob',", ["mailto:ada@a.de", "`grace`", "'bob'"]),
        ("\ufeffada\u200b\n\u202agrace\u202c", ["ada", "grace"]),
        ('["ada", "grace"]', ['["ada"', '"grace"]']),
        ('"ada, grace\nbob', ['"ada', "grace", "bob"]),
    ],
)
def test_people_are_found_in_a_text_as_it_was_pasted(text: str, people: list[str]) -> None:
    assert list(people_in(text)) == people


names = st.from_regex(re.compile(r"[a-z][a-z0-9._-]{0,20}(@[a-z]{1,9}\.de)?"), fullmatch=True)
separators = st.sampled_from(["\n", "\r\n", ",", ", ", ";", "; ", "\t", ",\n", "\n\n", "\n- ", "\n\u2022 "])


@given(st.lists(names, min_size=1, max_size=30), separators)
@example(["sub", "ada"], ", ")
def test_each_person_is_there_once_and_in_order_with_any_separator(people: list[str], separator: str) -> None:
    people = ["first.line", *people]  # which names no columns
    assert list(people_in(separator.join(people))) == people


@given(st.text(max_size=300))
def test_nothing_with_a_letter_or_digit_is_lost_where_no_line_names_columns(text: str) -> None:
    found = "".join(people_in(f"first.line\n{text}"))
    assert [each for each in found if each.isalpha()] == [each for each in f"first.line{text}" if each.isalpha()]


def test_more_people_than_a_list_may_have_are_refused() -> None:
    assert len(people_in("a\n" * MOST_LINES)) == MOST_LINES
    with pytest.raises(UsageError, match="more than 2,000 people"):
        people_in("a\n" * (MOST_LINES + 1))


pasted = st.builds(
    lambda parts, times: "".join(parts) * times,
    st.lists(st.sampled_from((*PARTS, ",", ";", "\t", "@", "a@", "+", "| ", "1. ", "[ ] ")), max_size=4),
    st.integers(0, 4_000),
)


@given(pasted | st.text(max_size=200))
@example(",")
@example('",' * 6_000)
@example('"' * 12_000)
@example("a,b<" * 3_000)
@example(",<a@" * 3_000)
@example(", " + " " * 6_000 + "a,")
@example("+ " * 6_000)
@example("@ " * 6_000)
@example("+1 a " * 2_400)
@example("> " * 6_000)
@example("| " * 6_000)
@example("\n" * 12_000)
@example("a\n" * 6_000)
@example("a\n" * MOST_LINES)
@example(f"{SUB} " * 320)
def test_reading_any_text_takes_time_in_proportion_to_its_length(text: str) -> None:
    text = text[:12_000]
    assert steps(lambda: people_in(text)) <= 2_000 + 40 * len(text)


@pytest.mark.parametrize(
    "text",
    ["+49 30 123456", "Ada <ada@a.de>", '"Lindgren, Ada" <ada@a.de>', "ada@a.de (Ada Lindgren)", "(030) 123-456"],
)
def test_what_has_blanks_in_it_is_one_target(text: str) -> None:
    assert check_target(text) == text
