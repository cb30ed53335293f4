"""The append-only proof against restic's real REST server: it holds where the server refuses, and fails on a plain one."""

import shutil

import pytest
from sqlalchemy import select

from cheap_keys import make_cheap
from contract_backups import house, write_workspace
from processes_of_servers import rest_server, serving
from tocsin.backups import prove_append_only, run_backup, watch
from tocsin.errors import Temporary, UsageError
from tocsin.repositories import repository_access
from tocsin.store.tables import operation as operations

PASSWORD = "a password nobody else has"
pytestmark = pytest.mark.skipif(
    rest_server() is None, reason="no REST server of restic here; `make setup` brings one"
)


@pytest.fixture(scope="module")
def empty_repository(restic_path, tmp_path_factory):
    root = tmp_path_factory.mktemp("empty")
    write_workspace(root, PASSWORD)
    with house(root, restic_path) as ctx:
        ctx.restic.init(repository_access(ctx, "local"))
        make_cheap(root / "repository", PASSWORD, restic_path)
    return root / "repository"


@pytest.fixture
def root(empty_repository, tmp_path):
    root = tmp_path / "workspace"
    write_workspace(root, PASSWORD)
    shutil.copytree(empty_repository, root / "served" / "r")
    (root / "share").mkdir()
    (root / "share" / "a.txt").write_text("a\n")
    return root


def point_at(root, port, marked="true"):
    text = (root / "tocsin.yaml").read_text()
    where = f"{{location: 'rest:http://127.0.0.1:{port}/r/', append_only: {marked}, password"
    (root / "tocsin.yaml").write_text(text.replace("{location: repository, password", where, 1))


def verdicts(ctx):
    with ctx.store.read() as connection:
        query = select(operations.c.verdict).where(operations.c.kind == "append-only-proof")
        return connection.execute(query).scalars().all()


def test_an_append_only_server_refuses_all_of_it_and_the_proof_is_on_record(root, restic_path):
    with serving(root / "served", "--append-only", "--no-auth") as port:
        point_at(root, port)
        with house(root, restic_path) as ctx:
            run_backup(ctx, "files")
            (proof,) = prove_append_only(ctx, "files")
            assert proof.holds
            assert dict(proof.refused) == {"overwrite": True, "shrink": True, "delete": True}
            assert verdicts(ctx) == ["proven"]
            # What is left of the attempts is ours, and no alarm.
            assert not [alarm for alarm in watch(ctx).standing if alarm.subject.startswith("snapshot:local")]
            assert run_backup(ctx, "files").verdict == "ok"


def test_the_same_proof_fails_against_a_plain_server(root, restic_path):
    with serving(root / "served", "--no-auth") as port:
        point_at(root, port)
        with house(root, restic_path) as ctx:
            run_backup(ctx, "files")
            (proof,) = prove_append_only(ctx, "files")
            assert not proof.holds
            assert dict(proof.refused) == {"overwrite": False, "shrink": False, "delete": False}
            assert verdicts(ctx) == ["refuted"]
            assert not [alarm for alarm in watch(ctx).standing if alarm.subject.startswith("snapshot:local")]


def test_a_server_out_of_reach_proves_nothing(root, restic_path):
    point_at(root, 1)
    with house(root, restic_path) as ctx:
        with pytest.raises(Temporary):
            prove_append_only(ctx, "files")
        assert verdicts(ctx) == ["unproven"]


def test_a_plan_without_such_a_repository_is_told_so(root, restic_path):
    point_at(root, 1, marked="false")
    with house(root, restic_path) as ctx, pytest.raises(UsageError, match="marked append_only: true"):
        prove_append_only(ctx, "files")
