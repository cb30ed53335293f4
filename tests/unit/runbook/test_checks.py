"""Broken playbooks, one defect each: what is said, and where."""

from pathlib import Path

import pytest

from simulators.house import House
from simulators.probe import Probe
from tocsin.errors import ConfigurationError
from tocsin.incidents import check_playbooks
from tocsin.model.yaml_text import parse_yaml
from tocsin.runbook.checks import parse_playbook, problems_with_workspace
from tocsin.runbook.registry import KINDS
from tocsin.workspace import starter

HEAD = "playbook: broken\ntitle: A broken one\ninputs: {system: {type: system}}\nsteps:\n"
TASK = "- {id: first, uses: human.task, with: {text: Go}}\n"

BROKEN = {
    "an unknown kind": (TASK + "- {id: b, uses: human.asc, with: {question: x}}\n", "6:17: There is no step kind 'human.asc'. Did you mean 'human.ask'?"),
    "an unknown need": (TASK + "- {id: b, uses: human.task, needs: [frist], with: {text: x}}\n", "6:37: Step 'b' needs 'frist', and no step has that id. Did you mean 'first'?"),
    "a step that needs itself": ("- {id: b, uses: human.task, needs: [b], with: {text: x}}\n", "5:37: Step 'b' needs itself."),
    "a cycle": (
        "- {id: a, uses: human.task, needs: [b], with: {text: x}}\n- {id: b, uses: human.task, needs: [a], with: {text: x}}\n",
        "5:36: These steps wait for each other, so none could ever run: a, b.",
    ),
    "two steps of one id": (TASK + TASK, "two steps are called 'first'. Give each its own id."),
    "an unknown key": ("- {id: b, uses: human.task, neds: [x], with: {text: x}}\n", "5:29: Unknown key 'neds' in steps[0]. Did you mean 'needs'?"),
    "a key of another language": ("- {id: b, uses: human.task, runs-on: x, with: {text: x}}\n", "5:29: Unknown key 'runs-on' in steps[0]."),
    "no steps": ("  []\n", "steps"),
    "an id with capitals": ("- {id: Bad, uses: human.task, with: {text: x}}\n", "5:8:"),
    "an unknown parameter": ("- {id: b, uses: human.task, with: {text: x, txt: y}}\n", "5:45: Unknown key 'txt'"),
    "a missing parameter": ("- {id: b, uses: human.task, with: {}}\n", "text is missing."),
    "no parameters at all": ("- {id: b, uses: human.task}\n", "text is missing."),
    "a parameter of the wrong type": ("- {id: b, uses: human.task, with: {text: [x]}}\n", "must be text"),
    "an ask that asks nothing": ("- {id: b, uses: human.ask, with: {}}\n", "says neither which fact to ask for nor a question"),
    "an unknown fact": ("- {id: b, uses: human.ask, with: {fact: exfiltraton}}\n", "There is no fact called 'exfiltraton'. Did you mean 'exfiltration'?"),
    "an unknown duty": ("- {id: b, uses: human.decide, with: {duty: police}}\n", "'police' is not a duty to decide on"),
    "an expression that cannot be read": ("- {id: b, uses: human.task, if: 'facts.logs ==', with: {text: x}}\n", "is not an expression"),
    "an expression inside an if": ("- {id: b, uses: human.task, if: '${{ facts.logs }}', with: {text: x}}\n", "An `if` is an expression already: leave out ${{ }}."),
    "an unknown value": ("- {id: b, uses: human.task, if: 'fact.logs == \"none\"', with: {text: x}}\n", "There is no value 'fact'. Did you mean 'facts'?"),
    "an unknown fact in an expression": ("- {id: b, uses: human.task, if: 'facts.log == \"none\"', with: {text: x}}\n", "There is no fact 'log'. Did you mean 'logs'?"),
    "an unknown duty in an expression": ("- {id: b, uses: human.task, if: 'duties.peeple.required == \"yes\"', with: {text: x}}\n", "There is no duties.peeple. Did you mean 'people'?"),
    "an unknown part of the incident": ("- {id: b, uses: human.task, if: 'size(incident.clients) > 0', with: {text: x}}\n", "There is no incident.clients. Did you mean 'affected_clients'?"),
    "an undeclared input": ("- {id: b, uses: human.task, with: {text: '${{ inputs.sytem }}'}}\n", "The playbook declares no input 'sytem'. Did you mean 'system'?"),
    "an item without for_each": ("- {id: b, uses: human.task, with: {text: '${{ item }}'}}\n", "`item` is only there in a step with `for_each`."),
    "an output of a step that is not needed": (TASK + "- {id: b, uses: human.task, with: {text: '${{ steps.first.state }}'}}\n", "so it must need it: add `needs: [first]`."),
    "an output of no step": (TASK + "- {id: b, uses: human.task, needs: [first], with: {text: '${{ steps.frist.state }}'}}\n", "There is no step 'frist'. Did you mean 'first'?"),
    "an unknown template folder": ("- {id: b, uses: notice.draft, with: {template: clint/initial, addressee: ico}}\n", "There is no template 'clint/initial'. Did you mean 'client'?"),
    "an unknown role": ("- {id: b, uses: human.task, assign: comander, with: {text: x}}\n", "Did you mean 'commander'?"),
    "too many approvers": ("- {id: b, uses: human.task, approve: {by: dpo, people: 9}, with: {text: x}}\n", "people"),
    "a key twice": ("- {id: b, uses: human.task, uses: human.ask, with: {text: x}}\n", "uses"),
    "a very long expression": ("- {id: b, uses: human.task, if: '" + 'facts.logs == "x" || ' * 60 + "true', with: {text: x}}\n", "at most 1000 are read"),
    "a very deep expression": ("- {id: b, uses: human.task, if: '" + "(" * 60 + "true" + ")" * 60 + "', with: {text: x}}\n", "nests brackets deeper than 40"),
}  # fmt: skip


@pytest.mark.parametrize("defect", BROKEN)
def test_a_defect_is_named_with_its_place_and_the_nearest_right_word(defect: str) -> None:
    steps, sentence = BROKEN[defect]
    with pytest.raises(ConfigurationError) as wrong:
        parse_playbook(HEAD + steps, "broken.yaml")
    assert sentence in str(wrong.value)
    assert all(str(problem).startswith("broken.yaml:") for problem in wrong.value.problems)
    assert all(problem.place.line >= 4 for problem in wrong.value.problems)


def test_every_defect_of_a_file_is_told_at_once() -> None:
    with pytest.raises(ConfigurationError) as wrong:
        parse_playbook(
            HEAD
            + BROKEN["an unknown kind"][0]
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


def test_every_playbook_that_is_shipped_is_well(house: House) -> None:
    well, problems = check_playbooks(house.workspace)
    assert problems == ()
    assert {book.playbook for book in well} == {path.stem for path in Path(starter(), "playbooks").glob("*.yaml")}


def test_a_broken_playbook_of_the_firm_does_not_hide_the_others(house: House) -> None:
    (house.folder / "playbooks/mine.yaml").write_text("playbook: mine\ntitle: x\n")
    well, problems = check_playbooks(house.workspace)
    assert "ransomware" in {book.playbook for book in well}
    assert [problem.place.name for problem in problems] == ["playbooks/mine.yaml"]
