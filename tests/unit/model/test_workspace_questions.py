"""The questions an incident asks of the workspace."""

from pathlib import Path

import pytest

from tocsin.model.workspace import Workspace, WorkspaceFile

FILE = WorkspaceFile.model_validate(
    {
        "tocsin": 1,
        "organisation": {"name": "O"},
        "people": {
            "maya": {"name": "Maya", "roles": ["commander", "technical"], "deputy": "tom", "login": "m"},
            "tom": {"name": "Tom", "roles": ["technical"]},
        },
        "clients": {"acme": {"name": "Acme"}, "moss": {"name": "Moss"}, "none": {"name": "None"}},
        "systems": {
            "files": {"title": "F", "kind": "file_share", "paths": ["data/files"]},
            "shop": {"title": "S", "kind": "database", "paths": ["/srv/shop"]},
            "mail": {"title": "M", "kind": "mailbox"},
        },
        "datasets": {
            "a": {"title": "A", "label": "personal", "client": "moss", "systems": ["files"], "backup_plan": "one"},
            "b": {"title": "B", "label": "personal", "client": "acme", "systems": ["files", "shop"]},
            "c": {"title": "C", "label": "personal", "client": "moss", "systems": ["files"]},
            "own": {"title": "O", "label": "personal", "systems": ["mail"], "backup_plan": "one"},
        },
        "repositories": {
            "local": {"location": "repositories/local", "password": "env:P"},
            "far": {"location": "sftp:b@host:/x", "password": "env:P"},
        },
        "backup_plans": {
            name: {
                "title": name,
                "sources": [{"paths": [path], "exclude": [name]}],
                "repositories": ["local"],
                "schedule": "30 2 * * *",
                "rpo": "26h",
                "rto": "4h",
            }
            for name, path in (("one", "data"), ("two", "/srv/shop/dump"), ("three", "/srv/shopping"))
        },
    }
)


@pytest.fixture
def workspace():
    return Workspace(
        root=Path("/w"),
        organisation=FILE.organisation,
        people=FILE.people,
        clients=FILE.clients,
        systems=FILE.systems,
        datasets=FILE.datasets,
        repositories=FILE.repositories,
        backup_plans=FILE.backup_plans,
    )


def ids(parts):
    return [part.id for part in parts]


def test_who_has_a_role_in_the_order_they_are_asked(workspace):
    assert ids(workspace.people_with("technical")) == ["maya", "tom"]
    assert ids(workspace.people_with("dpo")) == []


def test_who_takes_over(workspace):
    deputy = workspace.deputy_of("maya")
    assert deputy is not None
    assert deputy.id == "tom"
    assert workspace.deputy_of("tom") is None
    assert workspace.deputy_of("nobody") is None


def test_who_sits_at_this_login(workspace):
    maya = workspace.person_with_login("m")
    assert maya is not None
    assert maya.id == "maya"
    assert workspace.person_with_login("root") is None


def test_which_clients_each_once_when_a_system_is_hit(workspace):
    found = workspace.datasets_on(["files"])
    assert ids(found) == ["a", "b", "c"]
    assert ids(workspace.clients_of(found)) == ["acme", "moss"]
    assert workspace.clients_of(workspace.datasets_on(["mail"])) == ()


def test_which_backup_plans_cover_a_system_by_dataset_or_by_path(workspace):
    assert ids(workspace.plans_for(["files"])) == ["one"]
    assert ids(workspace.plans_for(["shop"])) == ["two"]
    assert ids(workspace.plans_for(["mail"])) == ["one"]
    assert workspace.plans_for([]) == ()


def test_paths_are_the_workspaces_and_addresses_stay_as_they_are(workspace):
    assert workspace.resolve("data/files") == Path("/w/data/files")
    assert workspace.resolve("/srv/x") == Path("/srv/x")
    assert workspace.repository_location(workspace.repositories["local"]) == "/w/repositories/local"
    assert workspace.repository_location(workspace.repositories["far"]) == "sftp:b@host:/x"
    assert workspace.store_url == "sqlite:////w/.tocsin/tocsin.db"
    assert workspace.outbox == Path("/w/outbox")
