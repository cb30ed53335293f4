"""What goes wrong around a backup, tried for real: nothing is lost, the word is clear, and the next run is well.

Full disks, missing and unreadable sources, kills, locks and wrong passwords stand in `test_backup_operation`.
"""

import os
import shutil
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from cheap_keys import make_cheap
from contract_backups import LIMITS, house, write_workspace
from processes_of_servers import rest_server, serving
from tocsin.adapters.restic import ResticBinary
from tocsin.adapters.system import SystemClock
from tocsin.backups import (
    check_key,
    check_repository,
    freshness,
    last_good_snapshot,
    ledger,
    maintain_if_due,
    prove_append_only,
    run_backup,
    watch,
)
from tocsin.backups.due import backup_if_due
from tocsin.backups.out_of_reach import KIND as PROOF
from tocsin.doctor.journal import check_journal
from tocsin.errors import ConfigurationError, Temporary, UsageError
from tocsin.repositories import repository_access
from tocsin.store.operations import settle_elsewhere
from tocsin.store.tables import journal, operation

PASSWORD = "a password nobody else has"
HAS_SERVER = pytest.mark.skipif(
    rest_server() is None, reason="no REST server of restic here; `make setup` brings one"
)


@pytest.fixture(scope="module")
def made(restic_path, tmp_path_factory):
    root = tmp_path_factory.mktemp("faults") / "workspace"
    write_workspace(root, PASSWORD)
    with house(root, restic_path) as ctx:
        ctx.restic.init(repository_access(ctx, "local"))
    make_cheap(root / "repository", PASSWORD, restic_path)
    (root / "share").mkdir()
    (root / "share" / "a.txt").write_text("a letter\n" * 50)
    return root


@pytest.fixture
def root(made, tmp_path):
    shutil.copytree(made, tmp_path / "workspace")
    return tmp_path / "workspace"


def changed(root, old, new):
    text = (root / "tocsin.yaml").read_text()
    assert old in text
    (root / "tocsin.yaml").write_text(text.replace(old, new, 1))


class Shifted:
    """A clock that is wrong by so much."""

    def __init__(self, clock, by):
        self._clock, self._by = clock, by

    def now(self):
        return self._clock.now() + self._by

    def monotonic(self):
        return self._clock.monotonic()


@HAS_SERVER
def test_a_server_that_dies_half_way_is_given_up_in_time_and_the_next_run_succeeds(root, restic_path, tmp_path):
    (root / "served").mkdir()
    served = (root / "repository").rename(root / "served" / "r")
    (root / "share" / "large").write_bytes(os.urandom(24_000_000))
    port = free_port()
    limits = "limits: {upload_kib: 9000, give_up_after: 1s}"
    changed(root, "{location: repository,", f"{{location: 'rest:http://127.0.0.1:{port}/r/', {limits},")
    quick = replace(LIMITS, grace=timedelta(seconds=1))
    restic = ResticBinary(restic_path, cache_dir=tmp_path / "cache", environ=os.environ, limits=quick)
    with house(root, restic_path) as ctx:
        impatient = replace(ctx, restic=restic)
        with serve(root / "served", port) as server, ThreadPoolExecutor(1) as pool:
            running = pool.submit(run_backup, impatient, "files")
            while not running.done() and not any(path.is_file() for path in (served / "data").rglob("*")):
                time.sleep(0.02)
            server.kill()
            fault = running.exception(timeout=60)
        assert isinstance(fault, Temporary)
        assert "its server is out of reach; try again when it is back" in str(fault)
        with ctx.store.read() as connection:
            row = connection.execute(select(operation).where(operation.c.kind == "backup")).one()
        assert (row.state, row.verdict) == ("finished", "failed")
        with serve(root / "served", port):
            assert run_backup(ctx, "files").verdict == "ok"
            assert check_repository(ctx, "local", read_all=True).ok  # past the lock the dead server kept
            assert len(ctx.restic.snapshots(repository_access(ctx, "local"))) == 1


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextmanager
def serve(folder, port):
    """Serve what lies in `folder` at a port of our choice, so that a server can come back where it was."""
    command = [rest_server(), "--path", folder, "--listen", f"127.0.0.1:{port}", "--no-auth"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            until = time.monotonic() + 10
            while time.monotonic() < until:
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.05)
            yield server
        finally:
            server.kill()


def test_a_name_that_leads_nowhere_is_temporary_and_says_so(root, restic_path):
    changed(root, "location: repository", "location: 'rest:http://backup.no-such-place.invalid:8000/r/'")
    out_of_reach = pytest.raises(Temporary, match="repository local: its server is out of reach")
    with house(root, restic_path) as ctx, out_of_reach:
        run_backup(ctx, "files")


def test_a_password_changed_behind_our_back_is_said_and_nothing_is_lost(root, restic_path):
    with house(root, restic_path) as ctx:
        run_backup(ctx, "files")
        (root / "password").write_text("somebody changed it\n")
        with pytest.raises(ConfigurationError, match="the password is wrong"):
            run_backup(ctx, "files")
        assert "repository.unchecked" in {one.kind for one in watch(ctx).standing}
        (root / "password").write_text(PASSWORD + "\n")
        assert run_backup(ctx, "files").verdict == "ok"
        assert "repository.unchecked" not in {one.kind for one in watch(ctx).standing if "local" in one.subject}


def test_without_a_restic_that_can_be_run_nothing_is_begun_that_looks_like_a_backup(root, restic_path, tmp_path):
    gone = tmp_path / "restic"
    shutil.copy(restic_path, gone)
    with house(root, gone) as ctx:
        assert run_backup(ctx, "files").verdict == "ok"
        gone.unlink()
        with pytest.raises(ConfigurationError, match=r"install restic 0\.17 or newer"):
            run_backup(ctx, "files")
        with ctx.store.read() as connection:
            verdicts = (
                connection.execute(select(operation.c.verdict).order_by(operation.c.started_at)).scalars().all()
            )
            assert last_good_snapshot(connection, "files") is not None
        assert verdicts == ["ok", "failed"]


def test_a_clock_that_jumped_ahead_keeps_no_plan_fresh_and_no_schedule_waiting(root, restic_path):
    with house(root, restic_path, clock=Shifted(SystemClock(), timedelta(days=400))) as ctx:
        assert backup_if_due(ctx, "files", ctx.clock.now()).verdict == "ok"
    with house(root, restic_path) as ctx:
        with ctx.store.read() as connection:
            (state, *_) = freshness(connection, ctx.workspace, ctx.clock.now())
        assert state.state == "never"  # what claims to be of next year proves nothing about today
        assert next(one for one in check_journal(ctx) if one.about == "clock").outcome == "failed"
        assert backup_if_due(ctx, "files", ctx.clock.now()).verdict == "ok"
        with ctx.store.read() as connection:
            (state, *_) = freshness(connection, ctx.workspace, ctx.clock.now())
        assert state.state == "fresh"


def test_a_clock_that_fell_back_loses_no_snapshot(root, restic_path):
    with house(root, restic_path) as ctx:
        run_backup(ctx, "files")
        behind = replace(ctx, clock=Shifted(ctx.clock, timedelta(days=-3)))
        (root / "share" / "b.txt").write_text("new\n")
        assert run_backup(behind, "files").verdict == "ok"
        assert "snapshot.future" in {one.kind for one in watch(behind).standing}
        assert len({entry.id for entry in _rows(ctx)}) == 2
        assert "snapshot.future" not in {one.kind for one in watch(ctx).standing}


def _rows(ctx):
    with ctx.store.read() as connection:
        return ledger(connection, "files")


def test_what_a_machine_that_is_gone_began_is_given_up_aloud(root, restic_path):
    with house(root, restic_path) as ctx:
        run_backup(ctx, "files")
        with ctx.store.write(ctx.actor) as tx:
            old = ctx.clock.now() - timedelta(days=2)
            gone = {
                "state": "started",
                "host": "burnt-out",
                "verdict": None,
                "finished_at": None,
                "started_at": old,
            }
            tx.execute(operation.update().values(**gone))
        with pytest.raises(Temporary, match="tocsin journal settle") as busy:
            run_backup(ctx, "files")
        begins_with = str(busy.value).split("settle ")[1].split()[0]
        warnings = [one for one in check_journal(ctx) if "burnt-out" in one.seen]
        assert begins_with in warnings[0].advice
        with pytest.raises(UsageError, match="No operation of another machine"):
            settle_elsewhere(ctx.store, ctx.actor, "ffffffff", "It burnt")
        assert settle_elsewhere(ctx.store, ctx.actor, begins_with, "It burnt").host == "burnt-out"
        outcome = run_backup(ctx, "files")
        assert (outcome.verdict, len(outcome.copies[0].settled)) == ("ok", 1)
        with ctx.store.read() as connection:
            told = (
                connection.execute(select(journal.c.payload).where(journal.c.kind == "backup.unknown"))
                .scalars()
                .one()
            )
        assert '"given_up_by":"maya"' in told.replace(": ", ":")


@HAS_SERVER
def test_proofs_fall_due_by_the_calendar_and_are_alarms_until_they_hold(root, restic_path, tmp_path):
    shutil.move(root / "repository", root / "served" / "r")
    safe = tmp_path / "safe"
    shutil.copy(root / "password", safe)
    with serving(root / "served", "--append-only", "--no-auth") as port:
        proofs = "append_only: true, proofs: {append_only: 30d, key: 90d}"
        changed(root, "{location: repository,", f"{{location: 'rest:http://127.0.0.1:{port}/r/', {proofs},")
        with house(root, restic_path) as ctx:
            now = ctx.clock.now()
            run_backup(ctx, "files")
            assert {"proof.overdue", "key.unchecked"} <= kinds(ctx)
            (done,) = maintain_if_due(ctx, "local", now)
            assert (done.is_well, done.sentence) == (True, "local: out of reach.")
            assert maintain_if_due(ctx, "local", now) == ()
            assert check_key(ctx, "local", safe).opens
            assert not {"proof.overdue", "key.unchecked"} & kinds(ctx)
            safe.write_text("not the one\n")
            assert not check_key(ctx, "local", safe).opens
            assert "key.useless" in kinds(ctx)
            later = replace(ctx, clock=Shifted(ctx.clock, timedelta(days=33)))
            assert "proof.overdue" in kinds(later)
            with ctx.store.read() as connection:
                proved = connection.execute(select(operation.c.verdict).where(operation.c.kind == PROOF)).scalars()
                assert list(proved) == ["proven"]
    with serving(root / "served", "--no-auth") as plain:
        changed(root, f"127.0.0.1:{port}/", f"127.0.0.1:{plain}/")
        with house(root, restic_path) as ctx:
            prove_append_only(ctx, "files")
            assert "proof.refuted" in kinds(ctx)


def kinds(ctx):
    return {one.kind for one in watch(ctx).standing}
