import json
import subprocess
import sys

import pytest
import yaml

from law_documents import CASES
from tocsin.cli import carry_out as run

EMPTY_PROBE = "import sys; import tocsin.cli.assess, tocsin.cli.clock; print(sorted(sys.modules))"


def facts_file(tmp_path, text):
    path = tmp_path / "facts.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_assess_prints_the_contracts_answer(case, tmp_path, capsys):
    assert run(["assess", "--facts", facts_file(tmp_path, yaml.safe_dump(case["facts"])), "--json"]) == 0
    duties = {duty["to"]: duty["required"] for duty in json.loads(capsys.readouterr().out)["duties"]}
    assert duties == {"register": "yes", **case["expect"], "controllers": "no"}


def test_assess_tells_a_person_the_risk_each_duty_and_what_to_ask(tmp_path, capsys):
    text = "role: controller\ncause: ransomware\nexfiltration: ruled_out\nlogs: missing\n"
    assert run(["assess", "--facts", facts_file(tmp_path, text)]) == 0
    said = capsys.readouterr().out
    assert said.startswith("Risk to people: not clear yet")
    assert "The regulator: NOT CLEAR YET (if so: within 72 hours of becoming aware)  [UK GDPR Art 33(1)]" in said
    assert "What does not fit together:" in said
    assert "(state the fact: data)" in said
    assert said.rstrip().endswith("The person responsible decides and records why.")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("cause: ransomwar\n", ":1:8: cause cannot be 'ransomwar'. Did you mean 'ransomware'?"),
        ("role: controller\nrole: processor\n", ":2:1: The key 'role' was already given on line 1."),
        ("role: [controller\n", ":2:1: A list is opened with"),
    ],
)
def test_a_bad_document_is_one_sentence_with_its_place(text, sentence, tmp_path, capsys):
    path = facts_file(tmp_path, text)
    assert run(["assess", "--facts", path]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert f"{path}{sentence}" in said.err
    assert "Traceback" not in said.err


def test_with_a_profile_the_further_regimes_take_the_same_form(tmp_path, capsys):
    facts = facts_file(tmp_path, yaml.safe_dump(CASES["EDPB-18"]["facts"]))
    us = tmp_path / "us.yaml"
    us.write_text(
        "regulated_as: [fca]\npolicies: [{insurer: Aegis, policy: CY-1, notice_hours: 48}]\n", encoding="utf-8"
    )
    words = ["assess", "--facts", facts, "--profile", str(us), "--json"]
    assert run([*words, "--on", "2026-11-23"]) == 0
    duties = json.loads(capsys.readouterr().out)["duties"]
    assert [duty["to"] for duty in duties[:4]] == ["register", "regulator", "people", "controllers"]
    found = {duty["addressee"]: duty for duty in duties[4:]}
    assert found["Aegis, policy CY-1"]["within_hours"] == 48
    assert found["Financial Conduct Authority"]["required"] == "unclear"
    assert run([*words, "--on", "2027-03-18"]) == 0
    assert "Prudential" in capsys.readouterr().out
    assert run([*words, "--on", "soon"]) == 2


def test_without_a_profile_it_says_what_was_not_screened_and_an_empty_one_what_it_would_need(tmp_path, capsys):
    facts = facts_file(tmp_path, "role: controller\n")
    assert run(["assess", "--facts", facts]) == 0
    assert "were not screened: give --profile FILE" in capsys.readouterr().out
    empty = tmp_path / "empty.yaml"
    empty.write_text("{}\n", encoding="utf-8")
    assert run(["assess", "--facts", facts, "--profile", str(empty)]) == 0
    assert "profile.regulated_as" in capsys.readouterr().out


def test_a_missing_unreadable_or_binary_file_is_refused(tmp_path, capsys):
    assert run(["assess", "--facts", str(tmp_path / "none.yaml")]) == 2
    assert run(["assess", "--facts", str(tmp_path)]) == 2
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    assert run(["assess", "--facts", str(tmp_path / "binary")]) == 2
    assert "not text in UTF-8" in capsys.readouterr().err
    assert run(["assess"]) == 2


def test_an_empty_file_is_a_breach_of_which_nothing_is_known(tmp_path, capsys):
    assert run(["assess", "--facts", facts_file(tmp_path, ""), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["risk"] == "unclear"


def test_facts_come_through_standard_input_too():
    found = subprocess.run(
        [sys.executable, "-m", "tocsin.cli", "assess", "--facts", "-", "--json"],
        input="personal_data: no\n",
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(found.stdout)["risk"] == "none"


def test_clock_counts_seventy_two_hours(capsys):
    assert run(["clock", "--aware", "2026-10-23T16:30+01:00", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert list(found) == ["aware", "due", "due_local", "milestones"]
    assert found["due"] == "2026-10-26T15:30:00Z"
    assert [point["share"] for point in found["milestones"]] == [50, 75, 90, 100]


def test_clock_shows_utc_and_local_time(capsys):
    assert run(["clock", "--aware", "2026-07-01T08:00Z", "--hours", "24"]) == 0
    assert "Due    Thu 02 Jul 2026 09:00 BST (08:00 UTC), 24 hours later" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["--aware", "2026-10-23T16:30"], ["--aware", "2026-10-23T16:30Z", "--hours", "0"], []])  # fmt: skip
def test_clock_refuses_to_guess(arguments, capsys):
    assert run(["clock", *arguments]) == 2
    assert capsys.readouterr().out == ""


def test_help_loads_no_law():
    found = subprocess.run([sys.executable, "-c", EMPTY_PROBE], capture_output=True, text=True, check=True)
    for heavy in ("pydantic", "yaml", "tocsin.law"):
        assert f"'{heavy}'" not in found.stdout


def test_counting_a_clock_does_not_load_the_assessment():
    probe = "import sys; import tocsin.law.clocks; print(sorted(sys.modules))"
    found = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    for heavy in ("pydantic", "yaml", "tocsin.law.assessment"):
        assert f"'{heavy}'" not in found.stdout
