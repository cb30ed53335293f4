"""What the inventory finds: wrong things by name and line, unsaid things asked, agreed things carried until they end."""

from datetime import date
from pathlib import Path

import pytest

from tocsin.errors import ConfigurationError
from tocsin.inventory import Severity, concerning, counted, findings, inventory_map, map_page, narrowed
from tocsin.workspace import load

TODAY = date(2026, 11, 23)
WELL = """\
tocsin: 1
organisation: {name: Harbour & Quill}
people:
  maya: {name: Maya, email: maya@harbour.example, roles: [commander, technical, communications], login: maya}
  dil: {name: Dil, email: dil@harbour.example, roles: [dpo], login: dil}
clients:
  acme: {name: Acme, contract: MSA, notice_hours: 24, contacts: [{name: Ivo, email: ivo@acme.example}]}
  zeta: {name: Zeta, contract: MSA, notice_hours: 24, contacts: [{name: Una, email: una@zeta.example}]}
systems:
  server:
    title: The server
    kind: server
    owner: maya
    encrypted: yes
    second_factor: yes
    access_log_kept: 12 months
    shared_logins: []
    access: [{who: maya, why: runs it, since: 2026-09-01}]
datasets:
  letters:
    title: Letters
    label: sensitive
    fields: {contact: To write to them, health: To send the right letter}
    client: acme
    owner: dil
    systems: [server]
    purpose: To write letters
    lawful_basis: on_instructions
    retention: 3 years
    oldest: 2024-03-01
    backup_plan: files
  notes:
    title: Notes
    label: personal
    fields: {name: To know whom it is about}
    client: zeta
    owner: dil
    systems: [server]
    purpose: To remember
    lawful_basis: on_instructions
    retention: 3 years
    oldest: 2025-03-01
    backup_plan: files
repositories:
  local: {location: here, password: "file:password"}
  away: {location: there, password: "file:password", offsite: true, append_only: true}
backup_plans:
  files:
    title: Files
    sources: [{paths: [share]}]
    repositories: [local, away]
    schedule: "30 2 * * *"
    rpo: 24h
    rto: 4h
"""
DRILL = 'drill: files\ntitle: Bring the files back\nbackup_plan: files\nschedule: "0 9 1 */3 *"\n'


@pytest.fixture
def firm(tmp_path: Path):
    (tmp_path / "drills").mkdir()
    (tmp_path / "drills" / "files.yaml").write_text(DRILL)

    def write(*changes: tuple[str, str], also: str = ""):
        text = WELL
        for old, new in changes:
            assert old in text
            text = text.replace(old, new, 1)
        (tmp_path / "tocsin.yaml").write_text(text + also)
        return load(tmp_path)

    return write


def codes(workspace, today=TODAY):
    return [(each.code, str(each.severity), each.subject) for each in findings(workspace, today)]


def test_a_firm_that_has_said_everything_and_keeps_to_it_has_no_findings(firm):
    assert codes(firm()) == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("    label: sensitive\n", "", ("unlabelled", "must", "dataset:letters")),
        ("label: sensitive", "label: personal", ("label-too-low", "must", "dataset:letters")),
        ("    purpose: To remember\n    lawful", "    lawful", None),
        ("    retention: 3 years\n    oldest: 2025", "    oldest: 2025", ("retention-missing", "should", "dataset:notes")),
        ("oldest: 2024-03-01", "oldest: 2023-03-01", ("past-retention", "must", "dataset:letters")),
        ("    oldest: 2024-03-01\n", "", ("oldest-unknown", "ask", "dataset:letters")),
        ("health: To send the right letter", "health: {used: no}", ("field-unused", "must", "dataset:letters")),
        ("{contact: To write to them, health", "{contact: , health", ("field-purpose-missing", "ask", "dataset:letters")),
        ("    owner: dil\n    systems", "    systems", ("owner-missing", "should", "dataset:letters")),
        ("    client: acme\n", "", ("client-unknown", "must", "dataset:letters")),
        ("retention: 3 years", "retention: 9 years", ("retention-too-long", "should", "dataset:letters")),
        ("encrypted: yes", "encrypted: no", ("no-encryption", "must", "system:server")),
        ("    encrypted: yes\n", "", ("encryption-unknown", "ask", "system:server")),
        ("second_factor: yes", "second_factor: no", ("no-second-factor", "must", "system:server")),
        ("access_log_kept: 12 months", "access_log_kept: 3 months", ("access-log-short", "should", "system:server")),
        ("access_log_kept: 12 months", "access_log: no", ("no-access-log", "must", "system:server")),
        ("access_log_kept: 12 months", "access_log: yes", ("access-log-unknown", "ask", "system:server")),
        ("shared_logins: []", "shared_logins: [admin]", ("shared-login", "must", "system:server")),
        ("{who: maya, why", "{who: maya, login: Marketing, why", ("shared-login", "must", "system:server")),
        ("{who: maya, why", "{login: web, why", ("unnamed-access", "must", "system:server")),
        ("why: runs it, ", "", ("access-unexplained", "ask", "system:server")),
        ("since: 2026-09-01", "since: 2025-09-01", ("access-review-late", "should", "system:server")),
        (", since: 2026-09-01", "", ("access-review-unknown", "ask", "system:server")),
        ("    access: [{who: maya, why: runs it, since: 2026-09-01}]\n", "", ("access-unlisted", "ask", "dataset:letters")),
        ("kind: server", "kind: removable", ("forbidden-medium", "must", "system:server")),
        ("rpo: 24h", "rpo: 48h", ("rpo-too-long", "should", "backup_plan:files")),
        ("[local, away]", "[away]", ("copies-missing", "must", "backup_plan:files")),
        ("contract: MSA, notice_hours: 24", "contract: MSA", ("notice-terms-missing", "should", "client:acme")),
        ("contract: MSA, ", "", ("contract-missing", "must", "client:acme")),
        ("email: ivo@acme.example", "", ("no-contact", "must", "client:acme")),
        ("    backup_plan: files\n  notes", "  notes", None),
    ],
)  # fmt: skip
def test_each_thing_is_found_by_its_code(firm, old, new, expected):
    found = codes(firm((old, new)))
    if expected is None:  # said elsewhere: by a field's purpose, by the other dataset's plan
        assert found == []
    else:
        assert expected in found


def test_data_without_any_purpose_must_be_mended(firm):
    fields = ("    fields: {name: To know whom it is about}\n", "    data: [name]\n")
    found = codes(firm(fields, ("    purpose: To remember\n", "")))
    assert ("purpose-missing", "must", "dataset:notes") in found


def test_a_system_that_only_names_its_plan_is_backed_up(firm):
    nowhere = [("    backup_plan: files\n  notes", "  notes"), ("    backup_plan: files\nrepos", "repos")]
    assert {code for code, _, _ in codes(firm(*nowhere))} == {"no-backup"}
    named = ("    kind: server\n", "    kind: server\n    backed_up_by: files\n")
    assert codes(firm(*nowhere, named)) == []


def test_a_finding_says_where_and_what_mends_it(firm):
    (found,) = findings(firm(("shared_logins: []", "shared_logins: [admin, marketing]")), TODAY)
    assert found.sentence == (
        "server holds sensitive data (letters), so it needs a login for each person, "
        "and has shared ones (admin, marketing)."
    )
    assert "shared_logins: []" in found.fix
    assert (Path(found.place.name).name, found.place.line) == ("tocsin.yaml", 10)
    assert (found.clients, found.systems, found.practice) == (("acme", "zeta"), ("server",), "P12")


def test_what_nobody_said_is_asked_and_never_taken_for_a_no(firm):
    unsaid = firm(("    encrypted: yes\n    second_factor: yes\n    access_log_kept: 12 months\n", ""))
    assert {each.severity for each in findings(unsaid, TODAY)} == {Severity.ASK}


def test_a_departure_carries_its_finding_until_its_last_day_and_is_then_said_to_have_ended(firm):
    agreed = "departures:\n  - {rule: encrypted, system: server, owner: dil, reason: New disks come, until: 2027-01-31}\n"
    workspace = firm(("encrypted: yes", "encrypted: no"), also=agreed)
    (held,) = findings(workspace, TODAY)
    assert held.waived
    assert held.departure.owner == "dil"
    assert counted([held])[Severity.MUST] == 0
    assert {each.code for each in findings(workspace, date(2027, 1, 31))} == {
        "no-encryption",
        "departure-ends-soon",
    }
    after = findings(workspace, date(2027, 2, 1))
    (ended,) = [each for each in after if each.code == "departure-ended"]
    assert (ended.subject, ended.place.line) == ("departure:1", WELL.count("\n") + 2)
    assert "departure-ended" in {each.code for each in findings(narrowed(workspace, "zeta"), date(2027, 2, 1))}
    assert not any(each.waived for each in after)
    assert {each.code for each in after} >= {"no-encryption", "departure-ended"}


def test_a_firm_changes_single_rules_of_single_labels(firm):
    assert codes(firm(("encrypted: yes", "encrypted: no"), also="handling: {sensitive: {encrypted: no}}\n")) == []
    strict = firm(also="handling: {personal: {retention: 12 months, roles: [dpo]}}\n")
    assert [each.code for each in findings(strict, TODAY)] == ["retention-too-long"]
    assert codes(firm(also="handling: {sensitive: {roles: [dpo]}}\n")) == [("wrong-role", "must", "system:server")]
    unlimited = firm(("retention: 3 years", "retention: 9 years"), also="handling: {sensitive: {retention: no}}\n")
    assert codes(unlimited) == []


def test_one_client_sees_nothing_of_another(firm):
    workspace = firm(("encrypted: yes", "encrypted: no"))
    seen = findings(narrowed(workspace, "zeta"), TODAY)
    assert [each.code for each in seen] == ["no-encryption"]
    assert all("letters" not in f"{each.sentence}{each.clients}" for each in seen)
    assert concerning(findings(workspace, TODAY), system="other") == ()


def test_the_map_draws_whose_data_lies_where_and_what_is_open(firm):
    workspace = firm(("encrypted: yes", "encrypted: no"), ("title: Letters", "title: <Letters & more>"))
    found = inventory_map(workspace, workspace.datasets.values(), findings(workspace, TODAY))
    assert [found.state_of(each) for each in ("system:server", "dataset:letters")] == ["bad", "well"]
    page = map_page(workspace, found, TODAY, "Whose data lives where")
    assert page.count('<g class="bad">') == 1
    assert page.count("<path d=") == 5
    assert "&lt;Letters &amp; more&gt;" in page
    assert "encrypt it, keep the proof" in page


def test_it_refuses_an_access_that_names_nobody_and_a_departure_of_two_things(firm):
    with pytest.raises(ConfigurationError, match="this names nobody"):
        firm(("{who: maya, why: runs it, since: 2026-09-01}", "{why: runs it}"))
    two = "departures: [{rule: rpo, system: server, dataset: notes, owner: dil, reason: r, until: 2027-01-31}]\n"
    with pytest.raises(ConfigurationError, match="a departure is of one thing"):
        firm(also=two)
