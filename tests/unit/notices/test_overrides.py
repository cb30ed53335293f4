"""A firm's own templates are read by the guard before they are needed; a statement promises only what is recorded."""

import os
from datetime import timedelta
from pathlib import Path

import pytest

from tocsin import cli
from tocsin.errors import Refused, UsageError
from tocsin.model.workspace import Workspace
from tocsin.notices.overrides import override_problems
from tocsin.notices.statement import Seen, span, spoken_schedule, statement_for
from tocsin.notices.templates import DUTY_OF_FOLDER, is_piece
from tocsin.workspace import load, starter
from unit.notices.agency import AWARE, WORKSPACE, make_workspace

SHIPPED = sorted(
    str(path.relative_to(starter() / "templates"))
    for path in (starter() / "templates").rglob("*.md.j2")
    if not is_piece(path.relative_to(starter() / "templates"))
)
GOLDEN = Path(__file__).parents[2] / "golden" / "notices" / "statement.md"


def own(workspace: Workspace, name: str, text: str) -> None:
    path = workspace.root / "templates" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def shipped(name: str) -> str:
    return (starter() / "templates" / name).read_text()


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return make_workspace(tmp_path)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_template_says_what_it_must(name: str, workspace: Workspace) -> None:
    own(workspace, name, shipped(name) + "\nWith kind regards\n")
    assert override_problems(workspace) == ()


def test_every_kind_of_notice_has_a_template() -> None:
    assert {name.partition("/")[0] for name in SHIPPED} == set(DUTY_OF_FOLDER)


@pytest.mark.parametrize(
    ("name", "gone", "law"),
    [
        ("people/letter.md.j2", "## If you want", "s.164A"),
        ("people/guardian.md.j2", "## What this could mean for your child", "Art 34(2)"),
        ("ico/initial.md.j2", "### {{ answer.question }}", "Art 33(3)(a)"),
        ("client/initial.md.j2", '{% include "client/_facts.md.j2" %}', "Art 33(2)"),
        ("insurer/notice.md.j2", "## Your consent", "policy"),
        ("ncsc/report.md.j2", "## Technical findings", "NCSC"),
        ("client/statement.md.j2", "## How it is backed up", "Art 28"),
    ],
)
def test_a_part_that_was_lost_is_named_with_its_file(name: str, gone: str, law: str, workspace: Workspace) -> None:
    text = shipped(name).replace('{% include "people/_reach-us.md.j2" %}', shipped("people/_reach-us.md.j2"))
    assert gone in text
    own(workspace, name, text.replace(gone, ""))
    found = override_problems(workspace)
    assert found
    assert any(law in problem.message for problem in found)
    assert {problem.place.name for problem in found} == {f"templates/{name}"}


def test_check_names_lost_parts_and_clients_that_no_notice_could_reach(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.carry_out(["check", "--workspace", str(workspace.root)]) == 0
    own(workspace, "ncsc/report.md.j2", shipped("ncsc/report.md.j2").replace("## Impact", "## Else"))
    file = workspace.root / "tocsin.yaml"
    file.write_text(file.read_text().replace("clients:\n", "clients:\n  bank: {name: Old Bank Gallery}\n", 1))
    capsys.readouterr()
    assert cli.carry_out(["check", "--workspace", str(workspace.root)]) == 2
    said = capsys.readouterr().out
    assert "templates/ncsc/report.md.j2" in said
    assert "clients.bank" in said


def test_a_template_nobody_would_use_and_one_that_cannot_be_filled(workspace: Workspace) -> None:
    own(workspace, "clients/initial.md.j2", "Subject: x\n\ny\n")
    own(workspace, "ico/mine.md.j2", "Subject: x\n\n{{ nobody }}\n")
    first, second = override_problems(workspace)
    assert "nothing would ever use it" in first.message
    assert (second.place.line, "nobody" in second.message) == (3, True)


# --- the statement to a client ----------------------------------------------------------------------------

MORE = """\
repositories:
  near: {location: backups/near, password: "file:secret"}
  far: {location: "sftp:vault:/tocsin", password: "file:secret", offsite: true, append_only: true}
backup_plans:
  files:
    title: Files of the office
    sources: [{paths: [files]}]
    repositories: [near, far]
    schedule: "0 2 * * *"
    rpo: 24h
    rto: 4h
    retention: {daily: 14, monthly: 12}
"""


def backed_up(folder: Path) -> Workspace:
    text = WORKSPACE.replace(
        "    client: acme-health\n    systems: [files]\n",
        "    client: acme-health\n    systems: [files]\n    backup_plan: files\n    retention: 730d\n"
        "    purpose: Booking appointments\n",
    )
    (folder / "tocsin.yaml").write_text(text + MORE)
    return load(folder)


def test_the_statement_reads_as_agreed(tmp_path: Path) -> None:
    seen = {"files": Seen(AWARE - timedelta(hours=15), AWARE - timedelta(days=20), "passed")}
    text = statement_for(backed_up(tmp_path), "acme-health", seen, AWARE)
    written = f"Subject: {text.subject}\n\n{text.body}"
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(written)
    assert written == GOLDEN.read_text()


def test_what_is_not_recorded_is_not_promised(workspace: Workspace) -> None:
    body = statement_for(workspace, "harbour", {}, AWARE).body
    assert "No backup plan covers your data." in body
    assert "not recorded in our inventory" in body
    assert "Recall letters" in body
    assert "Newsletter" not in body


def test_a_statement_names_no_other_client(workspace: Workspace) -> None:
    own(
        workspace,
        "client/statement.md.j2",
        shipped("client/statement.md.j2") + "\nLike Harbour Dental Practice.\n",
    )
    with pytest.raises(Refused, match="nothing was written"):
        statement_for(workspace, "acme", {}, AWARE)
    with pytest.raises(UsageError, match="Did you mean"):
        statement_for(workspace, "acmee", {}, AWARE)


def test_schedules_are_said_in_words() -> None:
    said = [
        spoken_schedule(cron) for cron in ("0 2 * * *", "15 * * * *", "30 22 * * 1-5", "0 3 * * 0", "*/5 * * * *")
    ]
    assert said == [
        "every day at 02:00",
        "every hour, at minute 15",
        "Monday to Friday at 22:30",
        "every Sunday at 03:00",
        "*/5 * * * * (minute, hour, day, month, weekday)",
    ]


def test_spans_are_said_in_the_unit_that_fits() -> None:
    said = [
        span(timedelta(**each))
        for each in ({"hours": 4}, {"days": 730}, {"minutes": 90}, {"days": 1}, {"seconds": 5})
    ]
    assert said == ["4 hours", "2 years", "90 minutes", "1 day", "5 seconds"]
