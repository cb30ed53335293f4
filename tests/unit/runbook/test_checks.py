"""Broken playbooks, one defect each: what is said, and where."""

import re
from pathlib import Path

import pytest

from golden_files import GOLDEN, agrees_with_golden
from simulators.house import House
from simulators.probe import Probe
from tocsin.errors import ConfigurationError
from tocsin.incidents import check_playbooks
from tocsin.model.yaml_text import parse_yaml
from tocsin.runbook.checks import parse_playbook, problems_with_workspace
from tocsin.runbook.registry import KINDS
from tocsin.workspace import starter

HEAD = "playbook: broken\ntitle: A broken one\ninputs: {system: {type: system}}\nsteps:\n"
BROKEN = sorted((GOLDEN / "broken-playbooks").glob("*.yaml"))


def faults(path: Path) -> str:
    with pytest.raises(ConfigurationError) as wrong:
        parse_playbook(path.read_text(), path.name)
    return str(wrong.value)


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_a_defect_is_named_with_its_place(path: Path) -> None:
    lines = faults(path).splitlines()
    assert all(re.match(rf"{re.escape(path.name)}:[1-9][0-9]*:[1-9][0-9]*: .+[.?!]$", line) for line in lines), (
        lines
    )


def test_what_is_said_of_every_defect_is_what_is_on_file() -> None:
    assert len(BROKEN) >= 40
    agrees_with_golden("broken-playbooks.txt", "".join(f"{faults(path)}\n\n" for path in BROKEN))


def test_one_defect_is_told_once() -> None:
    assert [path.stem for path in BROKEN if len(faults(path).splitlines()) > 1] == []


def test_no_message_repeats_what_may_be_a_secret() -> None:
    assert not any("hunter2" in faults(path) for path in BROKEN)


def test_every_defect_of_a_file_is_told_at_once() -> None:
    with pytest.raises(ConfigurationError) as wrong:
        parse_playbook(
            HEAD
            + "- {id: b, uses: human.asc, with: {question: x}}\n"
            + "- {id: c, uses: human.task, needs: [nobody], with: {text: x}}\n",
            "broken.yaml",
        )
    assert len(wrong.value.problems) == 2


def test_a_destructive_step_needs_an_evidence_step_or_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    wipe, collect = Probe(), Probe()
    monkeypatch.setattr(wipe, "destructive", True, raising=False)
    monkeypatch.setitem(KINDS, "contain.wipe", wipe)
    monkeypatch.setitem(KINDS, "evidence.collect", collect)
    with pytest.raises(ConfigurationError, match="could destroy evidence"):
        parse_playbook(HEAD + "- {id: wipe, uses: contain.wipe}\n", "broken.yaml")
    parse_playbook(
        HEAD + "- {id: e, uses: evidence.collect}\n- {id: wipe, uses: contain.wipe, needs: [e]}\n", "fine.yaml"
    )
    parse_playbook(
        HEAD + "- {id: wipe, uses: contain.wipe, without_evidence: The logs are elsewhere}\n", "fine.yaml"
    )


def test_a_role_that_nobody_holds_is_told(house: House) -> None:
    text = HEAD + "- {id: b, uses: human.task, assign: legal, with: {text: x}}\n"
    found = list(
        problems_with_workspace(parse_playbook(text, "p.yaml"), parse_yaml(text, "p.yaml"), house.workspace)
    )
    assert "Nobody in the workspace has the role 'legal'" in str(found[0])


def test_a_template_that_is_not_there_is_told(house: House) -> None:
    text = HEAD + "- {id: b, uses: notice.draft, with: {template: client/inital, addressee: ico}}\n"
    found = list(
        problems_with_workspace(parse_playbook(text, "p.yaml"), parse_yaml(text, "p.yaml"), house.workspace)
    )
    assert [str(problem) for problem in found] == [
        "p.yaml:5:48: There is no template 'client/inital'. Did you mean 'client/initial'?"
    ]


@pytest.mark.parametrize(
    ("named", "said"),
    [
        (
            "template: people/letter, addressee: ico",
            "The template 'people/letter' is for people, and 'ico' is not one.",
        ),
        ("template: client/initial, addressee: harbour-dentl", "Did you mean 'harbour-dental'?"),
        ("template: sector/report, addressee: sector:fcaa", "Did you mean 'sector:fca'?"),
    ],
)
def test_an_addressee_that_a_template_is_not_for_is_told(house: House, named: str, said: str) -> None:
    text = HEAD + f"- {{id: b, uses: notice.draft, with: {{{named}}}}}\n"
    (found,) = problems_with_workspace(parse_playbook(text, "p.yaml"), parse_yaml(text, "p.yaml"), house.workspace)
    assert said in str(found)
    assert str(found).startswith("p.yaml:5:")


def test_every_playbook_that_is_shipped_is_well(house: House) -> None:
    well, problems = check_playbooks(house.workspace)
    assert problems == ()
    assert {book.playbook for book in well} == {path.stem for path in Path(starter(), "playbooks").glob("*.yaml")}


def test_a_broken_playbook_of_the_firm_does_not_hide_the_others(house: House) -> None:
    (house.folder / "playbooks/mine.yaml").write_text("playbook: mine\ntitle: x\n")
    well, problems = check_playbooks(house.workspace)
    assert "ransomware" in {book.playbook for book in well}
    assert [problem.place.name for problem in problems] == ["playbooks/mine.yaml"]
