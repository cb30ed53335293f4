"""The server itself is gone: not encrypted, gone, with the workspace, the store and the backups that lay on it.

What is left is a recovery kit on somebody's stick, a passphrase in somebody's head, and the second repository. On an
empty machine the kit becomes a workspace again, and its recovery plan brings the database back before the application.
Prefect and Slack cannot even be imported. Everything goes through the command line.
"""

import getpass
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from tocsin.cli import carry_out as tocsin

PASSPHRASE = "heron anvil seventeen quiet marmalade"
KEY = "what opens both repositories"
DUMP = """--
-- PostgreSQL database dump
--
CREATE TABLE public.bookings (id integer PRIMARY KEY, guest text NOT NULL);
COPY public.bookings (id, guest) FROM stdin;
1\tAda
2\tGrace
3\tMary
\\.
ALTER TABLE public.bookings OWNER TO bookings;
--
-- PostgreSQL database dump complete
--
"""
FIRM = """
tocsin: 1
organisation: {name: Quay Guest House, timezone: Europe/London}
people:
  maya: {name: Maya Lind, roles: [commander, technical, dpo, communications], phone: 0117 496 0101, login: "@LOGIN@"}
systems:
  bookings: {title: The bookings' database, kind: database, paths: [data/dumps]}
  website: {title: The website, kind: website, paths: [data/site], depends_on: [bookings]}
repositories:
  local: {location: repositories/local, password: "file:secrets/both.password"}
  offsite: {location: "@OFFSITE@", password: "env:TOCSIN_TEST_OFFSITE", offsite: true}
backup_plans:
  everything:
    title: Site and dumps, every night
    sources: [{paths: [data/site, data/dumps]}]
    repositories: [local, offsite]
    schedule: "30 2 * * *"
    rpo: 26h
    rto: 4h
recovery_kit: {passphrase: "file:secrets/kit.passphrase", to: ["@STICK@"], kept: Maya and the notary know it}
"""
BOOKINGS = """
recovery_plan: bookings
title: Bring the bookings back
systems: [bookings]
inputs: {snapshot: {type: text, default: latest}}
steps:
  - id: files
    uses: restore.files
    with: {backup_plan: everything, snapshot: "${{ inputs.snapshot }}", include: [data/dumps], to: restored-dumps}
  - id: database
    uses: restore.database
    needs: [files]
    with:
      {engine: postgres, name: bookings, file: "${{ steps.files.output.folder }}/dumps/bookings.sql", into: "env:NOWHERE"}
  - id: guests
    uses: verify.sql
    needs: [database]
    with: {database: bookings, query: select count(*) from bookings, expect: 3, address: "env:NOWHERE"}
"""
WEBSITE = """
recovery_plan: website
title: Bring the website back
systems: [website]
inputs: {snapshot: {type: text, default: latest}}
steps:
  - id: files
    title: Bring the pages back
    uses: restore.files
    with: {backup_plan: everything, snapshot: "${{ inputs.snapshot }}", include: [data/site], to: data}
  - id: front-page
    uses: verify.application
    needs: [files]
    with: {folder: "${{ steps.files.output.folder }}", argv: [grep, -c, Welcome, "{restored}/site/index.html"]}
"""


class Terminal:
    """One machine with a shell, standing in one folder."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def says(self, *arguments: str, code: int = 0) -> str:
        found = tocsin([*arguments])
        printed = self._capsys.readouterr()
        assert "Traceback" not in printed.err
        assert found == code, f"tocsin {' '.join(arguments)}: {found}, {printed.err}{printed.out}"
        return printed.out

    def tells(self, *arguments: str, code: int = 0) -> Any:
        return json.loads(self.says(*arguments, "--json", code=code))


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    for gone in ("prefect", "slack_sdk"):
        monkeypatch.setitem(sys.modules, gone, None)
    return Terminal(capsys)


def make_server(folder: Path, offsite: Path, stick: Path) -> None:
    firm = (
        FIRM.replace("@LOGIN@", getpass.getuser())
        .replace("@OFFSITE@", str(offsite))
        .replace("@STICK@", str(stick))
    )
    for name, text in {
        "tocsin.yaml": firm,
        "drills/bookings.yaml": BOOKINGS,
        "drills/website.yaml": WEBSITE,
        "data/site/index.html": "<h1>Welcome to the Quay</h1>\n",
        "data/site/rooms/blue.html": "<p>The blue room</p>\n",
        "data/dumps/bookings.sql": DUMP,
        "secrets/both.password": KEY,
        "secrets/kit.passphrase": PASSPHRASE,
    }.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(text)


def test_the_server_is_gone(tmp_path: Path, terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    server, offsite, stick = tmp_path / "server", tmp_path / "offsite", tmp_path / "stick" / "quay.kit"
    make_server(server, offsite, stick)
    monkeypatch.setenv("TOCSIN_TEST_OFFSITE", KEY)
    monkeypatch.chdir(server)

    # An ordinary evening: a backup, and the kit on its stick, with a page to print.
    for repository in ("local", "offsite"):
        terminal.says("backup", "init", repository)
    assert "2 recovery plans" in terminal.says("check")
    terminal.says("backup", "run", "everything")
    good = {one["repository"]: one["id"] for one in terminal.tells("backup", "list")}
    written = terminal.tells("recover", "kit")
    assert (written["places"], written["lost_repositories"]) == ([str(stick)], ["local"])
    # Each key in it opens what it should.
    checked = terminal.tells("recover", "kit", "--check", str(stick))
    assert [(one["repository"], one["opens"]) for one in checked["keys"]] == [
        ("local", True), ("offsite", True),
    ]  # fmt: skip
    page = stick.with_name("quay.kit.page.html").read_text()
    assert "Maya and the notary know it" in page
    for secret in (PASSPHRASE, KEY):
        assert secret not in page
        assert secret.encode() not in stick.read_bytes()

    # The server burns down: workspace, store, journal, and the repository that stood beside them.
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TOCSIN_TEST_OFFSITE")
    shutil.rmtree(server)

    # An empty machine. The passphrase is typed into a file, the kit becomes a workspace.
    typed = tmp_path / "typed"
    typed.touch(mode=0o600)
    typed.write_text("some other words, all of them wrong")
    opening = ("recover", "kit", "--open", str(stick), "--into", "recovered", "--passphrase", f"file:{typed}")
    terminal.says(*opening, code=1)
    assert not (tmp_path / "recovered").exists()
    typed.write_text(PASSPHRASE)
    opened = terminal.tells(*opening)
    assert (opened["snapshots"], opened["lost_repositories"]) == ({"everything": 2}, ["local"])
    monkeypatch.chdir(tmp_path / "recovered")

    # In isolation first: the database, then the application, from the repository that is left.
    rehearsed = terminal.tells("recover", "website")
    assert rehearsed["ok"] is True
    assert [(step["recovery_plan"], step["step"]) for step in rehearsed["steps"]] == [
        ("bookings", "files"), ("bookings", "database"), ("bookings", "guests"),
        ("website", "files"), ("website", "front-page"),
    ]  # fmt: skip
    outputs = {(step["recovery_plan"], step["step"]): step["output"] for step in rehearsed["steps"]}
    assert outputs["bookings", "files"]["snapshot"] == good["offsite"]
    assert outputs["website", "files"]["repository"] == "offsite"
    assert outputs["bookings", "database"]["counts"] == {"public.bookings": 3}
    assert outputs["website", "front-page"]["stdout"] == "1\n"
    assert not (tmp_path / "recovered/data").exists()
    assert [path.name for path in Path(".tocsin/scratch").iterdir()] == []

    # For real, the website alone: nothing before Maya has approved what she read, and then just that.
    shown = terminal.tells("recover", "website", "--live", "--only", code=3)
    assert "Bring the pages back" in shown["text"]
    terminal.says("recover", "website", "--live", "--only", "--approve", "0" * 12, code=2)
    live = terminal.tells("recover", "website", "--live", "--only", "--approve", shown["sha256"][:12])
    assert live["state"] == "done"
    assert Path("data/site/index.html").read_text() == "<h1>Welcome to the Quay</h1>\n"
    assert Path("data/site/rooms/blue.html").read_text() == "<p>The blue room</p>\n"

    # The new journal tells it, and verifies; the old one's last head is kept beside it.
    assert terminal.tells("journal", "verify")["ok"] is True
    assert Path(".tocsin/journal-head-of-the-lost-server.json").is_file()
