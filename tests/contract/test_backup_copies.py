"""A second repository filled from the first, on the real restic: dumped and read once, copied, known everywhere."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from cheap_keys import make_cheap
from contract_backups import house, write_workspace
from tocsin.backups import (
    attempt_backup,
    copy_behind,
    create_repository,
    forget_snapshots,
    hold_snapshots,
    last_clean_snapshot,
    ledger,
    plan_backup,
    plan_copies,
    run_backup,
    watch,
)
from tocsin.backups.due import backup_if_due
from tocsin.doctor.outside import check_repositories
from tocsin.errors import ConfigurationError, Temporary, UsageError
from tocsin.recovery.ledger import choose_snapshot
from tocsin.recovery.restoring import list_snapshots, locate, restore_and_verify
from tocsin.repositories import repository_access
from tocsin.store.tables import journal
from tocsin.workspace import load

PASSWORD = "a password nobody else has"
OTHER = "and another for the other site"
WORKSPACE = """\
tocsin: 1
organisation: {name: Harbour & Quill}
repositories:
  local: {location: repository, password: "file:password"}
  offsite: {location: offsite, password: "env:OFFSITE_PASSWORD", from: local}
systems:
  server: {title: The file server, kind: file_share, paths: [share]}
datasets:
  letters: {title: Letters, label: personal, systems: [server], backup_plan: files}
backup_plans:
  files:
    title: The file share
    sources: [{paths: [share]}, {dump: {name: crm, kind: sqlite, path: crm.db}}]
    repositories: [local, offsite]
    retention: {last: 1}
    schedule: "30 2 * * *"
    rpo: 24h
    rto: 4h
"""


@pytest.fixture(scope="module")
def made(restic_path, tmp_path_factory):
    """A workspace with both repositories, the second made like the first, and nothing in them."""
    root = tmp_path_factory.mktemp("copies") / "workspace"
    write_workspace(root, PASSWORD)
    (root / "tocsin.yaml").write_text(WORKSPACE)
    (root / "share").mkdir()
    (root / "share" / "a.txt").write_text("a letter\n" * 500)
    with sqlite3.connect(root / "crm.db") as database:
        database.execute("create table client (name text)")
    with pytest.MonkeyPatch.context() as patch, house(root, restic_path) as ctx:
        patch.setenv("OFFSITE_PASSWORD", OTHER)
        with pytest.raises(ConfigurationError, match="repository local: there is no restic repository"):
            create_repository(ctx, "offsite")
        create_repository(ctx, "local")
        create_repository(ctx, "offsite")
    make_cheap(root / "repository", PASSWORD, restic_path)
    make_cheap(root / "offsite", OTHER, restic_path)
    return root


@pytest.fixture
def root(made, tmp_path, monkeypatch):
    monkeypatch.setenv("OFFSITE_PASSWORD", OTHER)
    shutil.copytree(made, tmp_path / "workspace")
    return tmp_path / "workspace"


def rows_in(ctx, repository):
    with ctx.store.read() as connection:
        return [one for one in ledger(connection, "files") if one.repository == repository]


def away(root):
    (root / "offsite").rename(root / "elsewhere")


def back(root):
    (root / "elsewhere").rename(root / "offsite")


def test_sources_are_read_once_and_the_second_repository_gets_everything(root, restic_path, tmp_path):
    with house(root, restic_path) as ctx:
        outcome = run_backup(ctx, "files")
        (copied,) = outcome.copied
        assert outcome.verdict == "ok"
        assert [copy.repository for copy in outcome.copies] == ["local"]
        first, second = rows_in(ctx, "local"), rows_in(ctx, "offsite")
        assert {one.id for one in first} == {one.id for one in second} == {one.id for one in copied.entries}
        assert {one.dump for one in second} == {"", "crm"}
        assert all(one.copy_id not in {one.id, None} for one in second)
        listed = {one.id: one for one in ctx.restic.snapshots(repository_access(ctx, "offsite"))}
        assert {one.copy_id for one in second} == set(listed)
        assert watch(ctx).standing == ()
        assert ctx.restic.chunker(repository_access(ctx, "local")) == ctx.restic.chunker(
            repository_access(ctx, "offsite")
        )
        with ctx.store.read() as connection:
            chosen = choose_snapshot(connection, "files", repository="offsite")
            assert choose_snapshot(connection, "files").repository == "local"
        (tmp_path / "back").mkdir()
        listing = list_snapshots(ctx, repository_access(ctx, "offsite"))
        assert restore_and_verify(ctx, chosen, listing, tmp_path / "back").ok
        with ctx.store.read() as connection:
            texts = (
                connection.execute(select(journal.c.payload).where(journal.c.kind.like("copy.%"))).scalars().all()
            )
        assert len(texts) == 2
        assert not any(secret in text for text in texts for secret in (PASSWORD, OTHER))


def test_a_copy_may_be_held_and_forgotten_like_any_other(root, restic_path):
    with house(root, restic_path) as ctx:
        run_backup(ctx, "files")
        hold_snapshots(ctx, ["files"], "An incident", None)
        (one,) = [
            hold for hold in hold_snapshots(ctx, ["files"], "An incident", None) if hold.repository == "offsite"
        ][:1]
        assert one.snapshot in {entry.id for entry in rows_in(ctx, "local")}
        run_backup(ctx, "files")
        run_backup(ctx, "files")
        assert watch(ctx).standing == ()
        forgotten = forget_snapshots(ctx, "offsite")
        assert (len(forgotten.removed), forgotten.refused) == (2, ())
        copied = run_backup(ctx, "files").copied
        assert [len(done.entries) for done in copied] == [2]  # what was forgotten does not come back
        held = next(entry for entry in rows_in(ctx, "offsite") if entry.id == one.snapshot)
        listing = list_snapshots(ctx, repository_access(ctx, "offsite"))
        with ctx.store.read() as connection:
            again = choose_snapshot(connection, "files", snapshot_id=held.id, repository="offsite")
        assert locate(listing, again).original == held.id


def test_a_second_repository_out_of_reach_stops_nothing_and_is_caught_up(root, restic_path):
    with house(root, restic_path) as ctx:
        now = ctx.clock.now()
        away(root)
        outcome = attempt_backup(ctx, "files")
        assert (outcome.errors, [name for name, _ in outcome.uncopied]) == ((), ["offsite"])
        assert outcome.copies[0].judged.is_ok
        with pytest.raises(ConfigurationError, match="repository offsite"):
            backup_if_due(ctx, "files", now)  # never claimed: due, saved, and not copied
        back(root)
        assert [len(waiting) for *_, waiting in plan_copies(ctx, "files")] == [4]
        caught_up = backup_if_due(ctx, "files", now)
        assert (caught_up.copies, len(caught_up.copied[0].entries)) == ((), 4)
        assert backup_if_due(ctx, "files", now).reason == "Not due: its last due time was acted on."
        assert plan_backup(ctx, "files").copies == (("offsite", "local", 0),)


KILLED_AT = ("backup:after-dump", "copy:before-restic", "copy:after-restic", "copy:before-finish")


@pytest.mark.parametrize("point", KILLED_AT)
def test_a_kill_9_between_dump_files_and_copy_loses_nothing_and_copies_nothing_twice(root, restic_path, point):
    killed = start(root, restic_path, crash_at=point)
    killed.communicate(timeout=60)
    assert killed.returncode == -signal.SIGKILL
    with house(root, restic_path) as ctx:
        # What is there without the ledger knowing is ours, and no stranger.
        assert not [one for one in watch(ctx).standing if one.kind.startswith("snapshot.")]
        outcome = run_backup(ctx, "files")
        assert outcome.verdict == "ok"
        good = {entry.id for entry in rows_in(ctx, "local") if entry.verdict == "ok"}
        assert {entry.id for entry in rows_in(ctx, "offsite")} == good
        assert len(good) == (2 if point == "backup:after-dump" else 4)
        assert len(ctx.restic.snapshots(repository_access(ctx, "offsite"))) == len(good)
        assert watch(ctx).standing == ()


def start(root, binary, crash_at):
    """Back up in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "contract_backups", root, binary, "files"],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent), "TOCSIN_CRASH_AT": crash_at},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_copy_that_waits_too_long_is_an_alarm_and_last_clean_knows_both(root, restic_path):
    with house(root, restic_path) as ctx:
        run_backup(ctx, "files", repository="local")
        (clean, *_) = last_clean_snapshot(ctx, "server")
        assert clean.entry.repository == "local"
        later = replace(ctx, clock=Later(ctx.clock, days=2))
        assert "copy.behind" in {one.kind for one in watch(later).standing}
        copy_behind(ctx, "files")
        assert "copy.behind" not in {one.kind for one in watch(later).standing}


class Later:
    def __init__(self, clock, days):
        self._clock, self._days = clock, timedelta(days=days)

    def now(self):
        return self._clock.now() + self._days

    def monotonic(self):
        return self._clock.monotonic()


def test_the_doctor_says_when_two_repositories_cut_files_differently(root, restic_path):
    with house(root, restic_path) as ctx:
        assert [one.outcome for one in check_repositories(ctx)] == ["ok", "ok"]
        shutil.rmtree(root / "offsite")
        ctx.restic.init(repository_access(ctx, "offsite"))
        (_, second) = check_repositories(ctx)
        assert (second.outcome, "cuts files differently" in second.seen) == ("warning", True)


@pytest.mark.parametrize(
    ("was", "becomes", "words"),
    [
        ("from: local", "from: offsite", "offsite cannot be filled from itself"),
        ("from: local", "from: loca", "no repository 'loca'"),
        ("repositories: [local, offsite]", "repositories: [offsite]", "so this plan must use that one too"),
    ],
)
def test_a_copy_that_cannot_be_is_refused_by_the_check(root, was, becomes, words):
    (root / "tocsin.yaml").write_text(WORKSPACE.replace(was, becomes))
    with pytest.raises(ConfigurationError, match=words):
        load(root)


def test_a_plan_without_a_copy_is_told_so(root, restic_path):
    (root / "tocsin.yaml").write_text(WORKSPACE.replace(", from: local", ""))
    with house(root, restic_path) as ctx, pytest.raises(UsageError, match="is filled from another"):
        copy_behind(ctx, "files")


def test_two_accounts_that_exclude_each_other_are_refused(root, restic_path):
    with house(root, restic_path) as ctx:
        one = replace(repository_access(ctx, "local"), environment={"AWS_ACCESS_KEY_ID": "one"})
        other = replace(repository_access(ctx, "offsite"), environment={"AWS_ACCESS_KEY_ID": "two"})
        with pytest.raises(ConfigurationError, match="AWS_ACCESS_KEY_ID is one value here and another in local"):
            ctx.restic.copy(one, other, ["0123456789abcdef"])


def test_a_server_that_is_away_is_temporary_and_names_the_second(root, restic_path):
    text = WORKSPACE.replace("location: offsite", "location: 'rest:http://127.0.0.1:1/r/'")
    (root / "tocsin.yaml").write_text(text)
    with house(root, restic_path) as ctx:
        run_backup(ctx, "files", repository="local")
        with pytest.raises(Temporary, match="repository offsite: its server is out of reach"):
            run_backup(ctx, "files", repository="offsite")
