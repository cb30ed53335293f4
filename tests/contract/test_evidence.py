"""Evidence for real: into a real restic repository, over a real sshd, out again with every hash compared."""

import hashlib
import os
import shutil
import socket
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError

from cheap_keys import make_cheap
from simulators.chance import PowerCut
from simulators.house import FIRM, House
from simulators.sshd import running
from tocsin.adapters.restic import ResticBinary
from tocsin.adapters.secrets import ReferencedSecrets
from tocsin.adapters.shell import SystemShell
from tocsin.backups import all_active_holds
from tocsin.context import Context
from tocsin.errors import ConfigurationError, OperationFailed, Refused, UsageError
from tocsin.evidence import Wanted, act, collect, custody_of, custody_record, export_item, items
from tocsin.incidents import Declaration, declare
from tocsin.machines import machine_at
from tocsin.ports import RepositoryAccess
from tocsin.runbook.engine import advance, prepare, start
from tocsin.store.operations import sweep
from tocsin.store.tables import custody, evidence_item, operation

INC = "INC-2026-001"
PASSWORD = "only the firm knows\n"
HEAD = "\nrepositories:"
VAULT = '\nrepositories:\n  vault: {location: repositories/vault, password: "file:secrets/vault"}'


@pytest.fixture(scope="module")
def vault(restic_path, tmp_path_factory) -> Path:
    """An empty repository, made once: making one costs a second."""
    folder = tmp_path_factory.mktemp("vault")
    (folder / "password").write_text(PASSWORD)
    (folder / "password").chmod(0o600)
    restic = ResticBinary(restic_path, cache_dir=folder / "cache", environ=os.environ)
    restic.init(RepositoryAccess("vault", str(folder / "repository"), password_file=folder / "password"))
    make_cheap(folder / "repository", PASSWORD.strip(), restic_path)
    return folder / "repository"


@pytest.fixture(scope="module")
def ssh(tmp_path_factory):
    with running(tmp_path_factory.mktemp("sshd")) as server:
        yield server


@pytest.fixture
def make(tmp_path, vault, restic_path):
    made = []

    def house(firm: str = FIRM) -> tuple[House, Context]:
        made.append(House(tmp_path, firm=f"{firm.replace(HEAD, VAULT)}evidence: {{repository: vault}}\n"))
        shutil.copytree(vault, tmp_path / "repositories/vault")
        secret = tmp_path / "secrets/vault"
        secret.parent.mkdir()
        secret.touch(mode=0o600)
        secret.write_text(PASSWORD)
        ctx = replace(
            made[0].ctx,
            restic=ResticBinary(restic_path, cache_dir=tmp_path / "cache", environ=os.environ),
            secrets=ReferencedSecrets(environ={}, folder=tmp_path),
            shell=SystemShell(os.environ),
        )
        declare(ctx, Declaration("Locked", ("file-share",), "ransomware"))
        for name, words in {"a.txt": "one\n", "deep/b.txt": "two\n"}.items():
            path = tmp_path / "data/file-share" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(words)
        return made[0], ctx

    yield house
    for one in made:
        one.close()


def test_a_file_a_folder_and_a_program_s_words_are_kept_held_and_come_out_as_they_went_in(make, tmp_path) -> None:
    house, ctx = make()
    kept = collect(ctx, Wanted(INC, ("data/file-share/a.txt", "data/file-share"), title="As found"))
    said = collect(ctx, Wanted(INC, argv=("printf", "%s", "who is on")))
    file, folder, words = (*kept, *said)
    assert (file.id, file.kind, file.bytes) == ("EV-2026-001", "file", 4)
    assert file.sha256 == hashlib.sha256(b"one\n").hexdigest()
    assert (folder.kind, folder.files, folder.host) == ("folder", 2, socket.gethostname())
    assert (words.kind, words.sha256) == ("command", hashlib.sha256(b"who is on").hexdigest())
    assert words.method == ("printf", "%s", "who is on")
    with house.store.read() as connection:
        held = {hold.snapshot: hold.incident for hold in all_active_holds(connection)}
    assert held == {each.snapshot: INC for each in (file, folder, words)}
    # What lies there now changes nothing: what was taken is what comes out.
    (tmp_path / "data/file-share/a.txt").write_text("encrypted")
    assert export_item(ctx, file.id, tmp_path / "out/file").path.read_text() == "one\n"
    assert (export_item(ctx, folder.id, tmp_path / "out/folder").path / "deep/b.txt").read_text() == "two\n"
    assert export_item(ctx, words.id, tmp_path / "out/words").path.read_bytes() == b"who is on"
    with house.store.read() as connection:
        assert [each.act for each in custody_of(connection, file.id)] == ["taken", "opened"]
    with pytest.raises(UsageError, match="not an empty folder"):
        export_item(ctx, file.id, tmp_path / "out/file")


def test_over_ssh_files_come_as_a_tar_and_words_as_they_are_said(make, ssh, tmp_path) -> None:
    far = tmp_path / "far away"
    far.mkdir()
    (far / "auth.log").write_text("accepted publickey\n")
    firm = FIRM.replace("paths: [data/crm]}", f"paths: [data/crm], ssh: {ssh.as_yaml()}}}")
    _, ctx = make(firm)
    crm = machine_at(ctx, system="crm")
    taken = collect(ctx, Wanted(INC, (str(far),), machine=crm))[0]
    assert (taken.kind, taken.host) == ("archive", "127.0.0.1")
    out = export_item(ctx, taken.id, tmp_path / "out").path
    with tarfile.open(out) as tar:
        member = tar.extractfile(f".{far}/auth.log")
        assert member is not None
        assert member.read() == b"accepted publickey\n"
    words = collect(ctx, Wanted(INC, argv=("printf", "%s", "it's here; $HOME"), machine=crm))[0]
    assert words.sha256 == hashlib.sha256(b"it's here; $HOME").hexdigest()
    with pytest.raises(OperationFailed, match="could not be taken"):
        collect(ctx, Wanted(INC, ("/nowhere/at/all",), machine=crm))
    assert [each.state for each in items(ctx)] == ["kept", "kept", "failed"]


def test_a_step_takes_a_system_s_own_paths_once_and_a_destructive_one_waits_for_it(make) -> None:
    _, ctx = make()
    playbook = (
        "playbook: p\ntitle: P\nsteps:\n"
        "- {id: take, uses: evidence.collect, with: {system: file-share}}\n"
        "- {id: note, uses: evidence.add, needs: [take], with: {path: data/file-share/a.txt, note: The note}}\n"
    )
    run = start(ctx, prepare(ctx, playbook, "p.yaml"), incident=INC)
    found = advance(ctx, run.id)
    assert [seen.row.state for seen in found.looks] == ["done", "done"], found.looks
    assert [(each.kind, each.step) for each in items(ctx, incident=INC)] == [
        ("folder", f"{run.id}:take"), ("file", f"{run.id}:note"),
    ]  # fmt: skip
    assert len(collect(ctx, Wanted(INC, ("data/file-share",), step=f"{run.id}:take"))) == 1
    assert len(items(ctx)) == 2


@pytest.mark.parametrize("where", ["evidence:before-restic", "evidence:after-restic"])
def test_what_broke_off_is_unknown_and_said_and_taken_anew(make, where) -> None:
    house, ctx = make()
    with pytest.raises(PowerCut, match=where):
        collect(replace(ctx, crash=house.crashing_at(where).crash), Wanted(INC, ("data/file-share/a.txt",)))
    # As it is after the power came back: the process that took it is gone.
    with house.store.write(ctx.actor) as tx:
        tx.execute(update(operation).where(operation.c.state == "started").values(process="1:0:gone"))
    broken = items(ctx)[0]
    assert (broken.state, broken.sha256) == ("unknown", None)
    with pytest.raises(Refused, match="is unknown"):
        export_item(ctx, broken.id, house.folder / "out")
    with pytest.raises(Refused, match="is unknown"):
        act(ctx, broken.id, "handed_to", other="DC Ahmed")
    sweep(ctx.store, ctx.actor)
    assert "evidence.unknown" in house.journal_kinds()
    again = collect(ctx, Wanted(INC, ("data/file-share/a.txt",)))[0]
    assert (again.id, again.state) == ("EV-2026-002", "kept")


def test_a_repository_that_was_tampered_with_gives_no_copy_that_anybody_vouches_for(make, tmp_path) -> None:
    house, ctx = make()
    kept = collect(ctx, Wanted(INC, argv=("printf", "%s", "x" * 5000)))[0]
    with house.store.write(ctx.actor) as tx:
        tx.execute(update(evidence_item).values(sha256="0" * 64))
    with pytest.raises(OperationFailed, match="other than it went in"):
        export_item(ctx, kept.id, tmp_path / "out")
    with house.store.read() as connection:
        assert [each.act for each in custody_of(connection, kept.id)] == ["taken"]


def test_the_chain_of_custody_is_appended_to_and_the_database_refuses_the_rest(make) -> None:
    house, ctx = make()
    kept = collect(ctx, Wanted(INC, ("data/file-share/a.txt",)))[0]
    with pytest.raises(UsageError, match="cannot be returned"):
        act(ctx, kept.id, "returned", other="DC Ahmed")
    act(
        house.acting("tom"),
        kept.id,
        "handed_to",
        other="DC Ahmed, Avon and Somerset Police",
        note="Copy on a stick",
    )
    act(ctx, kept.id, "returned", other="DC Ahmed")
    act(ctx, kept.id, "moved", other="The safe")
    with house.store.read() as connection:
        chain = custody_of(connection, kept.id)
        rows = connection.execute(select(custody)).all()
    assert [(each.seq, each.act, each.by) for each in chain] == [
        (1, "taken", "maya"), (2, "handed_to", "tom"), (3, "returned", "maya"), (4, "moved", "maya"),
    ]  # fmt: skip
    for statement in ("UPDATE custody SET by = 'x'", "DELETE FROM custody"):
        with pytest.raises(IntegrityError, match="append-only"), house.store.write(ctx.actor) as tx:
            tx.execute(text(statement))
    with house.store.read() as connection:
        assert connection.execute(select(custody)).all() == rows
    page = custody_record(ctx, kept.id, "html").decode()
    assert str(kept.sha256) in page
    assert "DC Ahmed, Avon and Somerset Police" in page
    assert custody_record(ctx, kept.id, "pdf").startswith(b"%PDF")


def test_only_people_of_the_workspace_take_evidence_and_what_is_not_there_is_told(make) -> None:
    house, ctx = make()
    stranger = ctx.acting_as(replace(ctx.actor, person="user:x"))
    with pytest.raises(Refused, match="made of names"):
        collect(stranger, Wanted(INC, ("data/file-share",)))
    for wanted, said in (
        (Wanted(INC, ("nope",)), "there is no such file or folder"),
        (Wanted("INC-2026-009", ("data/file-share",)), "There is no incident"),
        (Wanted(INC), "Say what to take"),
    ):
        with pytest.raises(UsageError, match=said):
            collect(ctx, wanted)
    with pytest.raises(OperationFailed, match="ended with exit code 1"):
        collect(ctx, Wanted(INC, argv=("false",)))
    shutil.rmtree(house.folder / "repositories/vault")
    with pytest.raises(ConfigurationError, match="there is no restic repository"):
        collect(ctx, Wanted(INC, ("data/file-share/a.txt",)))
    assert {each.state for each in items(ctx)} == {"failed"}


def test_evidence_of_a_need_to_know_incident_is_hidden_from_others(make) -> None:
    house, ctx = make()
    secret = declare(ctx, Declaration("Insider", ("crm",), "insider", need_to_know=("maya",))).incident
    kept = collect(ctx, Wanted(secret, ("data/file-share/a.txt",)))[0]
    other = house.acting("priya")
    assert items(other) == ()
    for door in (
        lambda: items(other, incident=secret),
        lambda: export_item(other, kept.id, house.folder / "out"),
        lambda: custody_record(other, kept.id, "html"),
        lambda: act(other, kept.id, "opened"),
    ):
        with pytest.raises(Refused, match="need-to-know"):
            door()
