"""A letter to many, as two people type it: one loads the list, the other approves, and it goes."""

import getpass
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from simulators.chance import CrashAt
from simulators.smtp import MailServer, running
from tocsin import cli
from tocsin.notices import draft_notice
from tocsin.workspace import load
from unit.notices.agency import WORKSPACE, Letterbox, at_work, case, declare

Say = Callable[..., tuple[int, str, str]]
CHANNELS = """\
channels:
  mail: {host: 127.0.0.1, port: %d, security: none, sender: breach@lantern.example}
  bulk: {per_minute: 100000}
"""


@pytest.fixture
def server() -> Iterator[MailServer]:
    with running() as server:
        yield server


def acts(folder: Path, person: str, port: int) -> None:
    """Let the present system user be this person."""
    login = f"  {person}: {{login: {getpass.getuser()}, "
    (folder / "tocsin.yaml").write_text(WORKSPACE.replace(f"  {person}: {{", login) + CHANNELS % port)


@pytest.fixture
def folder(tmp_path: Path, server: MailServer) -> Path:
    acts(tmp_path, "sam", server.port)
    (tmp_path / "people.csv").write_text(
        "name,email,address\nAnn Barker,ann@home.example,\nann barker,ann@home.example,\nBola,,1 Mill Lane\nCy,,\n"
    )
    return tmp_path


@pytest.fixture
def letter(folder: Path) -> str:
    with at_work(load(folder), Letterbox(), CrashAt()) as ctx:
        declare(ctx)
        made = draft_notice(ctx, case(), template="people/letter", addressee="people", made_by="step:people")
    return made.id


@pytest.fixture
def say(folder: Path, capsys: pytest.CaptureFixture[str]) -> Say:
    def run(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = cli.carry_out(["notice", *words, "--workspace", str(folder)])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def test_from_a_list_to_letters_that_left(
    say: Say, folder: Path, letter: str, server: MailServer, capsys: pytest.CaptureFixture[str]
) -> None:
    people = str(folder / "people.csv")
    code, out, _ = say("recipients", letter, "--from", people)
    assert code == 0
    assert "4 in the list: 1 by mail, 1 on paper, 2 held back." in out
    assert "HELD  line 3, ann barker: the same person stands in line 2" in out
    assert "Dear Ann Barker" in out
    assert "Nothing is kept yet" in out
    assert say("recipients", letter)[0] == 2
    assert say("recipients", letter, "--from", people, "--load")[0] == 0

    acts(folder, "dilys", server.port)
    seen = json.loads(say("show", letter, "--json")[1])
    assert "a list of 4: 1 by mail, 1 on paper, 2 held back; SHA-256" in seen["text"]
    assert say("approve", letter, "--hash", seen["sha256"], "--yes")[0] == 0
    assert "sending to 1, 1 letter to be posted" in say("list")[1]
    code, out, _ = say("send", letter)
    assert (code, len(server.received)) == (0, 1)
    assert "1 letter goes by post" in out
    assert "1 person could not be reached" in out
    assert say("letters", letter, "--to", str(folder / "letters"))[0] == 0
    assert say("record", letter)[0] == 2
    assert "1 letter recorded as posted" in say("record", letter, "--reference", "RM 123")[1]
    assert json.loads(say("show", letter, "--json")[1])["state"] == "sent"
    shown = json.loads(say("recipients", letter, "--show", "held", "--json")[1])
    assert [each["code"] for each in shown["readers"]] == ["duplicate", "no-way"]
    assert shown["not_reached"] == 1

    assert say("bounces", letter, "--from", str(folder / "nowhere"))[0] == 2
    assert say("bounces", letter, "--from", "imap")[0] == 2
    assert say("forget-recipients", letter, "--yes")[0] == 0
    assert "forgotten" in say("recipients", letter)[1]


def test_json_is_lines_for_programs(say: Say, folder: Path, letter: str, server: MailServer) -> None:
    say("recipients", letter, "--from", str(folder / "people.csv"), "--load")
    acts(folder, "dilys", server.port)
    sha256 = json.loads(say("show", letter, "--json")[1])["sha256"]
    say("approve", letter, "--hash", sha256, "--yes")
    server.readers = {"ann@home.example": "451 greylisted"}
    code, out, _ = say("send", letter, "--json")
    last = [json.loads(line) for line in out.splitlines()][-1]
    assert (code, last["letters"]["intended"]) == (4, 2)
    assert last["next_at"] is not None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--from", "nowhere.csv"), "cannot be read"),
        (("--from", "p.csv", "--query", "SELECT 1"), "not both"),
        (("--query", "SELECT 1"), "names no database"),
        (("--query", "@nowhere.sql"), "cannot be read"),
        (("--from", "people.csv", "--column", "nam=x"), "Did you mean 'name'"),
    ],
)
def test_wrong_words_load_nothing(say: Say, folder: Path, letter: str, words: tuple[str, ...], said: str) -> None:
    named = [str(folder / word) if word.endswith(".csv") else word for word in words]
    code, _, err = say("recipients", letter, *named)
    assert code == 2
    assert said in err
