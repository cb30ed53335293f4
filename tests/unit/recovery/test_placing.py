"""Putting verified data in place: refused where it must be, one rename where it may."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tocsin.errors import OperationFailed, Refused, UsageError
from tocsin.recovery.placing import leave_only, plan_placement, put_in_place, root_of

NOW = datetime(2026, 11, 20, 17, 40, tzinfo=UTC)


def planned(destination, *, replace=False, protected=()):
    return plan_placement(destination, protected, NOW, replace=replace)


@pytest.fixture
def restored(tmp_path):
    folder = tmp_path / "area" / "srv" / "share"
    folder.mkdir(parents=True)
    (folder / "a").write_text("a")
    return folder


def test_a_new_folder_is_one_rename(tmp_path, restored):
    put_in_place(restored, planned(tmp_path / "share"))
    assert (tmp_path / "share" / "a").read_text() == "a"
    assert not restored.exists()


def test_an_empty_folder_is_filled(tmp_path, restored):
    (tmp_path / "share").mkdir()
    put_in_place(restored, planned(tmp_path / "share"))
    assert (tmp_path / "share" / "a").read_text() == "a"


def test_a_full_one_is_refused_and_with_replace_moved_aside(tmp_path, restored):
    share = tmp_path / "share"
    share.mkdir()
    (share / "old").write_text("old")
    with pytest.raises(Refused, match="--replace"):
        planned(share)
    placement = planned(share, replace=True)
    put_in_place(restored, placement)
    assert placement.aside == tmp_path / "share.before-recovery-20261120T174000Z"
    assert (placement.aside / "old").read_text() == "old"
    assert [path.name for path in share.iterdir()] == ["a"]


def test_replace_without_anything_there_moves_nothing(tmp_path):
    assert planned(tmp_path / "share", replace=True).aside is None


def test_a_single_file_goes_into_the_folder(tmp_path, restored):
    put_in_place(restored / "a", planned(tmp_path / "share"))
    assert (tmp_path / "share" / "a").read_text() == "a"


def test_a_mounted_disk_is_filled_child_by_child_and_never_moved(tmp_path, restored, monkeypatch):
    disk = tmp_path / "disk"
    disk.mkdir()
    monkeypatch.setattr(os.path, "ismount", lambda path: path == disk)  # mounting needs rights a test has not
    placement = planned(disk)
    assert placement.area_parent == disk
    put_in_place(restored, placement)
    assert (disk / "a").read_text() == "a"
    with pytest.raises(Refused, match="mounted disk"):
        planned(disk, replace=True)


@pytest.mark.parametrize("kind", ["file", "link", "no parent"])
def test_what_cannot_be_a_destination_is_an_error_of_usage(tmp_path, kind):
    destination = tmp_path / "share"
    if kind == "file":
        destination.write_text("x")
    elif kind == "link":
        destination.symlink_to(tmp_path)
    else:
        destination = destination / "deeper"
    with pytest.raises(UsageError):
        planned(destination, replace=True)


def test_a_link_on_the_way_does_not_get_around_what_is_protected(tmp_path):
    (tmp_path / "store").mkdir()
    (tmp_path / "way").symlink_to(tmp_path)
    for name in ("way/store", "way/store/deeper"):
        with pytest.raises(Refused):
            planned(tmp_path / name, replace=True, protected=[tmp_path / "store"])


def test_a_failed_move_says_where_everything_is(tmp_path):
    share = tmp_path / "share"
    share.mkdir()
    (share / "old").write_text("old")
    placement = planned(share, replace=True)
    with pytest.raises(OperationFailed, match=r"What was there before is at .*before-recovery"):
        put_in_place(Path("/proc/self/fdinfo"), placement)  # nothing moves out of there
    assert (placement.aside / "old").read_text() == "old"


def test_the_manifest_does_not_come_along(tmp_path):
    area = tmp_path / "area"
    for path in ("w/.tocsin/manifests/files/manifest.sha256", "w/data/a", "w/mail/b"):
        (area / path).parent.mkdir(parents=True, exist_ok=True)
        (area / path).write_text("x")
    (area / "w/data/empty").mkdir()
    top = leave_only(area, Path("/w"), Path("/w/.tocsin/manifests/files"), [Path("/w/data"), Path("/w/mail")])
    assert top == area / "w"
    assert sorted(str(path.relative_to(top)) for path in top.rglob("*")) == [
        "data", "data/a", "data/empty", "mail", "mail/b",
    ]  # fmt: skip


def test_the_root_of_several_sources_is_their_common_folder():
    assert str(root_of(["/srv/a/x", "/srv/a/y"])) == "/srv/a"
    assert str(root_of(["/srv/a"])) == "/srv/a"
