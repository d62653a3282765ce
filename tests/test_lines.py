import io
import os
import sys
import threading
from pathlib import Path

import pytest

from bot.errors import UsageError
from bot.terminal.lines import COLUMNS_NAMED, LONGEST_LINE, lines_of


def read(path: Path, content: bytes, column: str | None = None) -> list[str]:
    path.write_bytes(content)
    return list(lines_of(str(path), column))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "leaked"


@pytest.mark.parametrize(
    "content",
    [
        b"ada\ngrace",
        b"ada\r\ngrace\r\n",
        b"\xef\xbb\xbfada\n\n \t\ngrace\n",
        b"\n  ada  \ngrace\n\n",
    ],
)
def test_each_line_names_one_and_blank_ones_none(path: Path, content: bytes) -> None:
    assert read(path, content) == ["ada", "grace"]


@pytest.mark.parametrize(
    "content",
    [
        b"id,email\n1,ada@example.com\n2,grace@example.com\n",
        b"\xef\xbb\xbfid;email\r\n1;ada@example.com\r\n\r\n;\r\n2;grace@example.com",
        b'email\tname\n"ada@example.com"\t"Ada\nLindgren"\ngrace@example.com\tG, H; I\n',
        b"Email,email\nx,ada@example.com\ny,grace@example.com\n",
        b' Email ,"a,b"\nada@example.com,"1\n2"\ngrace@example.com,"say ""hi"""\n',
    ],
)
def test_of_csv_one_column_counts_whichever_sign_is_between_the_cells(path: Path, content: bytes) -> None:
    assert read(path, content, "email") == ["ada@example.com", "grace@example.com"]


def test_a_row_without_the_cell_is_not_left_out_silently(path: Path) -> None:
    assert read(path, b"id,email\n1,\n2\n3,ada\n", "email") == ["", "", "ada"]


@pytest.mark.parametrize(
    ("content", "column", "sentence"),
    [
        (b"", None, "There is nothing in {}."),
        (b"a,b\n1,2\n", "email", "{} has no column email. Its columns are a, b."),
        (b"a;b;c\n1;2;3\n", "email", "{} has no column email. Its columns are a, b, c."),
        (b"email,Email,EMAIL\n1,2,3\n", "eMail", "{} has several columns eMail. Give one of them another name."),
        (b'email\n"ada\n', "email", "{} is not valid CSV near line 2: unexpected end of data."),
        (b"id,email\r1,ada\r", "email", "{} is not valid CSV in its first line: new-line character seen in unquoted"),
        (b"ada\n\xff\xfe\n", None, "Line 2 of {} is not text in UTF-8. Save the list as text, or as CSV"),
        ("ada\n".encode("utf-16"), None, "Line 1 of {} is not text in UTF-8."),
        (b"PK\x03\x04\x00\x00", "email", "Line 1 of {} is not text in UTF-8."),
        (b"a" * (LONGEST_LINE + 1), None, "Line 1 of {} is longer than 65,536 bytes, so it names no account."),
    ],
)
def test_what_is_no_list_is_told_in_a_sentence(path: Path, content: bytes, column: str | None, sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(path, content, column)
    assert caught.value.sentence.startswith(sentence.format(path))


def test_of_very_many_columns_only_some_are_named(path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        read(path, ",".join(f"c{n}" for n in range(50)).encode(), "email")
    assert caught.value.sentence.endswith(f"c{COLUMNS_NAMED - 1} and 30 more.")


@pytest.mark.parametrize(("name", "why"), [("", "Is a directory"), ("no", "No such file")])
def test_what_cannot_be_read_is_told_in_a_sentence(tmp_path: Path, name: str, why: str) -> None:
    with pytest.raises(UsageError, match=f"cannot be read: {why}"):
        lines_of(f"{tmp_path}/{name}", None)


def test_standard_input_is_read_as_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second line is written only once the first one was read: nothing waits for the end."""
    ours, theirs = os.pipe()
    with open(ours, "rb") as reading, open(theirs, "wb", buffering=0) as writing:  # noqa: PTH123 -- descriptors
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(reading))
        writing.write(b"ada\n")
        lines = lines_of("-", None)
        assert next(lines) == "ada"
        writing.write(b"grace\n")
        assert next(lines) == "grace"
        writing.close()
        assert list(lines) == []


def test_a_pipe_with_a_name_is_read(tmp_path: Path) -> None:
    os.mkfifo(pipe := tmp_path / "pipe")
    writer = threading.Thread(target=lambda: pipe.write_bytes(b"email\nada\n"))
    writer.start()
    assert list(lines_of(str(pipe), "email")) == ["ada"]
    writer.join()
