"""What the letters say: golden texts, the form, what is not yet known, and a firm's own templates."""

import os
import random
import tempfile
from dataclasses import replace
from datetime import date, timedelta
from email.headerregistry import Address
from pathlib import Path
from typing import Any

import pytest

from tocsin.errors import ConfigurationError, UsageError
from tocsin.law.facts import fact_paths
from tocsin.model.vocabulary import BackupState, Cause, DataCode, Exfiltration, Kind, PeopleGroup
from tocsin.model.workspace import Workspace
from tocsin.notices import Case, Draft, Earlier, Prevention, check_notice, drawn, facts_sheet, render
from tocsin.notices.addressees import addressed
from tocsin.notices.form import ANSWERS, ico_form
from tocsin.notices.known import read
from tocsin.notices.message import html_page, mail_message
from tocsin.notices.sheet import Moment
from tocsin.notices.words import BACKUPS, DATA, EXFILTRATION, KINDS, OWED, PEOPLE, WHAT_HAPPENED, joined, sentence
from unit.notices.agency import AWARE, FIRST_ALERT, MEASURES, case, make_workspace

GOLDEN = Path(__file__).parents[2] / "golden" / "notices"
NOW = AWARE + timedelta(minutes=30)

NOTHING = {"cause": None, "kinds": None, "backup": None}
MUCH: dict[str, Any] = {
    "occurred": {"from": "2026-11-20T14:10:00+00:00", "to": "2026-11-20T16:30:00+00:00"},
    "exfiltration": "unlikely",
    "logs": "complete",
    "people": {"count": 790, "count_basis": "exact", "groups": ["patient", "child"]},
    "restored": {"done": "yes", "hours": 9},
    "countries": ["GB", "IE"],
}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return make_workspace(tmp_path)


def suspected(facts: dict[str, Any]) -> Case:
    about = case({**facts}, measures=())
    return replace(about, incident=replace(about.incident, aware_at=None, cause=None))


def after(addressee: str, then: Case, found_out: str = "") -> Earlier:
    """The first notice, as drafted and as a person completed it before it was sent."""
    folder = "ico" if addressee == "ico" else "client"
    with tempfile.TemporaryDirectory() as root:
        drafted = drawn(make_workspace(Path(root)), then, f"{folder}/initial", addressee, NOW).body
    asked = "### How did you find out about the breach?\n\n"
    sent = drafted.replace(f"{asked}Not yet known.", f"{asked}{found_out}") if found_out else drafted
    return Earlier(drafted, sent, NOW + timedelta(hours=2), "IC-123456-A7B8" if addressee == "ico" else "")


FIRST_NIGHT = case({"role": "controller"})
SINCE: dict[str, Any] = {**MUCH, "role": "controller", "people": {"count": 14, "count_basis": "exact"}}
ICO_SINCE = replace(
    case(SINCE, measures=(*MEASURES, "we restored the data from a backup taken before the incident")),
    earlier=after("ico", FIRST_NIGHT, "A member of staff could not open a file and told the technical lead."),
    prevention=(
        Prevention("a second factor for every account", date(2026, 12, 18)),
        Prevention("restore tests each month"),
    ),
)
CLIENT_SINCE = replace(
    case(MUCH, measures=(*MEASURES, "we restored the data from a backup taken before the incident")),
    earlier=after("acme-health", case()),
)

OTHERS = {
    "insurer": "insurer",
    "police": "police",
    "ncsc": "ncsc",
    "bank": "bank",
    "staff": "staff",
    "press": "press",
    "supplier": "supplier",
    "sector-fca": "sector:fca",
}
TEXT_OF = {"insurer": "notice", "bank": "notice", "supplier": "notice", "staff": "note", "press": "holding"}

LETTERS: dict[str, tuple[str, Case, timedelta]] = {
    "client-first-night": ("acme-health", case(), timedelta()),
    "client-suspected": ("harbour", suspected(NOTHING), timedelta()),
    "client-much-known": ("acme-health", case(MUCH), timedelta(hours=20)),
    "ico-first-night": ("ico", case({"role": "controller"}), timedelta()),
    "people-first-night": ("people", case({"role": "controller"}), timedelta()),
    "people-of-a-client": ("people:harbour", case({**MUCH, "exfiltration": "confirmed"}), timedelta(hours=30)),
    "people-suspected": ("people", suspected(NOTHING), timedelta()),
    "people-in-danger": (
        "people:acme-health",
        case(
            {"cause": "misdirected_email", "kinds": ["confidentiality"], "data": [*DataCode], "safety_risk": "yes"}
        ),
        timedelta(hours=2),
    ),
    "ico-follow-up": ("ico", ICO_SINCE, timedelta(hours=30)),
    "client-follow-up": ("acme-health", CLIENT_SINCE, timedelta(hours=30)),
    "client-follow-up-no-news": ("acme", replace(case(), earlier=after("acme", case())), timedelta(hours=20)),
    "guardian": ("people:harbour", case(MUCH), timedelta(hours=30)),
    **{
        name: (addressee, replace(case(), told=("Information Commission (ICO)", "our bank")), timedelta())
        for name, addressee in OTHERS.items()
    },
    "ico-late": ("ico", case({**MUCH, "role": "controller"}), timedelta(hours=80)),
}


TEMPLATES = {"guardian": "people/guardian"}


def template_for(name: str, addressee: str) -> str:
    kind = addressee.partition(":")[0]
    if name in OTHERS:
        return f"{kind}/{TEXT_OF.get(kind, 'report')}"
    of_kind = {"ico": "ico/initial", "people": "people/letter"}
    template = TEMPLATES.get(name) or of_kind.get(kind, "client/initial")
    return template.replace("initial", "follow-up") if "follow-up" in name else template


@pytest.mark.parametrize("name", LETTERS)
def test_the_letter_reads_as_agreed(name: str, workspace: Workspace) -> None:
    addressee, about, later = LETTERS[name]
    draft = drawn(workspace, about, template_for(name, addressee), addressee, NOW + later)
    text = f"Subject: {draft.subject}\n\n{draft.body}"
    golden = GOLDEN / f"{name}.md"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(text)
    assert text == golden.read_text()
    found = [each.text for each in check_notice(draft, addressed(workspace, addressee), workspace)]
    if name == "ico-late":
        assert "why the report is late" in found.pop()
    assert found == []


# --- what is not yet known --------------------------------------------------------------------------------


def test_what_is_not_known_is_owed_and_never_reads_as_no(workspace: Workspace) -> None:
    sheet = facts_sheet(workspace, suspected(NOTHING), "harbour", NOW)
    assert {"cause", "kinds", "occurred.from", "exfiltration", "records"} <= {each.fact for each in sheet.owed}
    assert sheet.incident.cause == ""
    assert sheet.known == ()
    body = render(workspace, "client/initial", sheet).body
    assert "We are still finding out what happened." in body
    assert "whether data was copied or taken" in body
    assert " no " not in body.lower().replace("no more", "")


@pytest.mark.parametrize("unknown", [None, "unknown", [], ""])
def test_every_way_of_not_knowing_is_the_same(unknown: object) -> None:
    assert read({"people": {"count": unknown}}, "people.count") is None
    assert read({"people": unknown}, "people.count") is None
    assert read({}, "people.count") is None


def test_what_cannot_be_believed_is_not_repeated(workspace: Workspace) -> None:
    believable = facts_sheet(workspace, case({"exfiltration": "ruled_out", "logs": "complete"}), "acme", NOW)
    assert EXFILTRATION[Exfiltration.RULED_OUT] in believable.known
    without_logs = facts_sheet(workspace, case({"exfiltration": "ruled_out", "logs": "missing"}), "acme", NOW)
    assert EXFILTRATION[Exfiltration.RULED_OUT] not in without_logs.known
    assert "exfiltration" in {each.fact for each in without_logs.owed}


def test_a_sheet_holds_only_the_addressees_datasets(workspace: Workspace) -> None:
    for addressee, title in (
        ("acme", "Newsletter subscribers"),
        ("harbour", "Recall letters"),
        ("ico", "Staff records"),
    ):
        sheet = facts_sheet(workspace, case(), addressee, NOW)
        assert [each.title for each in sheet.addressee.datasets] == [title]


def test_the_same_case_gives_the_same_sheet(workspace: Workspace) -> None:
    assert facts_sheet(workspace, case(), "acme", NOW) == facts_sheet(workspace, case(), "acme", NOW)


def test_the_clocks_run_from_awareness(workspace: Workspace) -> None:
    client = facts_sheet(workspace, case(), "acme-health", NOW).incident.due
    regulator = facts_sheet(workspace, case(), "ico", NOW).incident.due
    assert client is not None
    assert regulator is not None
    assert (client.utc, regulator.utc) == (AWARE + timedelta(hours=12), AWARE + timedelta(hours=72))
    assert facts_sheet(workspace, suspected(NOTHING), "ico", NOW).incident.due is None
    assert facts_sheet(workspace, case(), "harbour", NOW).incident.due is None


def test_a_late_report_says_so_and_owes_the_reasons(workspace: Workspace) -> None:
    sheet = facts_sheet(workspace, case({"role": "controller"}), "ico", AWARE + timedelta(hours=73))
    assert sheet.late
    assert "report.delay_reason" in {each.fact for each in sheet.owed}


def test_a_moment_gives_local_time_and_utc_where_it_differs() -> None:
    assert str(Moment(FIRST_ALERT, "Europe/London")) == "16:05 GMT on Friday 20 November 2026"
    summer = Moment(FIRST_ALERT.replace(month=7), "Europe/London")
    assert str(summer) == "17:05 BST on Monday 20 July 2026 (16:05 UTC)"
    night = Moment(FIRST_ALERT.replace(month=7, hour=23), "Europe/London")
    assert str(night) == "00:05 BST on Tuesday 21 July 2026 (23:05 UTC on Monday 20 July)"


def test_the_next_message_is_promised_for_an_hour_at_which_people_work(workspace: Workspace) -> None:
    for hour in range(24):
        sheet = facts_sheet(workspace, case(), "ico", AWARE.replace(hour=hour))
        assert 8 <= sheet.next_update.local.hour <= 20
        assert timedelta(hours=12) <= sheet.next_update.utc - AWARE.replace(hour=hour) <= timedelta(hours=25)


# --- words and form ---------------------------------------------------------------------------------------


def test_every_code_has_words() -> None:
    assert set(DATA) == set(DataCode)
    assert set(PEOPLE) == set(PeopleGroup)
    assert set(WHAT_HAPPENED) == set(Cause)
    assert set(KINDS) == set(Kind)
    assert set(EXFILTRATION) == set(Exfiltration)
    assert set(BACKUPS) == set(BackupState)


def test_what_is_owed_are_facts_that_can_be_stated() -> None:
    assert set(OWED) - {"records"} <= set(fact_paths())


def test_every_field_of_the_form_has_an_answer_and_a_source() -> None:
    fields = [field for part in ico_form().parts for field in part.fields]
    assert {field.key for field in fields} == set(ANSWERS)
    assert len(fields) == len(ANSWERS)
    assert {field.status for field in fields} <= {"seen", "copy", "secondary", "recalled"}
    assert {"Art 33(3)(a)", "Art 33(3)(b)", "Art 33(3)(c)", "Art 33(3)(d)"} <= {field.law for field in fields}


def test_the_cyber_part_is_asked_only_of_cyber_incidents(workspace: Workspace) -> None:
    lost = case({"cause": "lost_device", "role": "controller"})
    titles = [part.title for part in facts_sheet(workspace, lost, "ico", NOW).form]
    assert "Cyber incidents" not in titles
    assert "Cyber incidents" in [part.title for part in facts_sheet(workspace, case(), "ico", NOW).form]


def test_lists_and_sentences_read_as_english() -> None:
    assert [joined(()), joined(("a",)), joined(("a", "b", "c"))] == ["", "a", "a, b and c"]
    assert sentence("we  closed\nthe port") == "We closed the port."
    assert sentence("Done!") == "Done!"


# --- templates --------------------------------------------------------------------------------------------


def own_template(workspace: Workspace, text: str) -> None:
    folder = workspace.root / "templates" / "client"
    folder.mkdir(parents=True)
    (folder / "initial.md.j2").write_text(text)


def rendered(workspace: Workspace) -> Draft:
    return render(workspace, "client/initial", facts_sheet(workspace, case(), "acme", NOW))


def test_a_firms_own_template_comes_first(workspace: Workspace) -> None:
    own_template(workspace, "Subject: To {{ addressee.name }}\n\nDear {{ addressee.name }}\n\n\n\nYours")
    assert rendered(workspace) == Draft("To Acme", "Dear Acme\n\nYours\n")


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("Subject: x\n\n{{ addressee.nmae }}", 3, "nmae"),
        ("Subject: x\n\n{{ nobody }}", 3, "nobody"),
        ("Subject: x\n\n{% if %}", 3, "Expected an expression"),
        ("Subject: x\n\n\n{{ addressee.notice_hours + 'h' }}", 4, "unsupported"),
        ("Subject: x\n\n{{ ''.__class__.__mro__ }}", 3, "unsafe"),
        ("Subject: x\n\n{{ incident.occurred.nothing() }}", 3, "nothing"),
        ("Dear client", 1, "Subject"),
    ],
)
def test_a_wrong_template_is_named_with_its_line(workspace: Workspace, text: str, line: int, said: str) -> None:
    own_template(workspace, text)
    with pytest.raises(ConfigurationError) as caught:
        rendered(workspace)
    (problem,) = caught.value.problems
    assert (problem.place.line, problem.place.name.endswith("client/initial.md.j2")) == (line, True)
    assert said in problem.message


def test_an_empty_value_is_a_hole_and_an_error(workspace: Workspace) -> None:
    own_template(workspace, "Subject: x\n\n{{ addressee.notice_hours }}")
    about = facts_sheet(workspace, case(), "harbour", NOW)
    with pytest.raises(ConfigurationError, match="empty here"):
        render(workspace, "client/initial", about)


@pytest.mark.parametrize("name", ["client/../../secret", "/etc/passwd", "client", "persons/letter", ""])
def test_a_template_that_is_not_there_is_a_wrong_command(workspace: Workspace, name: str) -> None:
    with pytest.raises(UsageError, match="no template"):
        render(workspace, name, facts_sheet(workspace, case(), "acme", NOW))


# --- mail and page ----------------------------------------------------------------------------------------


def test_the_mail_is_the_same_bytes_each_time() -> None:
    def made() -> bytes:
        return mail_message(
            Draft("Breach at “Lantern”", "# Notice\n\nCosts £5.\n"),
            sender=Address("Lantern & Vale", addr_spec="breach@lantern.example"),
            to=("nell@acmehealth.example",),
            message_id="<1@lantern.example>",
            date=AWARE,
        ).as_bytes()

    random.seed(1)
    first = made()
    random.seed(2)
    assert first == made()
    assert b"Date: Fri, 20 Nov 2026 17:10:00 +0000" in first
    assert all(len(line) <= 998 for line in first.splitlines())


def test_markup_in_a_text_stays_text() -> None:
    page = html_page(Draft("<script>", "# Notice\n\n<script>alert(1)</script> [x](javascript:alert(1))\n"))
    assert "<script" not in page
    assert 'href="javascript' not in page
