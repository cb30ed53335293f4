"""One flipped byte anywhere in a repository, and what names it."""

import re
from pathlib import Path

import pytest

from tocsin.errors import OperationFailed

PACK, INDEX, SNAPSHOT, KEY, CONFIG = "data/*/*", "index/*", "snapshots/*", "keys/*", "config"


def flip(path: Path, position: int) -> Path:
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.chmod(0o600)
    path.write_bytes(content)
    return path


def files(repository, pattern) -> list[Path]:
    """The files of one kind, the largest first."""
    return sorted(Path(repository.location).glob(pattern), key=lambda path: -path.stat().st_size)


@pytest.fixture
def target(tmp_path) -> Path:
    path = tmp_path / "target"
    path.mkdir()
    return path


def test_a_flip_in_a_packs_content_names_the_restored_file_and_spares_the_rest(restic, seed, repository, target):
    pack = flip(files(repository, PACK)[0], 1000)
    restored = restic.restore(repository, seed.second, target)
    assert not restored.ok
    [(path, why)] = restored.errors
    assert path in {str(seed.source / name) for name in ("one.bin", "two.bin")}
    assert why.startswith(f"pack {pack.name[:8]} is damaged or missing")
    assert restored.files_restored == restored.total_files - 1
    assert restic.check(repository).ok  # why a plain check is not enough
    checked = restic.check(repository, read_data=True)
    assert (checked.ok, checked.broken_packs) == (False, (pack.name,))


def test_a_flip_in_a_packs_header_harms_no_file_and_only_a_full_check_names_it(restic, seed, repository, target):
    pack = flip(files(repository, PACK)[0], -40)
    assert restic.restore(repository, seed.second, target).ok
    checked = restic.check(repository, read_data=True)
    assert (checked.ok, checked.broken_packs) == (False, (pack.name,))


def test_a_lost_pack_is_named_by_restore_and_check(restic, seed, repository, target):
    pack = files(repository, PACK)[0]
    pack.unlink()
    restored = restic.restore(repository, seed.second, target)
    assert {str(seed.source / name) for name in ("one.bin", "two.bin")} <= {path for path, _ in restored.errors}
    assert all(why.startswith(f"pack {pack.name[:10]} is damaged or missing") for _, why in restored.errors)
    checked = restic.check(repository)
    assert (checked.ok, checked.broken_packs) == (False, (pack.name,))


def test_a_flip_in_a_folder_list_names_the_tree_and_its_pack(restic, seed, repository, target):
    trees = [pack for pack in files(repository, PACK) if 500 < pack.stat().st_size < 20_000]
    for pack in trees:
        flip(pack, 10)
    restored = restic.restore(repository, seed.second, target)
    assert not restored.ok
    folder, why = restored.errors[0]
    # Which folder's list lies first in the pack depends on the names above it.
    assert Path(folder) in {
        seed.source,
        *seed.source.parents,
        *(path for path in seed.source.rglob("*") if path.is_dir()),
    }
    assert re.match(r"tree [0-9a-f]{8} in pack (?P<pack>[0-9a-f]{8}) is damaged", why)["pack"] in {
        pack.name[:8] for pack in trees
    }
    checked = restic.check(repository)
    assert not checked.ok
    assert any("error for tree" in error and "ciphertext verification failed" in error for error in checked.errors)
    assert not any("troubleshooting" in error for error in checked.errors)


@pytest.mark.parametrize(
    ("pattern", "kind"), [(INDEX, "index"), (SNAPSHOT, "snapshot"), (KEY, "key"), (CONFIG, "config")]
)
def test_a_flip_elsewhere_makes_restore_impossible_and_is_named(restic, seed, repository, target, pattern, kind):
    found = (
        Path(repository.location, "snapshots", seed.second)
        if kind == "snapshot"
        else files(repository, pattern)[0]
    )
    flip(found, 25)
    thing = "config" if kind == "config" else f"{kind} {found.name[:8]}"
    with pytest.raises(OperationFailed, match=f"repository offsite: the restore failed.*is damaged: {thing}"):
        restic.restore(repository, seed.second, target)
    if kind in {"index", "snapshot"}:
        checked = restic.check(repository)
        assert not checked.ok
        assert any(found.name[:8] in error for error in checked.errors)
    else:
        with pytest.raises(OperationFailed, match=f"the check failed.*is damaged: {thing}"):
            restic.check(repository)


def test_a_damaged_snapshot_does_not_silently_vanish_from_the_list(restic, seed, repository):
    flip(Path(repository.location, "snapshots", seed.second), 25)
    with pytest.raises(OperationFailed, match=f"snapshot {seed.second} is damaged"):
        restic.snapshots(repository)
    told = {}
    left = restic.snapshots(repository, on_damaged=told.__setitem__)
    assert [snapshot.id for snapshot in left] == [seed.first]
    assert "invalid data" in told[seed.second]


def test_a_lost_config_is_no_repository_any_more_and_a_lost_index_is_named(restic, seed, repository, target):
    for index in files(repository, INDEX):
        index.unlink()
    restored = restic.restore(repository, seed.second, target)
    assert not restored.ok
    assert restored.errors[0][0].startswith("object ")
    assert not restic.check(repository).ok
