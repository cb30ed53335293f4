"""The drill on a real repository: what passes, what fails and by what name, what could not run, what is left."""

import json
import os
import pickle
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, select, update

from backed_up_ground import HOUR, Taken, enter, flip, ground_at, make_seed, now, with_targets
from simulators.chance import CrashAt, PowerCut
from tocsin.drills import Verdict, drill_history, drill_if_due, last_drill, run_drill
from tocsin.drills.verdict import Code
from tocsin.errors import Interrupted, Temporary, UsageError
from tocsin.model.workspace import Repository
from tocsin.recovery import scratch, sweep_scratch
from tocsin.repositories import repository_access
from tocsin.store.tables import journal
from tocsin.store.tables import snapshot as snapshots

DRILL = "files-quarterly"


@pytest.fixture(scope="session")
def drill_seed(tmp_path_factory, restic_path):
    return make_seed(tmp_path_factory.getbasetemp() / "backed-up", restic_path)


@pytest.fixture
def ground(tmp_path, drill_seed, restic_path):
    with ground_at(tmp_path, drill_seed, restic_path) as ground:
        yield ground


def codes(outcome):
    return {finding.code for finding in outcome.verdict.findings}


def things(outcome):
    return {finding.thing for finding in outcome.verdict.failing}


def kinds(ctx):
    with ctx.store.read() as connection:
        return [kind for (kind,) in connection.execute(select(journal.c.kind).order_by(journal.c.seq))]


# --- it passes --------------------------------------------------------------------------------------------


def test_it_passes_on_a_sound_backup_and_leaves_evidence_and_nothing_else(ground):
    ctx = ground.ctx
    outcome = run_drill(ctx, DRILL)
    assert outcome.verdict.verdict is Verdict.PASSED, outcome.verdict
    assert outcome.exit_code == 0
    assert outcome.verdict.findings == ()
    assert ground.scratch == []
    assert kinds(ctx)[-2:] == ["drill.started", "drill.finished"]

    report = json.loads(outcome.report.json.read_bytes())
    assert report["verdict"] == "passed"
    assert report["snapshot"]["id"] == ground.seed.second.id
    assert report["restore"]["files_matching"] == 8
    assert report["scratch_removed"] is True
    assert report["rto"]["measured_ms"] > 0
    page = outcome.report.html.read_text()
    assert "8 files" in page
    assert "<script" not in page
    assert "http://" not in page
    assert "https://" not in page

    with ctx.store.read() as connection:
        assert last_drill(connection, DRILL).verdict == "passed"
        (past,) = drill_history(connection, DRILL)
    assert ctx.workspace.root / past.report == outcome.report.html
    assert past.rto > timedelta(0)


def test_it_restores_a_snapshot_that_was_tagged_since_and_now_has_another_id(ground):
    ctx = ground.ctx
    new_id = ctx.restic.tag(repository_access(ctx, "local"), ground.seed.second.id, add=["held"])
    assert new_id != ground.seed.second.id
    assert run_drill(ctx, DRILL).verdict.verdict is Verdict.PASSED


# --- one flipped byte -------------------------------------------------------------------------------------


@pytest.mark.parametrize("within", [0.0, 0.5, 1.0])
def test_a_flipped_byte_in_restored_data_names_the_file(ground, within):
    pack = ground.flip_a_photo(within)
    outcome = run_drill(ground.ctx, DRILL)
    assert outcome.verdict.verdict is Verdict.FAILED
    assert outcome.exit_code == 1
    named = {thing for thing in things(outcome) if thing.startswith(str(ground.seed.source))}
    assert len(named) == 1, outcome.verdict
    assert named.pop().endswith(".raw")
    assert f"pack {pack}" in things(outcome)
    assert ground.scratch == []


def test_a_flipped_byte_in_a_pack_header_names_the_pack(ground):
    for pack in ground.files("data")[:2]:
        flip(pack, pack.stat().st_size - 1)
    outcome = run_drill(ground.ctx, DRILL)
    assert outcome.verdict.verdict is Verdict.FAILED
    assert {f"pack {pack.name}" for pack in ground.files("data")[:2]} <= things(outcome)


def test_a_flipped_byte_in_a_folder_s_listing_names_the_pack(ground):
    smallest = ground.files("data")[-1]
    flip(smallest, 10)
    outcome = run_drill(ground.ctx, DRILL)
    assert outcome.verdict.verdict is Verdict.FAILED
    assert f"pack {smallest.name}" in things(outcome)


@pytest.mark.parametrize(("kind", "called"), [("index", "index"), ("snapshots", "snapshot"), ("keys", "key")])
def test_a_flipped_byte_elsewhere_names_the_object(ground, kind, called):
    for place in (0, -1):
        victim = ground.files(kind)[-1]
        offset = victim.stat().st_size // 3 if place else 0
        flip(victim, offset)
        outcome = run_drill(ground.ctx, DRILL)
        assert outcome.verdict.verdict is Verdict.FAILED
        assert f"{called} {victim.name}" in things(outcome), outcome.verdict
        flip(victim, offset)


def test_a_flipped_byte_in_the_config_names_it(ground):
    flip(ground.repository / "config", 77)
    outcome = run_drill(ground.ctx, DRILL)
    assert outcome.verdict.verdict is Verdict.FAILED
    assert Code.WILL_NOT_OPEN in codes(outcome)
    assert any("config" in finding.sentence for finding in outcome.verdict.failing)


# --- other ways to fail -----------------------------------------------------------------------------------


def test_a_wrong_password_is_a_failed_drill_because_nobody_could_restore(ground, tmp_path):
    (tmp_path / "wrong").write_text("not it")
    (tmp_path / "wrong").chmod(0o600)
    wrong = Repository(location="repository", password="file:wrong").known_as("local")
    ctx = replace(ground.ctx, workspace=replace(ground.ctx.workspace, repositories={"local": wrong}))
    outcome = run_drill(ctx, DRILL)
    assert outcome.verdict.verdict is Verdict.FAILED
    assert codes(outcome) == {Code.WILL_NOT_OPEN}


def test_a_snapshot_deleted_from_the_repository_fails_it_although_restic_check_is_content(ground):
    (ground.repository / "snapshots" / ground.seed.second.id).unlink()
    outcome = run_drill(ground.ctx, DRILL)
    assert outcome.verdict.verdict is Verdict.FAILED
    assert things(outcome) == {f"snapshot {ground.seed.second.id}"}


def test_another_deleted_snapshot_is_told_and_does_not_fail_it(ground):
    (ground.repository / "snapshots" / ground.seed.first.id).unlink()
    outcome = run_drill(ground.ctx, DRILL)
    assert outcome.verdict.verdict is Verdict.PASSED
    assert codes(outcome) == {Code.OTHERS_GONE}


def test_a_forged_snapshot_from_the_future_is_told_and_never_restored(ground, restic_path, tmp_path):
    (tmp_path / "forged").mkdir()
    (tmp_path / "forged" / "payload").write_text("nothing good")
    restic_call(restic_path, ground, "backup", "--time", "2090-01-01 00:00:00", str(tmp_path / "forged"))
    outcome = run_drill(ground.ctx, DRILL)
    assert outcome.verdict.verdict is Verdict.PASSED
    assert codes(outcome) == {Code.FOREIGN_SNAPSHOT}
    assert outcome.notebook.snapshot.id == ground.seed.second.id


def test_a_manifest_that_is_not_the_ledger_s_vouches_for_nothing(ground):
    ctx = ground.ctx
    forged = replace_newest(ground, manifest_sha256="0" * 64)
    enter_forged(ctx, ground, forged)
    outcome = run_drill(ctx, DRILL)
    assert outcome.verdict.verdict is Verdict.FAILED
    assert codes(outcome) == {Code.MANIFEST}


def test_an_edited_ledger_row_that_the_journal_does_not_know_fails_it(ground):
    with ground.ctx.store.write(ground.ctx.actor) as tx:
        tx.execute(
            update(snapshots).where(snapshots.c.id == ground.seed.second.id).values(manifest_sha256="0" * 64)
        )
    outcome = run_drill(ground.ctx, DRILL)
    assert outcome.verdict.verdict is Verdict.FAILED
    assert Code.LEDGER_ALTERED in codes(outcome)


def test_a_file_that_is_missing_from_the_snapshot_fails_it_by_name(ground, restic_path):
    """The manifest was taken of eight files, and restic was told to leave one out."""
    left_out = ground.seed.source / "photo-3.raw"
    said = restic_call(restic_path, ground, "backup", "--exclude", str(left_out), *ground.seed.second.paths)
    summary = json.loads(said.splitlines()[-1])
    taken = replace(ground.seed.second, id=summary["snapshot_id"], time=now())
    enter(ground.ctx.store, taken)
    outcome = run_drill(ground.ctx, DRILL)
    assert outcome.verdict.verdict is Verdict.FAILED
    assert [(finding.code, finding.thing) for finding in outcome.verdict.failing] == [
        (Code.MISSING_FILE, str(left_out))
    ]
    assert str(left_out) in outcome.report.html.read_text().replace("&#39;", "'")


def test_a_recovery_slower_than_the_target_fails_it(ground):
    outcome = run_drill(with_targets(ground, rto=timedelta(microseconds=1)), DRILL)
    assert outcome.verdict.verdict is Verdict.FAILED
    assert codes(outcome) == {Code.RTO_MISSED}


def test_a_snapshot_older_than_the_target_fails_it(ground):
    outcome = run_drill(with_targets(ground, rpo=timedelta(microseconds=1)), DRILL)
    assert outcome.verdict.verdict is Verdict.FAILED
    assert codes(outcome) == {Code.RPO_MISSED}


def test_nothing_backed_up_fails_it_and_is_no_error(ground):
    with ground.ctx.store.write(ground.ctx.actor) as tx:
        tx.execute(update(snapshots).values(verdict="incomplete"))
    outcome = run_drill(ground.ctx, DRILL)
    assert outcome.verdict.verdict is Verdict.FAILED
    assert codes(outcome) == {Code.NO_SNAPSHOT}


# --- it could not run -------------------------------------------------------------------------------------


def test_an_unplugged_disk_is_neither_passed_nor_failed(ground):
    ground.repository.rename(ground.repository.with_name("unplugged"))
    outcome = run_drill(ground.ctx, DRILL)
    assert outcome.verdict.verdict is Verdict.COULD_NOT_RUN
    assert outcome.exit_code == 4
    assert "out of reach" in outcome.verdict.obstacle.sentence
    with ground.ctx.store.read() as connection:
        assert last_drill(connection, DRILL).verdict == "could-not-run"


def test_a_locked_repository_is_neither_passed_nor_failed(ground, restic_path, tmp_path):
    stop, password = tmp_path / "stop", ground.seed.folder / "password"
    waiting = f"import time,os\nwhile not os.path.exists({str(stop)!r}): time.sleep(0.05)\nprint(1)"
    argv = [restic_path, "-r", ground.repository, "-p", password, "backup", "--stdin-from-command", "--"]
    with subprocess.Popen([*argv, sys.executable, "-c", waiting], stdout=subprocess.DEVNULL) as busy:
        wait_for(lambda: any((ground.repository / "locks").iterdir()))
        outcome = run_drill(ground.ctx, DRILL)
        stop.touch()
        assert busy.wait(30) == 0
    assert outcome.verdict.verdict is Verdict.COULD_NOT_RUN
    assert outcome.exit_code == 4
    assert "locked" in outcome.verdict.obstacle.sentence


def test_the_lock_of_a_run_that_was_killed_does_not_keep_it_from_running(ground, restic_path):
    argv = [restic_path, "-r", ground.repository, "-p", ground.seed.folder / "password", "backup"]
    argv += ["--stdin-from-command", "--", "sleep", "60"]
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, start_new_session=True) as killed:
        wait_for(lambda: any((ground.repository / "locks").iterdir()))
        os.killpg(killed.pid, signal.SIGKILL)
    assert any((ground.repository / "locks").iterdir())
    assert run_drill(ground.ctx, DRILL).verdict.verdict is Verdict.PASSED


def test_too_little_space_is_neither_passed_nor_failed_and_names_both_numbers(ground):
    with ground.ctx.store.write(ground.ctx.actor) as tx:
        tx.execute(update(snapshots).values(bytes=10**18))
    outcome = run_drill(ground.ctx, DRILL)
    assert outcome.verdict.verdict is Verdict.COULD_NOT_RUN
    assert outcome.exit_code == 1
    assert "1050000.0 TB" in outcome.verdict.obstacle.sentence
    assert "are free" in outcome.verdict.obstacle.sentence
    assert ground.scratch == []


def test_an_unknown_drill_is_answered_with_the_nearest(ground):
    with pytest.raises(UsageError, match="Did you mean 'files-quarterly'"):
        run_drill(ground.ctx, "file-quarterly")
    assert "drill.started" not in kinds(ground.ctx)


# --- interrupted, killed ----------------------------------------------------------------------------------


@pytest.mark.parametrize("point", ["drill:scratch", "drill:restored"])
def test_the_scratch_copy_is_gone_whatever_ends_the_drill(tmp_path, drill_seed, restic_path, point):
    with ground_at(tmp_path, drill_seed, restic_path, CrashAt(point)) as ground:
        with pytest.raises(PowerCut):
            run_drill(ground.ctx, DRILL)
        assert ground.scratch == []


def test_sigterm_ends_it_journalled_and_clean(ground):
    def stop(_):
        os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Interrupted):
        run_drill(ground.ctx, DRILL, on_progress=stop)
    assert ground.scratch == []
    assert kinds(ground.ctx)[-1] == "drill.finished"
    with ground.ctx.store.read() as connection:
        assert last_drill(connection, DRILL).verdict == "could-not-run"
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


CHILD = """
import sys
from pathlib import Path
sys.path[:0] = {path!r}
from backed_up_ground import *
from simulators.chance import CrashAt
from tocsin.adapters.system import EnvironmentCrashPoints
from tocsin.drills import run_drill
import backed_up_ground as ground, pickle
seed = pickle.loads({seed!r})
root = Path({root!r})
workspace = workspace_at(root, seed)
crash = EnvironmentCrashPoints()
store = open_store(workspace.store_url, workspace.state_folder, SystemClock(), SystemRandomness(), crash)
secrets = ReferencedSecrets(environ=os.environ, folder=root)
ctx = Context(workspace=workspace, store=store, secrets=secrets, mailer=SmtpMailer(None, secrets), crash=crash,
    restic=ResticBinary(Path({restic!r}), cache_dir=root / "cache", environ=os.environ, limits=LIMITS),
    clock=SystemClock(), randomness=SystemRandomness(), actor=MAYA)
run_drill(ctx, "files-quarterly")
"""


@pytest.mark.parametrize("point", ["drill:after-start", "drill:restored", "drill:before-finish"])
def test_kill_9_leaves_an_unknown_outcome_that_the_next_drill_tells_and_a_copy_it_sweeps(
    ground, restic_path, point
):
    child = CHILD.format(
        path=[path for path in sys.path if path],
        seed=pickle.dumps(ground.seed),
        root=str(ground.ctx.workspace.root),
        restic=str(restic_path),
    )
    killed = subprocess.run(
        [sys.executable, "-c", child], env={**os.environ, "TOCSIN_CRASH_AT": point}, check=False, timeout=60
    )
    assert killed.returncode == -signal.SIGKILL
    assert bool(ground.scratch) == (point == "drill:restored")

    assert run_drill(ground.ctx, DRILL).verdict.verdict is Verdict.PASSED
    assert ground.scratch == []
    said = kinds(ground.ctx)
    assert "drill.unknown" in said
    assert ("scratch.removed" in said) == (point == "drill:restored")
    with ground.ctx.store.read() as connection:
        assert [past.verdict for past in drill_history(connection, DRILL)] == ["passed", "unknown"]


def test_two_drills_of_one_kind_do_not_run_at_once(ground):
    def again(_):
        with pytest.raises(Temporary, match="running already"):
            run_drill(ground.ctx, DRILL)

    seen = []

    def once(stage):
        if not seen:
            seen.append(stage)
            again(stage)

    assert run_drill(ground.ctx, DRILL, on_stage=once).verdict.verdict is Verdict.PASSED
    assert seen


# --- schedule ---------------------------------------------------------------------------------------------


def test_missed_drills_collapse_into_one(ground):
    ctx, later = ground.ctx, now() + timedelta(days=800)
    assert drill_if_due(ctx, DRILL, later).verdict.verdict is Verdict.PASSED
    assert drill_if_due(ctx, DRILL, later) is None
    assert drill_if_due(ctx, DRILL, later + HOUR) is None


def test_a_scheduled_drill_that_could_not_run_is_due_again(ground):
    ctx, later = ground.ctx, now() + timedelta(days=800)
    unplugged = ground.repository.rename(ground.repository.with_name("unplugged"))
    assert drill_if_due(ctx, DRILL, later).verdict.verdict is Verdict.COULD_NOT_RUN
    unplugged.rename(ground.repository)
    assert drill_if_due(ctx, DRILL, later).verdict.verdict is Verdict.PASSED
    assert drill_if_due(ctx, DRILL, later) is None


def test_no_drill_is_due_before_the_first_good_backup(ground):
    with ground.ctx.store.write(ground.ctx.actor) as tx:
        tx.execute(update(snapshots).values(verdict="incomplete"))
    assert drill_if_due(ground.ctx, DRILL, now()) is None
    assert "drill.started" not in kinds(ground.ctx)


# --- means ------------------------------------------------------------------------------------------------


def restic_call(restic_path: Path, ground, *arguments: str) -> str:
    argv = [restic_path, "--json", "-r", ground.repository, "-p", ground.seed.folder / "password"]
    return subprocess.run([*argv, *arguments], check=True, capture_output=True, text=True).stdout


def replace_newest(ground, **changed) -> Taken:
    return replace(ground.seed.second, **changed)


def enter_forged(ctx, ground, taken: Taken) -> None:
    with ctx.store.write(ctx.actor) as tx:
        tx.execute(delete(snapshots).where(snapshots.c.id == taken.id))
    enter(ctx.store, taken)


def wait_for(condition) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_sweep_leaves_a_living_process_s_copy_alone(ground):
    with scratch(ground.ctx, "drill-files") as area:
        assert area.is_dir()
        assert area.stat().st_mode & 0o077 == 0
        assert sweep_scratch(ground.ctx) == ()
        assert area.is_dir()
    assert ground.scratch == []
