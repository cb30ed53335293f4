"""Recovery plans on a real repository: a lost copy is passed over, nothing restored stays, live waits for a yes."""

import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from backed_up_ground import Ground, enter, ground_at, make_seed
from tocsin.errors import Refused, UsageError
from tocsin.model.holdings import System
from tocsin.model.workspace import Person, Repository
from tocsin.recovery import sweep_scratch
from tocsin.runbook.decisions import answer
from tocsin.runbook.engine import advance, prepare, start
from tocsin.runbook.recovery_run import PlanWish, approve, go_live, rehearse, resume_rehearsal, shown_plan

PLAN = """
recovery_plan: share
title: Bring the share back
approve: {by: technical, people: 2}
inputs: {snapshot: {type: text, default: latest}, without: {type: text, default: ""}}
steps:
  - id: files
    uses: restore.files
    with:
      {backup_plan: files, snapshot: "${{ inputs.snapshot }}", without: "${{ inputs.without }}", to: back}
"""
ASKING = (
    PLAN + '  - {id: look, uses: human.ask, needs: [files], with: {question: "Is it ours?", choices: ["yes"]}}\n'
)
WISH = PlanWish("share")


@pytest.fixture
def ground(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, restic_path: Path):
    seed = make_seed(tmp_path_factory.getbasetemp() / "backed-up", restic_path)
    with ground_at(tmp_path, seed, restic_path) as made:
        (tmp_path / "drills").mkdir()
        (tmp_path / "drills/share.yaml").write_text(PLAN)
        workspace = made.ctx.workspace
        local = workspace.repositories["local"]
        shutil.copytree(made.repository, tmp_path / "second")
        second = Repository(location="second", password=local.password).known_as("second")
        people = {
            name: Person(name=name.title(), roles=["technical"], login=name).known_as(name)
            for name in ("maya", "tom")
        }
        enter(made.ctx.store, seed.second, repository="second", time=seed.second.time - timedelta(microseconds=1))
        workspace = replace(workspace, repositories={"local": local, "second": second}, people=people)
        yield replace(made, ctx=replace(made.ctx, workspace=workspace))


def test_a_copy_that_is_lost_or_damaged_is_passed_over_and_named(ground: Ground) -> None:
    whole = rehearse(ground.ctx, WISH)
    assert whole.ok, whole.failed
    assert whole.steps[0].output["repository"] == "local"
    assert ground.scratch == []

    ground.flip_a_photo()
    damaged = rehearse(ground.ctx, WISH)
    assert damaged.ok, damaged.failed
    assert damaged.steps[0].output["repository"] == "second"
    assert str(damaged.steps[0].output["passed_over"][0]).startswith("local: ")

    shutil.rmtree(ground.repository)
    assert rehearse(ground.ctx, WISH).ok
    alone = rehearse(ground.ctx, PlanWish("share", {"without": "second"}))
    assert not alone.ok
    assert "No copy would do" in str(alone.failed)
    assert ground.scratch == []


def test_an_older_snapshot_is_taken_by_its_words(ground: Ground) -> None:
    first = ground.seed.first
    moment = f"{first.time + timedelta(microseconds=1):%Y-%m-%dT%H:%M:%S.%f}Z"
    for words in (f"before {moment}", "oldest kept", first.id[:12]):
        found = rehearse(ground.ctx, PlanWish("share", {"snapshot": words}))
        assert found.steps[0].output["snapshot"] == first.id
    failed = rehearse(ground.ctx, PlanWish("share", {"snapshot": "before 2020-01-01T00:00Z"}))
    assert "no good snapshot" in str(failed.failed)


def test_what_waits_for_a_person_stays_and_goes_with_the_run(ground: Ground) -> None:
    (ground.ctx.workspace.root / "drills/share.yaml").write_text(ASKING)
    found = rehearse(ground.ctx, WISH)
    assert found.waiting
    assert sweep_scratch(ground.ctx) == ()
    assert len(ground.scratch) == 2  # the area and its record
    answer(ground.ctx, found.run, "look", "yes")
    assert resume_rehearsal(ground.ctx, found.run).ok
    assert ground.scratch == []


def test_it_goes_live_only_when_two_people_approved_exactly_that(ground: Ground) -> None:
    maya, tom = ground.ctx, ground.ctx.acting_as(replace(ground.ctx.actor, person="tom"))
    back = maya.workspace.root / "back"
    shown = shown_plan(maya, WISH).sha256
    with pytest.raises(Refused, match="2 approvals are missing"):
        go_live(maya, WISH)
    with pytest.raises(UsageError, match="not what you approved"):
        approve(maya, PlanWish("share", {"snapshot": "oldest kept"}), shown)
    approve(maya, WISH, shown)
    approve(maya, WISH, shown[:12])  # a second yes of the same person is still one
    with pytest.raises(Refused, match="1 approval is missing"):
        go_live(maya, WISH)
    with pytest.raises(Refused, match="may not approve"):
        approve(ground.ctx.acting_as(replace(ground.ctx.actor, person="sam")), WISH, shown)
    assert not back.exists()
    approve(tom, WISH, shown)
    assert go_live(tom, WISH).state == "done"
    assert sorted(path.name for path in back.iterdir()) == sorted(
        path.name for path in ground.seed.source.iterdir()
    )
    # The yes was for that one live run.
    with pytest.raises(Refused, match="2 approvals are missing"):
        go_live(tom, WISH)


PROTECTING = """
playbook: protecting
title: Save, hold, and bring back what is clean
steps:
  - {id: save, uses: backup.run, with: {backup_plan: files}}
  - {id: good, uses: backup.last_good_snapshot, needs: [save], with: {systems: [share]}}
  - {id: hold, uses: backup.hold, needs: [good], with: {systems: [share], reason: A breach}}
  - {id: proof, uses: restore.verify, needs: [hold], with: {backup_plan: files}}
  - {id: back, uses: restore.recover, needs: [proof], with: {backup_plan: files, to: recovered}}
"""


def test_the_steps_that_save_hold_and_restore_do_so_on_a_real_repository(ground: Ground) -> None:
    ctx = ground.ctx
    share = System(title="The share", kind="file_share", paths=[str(ground.seed.source)]).known_as("share")
    ctx = replace(ctx, workspace=replace(ctx.workspace, systems={"share": share}))
    done = advance(ctx, start(ctx, prepare(ctx, PROTECTING, "protecting.yaml")).id)
    assert done.state == "done", [(look.row.key, look.why) for look in done.looks]
    output = {look.row.key: look.row.output for look in done.looks}
    assert output["save"]["snapshot"] not in (None, ground.seed.second.id)
    back = ctx.workspace.root / "recovered"
    assert sorted(path.name for path in back.iterdir()) == sorted(
        path.name for path in ground.seed.source.iterdir()
    )
    assert ground.scratch == []
