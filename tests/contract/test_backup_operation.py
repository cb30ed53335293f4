"""The backup operation on the real restic, the real disk and a real store: what it records, and what it survives."""

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import select

from cheap_keys import make_cheap
from contract_backups import house, write_workspace
from tocsin.backups import (
    freshness,
    hold_snapshots,
    last_good_snapshot,
    ledger,
    release_hold,
    run_backup,
    watch,
)
from tocsin.errors import ConfigurationError, OperationFailed, Temporary, UsageError
from tocsin.manifest import read_manifest, verify_restored
from tocsin.repositories import repository_access
from tocsin.store.tables import alarm as alarms
from tocsin.store.tables import hold as holds
from tocsin.store.tables import journal
from tocsin.store.tables import operation as operations
from tocsin.workspace import load

PASSWORD = "a password nobody else has"
POINTS = ("after-start", "before-restic", "after-restic", "before-finish")


@pytest.fixture(scope="module")
def empty_repository(restic_path, tmp_path_factory):
    """A repository without snapshots, made once and copied for each test: creating one takes seconds."""
    root = tmp_path_factory.mktemp("empty")
    write_workspace(root, PASSWORD)
    with house(root, restic_path) as ctx:
        ctx.restic.init(repository_access(ctx, "local"))
        make_cheap(root / "repository", PASSWORD, restic_path)
    return root / "repository"


@pytest.fixture
def root(empty_repository, tmp_path):
    """A workspace with a share of four files, one of them left out, and a repository."""
    root = tmp_path / "workspace"
    write_workspace(root, PASSWORD)
    shutil.copytree(empty_repository, root / "repository")
    (root / "share" / "letters").mkdir(parents=True)
    (root / "share" / "empty").mkdir()
    for name in ("a.txt", "b.txt", "letters/c.txt"):
        (root / "share" / name).write_text(f"content of {name}\n" * 50)
    (root / "share" / "draft.tmp").write_text("left out\n")
    return root


@pytest.fixture
def counted(restic_path, tmp_path):
    """restic, and a file with a line for each time it was called."""
    log = tmp_path / "calls"
    log.touch()
    wrapper = tmp_path / "counted-restic"
    wrapper.write_text(f'#!/bin/sh\n[ "$1" = version ] || echo "$2" >> {log}\nexec {restic_path} "$@"\n')
    wrapper.chmod(0o755)
    return wrapper, lambda: log.read_text().split()


def journal_kinds(ctx):
    with ctx.store.read() as connection:
        return [row.kind for row in connection.execute(select(journal).order_by(journal.c.seq))]


def operation_rows(ctx, kind="backup"):
    with ctx.store.read() as connection:
        query = select(operations).where(operations.c.kind == kind).order_by(operations.c.started_at)
        return connection.execute(query).mappings().all()


def ledger_of(ctx, plan="files"):
    with ctx.store.read() as connection:
        return ledger(connection, plan)


def test_one_restic_call_saves_data_and_manifest_and_the_ledger_and_journal_agree(root, counted):
    binary, calls = counted
    with house(root, binary) as ctx:
        outcome = run_backup(ctx, "files")
        assert calls() == ["backup"]
        assert outcome.verdict == "ok"
        assert outcome.reasons == ()
        (entry,) = ledger_of(ctx)
        assert outcome.snapshot == entry
        assert entry.verdict == "ok"
        assert entry.files == 5  # three files, and the manifest's two
        manifest = read_manifest(Path(entry.manifest_path), sha256=entry.manifest_sha256)
        assert {os.path.relpath(path, os.fsencode(root / "share")) for path in manifest.digests} == {
            b"a.txt",
            b"b.txt",
            b"letters/c.txt",
        }
        assert journal_kinds(ctx)[-2:] == ["backup.started", "backup.finished"]
        with ctx.store.read() as connection:
            last = connection.execute(select(journal).order_by(journal.c.seq.desc())).first()
        payload = json.loads(last.payload)
        assert payload["snapshot"] == entry.id
        assert payload["manifest_sha256"] == entry.manifest_sha256
        assert str(root) not in last.payload  # paths may name people
        (snapshot,) = ctx.restic.snapshots(repository_access(ctx, "local"), tags=["plan:files"])
        assert snapshot.id == entry.id
        assert snapshot.hostname == "harbour-quill"


def test_what_comes_back_is_what_the_manifest_says_for_every_kind_and_name(root, restic_path, tmp_path):
    share = root / "share"
    for name in (b"line\nbreak", b"back\\slash", b"bad\xff\xfename", "größe".encode(), b"two words", b"cr\r"):
        Path(os.fsdecode(os.fsencode(share) + b"/" + name)).write_bytes(b"content\n")
    (share / "link").symlink_to("a.txt")
    (share / "twin").hardlink_to(share / "a.txt")
    os.mkfifo(share / "fifo")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(share / "socket"))
    target = tmp_path / "restored"
    target.mkdir()
    with house(root, restic_path) as ctx:
        outcome = run_backup(ctx, "files")
        assert outcome.verdict == "ok", outcome.reasons
        entry = outcome.snapshot
        assert ctx.restic.restore(repository_access(ctx, "local"), entry.id, target).ok
    restored = target / entry.manifest_path.lstrip("/")
    compared = verify_restored(read_manifest(restored, sha256=entry.manifest_sha256), target)
    assert compared.is_whole
    assert compared.matching == 10
    assert (compared.extra, compared.changed_during_backup) == ((), ())
    checked = subprocess.run(
        ["sha256sum", "--check", "--strict", "--quiet", restored / "manifest.sha256"],
        cwd=target,
        capture_output=True,
        check=False,
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


def test_a_workspace_may_back_up_itself_without_its_state_and_repositories(root, restic_path, tmp_path):
    write_workspace(root, PASSWORD, source=".")
    target = tmp_path / "restored"
    target.mkdir()
    with house(root, restic_path) as ctx:
        for _ in range(2):
            outcome = run_backup(ctx, "files")
            assert outcome.verdict == "ok", outcome.reasons
        entry = outcome.snapshot
        assert ctx.restic.restore(repository_access(ctx, "local"), entry.id, target).ok
    home = target / root.relative_to("/")
    assert sorted(path.name for path in home.iterdir()) == [".tocsin", "password", "share", "tocsin.yaml"]
    assert [path.name for path in (home / ".tocsin").iterdir()] == ["manifests"]
    manifest = read_manifest(target / entry.manifest_path.lstrip("/"), sha256=entry.manifest_sha256)
    compared = verify_restored(manifest, target)
    assert (compared.is_whole, compared.extra) == (True, ())


def test_an_unreadable_file_makes_the_backup_incomplete_and_never_ok(root, powerless):
    (root / "share" / "b.txt").chmod(0)
    with house(root, powerless) as ctx:
        outcome = run_backup(ctx, "files")
        assert outcome.verdict == "incomplete"
        assert "b.txt" in outcome.reasons[0]
        with ctx.store.read() as connection:
            assert last_good_snapshot(connection, "files") is None
        assert ledger_of(ctx)[0].verdict == "incomplete"


def test_a_missing_source_is_named_and_the_rest_is_saved(root, restic_path):
    with house(root, restic_path) as ctx:
        outcome = run_backup(ctx, "pair")
        assert outcome.verdict == "incomplete"
        assert outcome.reasons == (
            f"The source {root / 'disk'} is not there. Mount it, or correct its path in the backup plan.",
        )
        assert outcome.snapshot.files == 6


def test_an_empty_source_may_be_a_disk_that_is_not_mounted(root, restic_path):
    (root / "disk").mkdir()
    with house(root, restic_path) as ctx:
        outcome = run_backup(ctx, "pair")
        assert outcome.verdict == "incomplete"
        assert "holds nothing" in outcome.reasons[0]


def test_without_any_source_restic_is_not_called_and_the_backup_has_failed(root, counted):
    shutil.rmtree(root / "share")
    binary, calls = counted
    with house(root, binary) as ctx:
        outcome = run_backup(ctx, "files")
        assert outcome.verdict == "failed"
        assert outcome.snapshot is None
        assert calls() == []
        assert [row["verdict"] for row in operation_rows(ctx)] == ["failed"]


def test_a_wrong_password_is_the_files_fault_and_is_journalled_as_failed(root, restic_path):
    (root / "password").write_text("another\n")
    with house(root, restic_path) as ctx:
        with pytest.raises(ConfigurationError, match="the password is wrong"):
            run_backup(ctx, "files")
        assert [row["verdict"] for row in operation_rows(ctx)] == ["failed"]
        assert journal_kinds(ctx)[-3:] == ["backup.started", "backup.failed", "backup.finished"]


def test_a_missing_repository_says_how_to_make_one(root, restic_path):
    shutil.rmtree(root / "repository")
    with house(root, restic_path) as ctx, pytest.raises(ConfigurationError, match="tocsin backup init local"):
        run_backup(ctx, "files")
    assert not (root / "repository").exists()


def test_a_server_out_of_reach_is_temporary_and_the_other_repository_is_served(root, restic_path):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        write_workspace(root, PASSWORD, offsite=f"rest:http://127.0.0.1:{unused.getsockname()[1]}/")
    with house(root, restic_path) as ctx:
        with pytest.raises(Temporary, match="out of reach"):
            run_backup(ctx, "twice")
        assert [entry.repository for entry in ledger_of(ctx, "twice")] == ["local"]
        assert [row["verdict"] for row in operation_rows(ctx)] == ["failed", "ok"]


def test_a_locked_repository_is_temporary(root, restic_path):
    environment = {
        **os.environ,
        "RESTIC_REPOSITORY": str(root / "repository"),
        "RESTIC_PASSWORD": PASSWORD,
        "RESTIC_CACHE_DIR": str(root / ".tocsin" / "restic-cache"),
    }
    with house(root, restic_path) as ctx:
        run_backup(ctx, "files")
        # An exclusive lock of a living process, held still while we try.
        holder = subprocess.Popen(
            [restic_path, "check", "--read-data"], env=environment, stdout=subprocess.DEVNULL
        )
        try:
            # A lock is written under another name first, and counts when it has its own.
            _wait_for(lambda: [path for path in (root / "repository" / "locks").iterdir() if len(path.name) == 64])
            holder.send_signal(signal.SIGSTOP)
            with pytest.raises(Temporary, match="locked"):
                run_backup(ctx, "files")
        finally:
            holder.send_signal(signal.SIGCONT)
            holder.wait()
        assert run_backup(ctx, "files").verdict == "ok"
        assert len(ledger_of(ctx)) == 2


def test_a_repository_that_may_not_be_written_fails_and_loses_nothing(root, powerless):
    with house(root, powerless) as ctx:
        run_backup(ctx, "files")
        folders = [path for path in [root / "repository", *(root / "repository").rglob("*")] if path.is_dir()]
        for folder in folders:
            folder.chmod(0o500)
        try:
            with pytest.raises(OperationFailed, match="permission"):
                run_backup(ctx, "files")
        finally:
            for folder in folders:
                folder.chmod(0o700)
        assert [entry.verdict for entry in ledger_of(ctx)] == ["ok"]
        assert [row["verdict"] for row in operation_rows(ctx)] == ["ok", "failed"]


def test_a_full_disk_fails_with_exit_1_and_says_what_is_full(root, restic_path, tmp_path):
    """The state folder's disk is full: the manifest cannot be written, and restic is not called without one."""
    if os.geteuid() != 0:
        pytest.skip("only root can make a small disk in this process's own sight")
    small = root / ".tocsin" / "manifests"
    small.mkdir(parents=True)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "none", small], check=False).returncode:
        pytest.skip("no disk can be mounted here")
    try:
        for number in range(200):
            (root / "share" / f"file-{number}").write_text("x")
        with house(root, restic_path) as ctx:
            with pytest.raises(OperationFailed, match="the disk is full"):
                run_backup(ctx, "files")
            assert [row["verdict"] for row in operation_rows(ctx)] == ["failed"]
            assert ledger_of(ctx) == ()
    finally:
        subprocess.run(["umount", small], check=True)


class ChangeAt:
    """Implements `ports.CrashPoints`: somebody saves a file at the moment a point is passed."""

    def __init__(self, name, path):
        self.name, self.path = name, path

    def reach(self, name):
        if name == self.name:
            self.path.write_text("saved while the backup ran\n")


def test_a_file_changed_while_it_was_backed_up_is_marked_and_excused_later(root, restic_path, tmp_path):
    target = tmp_path / "restored"
    target.mkdir()
    changed = root / "share" / "a.txt"
    with house(root, restic_path, crash=ChangeAt("backup:before-restic", changed)) as ctx:
        outcome = run_backup(ctx, "files")
        assert outcome.verdict == "ok"
        (copy,) = outcome.copies
        assert str(changed) in copy.judged.notes[0]
        (entry,) = ledger_of(ctx)
        assert entry.changed == (str(changed),)
        assert ctx.restic.restore(repository_access(ctx, "local"), entry.id, target).ok
    manifest = read_manifest(target / entry.manifest_path.lstrip("/"))
    for excused in ((), entry.changed):
        compared = verify_restored(manifest, target, changed_during_backup=excused)
        assert compared.is_whole
        assert compared.changed_during_backup == (str(changed),)


def _wait_for(condition, seconds=20):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.01)


def start(root, binary, plan="files", crash_at=""):
    """Back up in a process of its own."""
    tests = Path(__file__).parent.parent
    return subprocess.Popen(
        [sys.executable, "-m", "contract_backups", root, binary, plan],
        env={**os.environ, "PYTHONPATH": str(tests), "TOCSIN_CRASH_AT": crash_at},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("point", POINTS)
def test_after_a_kill_the_next_run_says_what_became_of_it_and_nothing_is_lost(root, restic_path, point):
    with house(root, restic_path) as ctx:
        first = run_backup(ctx, "files").snapshot
    killed = start(root, restic_path, crash_at=f"backup:{point}")
    killed.communicate(timeout=60)
    assert killed.returncode == -signal.SIGKILL
    following = start(root, restic_path)
    said, complained = following.communicate(timeout=60)
    assert following.returncode == 0, complained
    (sentence,) = json.loads(said)["settled"]
    saved = point in {"after-restic", "before-finish"}
    assert ("adopted into the ledger" in sentence) == saved
    assert ("left no snapshot" in sentence) != saved
    with house(root, restic_path) as ctx:
        verdicts = [entry.verdict for entry in ledger_of(ctx)]
        assert verdicts == (["ok", "unknown", "ok"] if saved else ["ok", "ok"])
        assert ledger_of(ctx)[-1] == first
        assert [row["state"] for row in operation_rows(ctx)] == ["finished", "unknown", "finished"]
        assert {snapshot.id for snapshot in ctx.restic.snapshots(repository_access(ctx, "local"))} == {
            entry.id for entry in ledger_of(ctx)
        }
        with ctx.store.read() as connection:
            assert last_good_snapshot(connection, "files") == ledger_of(ctx)[0]
        # Said once: a third run has nothing left to settle.
        assert run_backup(ctx, "files").copies[0].settled == ()


def test_a_kill_in_the_middle_of_restic_leaves_no_lock_that_stops_the_next_run(root, restic_path, tmp_path):
    slow = tmp_path / "slow-restic"
    pid = tmp_path / "pid"
    slow.write_text(f'#!/bin/sh\necho $$ > {pid}\nexec {restic_path} --limit-upload 1 "$@"\n')
    slow.chmod(0o755)
    (root / "share" / "large").write_bytes(os.urandom(3_000_000))
    locks = root / "repository" / "locks"
    killed = start(root, slow)
    _wait_for(lambda: pid.exists() and list(locks.iterdir()))
    killed.kill()
    killed.communicate()
    _wait_for(lambda: not list(locks.iterdir()))  # restic was told, and took its lock away
    following = start(root, restic_path)
    said, complained = following.communicate(timeout=60)
    assert following.returncode == 0, complained
    assert "left no snapshot" in json.loads(said)["settled"][0]


def _running_operations(root, binary):
    with house(root, binary) as ctx:
        return {row["kind"] for row in operation_rows(ctx) if row["state"] == "started"}


def test_two_runs_of_one_plan_never_overlap(root, restic_path, endless):
    endless.rename(root / "share" / "endless")
    running = start(root, restic_path)
    try:
        _wait_for(lambda: "backup" in _running_operations(root, restic_path))
        with house(root, restic_path) as ctx, pytest.raises(Temporary, match="running already") as refused:
            run_backup(ctx, "files")
        assert refused.value.exit_code == 4
    finally:
        running.kill()
        running.communicate()


def test_a_plan_that_is_not_there_is_answered_with_the_nearest(root, restic_path):
    with house(root, restic_path) as ctx:
        with pytest.raises(UsageError, match="Did you mean 'files'"):
            run_backup(ctx, "flies")
        with pytest.raises(UsageError, match="does not use the repository 'locale'"):
            run_backup(ctx, "files", repository="locale")
        assert operation_rows(ctx) == []


def test_an_exclusion_that_is_none_is_refused_before_anything_starts(root, restic_path):
    text = (root / "tocsin.yaml").read_text()
    (root / "tocsin.yaml").write_text(text.replace('"*.tmp"', '"[ab].tmp"'))
    with pytest.raises(ConfigurationError, match=r"tocsin.yaml:\d+:\d+: .*exclude\[0\]: .*'\[' is not supported"):
        load(root)


def test_a_hold_counts_whatever_the_repository_allows(root, restic_path):
    with house(root, restic_path) as ctx:
        run_backup(ctx, "files")
        newest = run_backup(ctx, "files").snapshot
        placed = hold_snapshots(ctx, ["files"], "the share is encrypted", "INC-2026-001")
        assert sorted((hold.snapshot == newest.id, hold.tagged) for hold in placed) == [
            (False, None),
            (True, True),
        ]
        again = hold_snapshots(ctx, ["files"], "the share is encrypted", "INC-2026-001")
        assert {hold.id for hold in again} == {hold.id for hold in placed}
        present = ctx.restic.snapshots(repository_access(ctx, "local"))
        assert {snapshot.identity for snapshot in present} == {hold.snapshot for hold in placed}
        # A tag changes restic's id; to us it is the snapshot it was.
        assert {snapshot.id for snapshot in present} != {hold.snapshot for hold in placed}
        assert not [alarm for alarm in watch(ctx).standing if alarm.kind.startswith("snapshot.")]
        shutil.rmtree(root / "repository")
        other = hold_snapshots(ctx, ["files"], "again", "INC-2026-002")
        assert len(other) == 2
        (refused,) = [hold for hold in other if hold.tagged is not None]
        assert not refused.tagged
        assert "no restic repository" in refused.tag_problem
        release_hold(ctx, placed[0].id, "closed")
        with ctx.store.read() as connection:
            assert len(connection.execute(select(holds).where(holds.c.released_at.is_(None))).all()) == 3
        with pytest.raises(UsageError, match="No hold that stands"):
            release_hold(ctx, placed[0].id, "closed twice")


def test_the_watch_raises_what_is_wrong_once_and_clears_it_when_it_is_over(root, restic_path):
    with house(root, restic_path) as ctx:
        text = (root / "tocsin.yaml").read_text()
        assert "offsite" in text
        entry = run_backup(ctx, "files").snapshot
        kinds = lambda found: sorted((alarm.kind, alarm.subject) for alarm in found)  # noqa: E731
        first = watch(ctx)
        assert kinds(first.raised) == [
            ("backup.never", "plan:pair"),
            ("backup.never", "plan:twice"),
            ("repository.unchecked", "repository:offsite"),
        ]
        assert ledger_of(ctx)[0].tree != ""
        assert watch(ctx).raised == ()
        access = repository_access(ctx, "local")
        foreign = ctx.restic.backup(access, [root / "share"], host="elsewhere").snapshot_id
        (snapshot_file,) = (root / "repository" / "snapshots").glob(f"{entry.id}*")
        kept = snapshot_file.rename(root / "kept")
        assert kinds(watch(ctx).raised) == [
            ("snapshot.foreign", f"snapshot:local/{foreign[:8]}"),
            ("snapshot.missing", f"snapshot:local/{entry.short_id}"),
        ]
        kept.rename(snapshot_file)
        assert kinds(watch(ctx).cleared) == [("snapshot.missing", f"snapshot:local/{entry.short_id}")]
        with ctx.store.read() as connection:
            rows = connection.execute(select(alarms)).all()
            plans = {plan.plan: plan.state for plan in freshness(connection, ctx.workspace, ctx.clock.now())}
        assert len(rows) == 5
        assert plans == {"files": "fresh", "pair": "never", "twice": "never"}


def test_permissions_of_what_is_left_on_the_disk_are_private(root, restic_path):
    with house(root, restic_path) as ctx:
        folder = Path(run_backup(ctx, "files").snapshot.manifest_path)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (*folder.iterdir(), folder.with_name("files.seal"))}
    assert modes == {0o600}
