"""YAML is read as YAML 1.2 means it, every piece with its place, and nothing clever is let in."""

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tocsin.errors import ConfigurationError, Place
from tocsin.model import yaml_text
from tocsin.model.yaml_text import parse_yaml


def fault(text):
    with pytest.raises(ConfigurationError) as caught:
        parse_yaml(text, "f.yaml")
    return str(caught.value)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("yes", "yes"),
        ("on", "on"),
        ("no", "no"),
        ("NO", "NO"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("010", 10),
        ("0o10", 8),
        ("0x1F", 31),
        ("-3", -3),
        ("12:30:45", "12:30:45"),
        ("2026-11-20", "2026-11-20"),
        ("2026-11-20T17:40:00Z", "2026-11-20T17:40:00Z"),
        ("1.50", 1.5),
        (".5e3", 500.0),
        ("1_000", "1_000"),
        ("'5'", "5"),
        ('""', ""),
        ("1.2.3", "1.2.3"),
    ],
)
def test_it_reads_a_scalar_as_yaml_1_2_does(written, meant):
    found = parse_yaml(f"key: {written}\n", "f.yaml").at(("key",))
    assert found == meant
    assert type(found) is type(meant)


def test_it_knows_where_every_value_and_every_key_stands():
    document = parse_yaml("people:\n  maya:\n    roles: [dpo, technical]\n", "f.yaml")
    assert document.place(("people", "maya", "roles", 1)) == Place("f.yaml", 3, 18)
    assert document.key_place(("people", "maya", "roles")) == Place("f.yaml", 3, 5)


def test_it_gives_the_nearest_ancestors_place_for_what_is_not_there():
    document = parse_yaml("people:\n  maya: {name: M}\n", "f.yaml")
    assert document.place(("people", "maya", "deputy", 0)) == Place("f.yaml", 2, 9)
    assert document.place(("nothing",)) == Place("f.yaml", 1, 1)


def test_an_empty_text_is_a_document_without_data():
    assert parse_yaml("# nothing yet\n", "f.yaml").data is None


def test_it_refuses_a_key_given_twice_and_names_the_first():
    assert fault("a: 1\nb: 2\na: 3\n") == "f.yaml:3:1: The key 'a' was already given on line 1."


def test_it_tells_several_faults_at_once():
    assert len(fault("a: &x 1\nb: *x\na: !!str 2\n").splitlines()) == 4


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("a: &x 1\n", "1:4", "anchor '&x'"),
        ("a: 1\nb: *x\n", "2:4", "alias '*x'"),
        ("a: !!python/object:os.system 1\n", "1:4", "tag"),
        ("a: !secret x\n", "1:4", "tag"),
        ("base: {b: 1}\n<<: {c: 2}\n", "2:1", "Merge keys"),
        ("a: 1\n---\nb: 2\n", "2:1", "second document"),
        ("? [a, b]\n: 1\n", "1:3", "A key must be a word"),
        ("a:\n\tb: 1\n", "2:1", "tabs"),
        ("a: b: c\n", "1:5", "': '"),
        ("a: 'never closed\n", "1:4", "never closed"),
        ("a: [1, 2\nb: 3\n", "2:2", "'[' and never closed"),
        ("a: 123456789012345678901234567890\n", "1:4", "too long"),
        ("a: .inf\n", "1:4", "not a number"),
        ('a: "\\path"\n', "1:5", "backslash"),
        ("a: 1\n b: 2\n", "2:3", "indented too far"),
        ("a: \x07\n", "1:4", "control character"),
    ],
)
def test_it_refuses_what_would_surprise(text, place, words):
    said = fault(text)
    assert said.startswith(f"f.yaml:{place}: "), said
    assert words in said


def test_a_bomb_of_aliases_is_refused_before_it_is_built():
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x]"]
    lines += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    assert "is not used here" in fault("\n".join(lines))


def test_it_refuses_a_nesting_that_no_person_writes():
    assert "deeper than 64" in fault("[" * 5000)
    assert parse_yaml("[" * 60 + "]" * 60, "f.yaml").data


def test_it_refuses_a_file_above_one_megabyte():
    assert "larger than 1 MB" in fault("a: " + "x" * 1_000_001)
    assert "larger than 1 MB" in fault("a: " + "é" * 500_001)


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused_with_a_sentence(text):
    try:
        parse_yaml(text, "f.yaml")
    except ConfigurationError as error:
        said = [str(problem) for problem in error.problems]
    else:
        said = ["f.yaml: well"]
    assert said
    assert all(sentence.startswith("f.yaml:") for sentence in said)


DATA = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**15), 10**15) | st.text("abc: #-'\"\n[]{}", max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc-:", max_size=5), inner, max_size=4),
    max_leaves=12,
)


@given(DATA)
def test_what_is_written_out_is_read_back(data):
    assert parse_yaml(json.dumps(data), "f.yaml").data == data


def test_the_slow_parser_reads_the_same(monkeypatch):
    text = "a: [yes, 010, 2026-01-01]\nb: {c: ~, d: 'x: y'}\n"
    quick = parse_yaml(text, "f.yaml")
    # Stands in for a machine whose PyYAML was built without libyaml.
    monkeypatch.setattr(yaml_text, "_LOADER", yaml.SafeLoader)
    slow = parse_yaml(text, "f.yaml")
    assert (slow.data, slow.values, slow.keys) == (quick.data, quick.values, quick.keys)
    assert "was already given" in fault("a: 1\na: 2\n")
