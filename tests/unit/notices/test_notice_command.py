"""`tocsin notice`, as a person types it."""

import getpass
import hashlib
import json
import sys
from collections.abc import Callable
from email import message_from_bytes
from pathlib import Path

import pytest
from click.testing import CliRunner

from simulators.chance import CrashAt
from tocsin import cli
from tocsin.notices import draft_notice
from tocsin.workspace import load
from unit.notices.agency import WORKSPACE, Letterbox, at_work, case, declare

Say = Callable[..., tuple[int, str, str]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A workspace where the present system user is the data protection lead."""
    (tmp_path / "tocsin.yaml").write_text(WORKSPACE.replace("dilys: {", f"dilys: {{login: {getpass.getuser()}, "))
    with at_work(load(tmp_path), Letterbox(), CrashAt()) as ctx:
        declare(ctx)
        for addressee, template in (("acme", "client/initial"), ("ico", "ico/initial")):
            draft_notice(ctx, case(), template=template, addressee=addressee, made_by=f"step:{addressee}")
    return tmp_path


@pytest.fixture
def say(folder: Path, capsys: pytest.CaptureFixture[str]) -> Say:
    def run(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = cli.carry_out(["notice", *words, "--workspace", str(folder)])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def identity(say: Say, addressee: str) -> str:
    listed = json.loads(say("list", "--json")[1])
    return next(each["id"] for each in listed if each["addressee"] == addressee)


def test_the_list_says_what_each_waits_for(say: Say) -> None:
    code, out, _ = say("list")
    assert code == 0
    assert "approval by dilys or maya or tom" in out


def test_the_text_alone_has_the_hash_that_is_shown(say: Say) -> None:
    one = identity(say, "acme")
    text = say("show", one[:8], "--text")[1]
    assert hashlib.sha256(text.encode()).hexdigest() in say("show", one)[1]


def test_from_approval_to_proof(say: Say, folder: Path) -> None:
    one = identity(say, "ico")
    sha256 = json.loads(say("show", one, "--json")[1])["sha256"]
    assert say("send", one)[0] == 3
    assert say("approve", one, "--hash", sha256[:8], "--yes")[0] == 0
    code, out, _ = say("send", one)
    assert code == 0
    assert f"tocsin notice record {one[:8]}" in out
    assert "by hand and record it" in say("list")[1]
    assert say("record", one, "--reference", "IC-1")[0] == 0
    assert json.loads(say("show", one, "--json")[1])["state"] == "recorded"


def test_a_hash_that_is_not_this_texts_decides_nothing(say: Say) -> None:
    one = identity(say, "acme")
    assert say("approve", one, "--hash", "0" * 8, "--yes")[0] == 3
    assert say("approve", one, "--hash", "0", "--yes")[0] == 2
    assert say("approve", one, "--yes")[0] == 2
    assert say("approve", one, "--json")[0] == 2
    assert json.loads(say("show", one, "--json")[1])["decisions"] == []


def test_approving_asks_first_and_shows_the_hash(folder: Path, say: Say) -> None:
    one = identity(say, "acme")
    arguments = ["notice", "approve", one, "--workspace", str(folder)]
    refused = CliRunner().invoke(cli.tocsin, arguments, input="n\n")
    assert "SHA-256" in refused.output
    assert json.loads(say("show", one, "--json")[1])["state"] == "draft"
    CliRunner().invoke(cli.tocsin, arguments, input="y\n")
    assert json.loads(say("show", one, "--json")[1])["state"] == "approved"


def test_an_edit_from_a_file_and_a_rejection(say: Say, folder: Path) -> None:
    one = identity(say, "acme")
    assert say("reject", one, "--reason", "Say when we write again")[0] == 0
    assert "rejected exactly this text" in say("approve", one, "--hash", _hash(say, one), "--yes")[2]
    better = folder / "better.md"
    better.write_text(say("show", one, "--text")[1].partition("\n\n")[2] + "\nWe will call at nine.\n")
    assert "version 2" in say("edit", one, "--file", str(better))[1]
    assert say("approve", one, "--hash", _hash(say, one), "--yes")[0] == 3
    code, _, err = say("edit", one, "--file", str(folder / "nothing.md"))
    assert (code, "Nothing was changed" in err) == (2, True)


def test_an_unknown_delivery_or_notice_is_a_wrong_command(say: Say) -> None:
    assert say("resolve", "feedbeef", "--happened")[0] == 2
    assert say("resolve", "feedbeef")[0] == 2
    assert say("show", "feedbeef")[0] == 2


NAMES = [
    "list", "show", "edit", "approve", "reject", "send", "resolve", "record", "draft", "page", "export", "diff", "statement",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_every_command_explains_itself_with_an_example(name: str, say: Say) -> None:
    code, out, _ = say(name, "--help")
    assert code == 0
    assert f"Example: tocsin notice {name}" in " ".join(out.split())


def test_a_page_has_a_button_for_every_answer(say: Say, folder: Path) -> None:
    one = identity(say, "ico")
    path = json.loads(say("page", one, "--json")[1])["path"]
    page = Path(path).read_text()
    shown = say("show", one, "--text")[1]
    assert page.count('<button type="button"') == shown.count("\n### ") + 1
    assert "Not approved." in page
    assert "src=" not in page
    assert "http" not in page
    say("approve", one, "--hash", _hash(say, one), "--yes")
    assert say("page", one, "--to", str(folder / "page.html"))[0] == 0
    assert "Not approved." not in (folder / "page.html").read_text()


@pytest.mark.parametrize("form", ["md", "html", "txt", "pdf"])
def test_a_text_that_nobody_approved_says_so_on_every_paper(form: str, say: Say, folder: Path) -> None:
    one, to = identity(say, "acme"), folder / f"letter.{form}"
    assert say("export", one, "--format", form, "--to", str(to))[0] == 0
    assert form == "pdf" or "Nobody has approved" in to.read_text()
    draft = to.read_bytes()
    say("approve", one, "--hash", _hash(say, one), "--yes")
    say("export", one, "--format", form, "--to", str(to))
    approved = to.read_bytes()
    assert approved != draft
    assert b"Nobody has approved" not in approved
    if form == "md":
        assert hashlib.sha256(approved).hexdigest() == _hash(say, one)


def test_a_mail_is_made_of_an_approved_text_alone(say: Say, folder: Path) -> None:
    one, to = identity(say, "acme"), folder / "letter.eml"
    code, _, err = say("export", one, "--format", "eml", "--to", str(to))
    assert (code, to.exists(), "Nobody has approved" in err) == (3, False, True)
    say("approve", one, "--hash", _hash(say, one), "--yes")
    say("export", one, "--format", "eml", "--to", str(to))
    mail = message_from_bytes(to.read_bytes())
    assert mail["To"] == "ivo@acme.example"
    first = to.read_bytes()
    say("export", one, "--format", "eml", "--to", str(to))
    assert to.read_bytes() == first


def test_without_typst_it_says_what_is_missing(say: Say, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "typst", None)
    code, _, err = say("export", identity(say, "acme"), "--format", "pdf", "--to", str(folder / "x.pdf"))
    assert (code, "install tocsin[pdf]" in err, (folder / "x.pdf").exists()) == (2, True, False)


def test_large_print_is_large(say: Say, folder: Path) -> None:
    one = identity(say, "acme")
    say("export", one, "--format", "html", "--large-print", "--to", str(folder / "a.html"))
    assert "18pt" in (folder / "a.html").read_text()
    say("export", one, "--format", "txt", "--large-print", "--to", str(folder / "a.txt"))
    assert max(len(line) for line in (folder / "a.txt").read_text().splitlines()[1:]) <= 46


def test_the_difference_is_shown_to_whoever_approves_next(say: Say, folder: Path) -> None:
    one = identity(say, "acme")
    assert "nothing has changed" in say("diff", one)[1]
    better = folder / "better.md"
    body = say("show", one, "--text")[1].partition("\n\n")[2]
    better.write_text(body.replace("Warn your staff", "Tell your staff"))
    say("edit", one, "--file", str(better))
    out = say("diff", one)[1]
    assert "-- Warn your staff" in out
    assert "+- Tell your staff" in out
    assert say("diff", one, "--from", "7")[0] == 2


def test_a_letter_is_drafted_by_hand_once(say: Say) -> None:
    words = ("draft", "people/letter", "people", "--incident", "INC-2026-001")
    first = json.loads(say(*words, "--json")[1])
    again = json.loads(say(*words, "--json")[1])
    assert (first["drafted"], again["drafted"], again["id"]) == (True, False, first["id"])
    assert "still draft" in say(*words)[1]
    assert "How      A letter or a message of its own" in say("show", first["id"])[1]


def test_a_follow_up_names_the_steps_and_days(say: Say) -> None:
    words = ("draft", "ico/follow-up", "ico", "--incident", "INC-2026-001")
    code, _, err = say(*words)
    assert (code, "nothing to follow up" in err) == (2, True)
    one = identity(say, "ico")
    say("approve", one, "--hash", _hash(say, one), "--yes")
    say("record", one, "--reference", "IC-98765")
    assert say(*words, "--prevention", "restore tests by 2026-13-01")[0] == 2
    code, out, _ = say(*words, "--prevention", "restore tests by 2026-12-31", "--json")
    text = say("show", json.loads(out)["id"], "--text")[1]
    assert "- Restore tests: complete by 31 December 2026." in text
    assert "ICO case reference: IC-98765" in text


@pytest.mark.parametrize(
    ("template", "addressee", "said"),
    [
        ("people/leter", "people", "people/letter"),
        ("people/letter", "ico", "is not one"),
        ("police/report", "polise", "police"),
        ("client/initial", "acme", "nothing to tell them"),
    ],
)
def test_a_wrong_draft_is_a_wrong_command(template: str, addressee: str, said: str, say: Say) -> None:
    code, _, err = say("draft", template, addressee, "--incident", "INC-2026-001")
    assert (code, said in err) == (2, True), err


def test_the_statement_to_a_client(say: Say, folder: Path) -> None:
    assert "# How we look after your data" in say("statement", "acme")[1]
    assert say("statement", "acme", "--format", "html")[0] == 2
    to = folder / "acme.html"
    assert say("statement", "acme", "--format", "html", "--to", str(to))[0] == 0
    assert "Newsletter subscribers" in to.read_text()
    code, _, err = say("statement", "acmee")
    assert (code, "acme" in err) == (2, True)


def _hash(say: Say, one: str) -> str:
    found: str = json.loads(say("show", one, "--json")[1])["sha256"]
    return found
