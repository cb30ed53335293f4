"""A recovery on a real repository: verified first, moved into place after, nothing overwritten, nothing left."""

import os
import stat
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, select, update

from backed_up_ground import Ground, enter, ground_at, make_seed
from simulators.chance import CrashAt, PowerCut
from tocsin.errors import OperationFailed, Refused, UsageError
from tocsin.recovery import SnapshotGone, Wish, plan_recovery, recover, scratch, sweep_scratch
from tocsin.recovery.ledger import choose_snapshot
from tocsin.recovery.placing import root_of
from tocsin.store.tables import journal, journal_private
from tocsin.store.tables import operation as operations
from tocsin.store.tables import snapshot as snapshots

LETTER = "letters/a client's letter.txt"


@pytest.fixture(scope="session")
def recover_seed(tmp_path_factory, restic_path):
    return make_seed(tmp_path_factory.getbasetemp() / "backed-up", restic_path)


@pytest.fixture
def ground(tmp_path, recover_seed, restic_path):
    (tmp_path / "workspace").mkdir()
    with ground_at(tmp_path / "workspace", recover_seed, restic_path) as ground:
        yield ground


@pytest.fixture
def share(tmp_path):
    return tmp_path / "share"


def tree(folder):
    return {
        str(path.relative_to(folder)): str(path.readlink()) if path.is_symlink() else path.read_bytes()
        for path in folder.rglob("*")
        if path.is_symlink() or path.is_file()
    }


def kinds(ground: Ground):
    with ground.ctx.store.read() as connection:
        return [kind for (kind,) in connection.execute(select(journal.c.kind).order_by(journal.c.seq))]


def left_beside(share):
    return sorted(path.name for path in share.parent.iterdir() if path.name not in {"share", "workspace"})


def test_it_brings_the_newest_good_snapshot_back_into_a_new_folder(ground, share):
    done = recover(ground.ctx, "files", Wish(share))
    assert tree(share) == tree(ground.seed.source)
    assert (done.files, done.aside) == (8, None)
    assert done.snapshot.id == ground.seed.second.id
    assert timedelta(0) < done.age < timedelta(hours=1)
    assert done.took > timedelta(0)
    assert left_beside(share) == []
    assert ground.scratch == []
    assert kinds(ground)[-3:] == ["recovery.started", "recovery.placed", "recovery.finished"]


def test_it_brings_back_modes_and_times(ground, share):
    recover(ground.ctx, "files", Wish(share))
    for name in ("photo-1.raw", "letters"):
        was, now_is = (ground.seed.source / name).stat(), (share / name).stat()
        assert (now_is.st_mode, now_is.st_mtime_ns) == (was.st_mode, was.st_mtime_ns)


def test_it_goes_into_an_empty_folder_and_keeps_its_parent_as_it_was(ground, share):
    share.mkdir()
    recover(ground.ctx, "files", Wish(share))
    assert tree(share) == tree(ground.seed.source)


def test_it_takes_the_last_one_before_the_attack(ground, share):
    before = ground.seed.second.time - timedelta(microseconds=1)
    recover(ground.ctx, "files", Wish(share, not_after=before))
    assert (share / LETTER).read_text().startswith("Dear Maya,\n")


def test_it_takes_the_snapshot_named_by_its_first_digits(ground, share):
    done = recover(ground.ctx, "files", Wish(share, snapshot_id=ground.seed.first.id[:8]))
    assert done.snapshot.id == ground.seed.first.id


def test_it_refuses_to_write_over_what_is_there(ground, share):
    share.mkdir()
    (share / "today's work").write_text("not yet backed up")
    with pytest.raises(Refused, match="is not empty; nothing was changed"):
        recover(ground.ctx, "files", Wish(share))
    assert tree(share) == {"today's work": b"not yet backed up"}
    assert "recovery.started" not in kinds(ground)


def test_replace_moves_the_old_folder_aside_and_deletes_nothing(ground, share):
    share.mkdir()
    (share / "photo-1.raw.locked").write_text("encrypted")
    done = recover(ground.ctx, "files", Wish(share, replace=True))
    assert tree(share) == tree(ground.seed.source)
    assert done.aside.name.startswith("share.before-recovery-")
    assert tree(done.aside) == {"photo-1.raw.locked": b"encrypted"}
    with ground.ctx.store.read() as connection:
        private = {row.name: row.text for row in connection.execute(select(journal_private))}
    assert private == {"destination": str(share), "aside": str(done.aside)}


def test_it_brings_back_a_part(ground, share):
    done = recover(ground.ctx, "files", Wish(share, include=(Path("letters"),)))
    assert set(tree(share)) == {LETTER, "letters/empty"}
    assert done.files == 2


def test_a_part_with_pattern_letters_in_its_name_means_itself(ground, share):
    with pytest.raises(OperationFailed, match="nothing was put in place"):
        recover(ground.ctx, "files", Wish(share, include=(Path("photo-*.raw"),)))
    assert not share.exists()


def test_a_part_outside_the_backup_is_an_error_of_usage(ground, share):
    with pytest.raises(UsageError, match="is not part of this backup"):
        recover(ground.ctx, "files", Wish(share, include=(Path("/etc"),)))


def test_damage_keeps_everything_as_it_was_and_names_the_file(ground, share):
    share.mkdir()
    (share / "encrypted").write_text("x")
    ground.flip_a_photo()
    with pytest.raises(OperationFailed, match="nothing was put in place") as told:
        recover(ground.ctx, "files", Wish(share, replace=True))
    assert "--before" in str(told.value)
    assert ".raw: " in str(told.value)
    assert tree(share) == {"encrypted": b"x"}
    assert left_beside(share) == []
    with ground.ctx.store.read() as connection:
        row = connection.execute(select(operations).where(operations.c.kind == "recovery")).one()
    assert (row.state, row.verdict) == ("finished", "failed")


def test_sound_files_alone_come_back_when_somebody_decides_so(ground, share):
    ground.flip_a_photo()
    done = recover(ground.ctx, "files", Wish(share, accept_damage=True))
    (lost,) = done.left_out
    assert lost.endswith(".raw")
    whole = tree(ground.seed.source)
    del whole[str(Path(lost).relative_to(ground.seed.source))]
    assert tree(share) == whole
    with ground.ctx.store.read() as connection:
        row = connection.execute(select(operations).where(operations.c.kind == "recovery")).one()
    assert (row.verdict, row.detail["left_out"]) == ("incomplete", 1)


def test_without_its_manifest_nothing_is_sound_whatever_somebody_decides(ground, share):
    ctx, second = ground.ctx, replace(ground.seed.second, manifest_sha256="0" * 64)
    with ctx.store.write(ctx.actor) as tx:
        tx.execute(delete(snapshots).where(snapshots.c.id == second.id))
    enter(ctx.store, second)
    with pytest.raises(OperationFailed, match="is not the one recorded at the backup"):
        recover(ctx, "files", Wish(share, accept_damage=True))
    assert not share.exists()


def test_a_replaced_manifest_keeps_everything_as_it_was(ground, share):
    with ground.ctx.store.write(ground.ctx.actor) as tx:
        tx.execute(update(snapshots).values(manifest_sha256="0" * 64))
    with pytest.raises(OperationFailed, match="does not agree with the journal"):
        recover(ground.ctx, "files", Wish(share))
    assert not share.exists()


def test_a_snapshot_that_was_deleted_is_named_with_what_to_do(ground, share):
    (ground.repository / "snapshots" / ground.seed.second.id).unlink()
    with pytest.raises(SnapshotGone, match="no longer holds snapshot"):
        recover(ground.ctx, "files", Wish(share))
    assert recover(ground.ctx, "files", Wish(share, snapshot_id=ground.seed.first.id)).files == 8


def test_no_good_snapshot_is_told_with_what_to_do(ground, share):
    with ground.ctx.store.write(ground.ctx.actor) as tx:
        tx.execute(delete(snapshots))
    with pytest.raises(OperationFailed, match="tocsin backup run files"):
        recover(ground.ctx, "files", Wish(share))


@pytest.mark.parametrize(
    ("asked", "answer"), [("12ab", "too short"), ("0123456789", "has no snapshot '0123456789'")]
)
def test_an_unknown_snapshot_is_an_error_of_usage(ground, share, asked, answer):
    with pytest.raises(UsageError, match=answer):
        recover(ground.ctx, "files", Wish(share, snapshot_id=asked))


def test_an_unknown_plan_is_answered_with_the_nearest(ground, share):
    with pytest.raises(UsageError, match="Did you mean 'files'"):
        recover(ground.ctx, "fles", Wish(share))


def test_it_never_goes_over_the_store_or_a_repository(ground):
    root = ground.ctx.workspace.root
    for folder in (root, root.parent, root / "repository", root / ".tocsin", root / "repository" / "data"):
        with pytest.raises(Refused):
            recover(ground.ctx, "files", Wish(folder, replace=True))
    assert (root / "repository" / "config").exists()


def test_a_plan_of_it_touches_nothing(ground, share):
    plan = plan_recovery(ground.ctx, "files", Wish(share))
    assert plan.snapshot.id == ground.seed.second.id
    assert not share.exists()
    assert "recovery.started" not in kinds(ground)


def test_too_little_room_is_told_before_anything_is_started(ground, share):
    with ground.ctx.store.write(ground.ctx.actor) as tx:
        tx.execute(update(snapshots).values(bytes=10**18))
    with pytest.raises(OperationFailed, match="are free"):
        recover(ground.ctx, "files", Wish(share))
    assert "recovery.started" not in kinds(ground)


@pytest.mark.parametrize(("point", "there"), [("recovery:verified", False), ("recovery:placed", True)])
def test_a_power_cut_leaves_the_old_or_the_new_and_no_copy(
    tmp_path, recover_seed, restic_path, share, point, there
):
    root = tmp_path / "workspace"
    root.mkdir()
    with ground_at(root, recover_seed, restic_path, CrashAt(point)) as ground:
        with pytest.raises(PowerCut):
            recover(ground.ctx, "files", Wish(share))
        assert share.exists() is there
        if there:
            assert tree(share) == tree(recover_seed.source)
        assert left_beside(share) == []


def test_the_sweep_removes_what_a_dead_process_left_even_read_only_folders(ground, share):
    records = ground.ctx.workspace.state_folder / "scratch"
    with scratch(ground.ctx, "recovery", beside=share.parent) as area:
        record = next(records.glob("*.json"))
        kept = record.read_text()
    area.mkdir()
    (area / "deep").mkdir()
    (area / "deep" / "client data").write_text("x")
    (area / "deep").chmod(0o500)
    record.write_text(kept.replace(f'"{os.getpid()}:', '"999999:'))
    assert sweep_scratch(ground.ctx) == (record.stem,)
    assert not area.exists()
    assert not record.exists()
    assert kinds(ground)[-1] == "scratch.removed"


REMOVE = """
import sys
from pathlib import Path
from tocsin.recovery.scratch import remove_scratch
remove_scratch(Path(sys.argv[1]))
"""


def test_somebody_without_root_s_powers_can_remove_restored_folders_they_may_not_write(tmp_path):
    area = tmp_path / "area"
    (area / "closed" / "read-only").mkdir(parents=True)
    (area / "closed" / "read-only" / "letter").write_text("x")
    for folder, mode in (("closed/read-only", 0o500), ("closed", 0o000), ("", 0o500)):
        (area / folder).chmod(mode)
    drop = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"]
    argv = [*(drop if os.geteuid() == 0 else []), sys.executable, "-c", REMOVE, str(area)]
    if os.geteuid() == 0 and subprocess.run([*drop, "true"], check=False, capture_output=True).returncode:
        pytest.skip("root without the right to give rights up: permissions bind nobody here")
    subprocess.run(argv, check=True)
    assert not area.exists()


def test_a_forged_scratch_record_cannot_have_another_folder_removed(ground, tmp_path):
    precious = tmp_path / "precious"
    precious.mkdir()
    records = ground.ctx.workspace.state_folder / "scratch"
    with scratch(ground.ctx, "drill"):
        record = next(records.glob("*.json"))
        text = record.read_text().replace(f'"{os.getpid()}:', '"999999:')
    (records / "drill-evil.json").write_text(text.replace(str(records / record.stem), str(precious)))
    assert sweep_scratch(ground.ctx) == ()
    assert precious.is_dir()


def test_the_area_is_nobody_else_s_to_enter(ground):
    with scratch(ground.ctx, "drill") as area:
        assert stat.S_IMODE(area.stat().st_mode) == 0o700


def test_several_sources_come_back_below_their_common_folder(ground):
    with ground.ctx.store.read() as connection:
        snapshot = choose_snapshot(connection, "files")
    manifest = "/w/.tocsin/manifests/f"
    two = replace(snapshot, paths=("/srv/a/x", "/srv/a/y", manifest), manifest_path=manifest)
    assert str(root_of(two.sources)) == "/srv/a"
