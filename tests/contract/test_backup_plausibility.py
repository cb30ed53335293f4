"""The ransomware alarm on the real restic: a night of encryption, and what a person makes of it afterwards."""

import shutil
from random import Random

import pytest
from sqlalchemy import select

from cheap_keys import make_cheap
from contract_backups import house, write_workspace
from tocsin.backups import (
    Explanation,
    explain,
    held_snapshots,
    last_clean_snapshot,
    ledger,
    run_backup,
    standing_suspicions,
    watch,
)
from tocsin.errors import TocsinError, UsageError
from tocsin.repositories import repository_access
from tocsin.store.tables import alarm as alarms
from tocsin.store.tables import journal
from tocsin.store.tables import pause as pauses

PASSWORD = "a password nobody else has"
SYSTEMS = """\
systems:
  server: {title: The file server, kind: file_share, paths: [share]}
datasets:
  letters: {title: Letters, label: personal, systems: [server], backup_plan: files}
"""


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
    """A share of thirty letters and a canary, in a workspace that knows the server they lie on."""
    root = tmp_path / "workspace"
    write_workspace(root, PASSWORD)
    text = (root / "tocsin.yaml").read_text()
    text = text.replace(
        "    title: The file share\n", "    title: The file share\n    canaries: [share/~canary.txt]\n"
    )
    (root / "tocsin.yaml").write_text(text + SYSTEMS)
    shutil.copytree(empty_repository, root / "repository")
    (root / "share").mkdir()
    for number in range(30):
        (root / "share" / f"letter-{number}.txt").write_text(f"letter {number}\n" * 50)
    (root / "share" / "~canary.txt").write_text("nobody has a reason to change this\n")
    return root


def encrypt(root):
    noise = Random(1)
    for path in (root / "share").glob("letter-*.txt"):
        path.write_bytes(noise.randbytes(path.stat().st_size))


def standing(ctx, table, column):
    with ctx.store.read() as connection:
        return connection.execute(select(table).where(column.is_(None))).mappings().all()


def suspicions(ctx):
    with ctx.store.read() as connection:
        return standing_suspicions(connection)


def test_an_encrypted_share_is_flagged_and_everything_that_protects_the_clean_ones_happens(root, restic_path):
    with house(root, restic_path) as ctx:
        first = run_backup(ctx, "files").copies[0]
        assert (first.suspicion, first.entry.plausibility) == (None, "clean")
        encrypt(root)
        second = run_backup(ctx, "files").copies[0]
        assert second.entry.plausibility == "flagged"
        assert [code for code, _ in second.suspicion.reasons] == ["encrypted"]
        assert "30 of 31 files look encrypted" in second.suspicion.sentences[0]
        (alarm,) = standing(ctx, alarms, alarms.c.cleared_at)
        assert (alarm["kind"], alarm["subject"]) == ("backup.implausible", "plan:files")
        assert "letter" not in alarm["text"]
        assert [pause["what"] for pause in standing(ctx, pauses, pauses.c.lifted_at)] == ["retention:files"]
        with ctx.store.read() as connection:
            assert held_snapshots(connection) == {("local", first.entry.id)}
        # The next night nothing changes, and what is saved is as bad as before.
        third = run_backup(ctx, "files").copies[0]
        assert third.entry.plausibility == "flagged"
        assert "backup.implausible" in {alarm.kind for alarm in watch(ctx).standing}
        doubts = [alarm for alarm in standing(ctx, alarms, alarms.c.cleared_at) if "implausible" in alarm["kind"]]
        assert len(doubts) == 1
        clean = last_clean_snapshot(ctx, "server")[0]
        assert clean.entry.id == first.entry.id
        assert [passed.entry.id for passed in clean.passed_over] == [third.entry.id, second.entry.id]


def test_what_was_expected_counts_as_clean_and_the_alarm_leaves_nothing_behind(root, restic_path):
    with house(root, restic_path) as ctx:
        run_backup(ctx, "files")
        encrypt(root)
        flagged = run_backup(ctx, "files").copies[0].entry
        explain(ctx, "files", Explanation.EXPECTED, "We sealed the archive ourselves")
        assert suspicions(ctx) == ()
        assert standing(ctx, alarms, alarms.c.cleared_at) == []
        assert standing(ctx, pauses, pauses.c.lifted_at) == []
        with ctx.store.read() as connection:
            assert held_snapshots(connection) == frozenset()
            assert {entry.plausibility for entry in ledger(connection)} == {"clean"}
        assert last_clean_snapshot(ctx, "server")[0].entry.id == flagged.id
        with pytest.raises(UsageError, match="No suspicion stands"):
            explain(ctx, "files", Explanation.EXPECTED, "again")


def test_after_damage_is_put_right_new_backups_are_clean_and_the_bad_ones_never(root, restic_path):
    with house(root, restic_path) as ctx:
        first = run_backup(ctx, "files").copies[0].entry
        encrypt(root)
        bad = run_backup(ctx, "files").copies[0].entry
        for number in range(30):
            (root / "share" / f"letter-{number}.txt").write_text(f"letter {number}\n" * 50)
        explain(ctx, "files", Explanation.DAMAGE, "Restored from the snapshot before")
        again = run_backup(ctx, "files").copies[0].entry
        assert again.plausibility == "clean"
        with ctx.store.read() as connection:
            assert {entry.id: entry.plausibility for entry in ledger(connection)}[bad.id] == "flagged"
            assert held_snapshots(connection) == {("local", first.id)}


def test_a_night_without_a_repository_does_not_make_the_next_one_clean(root, restic_path):
    with house(root, restic_path) as ctx:
        run_backup(ctx, "files")
        encrypt(root)
        (root / "repository").rename(root / "away")
        with pytest.raises(TocsinError):
            run_backup(ctx, "files")
        assert len(suspicions(ctx)) == 1
        (root / "away").rename(root / "repository")
        assert run_backup(ctx, "files").copies[0].entry.plausibility == "flagged"


@pytest.mark.parametrize("touch", ["change", "remove"])
def test_a_canary_is_an_alarm_by_itself(root, restic_path, touch):
    with house(root, restic_path) as ctx:
        run_backup(ctx, "files")
        canary = root / "share" / "~canary.txt"
        canary.write_text("somebody did\n") if touch == "change" else canary.unlink()
        copy = run_backup(ctx, "files").copies[0]
        assert [code for code, _ in copy.suspicion.reasons] == ["canary"]
        with ctx.store.read() as connection:
            entry = connection.execute(select(journal.c.payload).where(journal.c.kind == "backup.implausible"))
            assert "canary.txt" not in entry.scalar_one()


def test_ordinary_work_is_clean_day_after_day(root, restic_path):
    with house(root, restic_path) as ctx:
        for number in range(4):
            (root / "share" / f"new-{number}.txt").write_text("new\n" * 90)
            (root / "share" / f"letter-{number}.txt").write_text("rewritten\n" * 90)
            assert run_backup(ctx, "files").copies[0].entry.plausibility == "clean"


def test_last_clean_heeds_the_intrusion_and_says_when_nothing_will_do(root, restic_path):
    with house(root, restic_path) as ctx:
        first = run_backup(ctx, "files").copies[0].entry
        second = run_backup(ctx, "files").copies[0].entry
        assert last_clean_snapshot(ctx, "server", second.time)[0].entry.id == second.id
        chosen = last_clean_snapshot(ctx, "server", first.time)[0]
        assert chosen.entry.id == first.id
        assert "after the intrusion" in chosen.passed_over[0].why
        assert last_clean_snapshot(ctx, "server", checked_only=True)[0].entry is None
        with pytest.raises(UsageError, match="There is no system 'sever'"):
            last_clean_snapshot(ctx, "sever")
