"""`.env` keeps every byte that an edit does not speak of, and reads as python-dotenv reads it."""

import errno
import io
import os
import stat
from pathlib import Path

import pytest
from dotenv import dotenv_values
from hypothesis import example, given, settings
from hypothesis import strategies as st

from workshop import envfile
from workshop.envfile import EnvFile
from workshop.errors import WorkshopError

PIECES = st.sampled_from(
    [
        "A",
        "B=1",
        "export ",
        "X='a b'",
        'Y="',
        "'",
        "#",
        " # c",
        "=",
        "\\",
        "\n",
        "\r\n",
        "\r",
        "\t ",
        "${A}",
        "\ufeff",
        "é",
    ]
)
TEXTS = st.lists(PIECES, max_size=25).map("".join)


@given(st.binary(max_size=80) | TEXTS.map(str.encode))
@example(b"A='\r\n\r\nB=1\r\n")
@example(b"\xef\xbb\xbf\xef\xbb\xbf\xef\xbb\xbfA=1")
def test_reading_and_writing_gives_the_same_bytes(data: bytes) -> None:
    try:
        assert EnvFile.parse(data).data() == data
    except WorkshopError:
        assert envfile.wide_encoding(data)


@settings(max_examples=200)
@given(TEXTS)
@example("\ufeff\ufeffA=1")
@example("A='\r\n B=1\r\n")
def test_values_are_those_of_python_dotenv(text: str) -> None:
    def unix(text: str) -> str:
        return text.replace("\r\n", "\n").replace("\r", "\n")

    def plain(values: dict[str, str | None]) -> dict[str, str | None]:
        return {unix(name): value and unix(value) for name, value in values.items()}

    decoded = text.encode().decode("utf-8-sig")
    expected = dict(dotenv_values(stream=io.StringIO(decoded, newline=None)))
    assert plain(EnvFile.parse(text.encode(), os.environ).values()) == plain(expected)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("A=1", "A=new"),
        ("export A=1  # why", "export A=new  # why"),
        ("  A = 1", "  A = new"),
        ("A='old one' # x", "A='new' # x"),
        ('A="it\\"s"', 'A="new"'),
        ("'A'=1", "'A'=new"),
        ("A=", "A=new"),
        ("A=   ", "A=   new"),
        ("A= # paste it here", "A=new # paste it here"),
        ("A", "A=new"),
        ("A# later", "A=new # later"),
        ("export A  # later", "export A=new  # later"),
        ("A=a#b #c", "A=new #c"),
        ("A=1\t# tab", "A=new\t# tab"),
        ('A="a\nb"', 'A="new"'),
    ],
)
@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\r"])
def test_another_value_leaves_the_rest_of_the_line(line: str, expected: str, end: str) -> None:
    before, after = "# é\n\nB=2\n", f"{end}C=3" if end else ""
    file = EnvFile.parse((before + line + after).encode())
    file.put(file.assignments("A")[-1], "new")
    assert file.data().decode() == before + expected + after
    assert EnvFile.parse(file.data()).values()["A"] == "new"


@pytest.mark.parametrize("value", ["a b", "it's", 'say "x"', "a#b", "${HOME}", "a\\n", "", "two\nlines"])
def test_a_value_that_needs_quotes_is_refused(value: str) -> None:
    file = EnvFile.parse(b"A=1\n")
    with pytest.raises(WorkshopError, match="cannot be set"):
        file.put(0, value)
    assert file.data() == b"A=1\n"


@given(TEXTS, st.sampled_from(["OLD=1", "export OLD='a\r\n\nb'  # c", 'OLD="\n"', "  OLD=x"]), TEXTS)
def test_a_stashed_line_comes_back_as_it_was(before: str, line: str, after: str) -> None:
    data = f"{before}\n{line}\n{after}".encode()
    file = EnvFile.parse(data)
    found = file.assignments("OLD")
    if not found:  # an open quotation mark before it has swallowed it
        return
    file.stash(found[-1], "openai")
    stashed = EnvFile.parse(file.data())
    assert stashed.assignments("OLD") == []
    [stash] = stashed.stashes("OLD", "openai")
    stashed.restore(stash, "OLD")
    assert stashed.data() == data
    assert stash.value == EnvFile.parse(data).values()["OLD"]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", b"A=1\n"),
        (b"B=2", b"B=2\nA=1"),
        (b"B=2\r\n", b"B=2\r\nA=1\r\n"),
        (b"C=1\r\nB=2", b"C=1\r\nB=2\r\nA=1"),
        (b"# A=0\nB=2\n", b"# A=0\nA=1\nB=2\n"),
        (
            b"# workshop use x: A='0\n# workshop use x: 1'\nB=2\n",
            b"# workshop use x: A='0\n# workshop use x: 1'\nA=1\nB=2\n",
        ),
        (b"# AA=0\nB=2", b"# AA=0\nB=2\nA=1"),
        (b"B='never closed", b"B='never closed\nA=1"),
        (b"B=2\n\n   ", b"B=2\n\n   \nA=1"),
    ],
)
def test_a_new_line_goes_next_to_its_kind_or_to_the_end(data: bytes, expected: bytes) -> None:
    file = EnvFile.parse(data)
    file.add("A", "1")
    assert file.data() == expected
    assert EnvFile.parse(expected).values()["A"] == "1"


def test_lines_are_counted_as_an_editor_counts_them() -> None:
    file = EnvFile.parse(b"\n# c\r\n\r\nA='x\ny'\n'broken\r\n\r\nB=1\r\rC=2")
    lines = {statement.name: statement.line for statement in file.statements if statement.name}
    assert lines == {"A": 4, "B": 8, "C": 10}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_wide_text_is_refused_by_name(encoding: str) -> None:
    with pytest.raises(WorkshopError, match=encoding[:6].upper()) as caught:
        EnvFile.parse("OPENAI_API_KEY=sk-canary-7Q2M9X4T\r\n".encode(encoding))
    assert "UTF-8" in caught.value.next_step
    assert "7Q2M" not in str(caught.value)


def test_writing_keeps_mode_and_symlink(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / ".env"
    real.write_bytes(b"A=1")
    real.chmod(0o640)
    link.symlink_to(real)
    envfile.write(link, b"A=2")
    assert link.is_symlink()
    assert real.read_bytes() == b"A=2"
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == [".env", "real"]


def test_a_new_file_is_for_its_owner_only(tmp_path: Path) -> None:
    envfile.write(tmp_path / ".env", b"A=1")
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600


@pytest.mark.parametrize("step", ["fsync", "replace"])
@pytest.mark.parametrize("trouble", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_a_full_disk_or_an_interrupt_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, trouble: BaseException
) -> None:
    path = tmp_path / ".env"
    path.write_bytes(b"A=1")

    def fail(*args: object) -> None:
        raise trouble

    monkeypatch.setattr(os, step, fail)
    with pytest.raises((WorkshopError, KeyboardInterrupt)) as caught:
        envfile.write(path, b"A=2")
    if isinstance(trouble, OSError):
        assert "No space left" in str(caught.value)
    assert [(item.name, item.read_bytes()) for item in tmp_path.iterdir()] == [(".env", b"A=1")]


def test_what_is_no_file_is_said_to_be_none(tmp_path: Path) -> None:
    assert envfile.read(tmp_path / ".env") is None
    (tmp_path / ".env").mkdir()
    with pytest.raises(WorkshopError, match="cannot be read"):
        envfile.read(tmp_path / ".env")
    with pytest.raises(WorkshopError, match="could not be written"):
        envfile.write(tmp_path / ".env", b"")
    assert list(tmp_path.iterdir()) == [tmp_path / ".env"]
