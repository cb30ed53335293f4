"""Check, forget and prune on the real restic: what goes, what never does, and what a repository may be believed."""

import os
import shutil
import signal
import subprocess
import time
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from cheap_keys import make_cheap
from contract_backups import house, write_workspace
from processes_of_servers import rest_server, serving
from tocsin.backups import (
    check_key,
    check_repository,
    forget_snapshots,
    hold_snapshots,
    last_clean_snapshot,
    ledger,
    maintain_if_due,
    prune_repository,
    run_backup,
    watch,
)
from tocsin.backups.metrics import metrics
from tocsin.backups.plausibility import Judged, Sign
from tocsin.backups.signs import Signs
from tocsin.backups.suspecting import raise_suspicion
from tocsin.errors import Refused, Temporary, UsageError
from tocsin.repositories import repository_access
from tocsin.store.operations import begin
from tocsin.store.tables import alarm as alarms
from tocsin.store.tables import journal

PASSWORD = "a password nobody else has"
SYSTEMS = """\
systems:
  server: {title: The file server, kind: file_share, paths: [share]}
datasets:
  letters: {title: Letters, label: personal, systems: [server], backup_plan: files}
"""
MAINTENANCE = """\
    maintenance:
      check: {schedule: "0 4 * * *", read_all_over: 3d}
      forget: "0 5 * * *"
      prune: "0 6 * * 0"
"""


@pytest.fixture(scope="module")
def taken(restic_path, tmp_path_factory):
    """A workspace with three backups in its repository, made once and copied for each test."""
    root = tmp_path_factory.mktemp("upkeep") / "workspace"
    write_workspace(root, PASSWORD)
    text = (root / "tocsin.yaml").read_text().replace(
        "    title: The file share\n", "    title: The file share\n    retention: {last: 1}\n"
    ).replace(
        '  local: {location: repository, password: "file:password"}\n',
        f'  local:\n    location: repository\n    password: "file:password"\n{MAINTENANCE}',
    )  # fmt: skip
    (root / "tocsin.yaml").write_text(text + SYSTEMS)
    (root / "share").mkdir()
    (root / "share" / "big.bin").write_bytes(os.urandom(600_000))
    with house(root, restic_path) as ctx:
        ctx.restic.init(repository_access(ctx, "local"))
        make_cheap(root / "repository", PASSWORD, restic_path)
        for number in range(3):
            (root / "share" / f"{number}.txt").write_text(f"{number}\n" * 99)
            run_backup(ctx, "files")
    return root


@pytest.fixture
def root(taken, tmp_path):
    # The sources' own paths stay those of the first workspace; only the ledger and the repository are used.
    shutil.copytree(taken, tmp_path / "workspace")
    return tmp_path / "workspace"


def entries_of(ctx):
    with ctx.store.read() as connection:
        return ledger(connection, "files")


def restic_says(ctx, *words):
    access = repository_access(ctx, "local")
    argv = [str(ctx.restic.binary), "-r", access.location, "-p", str(access.password_file), "--no-cache", *words]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


def in_repository(ctx):
    return {found.identity for found in ctx.restic.snapshots(repository_access(ctx, "local"))}


def kinds_of(ctx):
    return {alarm.kind for alarm in watch(ctx).standing if alarm.kind.startswith("snapshot.")}


def test_forget_removes_what_retention_lets_go_and_sees_that_it_is_gone(root, restic_path):
    with house(root, restic_path) as ctx:
        newest, *older = entries_of(ctx)
        assert [one.id for one in forget_snapshots(ctx, "local", dry_run=True).thinned["files"].removed] == [
            entry.id for entry in older
        ]
        assert len(in_repository(ctx)) == 3
        done = forget_snapshots(ctx, "local")
        assert {entry.id for entry in done.removed} == {entry.id for entry in older}
        assert in_repository(ctx) == {newest.id}
        assert [entry.gone_at is None for entry in entries_of(ctx)] == [True, False, False]
        assert kinds_of(ctx) == set()  # what we removed ourselves is not missing
        prune_repository(ctx, "local")
        assert check_repository(ctx, "local", read_all=True).ok


def test_a_held_snapshot_is_never_forgotten(root, restic_path):
    with house(root, restic_path) as ctx:
        hold_snapshots(ctx, ["files"], "The court asks for it")
        assert forget_snapshots(ctx, "local").removed == ()
        assert len(in_repository(ctx)) == 3


def test_nothing_is_removed_from_a_repository_somebody_else_had_hands_in(root, restic_path):
    with house(root, restic_path) as ctx:
        (root / "evil").mkdir()
        (root / "evil" / "x").write_text("x")
        restic_says(ctx, "backup", "--time", "2031-01-01 00:00:00", "--host", "harbour-quill", "--tag", "tocsin,plan:files", str(root / "evil"))  # fmt: skip
        with pytest.raises(Refused, match=r"dated in the future.*is not in our ledger"):
            forget_snapshots(ctx, "local")
        with pytest.raises(Refused, match="Nothing was removed"):
            prune_repository(ctx, "local")
        assert len(in_repository(ctx)) == 4
        assert kinds_of(ctx) == {"snapshot.future", "snapshot.foreign"}


def test_a_deleted_and_a_retagged_snapshot_are_named(root, restic_path):
    with house(root, restic_path) as ctx:
        _, second, third = entries_of(ctx)
        restic_says(ctx, "forget", second.id)
        restic_says(ctx, "tag", "--set", "harmless", third.id)
        assert kinds_of(ctx) == {"snapshot.missing", "snapshot.retagged"}
        with pytest.raises(Refused, match="gone from the repository local"):
            forget_snapshots(ctx, "local")


def test_a_refused_removal_is_noticed_though_restic_says_it_is_done(root, restic_path):
    if rest_server() is None:
        pytest.skip("no REST server of restic here; `make setup` brings one")
    (root / "served").mkdir()
    (root / "repository").rename(root / "served" / "r")
    with serving(root / "served", "--append-only", "--no-auth") as port:
        text = (root / "tocsin.yaml").read_text()
        (root / "tocsin.yaml").write_text(
            text.replace("location: repository\n", f"location: rest:http://127.0.0.1:{port}/r/\n", 1)
        )
        with house(root, restic_path) as ctx:
            done = forget_snapshots(ctx, "local")
            assert done.removed == ()
            assert len(done.refused) == 2
            assert all(entry.gone_at is None for entry in entries_of(ctx))


def test_each_check_reads_the_next_part_until_all_is_read_and_a_failed_one_again(root, restic_path):
    with house(root, restic_path) as ctx:
        read = [check_repository(ctx, "local") for _ in range(4)]
        assert [(one.ok, one.part, one.parts) for one in read] == [
            (True, 1, 3), (True, 2, 3), (True, 3, 3), (True, 1, 3),
        ]  # fmt: skip


def test_damage_raises_an_alarm_and_no_snapshot_there_is_the_last_clean_one(root, restic_path):
    with house(root, restic_path) as ctx:
        assert check_repository(ctx, "local").ok
        assert last_clean_snapshot(ctx, "server")[0].checked_at is not None
        pack = max(
            (root / "repository" / "data").rglob("*"), key=lambda path: path.stat().st_size * path.is_file()
        )
        sound = pack.read_bytes()
        pack.chmod(0o600)
        pack.write_bytes(sound[:1000] + bytes([sound[1000] ^ 1]) + sound[1001:])
        checked = check_repository(ctx, "local", read_all=True)
        assert not checked.ok
        assert any(pack.name[:8] in error for error in checked.errors)
        found = last_clean_snapshot(ctx, "server")[0]
        assert found.entry is None
        assert "found damage" in found.passed_over[0].why
        pack.write_bytes(sound)
        assert check_repository(ctx, "local", read_all=True).ok
        with ctx.store.read() as connection:
            rows = connection.execute(select(alarms.c.cleared_at).where(alarms.c.kind == "repository.damaged"))
            assert [at is not None for at in rows.scalars()] == [True]


def test_prune_is_refused_while_an_alarm_is_not_explained(root, restic_path):
    with house(root, restic_path) as ctx:
        raise_suspicion(ctx, "files", Signs(), Judged(100, ((Sign.CANARY, "The canary was changed."),)))
        with pytest.raises(Refused, match="plausibility alarm that nobody has explained"):
            prune_repository(ctx, "local")
        done = forget_snapshots(ctx, "local")
        assert (done.removed, done.stopped) == ((), ("files",))


def test_two_jobs_never_run_on_one_repository_at_once(root, restic_path):
    with house(root, restic_path) as ctx:
        begin(ctx.store, ctx.actor, "maintenance", "repository:local")
        with pytest.raises(Temporary, match="running already"):
            check_repository(ctx, "local")


def test_a_lock_whose_process_is_gone_is_removed_with_the_evidence_journalled(root, restic_path):
    with house(root, restic_path) as ctx:
        access = repository_access(ctx, "local")
        locks = root / "repository" / "locks"
        argv = [str(restic_path), "-r", access.location, "-p", str(access.password_file), "--no-cache"]
        sleeping = subprocess.Popen([*argv, "backup", "--stdin-from-command", "--", "sleep", "60"], start_new_session=True)  # fmt: skip
        until = time.monotonic() + 20
        while not any(locks.iterdir()) and time.monotonic() < until:
            time.sleep(0.05)
        with pytest.raises(Temporary, match="locked by"):
            forget_snapshots(ctx, "local")  # its process lives
        assert any(locks.iterdir())
        os.killpg(sleeping.pid, signal.SIGKILL)
        sleeping.wait()
        assert len(forget_snapshots(ctx, "local").removed) == 2
        assert not any(locks.iterdir())
        with ctx.store.read() as connection:
            told = connection.execute(select(journal.c.payload).where(journal.c.kind == "repository.unlocked"))
            assert f'"process":{sleeping.pid}' in told.scalar_one()


def test_what_is_due_is_done_once_and_another_host_leaves_it_alone(root, restic_path):
    with house(root, restic_path) as ctx:
        now = datetime.now(UTC)
        told = maintain_if_due(ctx, "local", now)
        assert [(one.repository, one.is_well) for one in told] == [("local", True)] * 3
        assert "2 snapshots forgotten" in told[1].sentence
        assert maintain_if_due(ctx, "local", now) == ()
        assert maintain_if_due(ctx, "local", now + timedelta(days=1))[0].sentence.startswith("local: sound")
    text = (root / "tocsin.yaml").read_text()
    (root / "tocsin.yaml").write_text(
        text.replace('      prune: "0 6', '      host: the-pruner\n      prune: "0 6')
    )
    with house(root, restic_path) as ctx:
        assert maintain_if_due(ctx, "local", now + timedelta(days=9)) == ()


def test_the_key_in_the_safe_opens_the_repository_or_it_is_said_that_it_does_not(root, restic_path, tmp_path):
    copy = tmp_path / "from-the-safe"
    copy.write_text(PASSWORD + "\n")
    copy.chmod(0o600)
    with house(root, restic_path) as ctx:
        (root / "password").write_text("what the server knows counts for nothing\n")
        checked = check_key(ctx, "local", copy)
        assert (checked.opens, checked.snapshots) == (True, 3)
        copy.write_text("an older password\n")
        checked = check_key(ctx, "local", copy)
        assert not checked.opens
        assert "password" in checked.why
        with pytest.raises(UsageError, match="the file this machine uses"):
            check_key(ctx, "local", root / "password")


def test_the_metrics_tell_what_the_ledger_knows(root, restic_path):
    with house(root, restic_path) as ctx:
        check_repository(ctx, "local")
        with ctx.store.read() as connection:
            told = metrics(connection, ctx.workspace, datetime.now(UTC))
    lines = dict(line.rsplit(" ", 1) for line in told.splitlines() if not line.startswith("#"))
    assert lines['tocsin_backup_fresh{plan="files"}'] == "1"
    assert lines['tocsin_backup_fresh{plan="pair"}'] == "0"
    assert lines['tocsin_backup_doubted{plan="files"}'] == "0"
    assert lines['tocsin_backup_files{plan="files",repository="local"}'] == "7"  # four, the manifest's two, a head
    assert float(lines['tocsin_backup_newest_age_seconds{plan="files",repository="local"}']) < 600
    assert 0 < float(lines['tocsin_backup_duration_seconds{plan="files",repository="local"}']) < 60
    assert lines['tocsin_repository_sound{repository="local"}'] == "1"
    assert lines["tocsin_alarms_standing"] == "0"
