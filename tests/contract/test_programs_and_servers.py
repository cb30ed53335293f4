"""Programs, web servers and files for real: time limits, process groups, bounded output, secrets that stay hidden."""

import os
import stat
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from simulators.house import House
from tocsin.adapters.http import SystemHttp
from tocsin.adapters.secrets import ReferencedSecrets
from tocsin.adapters.shell import MOST_BYTES, SystemShell
from tocsin.context import Context
from tocsin.errors import OperationFailed, OutcomeUnknown, Temporary, UsageError
from tocsin.ports import Command, HttpRequest
from tocsin.runbook import decisions
from tocsin.runbook.containment import contained
from tocsin.runbook.engine import Progressed, advance, prepare, start

SECRET = "correct-horse-battery-staple"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def ctx(tmp_path: Path) -> Iterator[Context]:
    house = House(tmp_path)
    environ = {"TOKEN": SECRET}
    yield replace(
        house.ctx,
        shell=SystemShell({**os.environ, "PATH": f"{tmp_path}/bin:{os.environ['PATH']}"}),
        http=SystemHttp(),
        secrets=ReferencedSecrets(environ=environ, folder=tmp_path),
    )
    house.close()


def ran(ctx: Context, steps: str) -> Progressed:
    return advance(ctx, start(ctx, prepare(ctx, f"playbook: p\ntitle: P\nsteps:\n{steps}", "p.yaml")).id)


def python(program: str, **more: Any) -> Command:
    return Command((sys.executable, "-c", program), more.pop("timeout", MINUTE), **more)


# --- programs ---------------------------------------------------------------------------------------------


def test_a_program_gets_its_words_as_they_are_and_no_shell_reads_them(ctx: Context, tmp_path: Path) -> None:
    found = ran(ctx, "- {id: a, uses: command, with: {argv: [printf, '%s|', '$HOME; touch owned', '*']}}\n")
    assert found.looks[0].row.output == {
        "code": 0,
        "stdout": "$HOME; touch owned|*|",
        "stderr": "",
        "is_cut": False,
    }
    assert not (tmp_path / "owned").exists()


def test_a_program_that_ends_with_another_code_fails_the_step_with_its_last_words(ctx: Context) -> None:
    found = ran(ctx, "- {id: a, uses: command, with: {argv: [ls, /nowhere-at-all]}}\n")
    assert "ls ended with exit code 2. It said last: ls: cannot access" in str(found.looks[0].row.error)


def test_a_program_that_is_not_there_is_told_by_its_name(ctx: Context) -> None:
    found = ran(ctx, "- {id: a, uses: command, with: {argv: [blok-account]}}\n")
    assert found.looks[0].row.error == "There is no program 'blok-account' on this machine; nothing was run."


def test_when_its_time_is_over_the_whole_process_group_ends(ctx: Context, tmp_path: Path) -> None:
    program = tmp_path / "slow"
    program.write_text("#!/bin/sh\nsleep 300 &\necho $! > child\ntrap '' TERM\nwhile true; do sleep 300; done\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    began = time.monotonic()
    found = ran(ctx, f"- {{id: a, uses: command, timeout: 1s, with: {{argv: [{program}]}}}}\n")
    assert time.monotonic() - began < 20
    assert "stopped because its time was over; what it had done until then stands" in str(found.looks[0].row.error)
    child = Path(f"/proc/{(tmp_path / 'child').read_text().strip()}")
    assert not child.exists() or "Z" in (child / "stat").read_text().split()[2]


def test_a_secret_reaches_the_program_and_neither_its_output_nor_the_store(ctx: Context, tmp_path: Path) -> None:
    found = ran(ctx, "- {id: a, uses: command, with: {argv: [env], environment: {BLOCK_TOKEN: 'env:TOKEN'}}}\n")
    assert "BLOCK_TOKEN=•••" in str((found.looks[0].row.output or {})["stdout"])
    kept = b"".join(path.read_bytes() for path in ctx.workspace.state_folder.rglob("*") if path.is_file())
    assert SECRET.encode() not in kept


def test_a_program_inherits_none_of_our_own_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESTIC_PASSWORD", SECRET)
    assert SECRET not in SystemShell(os.environ).run(Command(("env",), MINUTE)).stdout


def test_of_a_flood_the_end_is_kept_and_a_secret_cut_in_two_is_not_shown() -> None:
    flood = f"import sys; sys.stdout.write({SECRET!r} * 40000); sys.stdout.write('the end')"
    said = SystemShell(os.environ).run(python(flood, hide=(SECRET,)))
    assert said.is_cut
    assert len(said.stdout.encode()) <= MOST_BYTES + 3
    assert said.stdout.endswith("•••the end")
    assert not any(part in said.stdout for part in ("horse", "battery", "staple"))


def test_bytes_that_are_no_text_do_not_stop_it() -> None:
    said = SystemShell(os.environ).run(python("import sys; sys.stdout.buffer.write(b'\\xff\\x00ok')"))
    assert said.stdout.endswith("ok")


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is no folder"):
        SystemShell(os.environ).run(Command(("true",), MINUTE, tmp_path / "gone"))


# --- another machine --------------------------------------------------------------------------------------


@pytest.fixture
def ssh(tmp_path: Path) -> Path:
    """An `ssh` on the path that writes down its words and ends as told: the real one has nobody to talk to here."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin/ssh"
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$@" > "$(dirname "$0")/words"\n. "$(dirname "$0")/ending"\n')
    program.chmod(0o755)
    (tmp_path / "bin/ending").write_text("echo done; exit 0\n")
    return tmp_path / "bin"


SSH = "- {id: a, uses: ssh.command, with: {host: web1.example, user: ops, argv: [touch, 'a b; reboot']}}\n"


def test_no_host_is_contacted_whose_key_nobody_wrote_down(ctx: Context, ssh: Path) -> None:
    assert "so it was not contacted" in str(ran(ctx, SSH).looks[0].row.error)
    assert not (ssh / "words").exists()


def test_ssh_may_ask_nothing_and_trust_nobody_new_and_the_words_are_quoted(ctx: Context, ssh: Path) -> None:
    (ctx.workspace.root / "known_hosts").write_text("web1.example ssh-ed25519 AAAA\n")
    assert ran(ctx, SSH).looks[0].row.state == "done"
    words = (ssh / "words").read_text().splitlines()
    assert {"BatchMode=yes", "StrictHostKeyChecking=yes", "GlobalKnownHostsFile=/dev/null"} <= set(words)
    assert words[-3:] == ["--", "web1.example", "touch 'a b; reboot'"]


@pytest.mark.parametrize(
    ("said", "state", "sentence"),
    [
        ("ssh: connect to host web1.example port 22: Connection refused", "failed", "was not reached"),
        ("Host key verification failed.", "failed", "was not logged in to"),
        ("client_loop: send disconnect: Broken pipe", "unknown", "nobody knows what was run there"),
    ],
)
def test_what_ssh_says_of_a_broken_line_decides_whether_a_person_must_look(
    ctx: Context, ssh: Path, said: str, state: str, sentence: str
) -> None:
    (ctx.workspace.root / "known_hosts").write_text("web1.example ssh-ed25519 AAAA\n")
    (ssh / "ending").write_text(f"echo '{said}' >&2; exit 255\n")
    row = ran(ctx, SSH).looks[0].row
    assert (row.state, sentence in str(row.error)) == (state, True)


def test_the_real_ssh_takes_our_words(ctx: Context) -> None:
    (ctx.workspace.root / "known_hosts").write_text("localhost ssh-ed25519 AAAA\n")
    row = ran(ctx, "- {id: a, uses: ssh.command, with: {host: 127.0.0.1, port: 1, argv: ['true']}}\n").looks[0].row
    assert "127.0.0.1 was not reached" in str(row.error)


def test_a_service_is_stopped_and_started_again_when_that_is_undone(ctx: Context, ssh: Path) -> None:
    """With a `systemctl` of our own on the path: no test may stop a service of the machine it runs on."""
    program = ssh / "systemctl"
    program.write_text(
        '#!/bin/sh\ncd "$(dirname "$0")"\necho "$1" >> asked\n[ "$1" = show ] || { echo "$1" > last; exit; }\n'
        '[ "$(cat last 2>/dev/null)" = stop ] && echo ActiveState=inactive || echo ActiveState=active\n'
    )
    program.chmod(0o755)
    found = ran(ctx, "- {id: a, uses: process.stop, without_evidence: x, with: {service: nginx.service}}\n")
    with ctx.store.read() as connection:
        assert [one.does for one in contained(connection)] == [
            "start the service nginx.service on this machine again, if it ran before"
        ]
    decisions.undo(ctx, found.run.id, "a", "clean")
    assert advance(ctx, found.run.id).state == "done"
    verbs = [line.split()[0] for line in (ssh / "asked").read_text().splitlines()]
    assert verbs == ["show", "show", "stop", "show", "show", "start", "show"]


# --- web servers ------------------------------------------------------------------------------------------


@dataclass
class Server:
    port: int
    asked: list[tuple[str, str, str, str]]

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"


@pytest.fixture
def server() -> Iterator[Server]:
    asked: list[tuple[str, str, str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            asked.append((self.command, self.path, self.headers.get("Authorization") or "", body))
            if self.path == "/silent":
                time.sleep(3)
                return
            self.send_response({"/gone": 404, "/away": 302, "/near": 302}.get(self.path, 200))
            if self.path in ("/away", "/near"):
                elsewhere = "http://localhost" if self.path == "/away" else "http://127.0.0.1"
                self.send_header("Location", f"{elsewhere}:{self.server.server_port}/ok")  # type: ignore[attr-defined]
            self.end_headers()
            self.wfile.write(f"all is ok {self.headers.get('Authorization') or ''}".encode())

        do_POST = do_GET  # noqa: N815 - the library looks for this very name

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, daemon=True)
        thread.start()
        yield Server(http.server_port, asked)
        http.shutdown()
        thread.join()


def test_a_request_carries_its_secret_and_the_answer_does_not_give_it_back(ctx: Context, server: Server) -> None:
    found = ran(
        ctx,
        f"- {{id: a, uses: http.request, with: {{method: POST, url: '{server.url('/ok')}', body: go, "
        "secret_headers: {Authorization: 'env:TOKEN'}}}\n",
    )
    assert found.looks[0].row.output == {"status": 200, "body": "all is ok •••", "is_cut": False}
    assert server.asked == [("POST", "/ok", SECRET, "go")]


def test_an_application_is_proven_to_answer_or_the_step_fails(ctx: Context, server: Server) -> None:
    found = ran(
        ctx,
        f"- {{id: well, uses: verify.http, with: {{url: '{server.url('/ok')}', contains: all is ok}}}}\n"
        f"- {{id: gone, uses: verify.http, with: {{url: '{server.url('/gone')}'}}}}\n"
        f"- {{id: other, uses: verify.http, with: {{url: '{server.url('/ok')}', contains: Welcome}}}}\n",
    )
    said = {seen.row.key: seen.row.error for seen in found.looks}
    assert said["well"] is None
    assert "answered with 404, not 200" in str(said["gone"])
    assert "does not hold 'Welcome'" in str(said["other"])


def test_a_redirect_is_followed_within_one_host_and_never_to_another(server: Server) -> None:
    http = SystemHttp()
    assert http.request(HttpRequest("GET", server.url("/near"), MINUTE)).status == 200
    with pytest.raises(OperationFailed, match="another host"):
        http.request(HttpRequest("GET", server.url("/away"), MINUTE, {"Authorization": SECRET}))
    assert [path for _, path, _, _ in server.asked] == ["/near", "/ok", "/away"]


def test_a_server_that_gives_no_answer_may_have_done_it(server: Server) -> None:
    http = SystemHttp()
    second = timedelta(seconds=1)
    with pytest.raises(OutcomeUnknown, match="may have done it"):
        http.request(HttpRequest("POST", server.url("/silent"), second))
    with pytest.raises(Temporary, match="asking again is safe"):
        http.request(HttpRequest("GET", server.url("/silent"), second))
    with pytest.raises(Temporary, match="was not reached"):
        http.request(HttpRequest("POST", "http://127.0.0.1:1/", second))


# --- files ------------------------------------------------------------------------------------------------


def test_a_file_is_there_and_right_or_the_step_says_why_not(ctx: Context) -> None:
    (ctx.workspace.root / "list.csv").write_text("Harbour View\n")
    checks = {
        "well": "contains: Harbour, at_least_bytes: 5",
        "short": "at_least_bytes: 500",
        "other": "contains: Northgate",
        "altered": f"sha256: {'a' * 64}",
    }
    steps = "".join(
        f"- {{id: {name}, uses: verify.file, with: {{path: list.csv, {how}}}}}\n" for name, how in checks.items()
    )
    steps += "- {id: gone, uses: verify.file, with: {path: gone.csv}}\n"
    steps += "- {id: locked, uses: verify.file, with: {path: list.csv, absent: true}}\n"
    said = {seen.row.key: str(seen.row.error) for seen in ran(ctx, steps).looks}
    assert said["well"] == "None"
    for name, words in {"short": "has 13 bytes, less than 500", "other": "does not hold 'Northgate'",
                        "altered": "has other content", "gone": "is not there", "locked": "still there"}.items():  # fmt: skip
        assert words in said[name]


def test_a_program_that_only_looks_proves_something(ctx: Context) -> None:
    found = ran(
        ctx,
        "- {id: well, uses: verify.command, with: {argv: [echo, all well], contains: well}}\n"
        "- {id: ill, uses: verify.command, with: {argv: [echo, all well], contains: ill}}\n",
    )
    assert [seen.row.state for seen in found.looks] == ["done", "failed"]
