"""The law of one incident as a person types it: facts, assess, screen, decide, discharge, register."""

import getpass
import json
from datetime import UTC, datetime, timedelta

import pytest

from simulators.house import FIRM
from tocsin.cli import carry_out as run
from tocsin.law.clocks import show_both

NOW = datetime.now(UTC)
BEGAN = NOW - timedelta(hours=30)
AWARE = BEGAN.isoformat(timespec="minutes")
INC = f"INC-{NOW.year}-001"
FIRM_OF_MINE = FIRM.replace("login: maya", f"login: {getpass.getuser()}").replace(
    "  contact: {name: Priya", "  regulated_as: [sra]\n  size: small\n  contact: {name: Priya"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("firm")
    (folder / "tocsin.yaml").write_text(FIRM_OF_MINE)
    seen = ["--system", "file-share", "--cause", "ransomware", "--title", "Locked files"]
    when = ["--first-alert", AWARE, "--aware", AWARE]
    assert run(["incident", "declare", *seen, *when, "--workspace", str(folder)]) == 0
    return folder


@pytest.fixture
def says(folder, capsys):
    def say(*words, code=0):
        capsys.readouterr()
        assert run([*words, "--workspace", str(folder)]) == code, capsys.readouterr().err
        printed = capsys.readouterr()
        return printed.out if code == 0 else printed.err

    return say


@pytest.fixture
def tells(says):
    return lambda *words, code=0: json.loads(says(*words, "--json", code=code))


def test_the_facts_in_force_at_any_moment_are_shown_again(says, tells):
    says("incident", "fact", INC, "exfiltration", "ruled_out", "--evidence", "Firewall quiet")
    says("incident", "fact", INC, "exfiltration", "confirmed", "--evidence", "2 GB at 17:30")
    now = tells("incident", "facts", INC)
    assert now["in_force"]["ourselves"]["exfiltration"] == "confirmed"
    first, second = (each for each in now["versions"] if each["path"] == "exfiltration")
    assert (first["superseded_by"], second["superseded_by"]) == (second["version"], None)
    assert (first["value"], first["evidence"], second["stated_by"]) == ("ruled_out", "Firewall quiet", "maya")
    between = datetime.fromisoformat(second["stated_at"]) - timedelta(microseconds=1)
    before = tells("incident", "facts", INC, "--at", between.isoformat())
    assert before["in_force"]["ourselves"]["exfiltration"] == "ruled_out"
    assert tells("incident", "facts", INC, "--at", AWARE)["versions"] == []
    assert now["in_force"]["harbour-dental"]["people"]["count"] == 1480
    assert "superseded by" in says("incident", "facts", INC)


def test_it_explains_the_assessment_for_each_controller(says, tells):
    text = says("incident", "assess", INC)
    for words in (
        "== Data of Larkfield Studio Ltd ==",
        "== Data of Harbour View Dental Practice ==",
        "Worth asking next",
    ):
        assert words in text
    found = tells("incident", "assess", INC)["assessments"]
    assert set(found) == {"ourselves", "harbour-dental", "northgate-homes"}
    assert {"risk", "duties", "severity", "open_questions", "contradictions"} == set(found["ourselves"])


def test_it_says_which_regimes_apply_which_do_not_and_which_need_an_answer(says, tells):
    found = {each["regime"]: each["applies"] for each in tells("incident", "screen", INC)["regimes"]}
    assert (found["fca"], found["sra"], found["insurer"]) == ("no", "unclear", "unclear")
    text = says("incident", "screen", INC)
    assert text.index("Applies:") < text.index("Needs an answer first:") < text.index("Does not apply:")
    assert "Say in tocsin.yaml under organisation: profile.policies" in text


def test_deciding_without_a_word_only_shows_why_and_what_would_change_it(says, tells):
    before = len(tells("journal", "show", "--last", "0"))
    text = says("incident", "decide", INC, "regulator")
    for words in (
        "Proposed:",
        "UK GDPR Art 33(1)",
        "Not known, and would change it:",
        show_both(BEGAN.replace(second=0) + timedelta(hours=72)),
    ):
        assert words in text
    assert len(tells("journal", "show", "--last", "0")) == before


def test_below_the_proposal_it_names_who_can_agree(says, tells):
    assert "needs a written reason (--reason TEXT). Nothing was recorded." in says(
        "incident", "decide", INC, "people", "no", code=2
    )
    taken = tells("incident", "decide", INC, "people", "no", "--reason", "Called them all")["decision"]
    assert (taken["stands"], taken["seconds"]) == (False, ["priya", "tom"])
    assert "cannot be the second person too" in says("incident", "decide", INC, "people", "--second", code=3)
    assert "no waits for a second person" in says("incident", "show", INC)
    assert "leave --second out" in says("incident", "decide", INC, "people", "no", "--second", code=2)


def test_a_late_duty_asks_for_its_reasons(says, tells):
    words = ("incident", "discharge", INC, "harbour-dental", "--how", "Called Anneka Voss", "--first-report")
    assert "say why so late (--late-reasons TEXT)" in says(*words, code=2)
    told = tells(*words, "--late-reasons", "Nobody was there")
    assert (told["state"], told["late_reasons"]) == ("told", "Nobody was there")
    assert told["still_owed"]
    whole = words[:-1]
    assert "Say that this was the first report (--first-report)" in says(*whole, code=2)
    done = tells(*whole, "--nothing-more", "They have closed the case")
    assert (done["state"], done["settled_by"]) == ("discharged", "maya")


def test_the_register_is_listed_shown_and_exported(says, tells, tmp_path):
    (listed,) = tells("register", "list")
    assert (listed["incident"], listed["people"]) == (INC, "2114")
    assert tells("register", "show", INC, "--client", "harbour-dental")["people"] == 1480
    assert "effects      not yet said" in says("register", "show", INC)
    written = tells("register", "export", "--format", "csv", "--to", str(tmp_path / "r.csv"))
    assert written["incidents"] == 1
    assert (tmp_path / "r.csv").read_bytes().count(INC.encode()) == 1
    assert [each["incidents"] for each in tells("register", "trends")] == [1]
    assert tells("register", "expired") == []
