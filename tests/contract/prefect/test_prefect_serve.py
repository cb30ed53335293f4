"""`tocsin serve` as a person starts it: a process of its own, real schedules, real signals."""

# ruff: noqa: PLC0415 - Prefect is imported when its settings stand, not before

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import time
from base64 import b64encode
from http.client import HTTPConnection
from pathlib import Path
from stat import S_IMODE
from types import SimpleNamespace

import pytest

from prefect_ground import copied
from processes import descendants_of, gone_within, living
from tocsin.backups import ledger
from tocsin.serve.environment import applied, settings
from tocsin.wiring import open_context

pytestmark = [pytest.mark.prefect, pytest.mark.xdist_group("prefect")]

# Loaded by every Python that the served process starts, itself included: writes down what is reached for outside.
LISTENER = """\
import os, sys
def listen(event, arguments, here=("127.0.0.1", "::1", "localhost", None, "")):
    if event == "socket.connect" and isinstance(arguments[1], tuple) and arguments[1][0] not in here \\
            or event == "socket.getaddrinfo" and arguments[0] not in here:
        with open(os.environ["REACHED"], "a") as file:
            file.write(f"{event} {arguments[-1] if event == 'socket.connect' else arguments[0]} {sys.argv}\\n")
sys.addaudithook(listen)
"""


def environment(folder: Path) -> dict[str, str]:
    (folder / "sitecustomize.py").write_text(LISTENER)
    return {**os.environ, "PYTHONPATH": str(folder), "REACHED": str(folder / "reached"), "TERM": "dumb"}


def command(*words: str | Path) -> list[str]:
    return [sys.executable, "-m", "tocsin.cli", "serve", *map(str, words)]


@pytest.fixture(scope="module")
def served(empty_workspace, migrated, tmp_path_factory):
    """A workspace that is being served, and what `tocsin serve --json` said."""
    folder = tmp_path_factory.mktemp("serve")
    root = copied(empty_workspace, folder / "workspace")
    home = root / ".tocsin" / "prefect"
    home.mkdir(mode=0o700)
    shutil.copy(migrated, home / "prefect.db")
    (home / "prefect.db").chmod(0o600)
    with (folder / "stderr").open("w") as complaints:
        process = subprocess.Popen(
            command("--port", "0", "--json", "--workspace", root),
            env=environment(folder),
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
        )
    said = ""
    try:
        while not said.endswith("\n}\n"):
            line = process.stdout.readline()
            assert line, (folder / "stderr").read_text()
            said += line
        told = json.loads(said)
        yield SimpleNamespace(
            root=root, folder=folder, process=process, port=int(told["url"].rpartition(":")[2]), **told
        )
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def answer(served, path, *, login="", origin="", method="GET"):
    connection = HTTPConnection("127.0.0.1", served.port, timeout=10)
    headers = {"Authorization": f"Basic {b64encode(login.encode()).decode()}"} if login else {}
    headers |= {"Origin": origin, "Access-Control-Request-Method": "POST"} if origin else {}
    try:
        connection.request(method, path, headers=headers)
        response = connection.getresponse()
        response.text = response.read().decode(errors="replace")
    finally:
        connection.close()
    return response


def login(served):
    return Path(served.login_file).read_text().strip()


def test_its_api_wants_the_login_that_only_its_owner_can_read(served):
    assert answer(served, "/api/admin/version").status == 401
    assert answer(served, "/api/admin/version", login="tocsin:guess").status == 401
    assert answer(served, "/api/admin/version", login=login(served)).status == 200
    assert S_IMODE(Path(served.login_file).stat().st_mode) == 0o600
    assert (
        answer(served, "/api/flow_runs/filter", method="POST", login=login(served)).status == 403
    )  # no CSRF token


def test_no_other_page_may_speak_to_it(served):
    foreign = answer(served, "/api/flow_runs/filter", method="OPTIONS", origin="https://elsewhere.example")
    assert foreign.getheader("Access-Control-Allow-Origin") is None
    own = answer(served, "/api/flow_runs/filter", method="OPTIONS", origin=served.url)
    assert own.getheader("Access-Control-Allow-Origin") == served.url


def test_it_shows_the_first_ui_alone(served):
    assert answer(served, "/").status == 200
    told = json.loads(answer(served, "/ui-settings").text)
    assert (told["available_uis"], told["auth"], told["csrf_enabled"]) == (["v1"], "BASIC", True)
    assert told["api_url"] == f"{served.url}/api"
    policy = answer(served, "/").getheader("Content-Security-Policy")
    assert "default-src 'self'" in policy
    assert "http" not in policy


def listening(pids: list[int]) -> set[str]:
    """Return the addresses that these processes listen on, as /proc writes them."""
    inodes = set()
    for pid in pids:
        for handle in Path(f"/proc/{pid}/fd").iterdir():
            try:
                inodes.add(str(handle.readlink()).removeprefix("socket:[").removesuffix("]"))
            except OSError:
                continue
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                found.add(fields[1].partition(":")[0])
    return found


def test_it_listens_on_loopback_only(served):
    assert listening([served.process.pid, *descendants_of(served.process.pid)]) == {"0100007F"}


def test_its_schedules_are_those_of_the_workspace(served):
    told = {(bell["flow"], bell["name"]): (bell["schedule"], bell["timezone"]) for bell in served.bells}
    assert told == {
        ("backup", "files"): ("30 2 * * *", "Europe/London"),
        ("backup", "pair"): ("0 3 * * *", "Europe/London"),
        ("backup", "twice"): ("0 4 * * *", "Europe/London"),
        ("drill", "files-quarterly"): ("0 9 1 */3 *", "Europe/London"),
        ("watch", "every-5-minutes"): ("every 5 min", ""),
        ("respond", "wake-up"): ("when asked", ""),
    }
    with asking(served) as client:
        registered = {one.name: one for one in client.read_deployments()}
    crons = {
        name: [(one.schedule.cron, one.schedule.timezone) for one in found.schedules]
        for name, found in registered.items()
        if name not in {"every-5-minutes", "wake-up"}
    }
    assert crons == {name: [schedule] for (flow, name), schedule in told.items() if flow in {"backup", "drill"}}
    (every,) = registered["every-5-minutes"].schedules
    assert (every.schedule.interval.total_seconds(), f"{every.schedule.anchor_date:%Y-%m-%d %H:%M}") == (
        300,
        "2026-01-01 00:00",
    )
    assert registered["wake-up"].schedules == []
    assert all(one.parameters["workspace"] == str(served.root) for one in registered.values())


class asking:  # noqa: N801 - reads as a word
    """Prefect's client, set for the served workspace."""

    def __init__(self, served):
        home = served.root / ".tocsin" / "prefect"
        self._applied = applied(settings(home, served.port, login(served)))

    def __enter__(self):
        from prefect.client.orchestration import get_client

        self._applied.__enter__()
        self._client = get_client(sync_client=True)
        return self._client.__enter__()

    def __exit__(self, *exc):
        self._client.__exit__(*exc)
        self._applied.__exit__(*exc)


def wait_for(condition, seconds=90):
    until = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.5)
    return found


def test_what_was_missed_is_done_at_the_start_and_what_comes_is_planned(served):
    def backed_up():
        with open_context(served.root) as ctx, ctx.store.read() as connection:
            return [entry for entry in ledger(connection) if entry.backup_plan == "files"]

    (entry,) = wait_for(backed_up)
    assert entry.verdict == "ok"

    def planned():
        with asking(served) as client:
            runs = [run for run in client.read_flow_runs() if run.parameters["workspace"] == str(served.root)]
        ahead = [run for run in runs if run.state.type == "SCHEDULED" and run.auto_scheduled]
        shown = [run for run in runs if run.parameters.get("plan") == "files" and run.state.type == "COMPLETED"]
        return (ahead, shown) if ahead and shown else None

    ahead, shown = wait_for(planned)
    assert any(
        f"{run.expected_start_time:%H:%M}" == "02:30" for run in ahead if run.parameters.get("plan") == "files"
    )
    assert len(shown) == 1


def test_what_it_leaves_on_the_disk_is_private(served):
    home = served.root / ".tocsin" / "prefect"
    paths = [home, *(path for path in home.rglob("*") if home / "ui" not in path.parents)]
    assert len(paths) > 4
    assert {path for path in paths if path.lstat().st_mode & 0o077} == set()


def test_a_second_one_on_the_same_workspace_is_refused(served):
    second = subprocess.run(
        command("--port", "0", "--workspace", served.root), capture_output=True, text=True, timeout=60, check=False
    )
    assert second.returncode == 4
    assert (
        f"is being served already, by process {served.process.pid} on this machine. Nothing was started."
        in second.stderr
    )


def test_sigterm_ends_it_well_and_leaves_no_process(served):
    family = descendants_of(served.process.pid)
    assert family
    served.process.send_signal(signal.SIGTERM)
    assert served.process.wait(60) == 0, (served.folder / "stderr").read_text()
    assert gone_within(5, family)


def test_nothing_outside_this_machine_was_reached_by_any_process(served):
    assert served.process.poll() == 0
    assert not (served.folder / "reached").exists(), (served.folder / "reached").read_text()


def test_a_port_that_is_taken_is_said_before_anything_starts(root):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        refused = subprocess.run(
            command("--port", port, "--workspace", root), capture_output=True, text=True, timeout=60, check=False
        )
    assert refused.returncode == 1
    assert (
        f"Port {port} on 127.0.0.1 cannot be used (Address already in use). Nothing was started." in refused.stderr
    )
    assert "Traceback" not in refused.stderr


def test_a_server_that_cannot_start_is_a_clear_sentence(root):
    home = root / ".tocsin" / "prefect"
    home.mkdir(mode=0o700)
    (home / "prefect.db").write_text("this is no database, and long enough to be looked at as one" * 20)
    failed = subprocess.run(
        command("--port", "0", "--workspace", root), capture_output=True, text=True, timeout=120, check=False
    )
    assert failed.returncode == 1
    assert "Prefect's server ended while it started. It said: " in failed.stderr
    assert str(home / "server.log") in failed.stderr
    assert "Traceback" not in failed.stderr


def test_a_kill_leaves_no_server_behind(root, migrated):
    home = root / ".tocsin" / "prefect"
    home.mkdir(mode=0o700)
    shutil.copy(migrated, home / "prefect.db")
    program = """
        import sys, time
        from pathlib import Path
        from tocsin.serve import embedded_server
        from tocsin.workspace import load
        with embedded_server(load(Path(sys.argv[1]))) as server:
            print(server.pid, flush=True)
            time.sleep(300)
    """
    starter = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program), root], stdout=subprocess.PIPE, text=True
    )
    with starter:
        pid = int(starter.stdout.readline())
        assert living(pid)
        starter.kill()
    assert gone_within(20, [pid])
