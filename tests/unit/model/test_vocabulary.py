"""The words of the contract are all there, each data code has its family and label, and the schemas use them."""

import json
import re
from enum import StrEnum

import pytest

from tocsin.cli.schema import RECOVERY_PLAN, WORDS
from tocsin.model import vocabulary
from tocsin.model.schema import SCHEMAS
from tocsin.model.vocabulary import FAMILY_CODES, LABEL_OF_CODE, DataCode, PeopleGroup, PersonRole, SystemKind


def test_every_data_code_is_in_one_family_and_has_a_label():
    assert sorted(code for codes in FAMILY_CODES.values() for code in codes) == sorted(DataCode)
    assert set(LABEL_OF_CODE) == set(DataCode)


def test_every_word_is_one_that_can_be_written_in_yaml_without_quotes():
    enums = [kind for kind in vars(vocabulary).values() if isinstance(kind, type) and issubclass(kind, StrEnum)]
    words = [str(word) for kind in enums for word in kind]
    assert len(words) > 100
    assert all(re.fullmatch("[a-z][a-z_]*", word) for word in words)


@pytest.mark.parametrize(
    ("part", "key", "words"),
    [
        ("Dataset", "data", DataCode),
        ("DatasetPeople", "groups", PeopleGroup),
        ("Person", "roles", PersonRole),
        ("System", "kind", SystemKind),
    ],
)
def test_the_schemas_choices_are_the_models(part, key, words):
    schema = SCHEMAS["workspace"]()
    asked = json.dumps(schema["$defs"][part]["properties"][key])
    named = re.search(r"#/\$defs/(\w+)", asked)
    assert named
    assert schema["$defs"][named[1]]["enum"] == [str(word) for word in words]


def test_every_schema_can_be_asked_for_by_its_word():
    # A recovery plan's schema comes from its own language: see tocsin.runbook.reference.
    assert set(WORDS) == {*SCHEMAS, RECOVERY_PLAN}


def test_an_included_file_needs_no_key_of_its_own():
    schema = SCHEMAS["included"]()
    assert "required" not in schema
    assert "include" not in schema["properties"]
    assert schema["additionalProperties"] is False


def test_a_key_says_in_the_editor_what_it_means():
    properties = SCHEMAS["workspace"]()["$defs"]["BackupPlan"]["properties"]
    assert properties["rpo"]["description"].startswith("The most work that may be lost")
