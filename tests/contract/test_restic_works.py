"""What the real restic does when all is well, and the little accidents that are no failure."""

import os
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from processes import begun_since, children_of
from tocsin.adapters.restic import ResticBinary
from tocsin.errors import OperationFailed


def test_its_version_is_at_least_the_oldest_we_take(restic):
    assert [int(part) for part in restic.version().split(".")[:2]] >= [0, 17]


def test_creating_a_repository_where_one_is_already_is_refused_and_leaves_it_alone(restic, repository):
    config = (Path(repository.location) / "config").read_bytes()
    with pytest.raises(OperationFailed, match="repository offsite: it exists already; nothing was changed"):
        restic.init(repository)
    assert (Path(repository.location) / "config").read_bytes() == config


def test_a_backup_is_listed_with_its_tags_host_and_size(restic, seed, repository):
    before = datetime.now(UTC) - timedelta(seconds=5)
    summary = restic.backup(
        repository, [seed.source], tags=["plan:files", "hold"], host="studio", excludes=["*.bin"]
    )
    assert not summary.incomplete
    assert (summary.unreadable, summary.warnings) == ((), ())
    assert summary.total_files == 2
    assert summary.started_at
    assert summary.finished_at
    assert before < summary.started_at <= summary.finished_at
    newest = restic.snapshots(repository, tags=["hold", "plan:files"])
    assert [snapshot.id for snapshot in newest] == [summary.snapshot_id]
    assert newest[0].paths == (str(seed.source),)
    assert newest[0].hostname == "studio"
    assert (newest[0].total_files, newest[0].total_bytes) == (summary.total_files, summary.total_bytes)
    assert newest[0].time.tzinfo is UTC


def test_snapshots_come_oldest_first_and_none_is_an_empty_list(restic, seed, repository):
    assert [snapshot.id for snapshot in restic.snapshots(repository)] == [seed.first, seed.second]
    assert restic.snapshots(repository, tags=["plan:files", "nobody"]) == ()


def test_a_restore_brings_every_byte_back(restic, seed, repository, tmp_path):
    target = tmp_path / "target"
    target.mkdir()
    heard = []
    summary = restic.restore(repository, seed.second, target, on_progress=heard.append)
    assert summary.ok
    assert summary.errors == ()
    assert summary.files_restored == summary.total_files
    assert heard[-1].fraction == 1.0
    for original in seed.source.rglob("*.*"):
        assert (target / original.relative_to("/")).read_bytes() == original.read_bytes()


def test_a_restore_of_one_file_leaves_the_others(restic, seed, repository, tmp_path):
    target = tmp_path / "target"
    target.mkdir()
    assert restic.restore(repository, seed.first, target, include=[str(seed.source / "letters" / "a.txt")]).ok
    assert [path.read_text()[:12] for path in target.rglob("*.*")] == ["letter a.txt"]


@pytest.mark.parametrize("read_data", [False, True])
def test_a_sound_repository_passes_its_check(restic, repository, read_data):
    summary = restic.check(repository, read_data=read_data)
    assert (summary.ok, summary.errors, summary.broken_packs) == (True, (), ())


def test_tagging_changes_the_id_but_not_the_identity(restic, seed, repository):
    new_id = restic.tag(repository, seed.first, add=["hold", "incident:7"])
    assert new_id != seed.first
    tagged = restic.snapshots(repository, tags=["hold", "incident:7"])
    assert [(snapshot.id, snapshot.identity) for snapshot in tagged] == [(new_id, seed.first)]
    assert restic.tag(repository, new_id, add=["hold"]) == new_id
    with pytest.raises(OperationFailed, match=f"there is no snapshot {seed.first}"):
        restic.tag(repository, seed.first, add=["hold"])


def test_progress_is_heard_while_it_runs_and_no_secret_stands_in_argv(restic, repository, endless, password_file):
    seen = []

    class Enough(BaseException):
        """Prefect, too, ends us with what is no Exception."""

    def on_progress(progress):
        seen.append(progress)
        if len(seen) == 3:
            seen.extend(Path(f"/proc/{child}/cmdline").read_bytes() for child in begun_since(os.getpid(), before))
            raise Enough

    location = f"local:{repository.location}"
    before = children_of(os.getpid())
    with pytest.raises(Enough):
        restic.backup(replace(repository, location=location), [endless], on_progress=on_progress)
    *progress, command = seen
    assert [step.total_bytes for step in progress] == [500 * 10**9] * 3
    assert progress[0].bytes_done < progress[-1].bytes_done
    assert b"backup" in command
    assert repository.location.encode() not in command
    assert str(password_file).encode() not in command


def test_names_that_are_no_utf8_survive_and_break_nothing(restic, seed, repository, tmp_path):
    source = tmp_path / "odd"
    source.mkdir()
    odd = os.fsencode(source) + b"/bad\xff\xfename"
    Path(os.fsdecode(odd)).write_text("still here\n")
    summary = restic.backup(repository, [source])
    target = tmp_path / "target"
    target.mkdir()
    assert restic.restore(repository, summary.snapshot_id, target).ok
    assert Path(os.fsdecode(os.fsencode(target) + odd)).read_text() == "still here\n"
    with pytest.raises(OperationFailed, match=r"bad\\xff\\xfegone") as refused:
        restic.backup(repository, [Path(os.fsdecode(os.fsencode(source) + b"/bad\xff\xfegone"))])
    str(refused.value).encode()


def test_an_unreadable_file_makes_the_backup_incomplete_and_is_named(restic, powerless, repository, tmp_path):
    source = tmp_path / "half"
    source.mkdir()
    (source / "open.txt").write_text("read me")
    (source / "closed.txt").write_text("not me")
    (source / "closed.txt").chmod(0)
    bound = ResticBinary(powerless, cache_dir=tmp_path / "cache", environ=os.environ)
    summary = bound.backup(repository, [source])
    assert summary.incomplete
    assert summary.unreadable == (str(source / "closed.txt"),)
    assert summary.snapshot_id in {snapshot.id for snapshot in restic.snapshots(repository)}


@pytest.fixture
def read_only(repository):
    """The repository on read-only media: mounted so for root, whom permissions do not bind."""
    place = repository.location
    if os.geteuid() != 0:
        locks = Path(place, "locks")
        locks.chmod(0o500)
        yield repository
        locks.chmod(0o700)
        return
    if (
        subprocess.run(["mount", "--bind", "-o", "ro", place, place], check=False, capture_output=True).returncode
        != 0
    ):
        pytest.skip("root without the right to mount: nothing can be made read-only here")
    try:
        yield repository
    finally:
        subprocess.run(["umount", place], check=True)


def test_a_copy_on_read_only_media_can_be_checked_and_restored(restic, seed, read_only, tmp_path):
    target = tmp_path / "target"
    target.mkdir()
    assert restic.check(read_only).ok
    assert restic.restore(read_only, seed.second, target).ok
    with pytest.raises(OperationFailed, match="repository offsite: the backup failed for want of permission"):
        restic.backup(read_only, [seed.source])


def test_a_password_may_come_from_a_command(restic, seed, repository):
    by_command = replace(repository, password_file=None, password_command=f"cat {seed.password_file}")
    assert len(restic.snapshots(by_command)) == 2


def test_a_stray_setting_in_our_own_environment_does_not_redirect_it(restic_path, seed, repository, tmp_path):
    stray = os.environ | {"RESTIC_REPOSITORY": "/nowhere", "RESTIC_PASSWORD": "wrong"}
    restic = ResticBinary(restic_path, cache_dir=tmp_path / "cache", environ=stray)
    assert len(restic.snapshots(repository)) == 2
