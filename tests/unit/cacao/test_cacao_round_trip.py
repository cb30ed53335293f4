"""What goes out comes back: our playbooks through CACAO, and foreign files through our playbooks."""

import json
from pathlib import Path

import pytest

from cacao_ground import GATE, a, branching, content, straight
from tocsin.cacao.exporting import Edition, export_playbook
from tocsin.cacao.filing import export_named, import_file, write_export
from tocsin.cacao.findings import Grade
from tocsin.cacao.graph import Workflow, followed
from tocsin.cacao.importing import Known, Wish, import_content
from tocsin.cacao.rules import judged
from tocsin.errors import Refused, UsageError
from tocsin.runbook.checks import parse_playbook
from tocsin.workspace import starter

_EDITION = Edition("Larkfield Studio Ltd", "2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00.000Z")
_OURS = sorted((starter() / "playbooks").glob("*.yaml"))


@pytest.mark.parametrize("path", _OURS, ids=lambda path: path.stem)
def test_each_of_our_playbooks_keeps_the_standards_rules_and_comes_back_as_it_was(path: Path):
    playbook = parse_playbook(path.read_text(), path.name)
    document = export_playbook(playbook, _EDITION)
    assert list(judged(document)) == []
    assert list(followed(Workflow(document))) == []
    assert document == export_playbook(playbook, _EDITION), "exporting twice gives the same ids"
    back = import_content(content(document), Known({playbook.playbook: playbook}))
    assert back.playbook == playbook
    assert back.findings == ()


def _put(house, document, name="theirs.json"):
    path = house.ctx.workspace.root / name
    path.write_bytes(content(document))
    return path


@pytest.mark.parametrize("make", [straight, branching])
def test_a_foreign_file_is_exported_as_it_came(house, make):
    import_file(house.ctx, _put(house, make()), Wish("theirs"))
    assert export_named(house.ctx, "theirs").document == make()


def test_a_playbook_changed_since_its_import_is_derived_and_keeps_what_nobody_knows(house):
    document = straight()
    document["workflow"][a("look")]["x_own"] = {"kept": True}
    document["labels"] = ["door"]
    filed = import_file(house.ctx, _put(house, document), Wish("theirs"))
    filed.path.write_text(filed.path.read_text().replace("title: Block", "title: Bar", 1))
    exported = export_named(house.ctx, "theirs").document
    assert exported["id"] != document["id"]
    assert exported["derived_from"] == [document["id"]]
    assert "door" in exported["labels"]
    assert any(step.get("x_own") == {"kept": True} for step in exported["workflow"].values())
    assert list(followed(Workflow(exported))) == []


def test_a_strangers_tocsin_file_gains_nothing_that_acts_until_a_person_says_so():
    text = "playbook: small\ntitle: Small\nsteps:\n  - {id: go, uses: command, with: {argv: [date]}}\n"
    playbook = parse_playbook(text, "small.yaml")
    document = export_playbook(playbook, _EDITION)
    inert = import_content(content(document))
    assert [step.uses for step in inert.playbook.steps] == ["human.task"]
    assert inert.of_grade(Grade.DRAFT)
    assert import_content(content(document), wish=Wish(mapping={"tocsin": "as-written"})).playbook == playbook


def test_a_tocsin_file_changed_elsewhere_is_taken_as_it_is_seen():
    text = "playbook: small\ntitle: Small\nsteps:\n  - {id: go, uses: human.task, with: {text: Lock it}}\n"
    document = json.loads(json.dumps(export_playbook(parse_playbook(text, "small.yaml"), _EDITION)))
    for step in document["workflow"].values():
        for command in step.get("commands", []):
            command["command"] = command["command"].replace("Lock it", "Open it")
    back = import_content(content(document))
    assert "Open it" in back.text
    assert "Lock it" not in back.text
    assert any("changed since" in one.message for one in back.of_grade(Grade.DRAFT))


def test_a_literal_password_is_nowhere_in_what_is_written(house):
    document = straight()
    document["authentication_info_definitions"] = {
        "user-auth--x": {"type": "user-auth", "password": "hunter2-in-clear"}
    }
    document["workflow"][a("look")]["commands"][0]["command"] = "curl -u admin:s3cr3t-in-text https://x.example"
    document["playbook_variables"] = {"__api_token__": {"type": "string", "value": "t0ken-in-clear"}}
    filed = import_file(house.ctx, _put(house, document), Wish("theirs"))
    written = "".join(
        path.read_text() for path in (house.ctx.workspace.root / "playbooks").iterdir() if "theirs" in path.name
    )
    for secret in ("hunter2-in-clear", "s3cr3t-in-text", "t0ken-in-clear"):
        assert secret not in written
        assert secret not in "".join(one.message for one in filed.imported.findings)
    assert sum("secret stood here" in one.message for one in filed.imported.of_grade(Grade.DRAFT)) == 3
    assert "env:CLOSE_THE_DOOR_SECRET_1" in written


def test_a_mapped_agent_acts_only_after_an_approval():
    back = import_content(content(straight()), wish=Wish(mapping={"Gate": "http.request"}))
    step = back.playbook.steps[1]
    assert step.uses == "http.request"
    assert step.approve is not None
    assert step.with_["url"] == "https://gate.example/block"
    unmapped = import_content(content(straight()))
    assert {each.uses for each in unmapped.playbook.steps} == {"human.task"}
    assert any("Gate" in one.message for one in unmapped.of_grade(Grade.DRAFT))


def test_a_mapping_that_names_nobody_is_refused_with_the_nearest_name():
    with pytest.raises(UsageError, match="Did you mean 'gate'"):
        import_content(content(straight()), wish=Wish(mapping={"Gaet": "http.request"}))
    with pytest.raises(UsageError, match=r"cannot be mapped to 'rm'"):
        import_content(content(straight()), wish=Wish(mapping={GATE: "rm"}))


def test_foreign_text_is_never_worked_out_as_an_expression():
    back = import_content(content(branching()))
    assert "$ {{ inputs.secret }}" in back.text
    assert "${{ inputs.who }}" in back.text


def test_a_failure_path_is_taken_only_where_a_person_says_it_failed():
    back = import_content(content(branching()))
    asked, mended = back.playbook.by_id["right-hand"], back.playbook.by_id["mend-it"]
    assert asked.uses == "human.ask"
    assert mended.if_ == 'steps.right_hand.output.answer == "failed"'


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"{", "This is not JSON"),
        (b'{"a": NaN}', "JSON has no such number"),
        (b'{"a": 1e999}', "too large"),
        (b'{"a": {"b": 1, "b": 2}}', "given twice"),
        (b"[" * 50000, "nested deeper"),
        (b'"' + b"x" * 1_000_001 + b'"', "larger than 1 MB"),
        (b"\xff\xfe", "not UTF-8"),
        (b'{"a": "\\ud800"}', "half a character"),
        (b"[]", "a list"),
        (b"{}", "no CACAO playbook"),
    ],
)
def test_what_is_no_playbook_is_rejected_in_one_sentence(raw, said):
    back = import_content(raw)
    assert back.playbook is None
    assert any(said in one.message for one in back.of_grade(Grade.REJECT))


def test_circles_dangling_references_and_unknown_steps_are_rejected_where_they_stand():
    circle, dangling, unknown = straight(), straight(), straight()
    circle["workflow"][a("block")]["on_completion"] = a("look")
    dangling["workflow"][a("block")]["on_completion"] = "end--nowhere"
    unknown["workflow"][a("block")]["type"] = "acton"
    assert "lead back" in import_content(content(circle)).findings[0].message
    found = import_content(content(dangling)).findings[0]
    assert found.path == f'$.workflow["{a("block")}"].on_completion'
    assert "'action'" in import_content(content(unknown)).findings[0].message


def test_it_refuses_to_write_over_a_playbook_or_a_file_that_is_something_else(house):
    path = _put(house, straight())
    import_file(house.ctx, path, Wish("theirs"))
    with pytest.raises(Refused, match="--replace"):
        import_file(house.ctx, path, Wish("theirs"))
    with pytest.raises(Refused):
        import_file(house.ctx, path, Wish("generic"))
    other = house.ctx.workspace.root / "other.json"
    other.write_text("{}")
    with pytest.raises(Refused, match="no export"):
        write_export(export_named(house.ctx, "generic"), other)
    assert other.read_text() == "{}"
    out = house.ctx.workspace.root / "generic.json"
    assert write_export(export_named(house.ctx, "generic"), out)
    assert not write_export(export_named(house.ctx, "generic"), out)
