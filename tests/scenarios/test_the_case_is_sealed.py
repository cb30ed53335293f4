"""The case is sealed.

A small incident from the first word to the archive, all through the command line. Prefect and Slack cannot even be
imported, and there is no network. The lawyer, the insurer and one client each get a file; the lawyer checks theirs
on a machine that has nothing of ours, and somebody who rewrites a fact is found.
"""

import getpass
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from sealed_ground import checked, unpacked
from simulators.house import FIRM
from tocsin.cli import carry_out as tocsin

INC = "INC-2026-001"
EVIDENCE = """\
  evidence: {location: repositories/evidence, password: "file:secrets/evidence.password"}
"""


class Office:
    """The firm's folder and its terminals: one for each person."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capsys = capsys

    def says(self, person: str, *arguments: str, code: int = 0) -> str:
        """Type one command at somebody's terminal, and return what it printed."""
        login, firm = getpass.getuser(), FIRM.replace("port: 8025", "port: 1")
        for each in ("maya", "tom", "priya", "sam"):
            firm = firm.replace(f"login: {each}", f"login: {login if each == person else f'{each}-at-home'}")
        firm = (
            firm.replace("backup_plans:\n", f"{EVIDENCE}backup_plans:\n", 1) + "evidence: {repository: evidence}\n"
        )
        (self.folder / "tocsin.yaml").write_text(firm)
        found = tocsin([*arguments, "--workspace", str(self.folder)])
        printed = self._capsys.readouterr()
        assert "Traceback" not in printed.err
        assert found == code, f"{person}: tocsin {' '.join(arguments)}: {found}, {printed.err}{printed.out}"
        return printed.out if code in (0, 1) and printed.out else printed.err

    def tells(self, person: str, *arguments: str) -> Any:
        return json.loads(self.says(person, *arguments, "--json"))


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Office:
    for gone in ("prefect", "slack_sdk"):
        monkeypatch.setitem(sys.modules, gone, None)
    firm = tmp_path / "firm"
    for name in ("data/file-share", "data/crm", "secrets", "repositories"):
        (firm / name).mkdir(parents=True)
    for name in ("local", "evidence"):
        (firm / f"secrets/{name}.password").write_text("a long secret of its own\n")
        (firm / f"secrets/{name}.password").chmod(0o600)
    (firm / "secrets").chmod(0o700)
    return Office(firm, capsys)


def test_the_case_is_sealed(office: Office, tmp_path: Path) -> None:
    office.says(
        "maya", "incident", "declare", "--system", "file-share", "--cause", "ransomware",
        "--title", "Files end in .locked", "--first-alert", "2026-11-20T17:40+00:00",
    )  # fmt: skip
    office.says(
        "maya", "incident", "confirm", INC, "--at", "2026-11-20T18:00+00:00", "--reason", "Salaries lie there"
    )
    office.says("maya", "incident", "fact", INC, "exfiltration", "possible", "--evidence", "2 GB left at 17:30")
    office.says("maya", "incident", "fact", INC, "exfiltration", "confirmed", "--evidence", "Seen on a leak site")
    if shutil.which("restic"):
        office.says("maya", "backup", "init", "evidence")
        note = tmp_path / "note.txt"
        note.write_text("Pay up")
        office.says("maya", "evidence", "add", str(note), "--incident", INC)

    # The client is told: drafted, approved by somebody else, laid out to be sent by hand, and recorded.
    drafted = office.tells("maya", "notice", "draft", "client/initial", "harbour-dental", "--incident", INC)
    notice = drafted["id"]
    shown = office.tells("priya", "notice", "show", notice)
    office.says("priya", "notice", "approve", notice, "--hash", shown["sha256"], "--yes", "--reason", "Read twice")
    office.says("maya", "notice", "record", notice, "--reference", "Read out by telephone, 18:20")

    # Three copies. Each is checked from our side; the lawyer checks theirs alone.
    key = office.folder / ".tocsin/keys/journal.pub"
    for name, wanted in (
        ("lawyer", ()), ("insurer", ("--for", "insurer", "--without-names")), ("harbour", ("--client", "harbour-dental")),
    ):  # fmt: skip
        archive = tmp_path / f"{name}.zip"
        made = office.tells("maya", "incident", "export", INC, "--out", str(archive), *wanted)
        assert archive.stat().st_mode & 0o777 == 0o600
        found = office.tells(
            "maya", "incident", "verify", str(archive), *(("--key", str(key)) if key.exists() else ())
        )
        assert found["ok"] is True
        folder = unpacked(archive, tmp_path / name)
        code, said = checked(folder, "--key", made["key"])
        assert code == 0, said
        assert "Everything holds." in said
        if name == "harbour":
            assert "Northgate" not in "".join(
                each.read_text(errors="replace") for each in folder.rglob("*") if each.is_file()
            )

    # Somebody would rather that nothing had been found.
    case = tmp_path / "lawyer" / INC / "case.json"
    case.write_text(case.read_text().replace('"confirmed"', '"ruled_out"'))
    code, said = checked(case.parent)
    assert code == 1
    assert '(exfiltration) is not what the journal says: there it is "confirmed"' in said
    assert "does NOT hold" in office.says("maya", "incident", "verify", str(case.parent), code=1)
    assert office.tells("maya", "journal", "verify")["ok"] is True
