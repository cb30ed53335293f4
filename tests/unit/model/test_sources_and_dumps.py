"""Sources, dumps, hooks and limits as a person writes them, and what is said when they are wrong."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from tocsin.model.protection import BackupPlan, Hook, Limits, Source
from tocsin.model.workspace import Backups

SQLITE = {"name": "bookings", "kind": "sqlite", "path": "bookings.db"}
POSTGRES = {"name": "crm", "kind": "postgres", "database": "crm", "password": "env:CRM"}


def plan(*sources, **changed):
    told = {
        "title": "Everything",
        "sources": list(sources),
        "repositories": ["local"],
        "schedule": "30 2 * * *",
        "rpo": "24h",
        "rto": "4h",
    }
    return BackupPlan.model_validate(told | changed).known_as("studio")


def test_a_plan_leaves_a_snapshot_of_its_files_and_one_of_each_dump():
    made = plan({"paths": ["a"]}, {"paths": ["b"]}, {"dump": SQLITE}, {"dump": POSTGRES | {"globals": True}})
    assert made.series == ("", "bookings", "crm", "crm-globals")
    assert [dump.file_name for dump in made.dumps] == ["bookings.sqlite", "crm.pgdump", "crm-globals.sql"]
    assert made.dumps[2].password == "env:CRM"
    assert made.paths == ("a", "b")
    assert made.read_paths == ("a", "b", "bookings.db")


def test_a_plan_of_dumps_alone_has_no_series_of_files():
    assert plan({"dump": SQLITE}).series == ("bookings",)


def test_sizes_and_shares_are_read_as_people_write_them():
    assert Source(paths=["a"], exclude_larger_than="500M").exclude_larger_than == 500 * 1024**2
    (dump,) = plan({"dump": SQLITE | {"smallest": "60 %", "timeout": "90m"}}).dumps
    assert (dump.smallest, dump.timeout) == (60, timedelta(minutes=90))
    assert BackupPlan.model_validate_json(plan({"dump": SQLITE}).model_dump_json()).dumps[0].smallest == 20


@pytest.mark.parametrize(
    ("sources", "words"),
    [
        ([{}], "either paths or a dump"),
        ([{"paths": ["a"], "dump": SQLITE}], "either paths or a dump"),
        ([{"dump": SQLITE, "exclude": ["*.tmp"]}], "a dump leaves nothing out"),
        ([{"dump": SQLITE}, {"dump": SQLITE}], "two dumps of this plan have the name 'bookings'"),
        ([{"paths": ["a"], "exclude_caches": True}, {"paths": ["b"]}], "must be the same in every source"),
        ([{"paths": ["a"], "exclude_larger_than": "much"}], "is not a size"),
        ([{"paths": ["a"], "exclude_if_present": ["a/b"]}], "is not the name of a file"),
        ([{"dump": SQLITE | {"smallest": "half"}}], "is not a share"),
        ([{"dump": POSTGRES | {"options": ["--password=x"]}}], "a password stands in this option"),
        ([{"dump": POSTGRES | {"options": ["crm"]}}], "begins with a dash"),
        ([{"dump": POSTGRES | {"password": "hunter2"}}], "secret"),
        ([{"dump": {"name": "x", "kind": "command", "argv": ["a"], "file": "a/b"}}], "is not a file's name"),
        ([{"dump": {"name": "x", "kind": "oracle"}}], "does not match any of the expected tags"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_a_sentence(sources, words):
    with pytest.raises(ValidationError) as refused:
        plan(*sources)
    assert words in str(refused.value)
    assert "hunter2" not in str(refused.value.errors(include_input=False))


def test_hooks_limits_and_the_number_at_once_have_bounds():
    assert Hook(run=["true"]).on_failure == "stop"
    assert Hook(run=["true"]).timeout == timedelta(minutes=10)
    assert Backups().parallel == 2
    for wrong in ({"nice": 20}, {"upload_kib": 0}, {"ionice": "now"}, {"read_concurrency": 65}):
        with pytest.raises(ValidationError):
            Limits.model_validate(wrong)
    with pytest.raises(ValidationError):
        Backups(parallel=0)
