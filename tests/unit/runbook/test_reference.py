"""The reference page and the editors' schema say what the kinds say."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from repository_files import ROOT
from tocsin.cli.schema import schema_text
from tocsin.runbook.examples import example_of
from tocsin.runbook.reference import playbook_schema, step_kinds_page
from tocsin.runbook.registry import KINDS
from tocsin.workspace import starter


def test_the_page_on_file_is_what_the_code_says() -> None:
    on_file = (ROOT / "docs/step-kinds.md").read_text(encoding="utf-8")
    assert on_file == step_kinds_page().rstrip() + "\n", "run `make docs`"


def test_the_page_tells_of_every_kind_and_each_of_its_parameters() -> None:
    page = step_kinds_page()
    for name, kind in KINDS.items():
        section = page[page.index(f"\n## {name}\n") :]
        section = section[: section.find("\n## ", 4)]
        for field, info in kind.parameters.model_fields.items():
            assert f"| `{info.alias or field}` |" in section
        assert example_of(name) in section


def test_the_languages_every_key_is_told() -> None:
    told = (ROOT / "docs/playbooks.md").read_text(encoding="utf-8")
    keys = {"uses", "with", "needs", "if", "for_each", "retry", "timeout", "on_failure", "approve", "assign", "deputy",
            "expires", "measure", "without_evidence"}  # fmt: skip
    assert [key for key in sorted(keys) if f"`{key}`" not in told] == []
    properties = playbook_schema()["$defs"]["Step"]["properties"]
    assert set(properties) == keys | {"id", "title", "why"}


@pytest.fixture(scope="module")
def validator() -> Any:
    schema = json.loads(schema_text("playbook"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("path", sorted(Path(starter(), "playbooks").glob("*.yaml")), ids=lambda path: path.stem)
def test_the_schema_takes_every_playbook_that_is_shipped(validator: Any, path: Path) -> None:
    assert [error.message for error in validator.iter_errors(yaml.safe_load(path.read_text()))] == []


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_schema_takes_the_example_of_every_kind(validator: Any, kind: str) -> None:
    playbook = yaml.safe_load(f"playbook: p\ntitle: P\nsteps:\n{example_of(kind)}")
    assert [error.message for error in validator.iter_errors(playbook)] == []


@pytest.mark.parametrize(
    "step",
    [
        "{id: a, uses: human.tusk}",
        "{id: a, uses: human.task, with: {txt: x}}",
        "{id: a, uses: human.task, with: {text: x}, neds: [b]}",
        "{id: a, uses: human.task, with: {text: x}, on_failure: contnue}",
        "{id: a, uses: human.task, with: {text: x}, deputy: {role: comander}}",
        "{id: a, uses: command, with: {argv: [x], environment: {TOKEN: secret-itself}}}",
        "{id: a, uses: human.task, with: {text: x}, on_failure: [{id: b, uses: human.tusk}]}",
    ],
)
def test_the_schema_refuses_what_the_check_refuses(validator: Any, step: str) -> None:
    assert list(validator.iter_errors(yaml.safe_load(f"playbook: p\ntitle: P\nsteps:\n- {step}\n")))
