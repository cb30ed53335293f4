"""Hooks around a backup, and several plans at once, with real programs and processes.

Where only the hooks matter, the plan's source is missing: the backup fails without a call to restic.
"""

import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import select

from dumps_ground import studio, write_plan
from tocsin.backups import attempt_backup, each_at_once, run_backup
from tocsin.backups.together import slot
from tocsin.errors import ConfigurationError, OperationFailed, Temporary
from tocsin.model.workspace import Backups
from tocsin.store.operations import begin
from tocsin.store.tables import journal
from tocsin.store.tables import operation as operations


@pytest.fixture
def root(tmp_path):
    (tmp_path / "repository").mkdir()
    return tmp_path


def told(ctx, kind):
    with ctx.store.read() as connection:
        query = select(journal.c.payload).where(journal.c.kind == kind).order_by(journal.c.seq)
        return [json.loads(payload) for payload in connection.execute(query).scalars()]


def wrote(word):
    return {"run": ["sh", "-c", f"echo {word}:$TOCSIN_PLAN:$TOCSIN_OUTCOME >> order"]}


def test_hooks_run_around_a_backup_in_order_and_after_runs_though_it_failed(root, restic_path):
    write_plan(root, [{"paths": ["nothing"]}], before=[wrote("one"), wrote("two")], after=[wrote("three")])
    with studio(root, restic_path) as ctx:
        outcome = run_backup(ctx, "studio")
        assert outcome.verdict == "failed"  # its source is missing
        assert (root / "order").read_text().split() == ["one:studio:", "two:studio:", "three:studio:failed"]
        assert [(one["when"], one["number"], one["outcome"]) for one in told(ctx, "backup.hook")] == [
            ("before", 1, "ok"),
            ("before", 2, "ok"),
            ("after", 1, "ok"),
        ]
        assert [one["verdict"] for one in told(ctx, "backup-hooks.finished")] == ["ok"]


def test_a_hook_that_fails_stops_the_backup_unless_it_may_go_on(root, restic_path):
    failing = {"run": ["sh", "-c", "echo no way >&2; exit 7"]}
    write_plan(root, [{"paths": ["nothing"]}], before=[failing, wrote("never")], after=[wrote("after")])
    with studio(root, restic_path) as ctx:
        with pytest.raises(
            OperationFailed, match=r"The before hook 1 failed with exit code 7\. no way Nothing was"
        ):
            run_backup(ctx, "studio")
        assert (root / "order").read_text().split() == ["after:studio:failed"]
        assert told(ctx, "backup.started") == []
    write_plan(root, [{"paths": ["nothing"]}], before=[{**failing, "on_failure": "continue"}])
    with studio(root, restic_path) as ctx:
        outcome = attempt_backup(ctx, "studio")
        assert outcome.errors == ()
        assert [one.outcome for one in outcome.hooks] == ["failed"]
        assert len(told(ctx, "backup.started")) == 1


def test_a_hook_that_hangs_is_ended_with_all_it_started_and_one_that_is_missing_is_named(root, restic_path):
    hanging = {"run": ["sh", "-c", "sleep 300 & echo $! > child; wait"], "timeout": "1s", "on_failure": "continue"}
    missing = {"run": ["no-such-program"]}
    write_plan(root, [{"paths": ["nothing"]}], before=[hanging], after=[missing])
    with studio(root, restic_path) as ctx:
        outcome = attempt_backup(ctx, "studio")
        assert [one.outcome for one in outcome.hooks] == ["timeout", "missing"]
        assert "no program 'no-such-program'" in str(outcome.errors[0][1])
    child = int((root / "child").read_text())
    for _ in range(100):
        if not Path(f"/proc/{child}").exists():
            break
        time.sleep(0.05)
    assert not Path(f"/proc/{child}").exists()


def test_the_secret_of_a_hook_is_shown_nowhere(root, restic_path, monkeypatch):
    monkeypatch.setenv("OF_THE_HOOK", "hunter2")
    hook = {"run": ["sh", "-c", "echo $TOKEN >&2; exit 1"], "environment": {"TOKEN": "env:OF_THE_HOOK"}}
    write_plan(root, [{"paths": ["nothing"]}], before=[hook])
    with studio(root, restic_path) as ctx:
        outcome = attempt_backup(ctx, "studio")
        assert outcome.hooks[0].said == "•••"
    assert not any(b"hunter2" in path.read_bytes() for path in (root / ".tocsin").rglob("*") if path.is_file())


def test_a_size_limit_that_would_keep_the_manifest_itself_out_is_refused(root, restic_path):
    (root / "share").mkdir()
    (root / "share" / "letter.txt").write_text("Dear Maya,\n")
    write_plan(root, [{"paths": ["share"], "exclude_larger_than": 50}])
    with (
        studio(root, restic_path) as ctx,
        pytest.raises(ConfigurationError, match=r"would be left out itself\. Allow"),
    ):
        run_backup(ctx, "studio")


def test_two_runs_of_one_plan_share_no_hook(root, restic_path):
    write_plan(root, [{"paths": ["nothing"]}], before=[wrote("one")])
    with studio(root, restic_path) as ctx:
        begin(ctx.store, ctx.actor, "backup-hooks", "plan:studio")  # as if another run were in the middle of them
        with pytest.raises(Temporary, match="running already"):
            run_backup(ctx, "studio")
        assert not (root / "order").exists()


def test_as_many_plans_run_at_once_as_the_workspace_says_and_no_more(root, restic_path):
    write_plan(root, [{"paths": ["nothing"]}])
    together, most, now = threading.Barrier(2, timeout=20), 0, 0
    lock = threading.Lock()

    def act(name):
        nonlocal most, now
        with lock:
            now += 1
            most = max(most, now)
        if name in {"a", "b"}:
            together.wait()  # passes only if both are under way
        time.sleep(0.05)
        with lock:
            now -= 1
        return name

    with studio(root, restic_path) as ctx:
        assert each_at_once(ctx, ("a", "b", "c", "d", "e"), act) == ("a", "b", "c", "d", "e")
    assert most == 2


def test_a_slot_is_waited_for_and_given_back(root, restic_path):
    write_plan(root, [{"paths": ["nothing"]}])
    entered = threading.Event()

    def third(ctx):
        with slot(ctx):
            entered.set()

    with studio(root, restic_path) as ctx:
        assert ctx.workspace.backups == Backups()
        with slot(ctx):
            with slot(ctx):
                waiting = threading.Thread(target=third, args=(ctx,))
                waiting.start()
                assert not entered.wait(0.5)
            assert entered.wait(20)
        waiting.join()


def test_a_signal_ends_every_plan_that_runs_beside_others(restic_path, root, endless):
    (root / "repository").rmdir()
    write_plan(root, [{"paths": [str(endless)]}])
    with studio(root, restic_path):
        pass
    plan = json.loads((root / "tocsin.yaml").read_text())
    plan["backup_plans"]["other"] = {**plan["backup_plans"]["studio"], "title": "The same again"}
    for name in plan["backup_plans"]:
        # Not hashed for hours: what is dumped needs no manifest.
        sources = [{"dump": {"name": "zeros", "kind": "command", "argv": ["cat", str(endless)]}}]
        plan["backup_plans"][name] |= {"sources": sources}
    (root / "tocsin.yaml").write_text(json.dumps(plan))
    argv = [Path(sys.executable).with_name("tocsin"), "backup", "run", "--all", "--workspace", str(root)]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        for _ in range(400):
            if len(list((root / "repository" / "locks").iterdir())) == 2:
                break
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130, said
    assert list((root / "repository" / "locks").iterdir()) == []
    with studio(root, restic_path) as ctx, ctx.store.read() as connection:
        verdicts = connection.execute(select(operations.c.verdict).where(operations.c.kind == "backup")).scalars()
        assert list(verdicts) == ["interrupted", "interrupted"]
