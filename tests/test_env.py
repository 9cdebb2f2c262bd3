"""`.env` reads as python-dotenv reads it; `workshop use` leads where it was told to, and loses no line on the way."""

import errno
import io
import os
import re
import stat
import tempfile
from codecs import BOM_UTF8
from pathlib import Path

import pytest
from dotenv import dotenv_values
from hypothesis import example, given, settings
from hypothesis import strategies as st

from workshop import cli, env
from workshop.env import KEY, MANAGED, TRACING, URL, WEATHER, EnvFile, use, wide_encoding
from workshop.errors import WorkshopError
from workshop.settings import ROOT

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
        assert env.wide_encoding(data)


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
    file.assignments("A")[-1].put("new")
    assert file.data().decode() == before + expected + after
    assert EnvFile.parse(file.data()).values()["A"] == "new"


@given(TEXTS, st.sampled_from(["OLD=1", "export OLD='a\r\n\nb'  # c", 'OLD="\n"', "  OLD=x"]), TEXTS)
def test_a_line_that_is_kept_for_a_mode_comes_back_as_it_was(before: str, line: str, after: str) -> None:
    data = f"{before}\n{line}\n{after}".encode()
    file = EnvFile.parse(data)
    found = file.assignments("OLD")
    if not found:  # an open quotation mark before it has swallowed it
        return
    found[-1].keep("openai")
    kept = EnvFile.parse(file.data())
    assert kept.assignments("OLD") == []
    [old] = kept.assignments("OLD", "openai")
    assert old.value == EnvFile.parse(data).values()["OLD"]
    old.restore()
    assert kept.data() == data


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
        (b"it's\r\nB=2", b"it's\r\nB=2\r\nA=1"),
        (
            b"# workshop use x: A=0\n# workshop use x: B=2\nC=1\n",
            b"# workshop use x: A=0\n# workshop use x: B=2\nA=1\nC=1\n",
        ),
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
    env.write(link, b"A=2")
    assert link.is_symlink()
    assert real.read_bytes() == b"A=2"
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == [".env", "real"]


def test_a_new_file_is_for_its_owner_only(tmp_path: Path) -> None:
    env.write(tmp_path / ".env", b"A=1")
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
        env.write(path, b"A=2")
    if isinstance(trouble, OSError):
        assert "No space left" in str(caught.value)
    assert [(item.name, item.read_bytes()) for item in tmp_path.iterdir()] == [(".env", b"A=1")]


def test_what_is_no_file_is_said_to_be_none(tmp_path: Path) -> None:
    assert env.read(tmp_path / ".env") is None
    (tmp_path / ".env").mkdir()
    with pytest.raises(WorkshopError, match="cannot be read"):
        env.read(tmp_path / ".env")
    with pytest.raises(WorkshopError, match="could not be written"):
        env.write(tmp_path / ".env", b"")
    assert list(tmp_path.iterdir()) == [tmp_path / ".env"]


PRACTICE = {URL: "http://127.0.0.1:8234/v1", KEY: "practice", TRACING: "1", WEATHER: "http://127.0.0.1:8234"}
# A line may end with \r alone, which re.MULTILINE does not know.
TAG = re.compile(rb"(?<![^\r\n])(\s*)(?:# workshop use \S+: ?|# (?=(?:export\s+)?'?(?:OPENAI_|WEATHER_)))")

ASSIGNMENTS = st.builds(
    lambda indent, export, name, equals, value, comment: indent + export + name + equals + value + comment,
    st.sampled_from(["", "  "]),
    st.sampled_from(["", "export "]),
    st.sampled_from([*MANAGED, KEY, URL, "'OPENAI_API_KEY'", "MY_OWN", "OPENAI_API_KEYS"]),
    st.sampled_from(["=", "=", " = ", ""]),
    st.sampled_from(
        ["", "practice", "sk-real-1", "'sk-real-2'", '"sk-\nreal-3"', '"sk-real-4', "1", "0", "# later", "${MY_OWN}"]
    )
    | st.sampled_from(["http://127.0.0.1:8234/v1", "https://localhost:8234/v1/responses", "'http://other.test/v1'"]),
    st.sampled_from(["", "  # why", " ", " #"]),
)
LINES = st.one_of(
    ASSIGNMENTS,
    st.sampled_from(
        ["", "# mine", "# OPENAI_API_KEY=sk-old", "it's", "# it's", "export", "=", "# workshop use openai: X=1"]
    ),
    ASSIGNMENTS.map(lambda line: "# workshop use openai: " + line.split("\n")[0].lstrip()),
)
FILES = st.builds(
    lambda bom, lines, end, last: bom + end.join([*lines, *last]).encode(),
    st.sampled_from([b"", b"", b"\xef\xbb\xbf"]),
    st.lists(LINES, max_size=9),
    st.sampled_from(["\n", "\n", "\r\n", "\r"]),
    st.sampled_from([[], [""]]),
)


def switched(data: bytes, *steps: str) -> list[bytes]:
    """The file after each step."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ".env"
        path.write_bytes(data)
        found = []
        for step in steps:
            use(path.parent, step, None, {})
            found.append(path.read_bytes())
        return found


@settings(max_examples=120, deadline=None)
@given(FILES | st.binary(max_size=60))
@example(b"OPENAI_API_KEY=sk-real-1\nOPENAI_API_KEY=sk-real-2\nOPENAI_BASE_URL=\n")
@example(b'OPENAI_BASE_URL="sk-\nreal-3"\rOPENAI_BASE_URL=sk-real-1\r# workshop use openai: MY_OWN=')
@example(b"OPENAI_AGENTS_DISABLE_TRACING=0\r\nOPENAI_API_KEY='sk-\r\nreal'\r\n\xff\xfe caf\xe9")
def test_to_practice_and_openai_and_back_loses_nothing(data: bytes) -> None:
    try:
        practice, again, openai, back, openai_again = switched(
            data, "practice", "practice", "openai", "practice", "openai"
        )
    except WorkshopError:
        assert wide_encoding(data)
        return
    assert practice == again == back
    assert openai == openai_again
    old = EnvFile.parse(data)
    for result, wanted in [(practice, PRACTICE), (openai, {})]:
        file = EnvFile.parse(result)
        for name in MANAGED:
            assert len(file.assignments(name)) <= 1
        now = file.values()
        others = {name: value for name, value in old.values().items() if name not in MANAGED}
        assert {name: value for name, value in now.items() if name not in MANAGED} == others
        if wanted:
            assert {name: now.get(name) for name in MANAGED} == wanted
        else:
            assert not now.get(URL)
            assert not now.get(WEATHER) or not env.is_practice(now[WEATHER] or "", 8234)
            assert now.get(KEY) != "practice"
        # Every line of the learner's is there, in its order, perhaps commented out; every key too.
        plain = TAG.sub(rb"\1", result.removeprefix(BOM_UTF8))
        rest = iter(re.split(rb"\r\n|\r|\n", plain))
        theirs = [
            line
            for line in re.split(rb"\r\n|\r|\n", TAG.sub(rb"\1", data.removeprefix(BOM_UTF8)))
            if not re.search(rb"OPENAI|WEATHER", line)
        ]
        assert all(any(found in (line, b"# " + line) for found in rest) for line in theirs)
        for each in old.assignments(KEY):
            kept = each.text.strip().encode("utf-8", "surrogateescape") in plain
            assert kept or not each.value or each.value.startswith("#")


@settings(max_examples=40, deadline=None)
@given(FILES)
def test_scripts_read_what_was_meant(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ".env"
        path.write_bytes(data)
        use(path.parent, "practice", None, {})
        read = dotenv_values(path, encoding="utf-8-sig")
        assert {name: read.get(name) for name in MANAGED} == PRACTICE
        use(path.parent, "https://other.test/v1", None, {})
        read = dotenv_values(path, encoding="utf-8-sig")
        assert (read[URL], read[TRACING]) == ("https://other.test/v1", "1")
        assert not (read.get(KEY) or "").startswith(("sk-real-1", "practice")) or b"other.test" in data


def test_the_shipped_example_comes_back_byte_for_byte() -> None:
    data = (ROOT / ".env.example").read_bytes()
    practice, openai, elsewhere, back = switched(data, "practice", "openai", "http://localhost:11434/v1", "practice")
    assert practice == data
    read = EnvFile.parse(openai).values()
    assert not any(read.get(name) for name in MANAGED)
    assert EnvFile.parse(elsewhere).values()[URL] == "http://localhost:11434/v1"
    assert (
        back.replace(
            b"# workshop use http://localhost:11434/v1: OPENAI_BASE_URL=http://localhost:11434/v1\n", b""
        ).replace(b"# workshop use http://localhost:11434/v1: OPENAI_AGENTS_DISABLE_TRACING=1\n", b"")
        == data
    )


def test_export_comment_and_order_stay() -> None:
    data = b"# mine\nexport OPENAI_BASE_URL=http://127.0.0.1:8234/v1  # local\n\nMY_OWN=1"
    openai, practice = switched(data, "openai", "practice")
    assert openai == data.replace(b"export", b"# workshop use practice: export")
    assert (
        practice
        == data + b"\nOPENAI_API_KEY=practice\nOPENAI_AGENTS_DISABLE_TRACING=1\nWEATHER_API_URL=http://127.0.0.1:8234"
    )


def test_a_real_key_is_put_aside_and_comes_back() -> None:
    data = b"OPENAI_BASE_URL=http://127.0.0.1:8234/v1\nOPENAI_API_KEY='sk-real'  # team\n"
    practice, openai = switched(data, "practice", "openai")
    assert b"# workshop use openai: OPENAI_API_KEY='sk-real'  # team\nOPENAI_API_KEY=practice\n" in practice
    assert b"\nOPENAI_API_KEY='sk-real'  # team\n" in openai
    assert EnvFile.parse(openai).values()[KEY] == "sk-real"


def test_the_openai_key_does_not_go_to_another_server() -> None:
    [result] = switched(b"OPENAI_API_KEY=sk-real\n", "https://other.test/v1/")
    assert EnvFile.parse(result).values() == {URL: "https://other.test/v1", TRACING: "1"}
    assert b"# workshop use openai: OPENAI_API_KEY=sk-real\n" in result
    keyed = result + b"OPENAI_API_KEY=other-key\n"
    openai, back = switched(keyed, "openai", "https://other.test/v1")
    assert EnvFile.parse(openai).values()[KEY] == "sk-real"
    assert EnvFile.parse(back).values()[KEY] == "other-key"


@pytest.mark.parametrize(
    "line",
    ["http://127.0.0.1:8234", "https://127.0.0.1:8234/v1", "127.0.0.1:8234/v1", "http://127.0.0.1:8234/v1/responses"],
)
def test_a_mistyped_practice_address_is_mended_in_place(line: str) -> None:
    [result] = switched(f"X=1\nOPENAI_BASE_URL={line} # mine\nY=1\n".encode(), "practice")
    assert b"X=1\nOPENAI_BASE_URL=http://127.0.0.1:8234/v1 # mine\nY=1\n" in result


def test_other_names_of_this_machine_and_a_slash_are_left_alone() -> None:
    data = b"OPENAI_BASE_URL=http://localhost:8234/v1/\nOPENAI_API_KEY=practice\nOPENAI_AGENTS_DISABLE_TRACING=true\nWEATHER_API_URL=http://localhost:8234\n"
    assert switched(data, "practice") == [data]


def test_the_port_is_that_of_the_practice_services(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("WORKSHOP_PRACTICE_PORT=9001\nOPENAI_BASE_URL=http://127.0.0.1:8234/v1\n")
    use(tmp_path, "practice", None, {})
    assert dotenv_values(tmp_path / ".env")[URL] == "http://127.0.0.1:9001/v1"


MOVED = {
    "WORKSHOP_TEMPORAL_PORT": "17233",
    "WORKSHOP_TEMPORAL_UI_PORT": "18233",
    "WORKSHOP_PRACTICE_PORT": "18234",
    "WORKSHOP_LAB_PORT": "18888",
}


@pytest.mark.parametrize("mode", ["practice", "openai"])
def test_what_names_a_port_follows_it(tmp_path: Path, mode: str) -> None:
    """Case C38: to other ports, and to others again."""
    path = tmp_path / ".env"
    path.write_text((ROOT / ".env.example").read_text() + "".join(f"{name}={port}\n" for name, port in MOVED.items()))
    for ports in (MOVED, {name: f"2{port[1:]}" for name, port in MOVED.items()}):
        path.write_text(re.sub(r"(WORKSHOP_\w+_PORT=)1", rf"\g<1>{ports['WORKSHOP_LAB_PORT'][0]}", path.read_text()))
        changed = use(tmp_path, mode, None, {}).changed
        assert {"TEMPORAL_ADDRESS", "TEMPORAL_UI_URL"} <= set(changed)
        read = dotenv_values(path)
        assert read["TEMPORAL_ADDRESS"] == f"127.0.0.1:{ports['WORKSHOP_TEMPORAL_PORT']}"
        assert read["TEMPORAL_UI_URL"] == f"http://127.0.0.1:{ports['WORKSHOP_TEMPORAL_UI_PORT']}"
        if mode == "practice":
            assert read[URL] == f"http://127.0.0.1:{ports['WORKSHOP_PRACTICE_PORT']}/v1"
            assert read[WEATHER] == f"http://127.0.0.1:{ports['WORKSHOP_PRACTICE_PORT']}"
        assert use(tmp_path, mode, None, {}).changed == []


@pytest.mark.parametrize(
    "lines",
    [
        "TEMPORAL_ADDRESS=cluster.test:7233\nWORKSHOP_TEMPORAL_PORT=17233\nWORKSHOP_TEMPORAL_UI_PORT=18233\n",
        "TEMPORAL_PROFILE=prod\nWORKSHOP_TEMPORAL_PORT=17233\n",
        "TEMPORAL_ADDRESS=127.0.0.1:7300\nTEMPORAL_UI_URL=http://127.0.0.1:8300\n",
        "TEMPORAL_ADDRESS=localhost:17233\nWORKSHOP_TEMPORAL_PORT=17233\n",
        "TEMPORAL_UI_URL=https://ui.test\nWORKSHOP_TEMPORAL_UI_PORT=18233\n",
    ],
)
def test_another_server_of_temporal_is_left_as_it_is(tmp_path: Path, lines: str) -> None:
    (tmp_path / ".env").write_text(lines)
    use(tmp_path, "openai", None, {})
    assert (tmp_path / ".env").read_text() == lines


def test_weather_can_be_chosen_apart(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("WEATHER_API_URL=https://mirror.test\n")
    switch = use(tmp_path, "practice", "real", {})
    assert switch.weather == "other"
    assert "another weather service" in next(switch.lines())  # case C41
    assert dotenv_values(path)[WEATHER] == "https://mirror.test"
    assert use(tmp_path, "openai", "practice", {}).weather == "practice"
    assert dotenv_values(path)[WEATHER] == "http://127.0.0.1:8234"
    switch = use(tmp_path, "", "real", {})
    assert (switch.mode, switch.weather, switch.changed) == ("openai", "other", [WEATHER])
    assert dotenv_values(path)[WEATHER] == "https://mirror.test"


def test_without_env_it_is_made_from_the_example(tmp_path: Path) -> None:
    example_bytes = (ROOT / ".env.example").read_bytes()
    (tmp_path / ".env.example").write_bytes(example_bytes)
    assert use(tmp_path, "practice", None, {}).made
    assert (tmp_path / ".env").read_bytes() == example_bytes


def test_env_txt_is_named_before_another_is_made(tmp_path: Path) -> None:
    (tmp_path / ".env.txt").write_text("OPENAI_API_KEY=sk-real\n")
    with pytest.raises(WorkshopError, match=r"\.env\.txt"):
        use(tmp_path, "openai", None, {})
    assert [path.name for path in tmp_path.iterdir()] == [".env.txt"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("practise", "neither a mode nor an address"),
        ("localhost:11434/v1", "neither a mode nor an address"),
        ("ftp://host/v1", "neither a mode nor an address"),
        ("http://", "has no host"),
        ("http://host:0/v1", "neither a mode nor an address"),
        ("http://host:99999/v1", "host or port that is malformed"),
        ("http://[::1/v1", "host or port that is malformed"),
        ("https://me:sk-canary-7Q2M9X4T@host/v1", "neither a mode nor an address"),
        ("https://host/v1?key=sk-canary-7Q2M9X4T", "neither a mode nor an address"),
        ("https://host/v 1", "has a space in it"),
        ("https://hóst/v1", "has a letter in it that is none of"),
        ("https://host/{v1}", "does not belong"),
        ("https://host/v1/chat/completions", "ends in /chat/completions"),
        ("https://host/v1/responses/", "ends in /responses"),
        ("sk-canary-7Q2M9X4T", "looks like a key"),
    ],
)
def test_what_is_no_address_is_refused_and_changes_nothing(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / ".env").write_text("A=1\n")
    with pytest.raises(WorkshopError, match=says) as caught:
        use(tmp_path, text, None, {})
    assert "7Q2M" not in str(caught.value)
    assert (tmp_path / ".env").read_text() == "A=1\n"


@pytest.mark.parametrize("address", ["http://127.0.0.1:8234/v1", "http://localhost:8234/v1/"])
def test_the_practice_address_means_practice(tmp_path: Path, address: str) -> None:
    assert use(tmp_path, address, None, {}).mode == "practice"
    assert dotenv_values(tmp_path / ".env")[KEY] == "practice"


def test_the_shell_that_wins_is_named(tmp_path: Path) -> None:
    shell = {URL: "http://elsewhere/v1", KEY: "sk-shell", TRACING: "1", WEATHER: ""}
    assert use(tmp_path, "practice", None, shell).overridden == [URL, KEY]
    assert use(tmp_path, "openai", None, shell).overridden == [URL]
    told = list(use(tmp_path, "practice", None, shell).lines())
    assert told[-1] == f"But the shell sets {URL} and {KEY} too, and wins over .env. Next: unset {URL} {KEY}"


def test_the_command_says_the_one_next_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "ROOT", tmp_path)
    for name in (*MANAGED, "http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / ".env").write_text("# mine\n\nOPENAI_API_KEY=\n")
    cli.app(["use", "openai"], standalone_mode=False)
    printed = capsys.readouterr().out
    assert "leads to OpenAI and the real weather" in printed
    assert ".env line 3: OPENAI_API_KEY is empty." in printed
    assert "put your key right after OPENAI_API_KEY= in line 3 of .env" in printed
    cli.app(["use", "practice"], standalone_mode=False)
    assert "Next:" not in capsys.readouterr().out
    cli.app(["use"], standalone_mode=False)
    assert capsys.readouterr().out == "practice model, practice weather; OPENAI_API_KEY: practice\n"
    for arguments in (
        ["openai", "sk-canary-7Q2M9X4T"],
        ["openai", "--key", "sk-canary-7Q2M9X4T"],
        ["--weather", "7Q2M"],
    ):
        with pytest.raises(WorkshopError) as caught:
            cli.app(["use", *arguments], standalone_mode=False)
        assert "7Q2M" not in str(caught.value)
