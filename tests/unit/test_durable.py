"""A file is wholly there or not at all, private, and a failure is one sentence that leaves nothing behind."""

import os
import resource
from pathlib import Path

import pytest

from tocsin.durable import explained, private_folder, write_durably
from tocsin.errors import OperationFailed


def test_it_writes_the_bytes_for_the_owner_alone(tmp_path):
    write_durably(tmp_path / "a", b"one")
    assert (tmp_path / "a").read_bytes() == b"one"
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_the_mode_asked_for_does_not_depend_on_the_umask(tmp_path):
    before = os.umask(0o077)
    try:
        write_durably(tmp_path / "a", b"", mode=0o644)
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o644


def test_it_replaces_what_was_there(tmp_path):
    (tmp_path / "a").write_bytes(b"old and longer")
    write_durably(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"new"


def test_when_it_cannot_be_written_the_old_file_stands_and_nothing_is_left(tmp_path):
    (tmp_path / "a").write_bytes(b"old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(OperationFailed, match=r"Could not write .*/a: .*What stood there before is unchanged"):
            write_durably(tmp_path / "a", b"x" * 5000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (tmp_path / "a").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's full device")
def test_a_full_disk_is_said_so(tmp_path):
    with (
        pytest.raises(OperationFailed, match="the disk is full"),
        explained(tmp_path),
        Path("/dev/full").open("wb", 0) as full,
    ):
        full.write(b"x")


def test_a_missing_folder_is_said_so(tmp_path):
    with pytest.raises(OperationFailed, match="the folder does not exist"):
        write_durably(tmp_path / "no" / "a", b"")


def test_a_folder_in_the_way_is_said_so(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(OperationFailed, match="that is a folder"):
        write_durably(tmp_path / "a", b"")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_file_where_a_folder_belongs_is_said_so(tmp_path):
    (tmp_path / "a").write_bytes(b"")
    with pytest.raises(OperationFailed, match="a part of that path is a file"):
        private_folder(tmp_path / "a" / "b")


def test_a_private_folder_is_private_also_when_it_was_there(tmp_path):
    (tmp_path / "open").mkdir(mode=0o755)
    for name in ("open", "new/deep"):
        folder = private_folder(tmp_path / name)
        assert folder.stat().st_mode & 0o777 == 0o700
