"""However it is stopped, no process and no lock stays behind, and what was stored before stays sound."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from datetime import timedelta

import pytest

from processes import begun_since, children_of, descendants_of, gone_within
from tocsin.adapters.restic import Limits, ResticBinary
from tocsin.errors import OperationFailed, Temporary

# A process of its own, since signals are for whole processes; it prints what a person would get.
BACKUP = """
import json, os, signal, sys
from datetime import timedelta
from pathlib import Path
from tocsin.adapters.restic import Limits, ResticBinary
from tocsin.errors import TocsinError
from tocsin.ports import RepositoryAccess

given = json.loads(sys.argv[1])
if given["former"]:
    class TerminationSignal(BaseException):
        pass
    def former(number, frame):
        raise TerminationSignal
    signal.signal(signal.SIGTERM, former)
restic = ResticBinary(Path(given["restic"]), cache_dir=Path(given["cache"]), environ=os.environ,
    limits=Limits(grace=timedelta(seconds=10)), progress_per_second=20)
access = RepositoryAccess("offsite", given["repository"], Path(given["password_file"]))
try:
    restic.backup(access, [Path(given["source"])], on_progress=lambda progress: print("running", flush=True))
except TocsinError as error:
    print(type(error).__name__, error.exit_code, error, flush=True)
except BaseException as error:
    print(type(error).__name__, flush=True)
print("restored", signal.getsignal(signal.SIGINT) is signal.default_int_handler, flush=True)
"""


@pytest.fixture
def start(restic, repository, endless):
    """Start the backup that never ends, and wait until it is under way."""
    started = []

    def start(*, former=False):
        given = {
            "restic": str(restic.binary),
            "cache": str(restic.cache_dir),
            "repository": repository.location,
            "password_file": str(repository.password_file),
            "source": str(endless),
            "former": former,
        }
        process = subprocess.Popen(
            [sys.executable, "-c", BACKUP, json.dumps(given)], stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        assert process.stdout.readline() == "running\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_passed_on_waited_for_and_surfaces_as_interrupted(start, repository, locks, number):
    process = start()
    below = descendants_of(process.pid)
    assert below
    process.send_signal(number)
    said, _ = process.communicate(timeout=20)
    *_, told, restored = said.splitlines()
    assert told == (
        f"Interrupted 130 repository offsite: the backup was stopped by {number.name}, and restic has ended. "
        "It is safe to start it again."
    )
    assert restored == "restored True"
    assert gone_within(0.1, below)
    assert locks(repository) == []


def test_a_handler_that_was_there_before_has_its_say_once_restic_has_ended(start, repository, locks):
    process = start(former=True)
    below = descendants_of(process.pid)
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=20)
    assert "TerminationSignal" in said.splitlines()
    assert gone_within(0.1, below)
    assert locks(repository) == []


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells a child that its parent died")
def test_restic_ends_cleanly_with_us_when_we_are_killed_outright(start, repository, locks):
    process = start()
    below = descendants_of(process.pid)
    process.kill()
    assert gone_within(10, below)
    assert locks(repository) == []


def test_a_call_over_its_limit_is_stopped_with_all_it_started(restic_path, repository, tmp_path):
    limits = Limits(call=timedelta(seconds=0.5), grace=timedelta(seconds=0.5))
    restic = ResticBinary(restic_path, cache_dir=tmp_path / "cache", environ=os.environ, limits=limits)
    waiting = replace(repository, password_file=None, password_command="sleep 60")
    below = []
    before = children_of(os.getpid())
    watch = threading.Timer(0.4, lambda: below.extend(begun_since(os.getpid(), before)))
    watch.start()
    began = time.monotonic()
    with pytest.raises(
        Temporary, match=r"listing of snapshots was not finished after 0\.5 seconds and has been stopped"
    ):
        restic.snapshots(waiting)
    watch.join()
    assert time.monotonic() - began < 5
    assert len(below) == 2
    assert gone_within(1, below)


def test_a_long_backup_is_stopped_at_its_limit_and_leaves_no_lock(
    restic_path, repository, endless, tmp_path, locks
):
    limits = Limits(work=timedelta(seconds=1.5))
    restic = ResticBinary(restic_path, cache_dir=tmp_path / "cache", environ=os.environ, limits=limits)
    with pytest.raises(Temporary, match="the backup was not finished"):
        restic.backup(repository, [endless])
    assert locks(repository) == []


def test_a_killed_restic_is_a_failure_and_what_was_stored_stays_sound(restic, repository, endless, locks):
    def kill(progress):
        for child in children_of(os.getpid()):
            os.kill(child, signal.SIGKILL)

    with pytest.raises(OperationFailed, match=r"restic was killed \(SIGKILL\) in the middle of the backup"):
        restic.backup(repository, [endless], on_progress=kill)
    assert len(locks(repository)) == 1
    assert len(restic.snapshots(repository)) == 2
    restic.unlock(repository)
    assert restic.check(repository, read_data=True).ok
