"""What personal and sensitive data ask of their backup plan."""

from datetime import date
from pathlib import Path

import pytest

from tocsin.cli import carry_out
from tocsin.model.label_rules import label_problems
from tocsin.workspace import load

TODAY = date(2026, 11, 23)
FIRM = """\
tocsin: 1
organisation: {name: Harbour & Quill}
people:
  maya: {name: Maya, email: maya@harbour.example, roles: [commander, dpo, technical, communications]}
systems:
  server: {title: The server, kind: file_share}
datasets:
  letters: {title: Letters, label: LABEL, systems: [server], backup_plan: files}
repositories:
  local: {location: here, password: "file:password"}
  away: {location: there, password: "file:password", offsite: true, append_only: true}
backup_plans:
  files:
    title: Files
    sources: [{paths: [share]}]
    repositories: [REPOSITORIES]
    schedule: "30 2 * * *"
    rpo: 24h
    rto: 4h
"""


@pytest.fixture
def firm(tmp_path: Path):
    def write(label: str = "personal", repositories: str = "local, away", drill: str | None = "0 9 1 */3 *"):
        text = FIRM.replace("LABEL", label).replace("REPOSITORIES", repositories)
        (tmp_path / "tocsin.yaml").write_text(text)
        if drill:
            (tmp_path / "drills").mkdir(exist_ok=True)
            (tmp_path / "drills" / "files.yaml").write_text(
                f'drill: files\ntitle: Bring the files back\nbackup_plan: files\nschedule: "{drill}"\n'
            )
        return tmp_path

    return write


def said(folder: Path) -> list[str]:
    return [problem.message for problem in label_problems(load(folder), TODAY)]


def test_two_repositories_one_away_one_that_only_grows_and_a_drill_are_enough(firm):
    assert said(firm("sensitive")) == []


def test_each_thing_that_is_missing_is_named_with_the_data_that_asks_for_it(firm):
    (found,) = said(firm("sensitive", "local", None))
    assert found.startswith("files holds sensitive data (letters), so it needs a second repository")
    assert all(word in found for word in ("off-site", "append-only", "every quarter, and has none"))


def test_a_yearly_drill_is_too_seldom(firm):
    assert "every quarter, where up to" in said(firm(drill="0 9 1 1 *"))[0]


def test_transactional_data_asks_for_nothing_of_it(firm):
    assert said(firm("transactional", "local", None)) == []


def test_check_warns_and_fails_where_the_firm_wants_it_enforced(firm, capsys):
    folder = firm("personal", "local")
    assert carry_out(["check", "--workspace", str(folder)]) == 0
    assert "warning: files holds personal data" in capsys.readouterr().out
    with (folder / "tocsin.yaml").open("a") as file:
        file.write("label_rules: enforce\n")
    assert carry_out(["check", "--workspace", str(folder)]) == 2
    assert "tocsin.yaml:13:3: files holds personal data" in capsys.readouterr().out
