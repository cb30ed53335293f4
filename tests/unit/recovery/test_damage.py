"""Naming a damaged object without restic, and telling what is damaged from what is far away."""

import hashlib

import pytest

from tocsin.recovery.damage import DamagedObject, Reach, damaged_objects, reach


@pytest.fixture
def repository(tmp_path):
    for folder in ("keys", "index", "snapshots", "data", "locks"):
        (tmp_path / folder).mkdir()
    (tmp_path / "config").write_bytes(b"sealed")
    return tmp_path


def put(folder, content):
    path = folder / hashlib.sha256(content).hexdigest()
    path.write_bytes(content)
    return path


def test_sound_files_and_unfinished_uploads_are_no_damage(repository):
    put(repository / "keys", b"key")
    put(repository / "index", b"index")
    (repository / "snapshots" / "abcd-tmp-123").write_bytes(b"half")
    assert damaged_objects(str(repository)) == ()


@pytest.mark.parametrize(("folder", "kind"), [("keys", "key"), ("index", "index"), ("snapshots", "snapshot")])
def test_a_file_that_is_not_what_its_name_says_is_named(repository, folder, kind):
    put(repository / folder, b"sound")
    victim = put(repository / folder, b"whole")
    victim.write_bytes(b"whale")
    (found,) = damaged_objects(f"local:{repository}")
    assert isinstance(found, DamagedObject)
    assert found.what == f"{kind} {victim.name}"


def test_an_emptied_file_is_damage_too(repository):
    victim = put(repository / "keys", b"key")
    victim.write_bytes(b"")
    assert [found.what for found in damaged_objects(str(repository))] == [f"key {victim.name}"]


def test_a_server_s_repository_is_left_to_restic():
    assert reach("rest:https://backup/studio") is Reach.REMOTE
    assert damaged_objects("rest:https://backup/studio") == ()


def test_what_is_there_is_told_from_what_is_damaged_and_what_is_far_away(repository, tmp_path):
    assert reach(str(repository)) is Reach.THERE
    (repository / "config").unlink()
    assert reach(str(repository)) is Reach.GONE
    assert reach(str(tmp_path / "not mounted")) is Reach.OUT_OF_REACH
    (tmp_path / "mount point").mkdir()
    assert reach(str(tmp_path / "mount point")) is Reach.OUT_OF_REACH
