"""The flows, on a real Prefect server and the real restic: what a person sees in Prefect, and what is really done."""

# ruff: noqa: PLC0415 - Prefect is imported when its settings stand, not before

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, select, update

from tocsin.backups import pause_backups
from tocsin.errors import Refused, Temporary
from tocsin.runbook import decisions
from tocsin.runbook.engine import prepare, stand, start
from tocsin.runbook.kinds import Done, Parameters
from tocsin.runbook.registry import KINDS
from tocsin.serve import rounds, run_flow
from tocsin.serve.deployments import bells, deployment
from tocsin.serve.flows import OURS, OwnFlow, entrypoint, load_flow, own_flows
from tocsin.serve.serving import _put_right
from tocsin.store.operations import begin
from tocsin.store.tables import journal
from tocsin.store.tables import operation as operations
from tocsin.store.tables import schedule as schedules
from tocsin.wiring import open_context
from tocsin.workspace import load

pytestmark = [
    pytest.mark.prefect,
    pytest.mark.xdist_group("prefect"),
    pytest.mark.usefixtures("prefect_server"),
]


@pytest.fixture
def client():
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        yield client


@pytest.fixture
def ring(root):
    """Run a flow on the test's workspace."""
    return lambda name, **parameters: run_flow(name, load(root), **parameters)


@pytest.fixture
def flow_runs(client, root):
    """The flow runs of this test's workspace, oldest first."""

    def found():
        runs = client.read_flow_runs()
        mine = [run for run in runs if run.parameters.get("workspace") == str(root)]
        return sorted(mine, key=lambda run: run.created)

    return found


@pytest.fixture
def task_runs(client, flow_runs):
    """The task runs of the newest flow run, in the order they began; Prefect tells of them a little later."""

    def found(expected):
        from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
        from prefect.events.worker import EventsWorker

        EventsWorker.drain_all(timeout=5)
        newest = flow_runs()[-1]
        wanted = FlowRunFilter(id=FlowRunFilterId(any_=[newest.id]))
        for attempt in range(100):
            runs = client.read_task_runs(flow_run_filter=wanted)
            if expected and len(runs) >= expected and all(run.state and run.state.is_final() for run in runs):
                break
            if not expected and attempt == 10:
                break
            asyncio.run(asyncio.sleep(0.1))
        return sorted(runs, key=lambda run: run.start_time)

    return found


@pytest.fixture
def artifact(client, flow_runs):
    """The newest flow run's artifact of that key."""

    def found(key):
        from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey

        wanted = ArtifactFilter(key=ArtifactFilterKey(any_=[key]))
        newest = flow_runs()[-1]
        (one,) = [one for one in client.read_artifacts(artifact_filter=wanted) if one.flow_run_id == newest.id]
        return one

    return found


def kinds(root, prefix=""):
    with open_context(root) as ctx, ctx.store.read() as connection:
        found = connection.execute(select(journal.c.kind).order_by(journal.c.seq)).scalars()
        return [kind for kind in found if kind.startswith(prefix)]


@pytest.mark.parametrize("name", OURS)
def test_every_flow_loads_through_prefects_loader_and_keeps_nothing(name):
    flow = load_flow(entrypoint(name))
    assert flow.name == name
    assert flow.description
    assert "workspace" in flow.parameters.properties
    assert not flow.persist_result
    assert flow.retries == 0
    assert flow.timeout_seconds is None


def test_a_backup_is_completed_and_leaves_a_table_a_person_can_read(ring, root, flow_runs, task_runs, artifact):
    rung = ring("backup", plan="files")
    assert (rung.state, rung.sentence, rung.is_well) == ("Completed", "The backup of files is ok.", True)
    (run,) = flow_runs()
    assert run.state.type == "COMPLETED"
    assert run.name == f"files {run.expected_start_time:%Y-%m-%d %H:%M} UTC"
    (task,) = task_runs(1)
    assert (task.name, task.state.name) == ("Back up files", "Completed")
    left = artifact("back-up-files")
    assert "| files | local | " in left.data
    assert " | 5 | " in left.data  # three files and the manifest's two
    assert "| ok |" in left.data
    assert "It took " in left.data
    with open_context(root) as ctx, ctx.store.read() as connection:
        actors = set(
            connection.execute(select(journal.c.actor, journal.c.door).where(journal.c.kind == "backup.finished"))
        )
    assert actors == {("service:tocsin", "prefect")}


def test_a_backup_that_is_not_due_or_paused_is_completed_with_the_reason(ring, root, flow_runs):
    assert ring("backup", plan="files").state == "Completed"
    again = ring("backup", plan="files")
    assert (again.state, again.is_well) == ("Skipped", True)
    assert "Not due" in again.sentence
    with open_context(root) as ctx:
        pause_backups(ctx, "forensics first")
    assert "paused since" in ring("backup", plan="pair").sentence
    assert kinds(root, "backup.") == ["backup.started", "backup.finished"]
    assert [run.state.type for run in flow_runs()] == ["COMPLETED"] * 3
    # By hand it runs all the same.
    assert ring("backup", plan="files", by_hand=True).state == "Completed"


def test_a_backup_that_is_not_ok_fails_with_the_sentence_alone(ring, flow_runs, artifact):
    rung = ring("backup", plan="pair")
    assert rung.state == "Failed"
    (run,) = flow_runs()
    assert run.state.type == "FAILED"
    assert run.state.message == rung.sentence
    assert rung.sentence.startswith("The backup of pair is incomplete. The source ")
    assert "is not there. Mount it" in rung.sentence
    for noise in ("Traceback", "Error:", "Exception"):
        assert noise not in artifact("back-up-pair").data


def test_an_error_is_its_sentence_too(ring, artifact):
    assert (
        ring("backup", plan="flies").sentence
        == "Back up flies: There is no backup plan 'flies'. Did you mean 'files'?"
    )
    assert "Did you mean" in artifact("back-up-flies").data
    elsewhere = load_flow(entrypoint("backup"))(plan="files", workspace="/nowhere", return_state=True)
    assert (elsewhere.name, "is not a workspace" in elsewhere.message) == ("Failed", True)


def test_only_what_is_temporary_is_tried_again(ring, root, task_runs, monkeypatch):
    monkeypatch.setattr("tocsin.serve.operations.RETRY_SECONDS", (0.0, 0.0))
    with open_context(root) as ctx:
        begin(ctx.store, ctx.actor, "backup", "plan:files")
        rung = ring("backup", plan="files")
    assert "running already" in rung.sentence
    (task,) = task_runs(1)
    assert (task.run_count, task.state.name) == (3, "Busy")
    ring("backup", plan="flies")
    (task,) = task_runs(1)
    assert (task.run_count, task.state.name) == (1, "Failed")


def test_missed_runs_collapse_into_one(ring, root):
    long_ago = datetime.now(UTC) - timedelta(days=9)
    with open_context(root) as ctx, ctx.store.write(ctx.actor) as tx:
        tx.execute(insert(schedules).values(name="backup:files", last_due=long_ago, acted_at=long_ago))
    states = [ring("backup", plan="files").state for _ in range(4)]
    assert states == ["Completed", "Skipped", "Skipped", "Skipped"]
    assert kinds(root, "backup.") == ["backup.started", "backup.finished"]


def test_a_drill_passes_and_leaves_its_table_and_the_way_to_its_report(ring, root, task_runs, artifact):
    assert ring("drill", drill="files-quarterly").state == "Skipped"
    ring("backup", plan="files")
    rung = ring("drill", drill="files-quarterly")
    assert (rung.state, rung.sentence) == ("Completed", "The drill files-quarterly passed.")
    (task,) = task_runs(1)
    assert task.name == "Drill files-quarterly"
    (report,) = (root / "reports" / "drills" / "files-quarterly").glob("*/report.html")
    assert report.as_uri() in artifact("drill-files-quarterly-report").data
    assert "| Verdict | passed |" in artifact("drill-files-quarterly").data


def test_a_drill_on_a_damaged_repository_fails_and_says_why(ring, root):
    ring("backup", plan="files")
    pack = max(
        (root / "repository" / "data").rglob("*"), key=lambda path: path.stat().st_size if path.is_file() else 0
    )
    pack.chmod(0o600)
    pack.write_bytes(pack.read_bytes()[:-7] + b"changed")
    rung = ring("drill", drill="files-quarterly", by_hand=True)
    assert rung.state == "Failed"
    assert rung.sentence.startswith("The drill files-quarterly failed. ")


class Probe:
    """A step kind that writes down each time it runs, and fails as told."""

    parameters = Parameters
    destructive = False

    def __init__(self, name, *, idempotent):
        self.name = name
        self.idempotent = idempotent
        self.ran = []
        self.faults = []

    def run(self, ctx, place, parameters):
        self.ran.append(place.key)
        if self.faults:
            raise self.faults.pop(0)
        return Done({"said": place.key})

    def simulate(self, parameters):
        return "probe"


@pytest.fixture
def probes(monkeypatch):
    monkeypatch.setattr("tocsin.serve.tasks.STEP_RETRY_SECONDS", (0.0, 0.0))
    made = Probe("test.safe", idempotent=True), Probe("test.once", idempotent=False)
    for probe in made:
        monkeypatch.setitem(KINDS, probe.name, probe)
    return made


PLAYBOOK = """\
playbook: test
title: A test
steps:
  - {id: look, uses: test.safe}
  - {id: isolate, uses: test.once, needs: [look]}
  - {id: ask, uses: human.ask, with: {question: Did data leave?}}
  - {id: after, uses: test.safe, needs: [ask]}
"""


def begin_run(root):
    with open_context(root, person="maya") as ctx:
        return start(ctx, prepare(ctx, PLAYBOOK, "test.yaml")).id


def states(root, run):
    with open_context(root) as ctx:
        return {seen.row.key: seen.row.state for seen in stand(ctx, run).looks}


def test_each_step_is_a_task_with_its_own_name_and_state_and_nothing_is_repeated(
    ring, root, probes, task_runs, artifact
):
    safe, once = probes
    run = begin_run(root)
    rung = ring("respond", run=run)
    assert rung.sentence == f"{run} (test) is open; 3 steps were taken, 1 wait for people."
    assert [(task.name, task.state.name) for task in task_runs(3)] == [
        ("look", "Done"),
        ("ask", "Waiting"),
        ("isolate", "Done"),
    ]
    assert "Did data leave?" in next(task.state.message for task in task_runs(3) if task.name == "ask")
    assert "| isolate | done | yes |" in artifact(f"advance-{run.lower()}").data
    ring("respond", run=run)
    assert task_runs(0) == []
    with open_context(root, person="maya") as ctx:
        decisions.answer(ctx, run, "ask", "no")
    assert ring("respond", run=run).is_well
    assert [(task.name, task.state.name) for task in task_runs(1)] == [("after", "Done")]
    assert (safe.ran, once.ran) == (["look", "after"], ["isolate"])


def test_a_step_is_tried_again_only_where_that_is_safe(ring, root, probes, task_runs):
    safe, once = probes
    safe.faults = [Temporary("the server is away.")]
    once.faults = [Temporary("the switch is busy.")]
    run = begin_run(root)
    ring("respond", run=run)
    tasks = {task.name: task for task in task_runs(3)}
    assert (tasks["look"].run_count, tasks["look"].state.name) == (2, "Done")
    assert (tasks["isolate"].run_count, tasks["isolate"].state.name) == (1, "Failed")
    assert tasks["isolate"].state.message == "the switch is busy."
    assert once.ran == ["isolate"]
    assert states(root, run)["isolate"] == "failed"


def test_a_step_that_stays_busy_waits_for_the_next_wake_up(ring, root, probes, task_runs):
    safe, _ = probes
    safe.faults = [Temporary("the server is away.")] * 3
    run = begin_run(root)
    ring("respond", run=run)
    assert {task.name: task.state.name for task in task_runs(2)}["look"] == "Busy"
    assert states(root, run)["look"] == "pending"
    ring("respond", run=run)
    assert states(root, run)["look"] == "done"


def test_what_prefect_loses_sight_of_is_done_once_and_counts(ring, root, probes, monkeypatch):
    """The server dies while a step runs: Prefect raises after the step has ended."""
    safe, once = probes
    from prefect.tasks import Task

    calls = Task.__call__

    def lost(self, *arguments, **named):
        calls(self, *arguments, **named)
        raise ConnectionError("All connection attempts failed")

    monkeypatch.setattr(Task, "__call__", lost)
    run = begin_run(root)
    ring("respond", run=run)
    assert (safe.ran, once.ran) == (["look"], ["isolate"])
    assert states(root, run)["isolate"] == "done"

    def away(self, *arguments, **named):
        raise ConnectionError("All connection attempts failed")

    monkeypatch.setattr(Task, "__call__", away)
    other = begin_run(root)
    ring("respond", run=other)
    assert once.ran == ["isolate", "isolate"]
    assert states(root, other)["isolate"] == "done"


def test_nobody_stands_at_prefects_door_so_nothing_is_decided_there(root):
    run = begin_run(root)
    with open_context(root, door="prefect") as ctx, pytest.raises(Refused, match="nobody in the workspace"):
        decisions.answer(ctx, run, "ask", "no")


def test_the_watch_clears_up_after_the_dead_and_wakes_every_open_run(ring, root, probes, task_runs, artifact):
    safe, once = probes
    begin_run(root)
    begin_run(root)
    with open_context(root) as ctx:
        left = begin(ctx.store, ctx.actor, "backup", "plan:twice")
        with ctx.store.write(ctx.actor) as tx:
            tx.execute(update(operations).where(operations.c.id == left.id).values(process="999999999:1:0"))
    rung = ring("watch")
    assert rung.is_well
    assert rung.sentence == "4 alarms stand."  # three plans never backed up, one repository out of reach
    assert (safe.ran, once.ran) == (["look"] * 2, ["isolate"] * 2)
    assert len(task_runs(6)) == 6
    told = artifact("watch").data
    assert "backup plan:twice was left by a process that is gone" in told
    assert "RUN-0002 is open; 3 steps were taken." in told
    assert "backup.unknown" in kinds(root)


def test_the_practices_are_rung_too_and_say_when_there_is_nothing_to_do(ring):
    rung = ring("practices")
    assert (rung.state, rung.sentence) == ("Skipped", "Nothing of the practices is due for Tocsin to do.")


def test_a_fault_in_one_run_does_not_keep_the_watch_from_the_others(ring, root, probes, monkeypatch):
    first, second = begin_run(root), begin_run(root)

    def faulty(ctx, run_id, **named):
        if run_id == first:
            raise Temporary("the store is busy.")
        return advance(ctx, run_id, **named)

    advance = rounds.advance
    monkeypatch.setattr(rounds, "advance", faulty)
    rung = ring("watch")
    assert rung.state == "Failed"
    assert "the store is busy." in rung.sentence
    assert states(root, second)["look"] == "done"


def test_what_an_earlier_life_left_is_put_right_before_serving(client, root):
    from prefect.client.orchestration import get_client
    from prefect.states import Running, Scheduled

    bell = next(bell for bell in bells(load(root)) if bell.name == "files")
    identity = deployment(bell).apply()
    now = datetime.now(UTC)
    made = [
        client.create_flow_run_from_deployment(
            identity, state=Scheduled(scheduled_time=now - timedelta(hours=hours))
        )
        for hours in (1, 2, 3)
    ]
    running = client.create_flow_run_from_deployment(identity)
    client.set_flow_run_state(running.id, Running(), force=True)
    ahead = client.create_flow_run_from_deployment(
        identity, state=Scheduled(scheduled_time=now + timedelta(hours=1))
    )

    async def put_right():
        async with get_client() as asynchronous:
            await _put_right(asynchronous, [identity])

    asyncio.run(put_right())
    assert {client.read_flow_run(run.id).state.name for run in made} == {"Cancelled"}
    assert client.read_flow_run(running.id).state.name == "Crashed"
    assert client.read_flow_run(ahead.id).state.name == "Scheduled"


def test_a_firms_own_flows_are_found_and_none_takes_the_place_of_ours(root):
    folder = root / "flows"
    folder.mkdir()
    text = "from prefect import flow\n\n\n@flow(name='{name}')\ndef {name}() -> None:\n    '''Ours.'''\n"
    (folder / "tidy_up.py").write_text(text.format(name="tidy_up"))
    (folder / "backup.py").write_text(text.format(name="backup"))
    (folder / "sly.py").write_text(text.format(name="sly").replace("'sly'", "'watch'"))
    (folder / "broken.py").write_text("import nothing_there\n")
    (folder / "other.py").write_text("x = 1\n")
    found = list(own_flows(load(root)))
    assert [one.name for one in found if isinstance(one, OwnFlow)] == ["tidy_up"]
    said = "\n".join(one for one in found if isinstance(one, str))
    assert "flows/backup.py is not served: backup comes with Tocsin." in said
    assert "flows/sly.py is not served: a flow named watch comes with Tocsin." in said
    assert (
        "flows/broken.py is not served: it cannot be loaded (ModuleNotFoundError: No module named 'nothing_there')."
        in said
    )
    assert "flows/other.py is not served: it has no flow called other." in said


def test_nothing_outside_this_machine_was_reached_by_any_flow(reached):
    assert reached == []
