"""What a person reads when the real restic cannot do it: one clear sentence, and the exit code it ends with."""

import os
import shutil
import socket
import stat
import subprocess
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tocsin.adapters.restic import ResticBinary
from tocsin.errors import ConfigurationError, OperationFailed, Temporary, UsageError
from tocsin.ports import DumpCommand, RepositoryAccess


def test_a_missing_source_is_named_and_nothing_is_backed_up(restic, seed, repository, tmp_path):
    gone = tmp_path / "gone"
    with pytest.raises(OperationFailed, match=f"repository offsite: nothing was backed up: missing {gone}"):
        restic.backup(repository, [seed.source, gone])
    assert len(restic.snapshots(repository)) == 2


def test_a_source_that_is_a_symbolic_link_is_refused_since_only_the_link_would_be_kept(
    restic, seed, repository, tmp_path
):
    link = tmp_path / "share"
    link.symlink_to(seed.source)
    with pytest.raises(OperationFailed, match=f"{link} is a symbolic link"):
        restic.backup(repository, [link])


def test_a_wrong_password_is_a_matter_of_configuration(restic, repository, tmp_path):
    other = tmp_path / "other"
    other.write_text("not this one\n")
    other.chmod(0o600)
    with pytest.raises(ConfigurationError) as refused:
        restic.snapshots(replace(repository, password_file=other))
    assert str(refused.value) == "repository offsite: the password is wrong"


def test_lost_key_files_are_told_from_a_wrong_password(restic, repository):
    for key in Path(repository.location, "keys").iterdir():
        key.unlink()
    with pytest.raises(ConfigurationError, match="all its key files are gone"):
        restic.snapshots(repository)


def test_no_password_is_noticed_before_restic_is_called(repository, tmp_path):
    restic = ResticBinary(tmp_path / "never called", cache_dir=tmp_path, environ={})
    with pytest.raises(ConfigurationError, match="repository offsite: no password is set"):
        restic.snapshots(replace(repository, password_file=None))
    with pytest.raises(ConfigurationError, match=r"password file .*absent: No such file"):
        restic.snapshots(replace(repository, password_file=tmp_path / "absent"))
    (tmp_path / "empty").touch(mode=0o600)
    with pytest.raises(ConfigurationError, match="empty is empty"):
        restic.snapshots(replace(repository, password_file=tmp_path / "empty"))
    (tmp_path / "open").write_text("secret")
    (tmp_path / "open").chmod(0o644)
    with pytest.raises(ConfigurationError, match="open to every user of this machine; chmod 600"):
        restic.snapshots(replace(repository, password_file=tmp_path / "open"))


def test_a_failing_password_command_is_a_matter_of_configuration(restic, repository):
    with pytest.raises(ConfigurationError, match="repository offsite: restic got no password"):
        restic.snapshots(replace(repository, password_file=None, password_command="false"))


def test_no_repository_names_the_place_but_not_the_password_in_it(restic, repository, tmp_path):
    with pytest.raises(ConfigurationError, match=f"there is no restic repository at {tmp_path}/nowhere"):
        restic.snapshots(replace(repository, location=str(tmp_path / "nowhere")))


def test_a_missing_binary_says_how_to_get_one(repository, tmp_path):
    restic = ResticBinary(tmp_path / "restic", cache_dir=tmp_path / "cache", environ={})
    with pytest.raises(ConfigurationError, match=r"No such file.*`make setup`"):
        restic.version()
    with pytest.raises(ConfigurationError, match=r"No such file.*`make setup`"):
        restic.snapshots(repository)


def test_a_locked_repository_is_temporary_and_says_who_holds_it(restic, repository, endless, locks):
    running, enough = threading.Event(), threading.Event()

    class Enough(Exception):  # noqa: N818 - it is no error
        pass

    def on_progress(progress):
        running.set()
        if enough.is_set():
            raise Enough

    def back_up():
        with pytest.raises(Enough):
            restic.backup(repository, [endless], on_progress=on_progress)

    holder = threading.Thread(target=back_up)
    holder.start()
    try:
        assert running.wait(20)
        with pytest.raises(
            Temporary, match=rf"repository offsite: it is locked by process \d+ of \S+ on {socket.gethostname()}"
        ):
            restic.check(repository)
        assert len(restic.snapshots(repository)) == 2
    finally:
        enough.set()
        holder.join(20)
    assert not holder.is_alive()
    assert locks(repository) == []


def test_a_stale_lock_is_told_from_a_live_one_and_unlock_removes_it(
    restic, restic_path, repository, endless, locks
):
    environment = {
        "RESTIC_REPOSITORY": repository.location,
        "RESTIC_PASSWORD_FILE": str(repository.password_file),
        "RESTIC_CACHE_DIR": str(restic.cache_dir),
        "PATH": os.environ["PATH"],
    }
    with subprocess.Popen([restic_path, "backup", "--quiet", endless], env=environment) as holder:
        until = time.monotonic() + 20
        while not locks(repository) and time.monotonic() < until:
            time.sleep(0.05)
        holder.kill()
    assert len(locks(repository)) == 1
    with pytest.raises(Temporary, match=f"locked by process {holder.pid}.* that process is gone"):
        restic.check(repository)
    restic.unlock(repository)
    assert locks(repository) == []
    assert restic.check(repository).ok


@pytest.fixture
def cramped(restic_path, repository, tmp_path) -> ResticBinary:
    """restic in a mount space of its own, where the repository lies on a disk of 3 MB."""
    enter = "unshare --mount" if os.geteuid() == 0 else "unshare --user --map-root-user --mount"
    if subprocess.run(
        [*enter.split(), "mount", "-t", "tmpfs", "none", "/mnt"], check=False, capture_output=True
    ).returncode:
        pytest.skip("neither root nor user namespaces: no small disk can be made here")
    wrapper = tmp_path / "cramped-restic"
    place = repository.location
    wrapper.write_text(
        f"#!/bin/sh\nexec {enter} sh -c 'mount -t tmpfs -o size=3m none {place} && cp -a {place}.seed/. {place} "
        f'&& exec {restic_path} "$@"\' sh "$@"\n'
    )
    wrapper.chmod(0o755)
    shutil.copytree(place, f"{place}.seed")
    return ResticBinary(wrapper, cache_dir=tmp_path / "cache", environ=os.environ)


def test_a_full_disk_fails_the_backup_and_says_so(cramped, repository, tmp_path):
    (tmp_path / "large").write_bytes(os.urandom(8_000_000))
    with pytest.raises(OperationFailed, match="repository offsite: the disk is full, so the backup failed"):
        cramped.backup(repository, [tmp_path / "large"])


def test_a_full_disk_ends_a_dump_at_once_where_restic_would_wait_for_ever(cramped, repository, tmp_path):
    scratch = tmp_path / "scratch"
    scratch.mkdir(mode=0o700)
    dump = DumpCommand("studio.noise.dump", scratch, argv=("head", "-c", "60000000", "/dev/urandom"))
    began = time.monotonic()
    with pytest.raises(OperationFailed, match="repository offsite: the disk is full, so the backup failed"):
        cramped.backup_dump(repository, dump)
    assert time.monotonic() - began < 60
    assert list(scratch.iterdir()) == []


def test_a_repository_that_may_not_be_written_fails_the_backup(powerless, seed, repository, tmp_path):
    for folder in (Path(repository.location), *Path(repository.location).rglob("*")):
        if folder.is_dir():
            folder.chmod(0o500)
    restic = ResticBinary(powerless, cache_dir=tmp_path / "cache", environ=os.environ)
    try:
        with pytest.raises(OperationFailed, match="repository offsite: the backup failed for want of permission"):
            restic.backup(repository, [seed.source])
    finally:
        for folder in (Path(repository.location), *Path(repository.location).rglob("*")):
            folder.chmod(folder.stat().st_mode | stat.S_IRWXU)


def test_a_target_that_may_not_be_written_is_not_taken_for_a_damaged_backup(powerless, seed, repository, tmp_path):
    target = tmp_path / "target"
    target.mkdir(mode=0o500)
    restic = ResticBinary(powerless, cache_dir=tmp_path / "cache", environ=os.environ)
    with pytest.raises(OperationFailed, match="the restore could not write its files"):
        restic.restore(repository, seed.second, target)


def test_a_restore_wants_an_empty_folder_and_a_snapshots_id(restic, seed, repository, tmp_path):
    with pytest.raises(OperationFailed, match="is no folder"):
        restic.restore(repository, seed.first, tmp_path / "absent")
    with pytest.raises(OperationFailed, match="is not empty"):
        restic.restore(repository, seed.first, tmp_path)
    empty = tmp_path / "empty"
    empty.mkdir()
    for no_id in ("latest", "--help", "", seed.first[:7]):
        with pytest.raises(UsageError, match="is no snapshot id"):
            restic.restore(repository, no_id, empty)
    with pytest.raises(OperationFailed, match="there is no such snapshot"):
        restic.restore(repository, "0123456789", empty)


@pytest.mark.parametrize("tag", ["", "one,two"])
def test_a_tag_that_restic_would_split_is_refused(restic, seed, repository, tag):
    with pytest.raises(UsageError, match="cannot be a snapshot's tag"):
        restic.backup(repository, [seed.source], tags=[tag])


def test_a_server_out_of_reach_is_temporary_within_the_limit_and_its_password_stays_secret(restic, seed):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    access = RepositoryAccess("offsite", f"rest:http://studio:hunter22@127.0.0.1:{port}/r/", seed.password_file)
    began = time.monotonic()
    with pytest.raises(Temporary, match="repository offsite: its server is out of reach") as refused:
        restic.snapshots(access)
    assert time.monotonic() - began < 10
    assert "connection refused" in str(refused.value)
    assert "hunter22" not in str(refused.value) + repr(access)
    assert "studio" not in repr(access)
