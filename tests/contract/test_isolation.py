"""Programs kept apart, for real: no way to a listener outside, a user of their own, and gone when we are killed."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from processes import gone_within
from simulators.house import House
from tocsin.errors import OperationFailed, Temporary
from tocsin.recovery import sweep_scratch
from tocsin.recovery.answering import answers
from tocsin.recovery.isolation import cell, isolation

SOON = timedelta(seconds=30)
KILLED = """
import os, signal, sys
from pathlib import Path
from simulators.house import House
from tocsin.recovery import scratch
from tocsin.recovery.databases import scratch_postgres

with scratch(House(Path(sys.argv[1])).ctx, "drill-shop") as area, scratch_postgres(area / "shop") as database:
    (area / "a client's list").write_text("names")
    print(database._process.pid, area, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def calls(port: int) -> list[str]:
    return ["bash", "-c", f"echo from inside > /dev/tcp/127.0.0.1/{port}"]


def test_a_program_in_isolation_cannot_reach_a_listener_outside(tmp_path: Path) -> None:
    if not isolation().network_off:
        pytest.skip("this machine does not let us make a network namespace")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        port = listener.getsockname()[1]
        # The same call from outside gets through: the listener is there, and the call is a good one.
        subprocess.run(calls(port), check=True, timeout=30)
        heard, _ = listener.accept()
        with heard:
            assert heard.recv(100) == b"from inside\n"
        with cell(tmp_path / "cell") as here:
            said = here.run(calls(port), timeout=SOON)
        assert said.code != 0
        assert "refused" in said.stderr.lower()
        listener.settimeout(0.2)
        with pytest.raises(TimeoutError):
            listener.accept()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give its rights away")
def test_root_gives_its_rights_away(tmp_path: Path) -> None:
    (tmp_path / "ours").write_text("a secret")
    (tmp_path / "ours").chmod(0o600)
    with cell(tmp_path / "cell") as here:
        who = here.run(["id", "-u"], timeout=SOON)
        assert int(who.stdout) == here.uid != 0
        assert here.run(["cat", str(tmp_path / "ours")], timeout=SOON).code != 0
        rights = here.run(["grep", "CapEff", "/proc/self/status"], timeout=SOON).stdout
        assert int(rights.split()[1], 16) == 0
        with cell(tmp_path / "another") as other:
            assert other.uid != here.uid or not isolation().network_off


def test_what_takes_too_long_is_ended_with_all_it_started(tmp_path: Path) -> None:
    with cell(tmp_path / "cell") as here:
        began = time.monotonic()
        said = here.run(["sh", "-c", "sleep 300 & echo begun; sleep 300"], timeout=timedelta(seconds=0.5))
        assert (said.code, said.stdout) == (None, "begun\n")
        assert time.monotonic() - began < 20


def test_an_application_is_asked_from_within_its_own_network(tmp_path: Path) -> None:
    python = "/usr/bin/python3" if Path("/usr/bin/python3").exists() else sys.executable
    with cell(tmp_path / "cell") as here:
        page = here.folder / "index.html"
        page.write_text("Welcome")
        here.own(page)
        serve = [python, "-m", "http.server", "8765", "--bind", "127.0.0.1", "--directory", str(here.inside)]
        answer = answers(here, serve, "http://127.0.0.1:8765/index.html", timeout=SOON)
        assert (answer.status, answer.body) == (200, "Welcome")
        with pytest.raises(OperationFailed, match="ended by itself"):
            answers(here, ["false"], "http://127.0.0.1:8765/")
        with pytest.raises(Temporary, match="had not answered"):
            answers(here, ["sleep", "60"], "http://127.0.0.1:8765/", timeout=timedelta(seconds=0.5))


def test_a_kill_takes_the_server_with_it_and_the_sweep_takes_the_copy(tmp_path: Path) -> None:
    tests = Path(__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": f"{tests}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    pid, _, area = done.stdout.strip().partition(" ")
    assert (Path(area) / "a client's list").exists()
    assert gone_within(20, [int(pid)]), "the server outlived the process that had started it"
    ctx = House(tmp_path).ctx
    with closing(ctx.store):
        assert sweep_scratch(ctx) == (Path(area).name,)
        assert not Path(area).exists()
        assert sweep_scratch(ctx) == ()
