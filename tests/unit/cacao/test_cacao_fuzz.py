"""Whatever a file holds, an import says so in sentences: it never breaks, and what it makes is a playbook."""

import copy
import json
import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cacao_ground import branching, straight
from tocsin.cacao.exporting import Edition, export_playbook
from tocsin.cacao.findings import Grade
from tocsin.cacao.importing import import_content
from tocsin.runbook.checks import parse_playbook
from tocsin.runbook.expressions import compile_expression

# CEL raises the limit of recursion when it is first used, and Hypothesis minds a limit that changes.
compile_expression("true")
MANY = int(os.environ.get("TOCSIN_FUZZ", "20"))
_QUIET = settings(max_examples=MANY, deadline=None, suppress_health_check=list(HealthCheck))
_AT = "2026-01-01T00:00:00.000Z"

_leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**17), 10**17),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(
        ["", "${{ 1/0 }}", "\x1b[2J", "__who__:value", "\ud800", "../../etc/passwd", "-p hunter2", "end--x"]
    ),
)
_values = st.recursive(
    _leaves,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
)


def _paths(value, path=()):
    yield path
    if isinstance(value, dict):
        for key, member in value.items():
            yield from _paths(member, (*path, key))
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from _paths(member, (*path, index))


def _spoiled(data, document):
    """Put another value somewhere, take one away, or have one stand in the place of another."""
    for _ in range(data.draw(st.integers(1, 3))):
        paths = [path for path in _paths(document) if path]
        path = data.draw(st.sampled_from(paths))
        parent = document
        for key in path[:-1]:
            parent = parent[key]
        how = data.draw(st.sampled_from(["value", "gone", "moved", "key"]))
        if how == "gone":
            del parent[path[-1]]
        elif how == "moved":
            other = document
            for key in data.draw(st.sampled_from(paths)):
                other = other[key] if isinstance(other, dict | list) else other
            parent[path[-1]] = copy.deepcopy(other) if other is not document else None
        elif how == "key" and isinstance(parent, dict):
            parent[data.draw(st.text(max_size=12))] = parent.pop(path[-1])
        else:
            parent[path[-1]] = data.draw(_values)
    return document


def _holds(imported):
    if imported.playbook is None:
        assert imported.of_grade(Grade.REJECT)
        return
    assert not imported.of_grade(Grade.REJECT)
    assert parse_playbook(imported.text, "again.yaml") == imported.playbook
    assert {step.uses for step in imported.playbook.by_id.values()} <= {"human.task", "human.ask", "wait"}
    json.dumps(export_playbook(imported.playbook, Edition("Firm", _AT, _AT)))
    assert "\x1b" not in imported.text


@pytest.mark.parametrize("document", [straight(), branching()], ids=["straight", "branching"])
@_QUIET
@given(data=st.data())
def test_a_document_spoiled_anywhere_is_rejected_or_becomes_a_playbook_of_people(document, data):
    spoiled = _spoiled(data, copy.deepcopy(document))
    _holds(import_content(json.dumps(spoiled).encode()))


@_QUIET
@given(st.binary(max_size=200))
def test_bytes_of_any_kind_are_rejected_in_a_sentence(content):
    imported = import_content(content)
    assert imported.playbook is None
    assert all(one.message.endswith((".", "?", ")")) for one in imported.findings)


@_QUIET
@given(data=st.data())
def test_one_of_our_own_exports_spoiled_anywhere_never_gains_a_step_that_acts(data):
    text = "playbook: small\ntitle: Small\nsteps:\n  - {id: go, uses: command, with: {argv: [date]}}\n  - {id: ask, uses: human.ask, with: {question: Why?}}\n"
    document = json.loads(
        json.dumps(export_playbook(parse_playbook(text, "small.yaml"), Edition("Firm", _AT, _AT)))
    )
    _holds(import_content(json.dumps(_spoiled(data, document)).encode()))
