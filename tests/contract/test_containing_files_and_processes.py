"""Keys, tokens, a site, processes and services contained for real, on files and processes the test made itself."""

import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from simulators.chance import CrashAt, PowerCut
from simulators.house import House
from tocsin.adapters.http import SystemHttp
from tocsin.adapters.secrets import ReferencedSecrets
from tocsin.adapters.shell import SystemShell
from tocsin.errors import ConfigurationError
from tocsin.runbook import decisions
from tocsin.runbook.engine import Progressed, advance, prepare, start

DEAD = f"{socket.gethostname()}|999999999:1"
TOKEN = "tok_live_51Hx9QvZk2"


@dataclass
class Ground:
    house: House

    @property
    def ctx(self) -> Any:
        places = f"{self.house.folder}/bin:{os.environ['PATH']}"
        return replace(
            self.house.ctx,
            shell=SystemShell({**os.environ, "PATH": places}),
            http=SystemHttp(),
            secrets=ReferencedSecrets(environ={"TOKEN": TOKEN}, folder=self.house.folder),
        )

    def begin(self, uses: str, **parameters: Any) -> str:
        step = json.dumps({"id": "a", "uses": uses, "without_evidence": "a test", "with": parameters})
        return start(self.ctx, prepare(self.ctx, f"playbook: p\ntitle: P\nsteps:\n- {step}\n", "p.yaml")).id

    def run(self, uses: str, **parameters: Any) -> Progressed:
        return advance(self.ctx, self.begin(uses, **parameters))

    def undo(self, found: Progressed) -> Any:
        decisions.undo(self.ctx, found.run.id, "a", "clean")
        return advance(self.ctx, found.run.id).looks[-1].row

    def program(self, name: str, text: str) -> str:
        path = self.house.folder / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
        return name


@pytest.fixture
def ground(house: House) -> Ground:
    return Ground(house)


# --- keys and tokens in files -----------------------------------------------------------------------------


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    folder = tmp_path / "ssh"
    folder.mkdir()
    lines = [b"# who may come in\r\n", b"\xff no text\n"]
    for name in ("maya@desk", "sam@laptop", "deploy key of the shop"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", folder / "k"], check=True)
        lines.append((folder / "k.pub").read_bytes())
        (folder / "k").unlink()
        (folder / "k.pub").unlink()
    lines[3] = b'from="10.0.0.1,10.0.0.2",command="/bin/a b" ' + lines[3]
    path = folder / "authorized_keys"
    path.write_bytes(b"".join(lines).removesuffix(b"\n"))
    path.chmod(0o640)
    return path


def fingerprint(keys: Path, number: int) -> str:
    said = subprocess.run(["ssh-keygen", "-lf", keys], capture_output=True, text=True, check=True).stdout
    return said.splitlines()[number].split()[1]


def revoke(ground: Ground, *files: Path, **what: Any) -> Progressed:
    return ground.run("contain.revoke_keys", host="this-machine", files=[str(path) for path in files], **what)


def test_keys_go_by_fingerprint_and_by_comment_and_come_back_byte_for_byte(ground: Ground, keys: Path) -> None:
    was, mode = keys.read_bytes(), keys.stat()
    found = revoke(ground, keys, fingerprints=[fingerprint(keys, 0)], comments=["sam@laptop"])
    assert found.looks[0].row.error is None
    lines = was.splitlines(keepends=True)
    assert keys.read_bytes() == b"".join((lines[0], lines[1], lines[4]))
    assert (keys.stat().st_mode, keys.stat().st_uid) == (mode.st_mode, mode.st_uid)
    assert ground.undo(found).output == {"files": {str(keys): "exact"}}
    assert (keys.read_bytes(), keys.stat().st_mode) == (was, mode.st_mode)
    assert [path.name for path in keys.parent.iterdir()] == ["authorized_keys"]


def test_a_comment_is_meant_whole_and_a_key_that_is_not_there_fails_the_step(ground: Ground, keys: Path) -> None:
    was = keys.read_bytes()
    error = str(revoke(ground, keys, comments=["sam@lap"]).looks[0].row.error)
    assert "None of these keys or tokens stands in" in error
    assert keys.read_bytes() == was


def test_what_somebody_added_meanwhile_stays_when_the_keys_come_back(ground: Ground, keys: Path) -> None:
    lines = keys.read_bytes().splitlines(keepends=True)
    found = revoke(ground, keys, comments=["sam@laptop"])
    keys.write_bytes(keys.read_bytes() + b"\nssh-ed25519 AAAA new@desk\n")
    assert ground.undo(found).output == {"files": {str(keys): "merged"}}
    assert keys.read_bytes() == b"".join(lines) + b"\nssh-ed25519 AAAA new@desk\n"


def test_a_token_goes_by_its_hash_and_by_a_marker_and_is_written_down_nowhere(
    ground: Ground, tmp_path: Path
) -> None:
    settings = tmp_path / "settings.env"
    settings.write_text(f'NAME=shop\nAPI_TOKEN="{TOKEN}"\nOTHER=x  # deploy hook of 2024\n')
    found = revoke(
        ground,
        settings,
        token_sha256=[hashlib.sha256(TOKEN.encode()).hexdigest()],
        markers=["deploy hook of 2024"],
    )
    assert settings.read_text() == "NAME=shop\n"
    state = ground.house.workspace.state_folder
    assert TOKEN.encode() not in b"".join(path.read_bytes() for path in state.rglob("*") if path.is_file())
    copy = next(path for path in tmp_path.iterdir() if path.name.startswith(".settings.env.tocsin-"))
    assert copy.stat().st_mode & 0o777 == 0o600
    ground.undo(found)
    assert TOKEN in settings.read_text()


def test_a_link_is_never_followed(ground: Ground, keys: Path) -> None:
    link = keys.with_name("linked")
    link.symlink_to(keys)
    was = keys.read_bytes()
    assert "was left alone" in str(revoke(ground, link, comments=["sam@laptop"]).looks[0].row.error)
    assert (keys.read_bytes(), link.is_symlink()) == (was, True)


def test_a_copy_that_was_tampered_with_is_not_put_back(ground: Ground, keys: Path) -> None:
    found = revoke(ground, keys, comments=["sam@laptop"])
    left = keys.read_bytes()
    copy = next(path for path in keys.parent.iterdir() if "tocsin" in path.name)
    copy.write_bytes(b"ssh-ed25519 AAAA attacker\n")
    row = ground.undo(found)
    assert (row.state, "was altered since; nothing was put back" in str(row.error)) == ("failed", True)
    assert keys.read_bytes() == left


@pytest.mark.parametrize("where", ["step:noted", "step:acted"])
def test_after_a_crash_the_file_comes_back_as_it_was_before_the_first_try(
    ground: Ground, keys: Path, where: str
) -> None:
    was = keys.read_bytes()
    run = ground.begin("contain.revoke_keys", host="this-machine", files=[str(keys)], comments=["sam@laptop"])
    with pytest.raises(PowerCut):
        advance(replace(ground.ctx, crash=CrashAt(where)), run, worker=DEAD)
    found = advance(ground.ctx, run)
    assert (found.looks[0].row.error, keys.read_bytes() == was) == (None, False)
    ground.undo(found)
    assert keys.read_bytes() == was


# --- a new secret -----------------------------------------------------------------------------------------


def test_a_new_secret_goes_to_the_program_and_only_its_fingerprint_is_kept(ground: Ground, tmp_path: Path) -> None:
    ground.program("set-token", f'#!/bin/sh\ncat > {tmp_path}/taken\necho "$ADMIN got it"; cat {tmp_path}/taken\n')
    ground.program("has-token", f"#!/bin/sh\ncmp - {tmp_path}/taken\n")
    found = ground.run(
        "contain.rotate_secret", argv=["set-token"], check=["has-token"], environment={"ADMIN": "env:TOKEN"}
    )
    secret = (tmp_path / "taken").read_text().strip()
    digest = hashlib.sha256(secret.encode()).hexdigest()
    assert found.looks[0].row.output == {"fingerprint": f"sha256:{digest[:16]}", "checked": True}
    state = ground.house.workspace.state_folder
    kept = b"".join(path.read_bytes() for path in state.rglob("*") if path.is_file())
    assert secret.encode() not in kept


def test_a_program_that_refuses_the_secret_fails_the_step_without_showing_it(ground: Ground) -> None:
    ground.program("set-token", "#!/bin/sh\ncat >&2\nexit 3\n")
    error = str(ground.run("contain.rotate_secret", argv=["set-token"]).looks[0].row.error)
    assert error == "set-token did not take the new secret (exit code 3). It said last: •••"


# --- a holding page ---------------------------------------------------------------------------------------


@dataclass
class Site:
    link: Path
    url: str


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    release = tmp_path / "releases/7"
    release.mkdir(parents=True)
    (release / "index.html").write_text("The shop, defaced")
    link = tmp_path / "site"
    link.symlink_to("releases/7")

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(link)))
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield Site(link, f"http://127.0.0.1:{server.server_port}/")
    server.shutdown()
    server.server_close()


@pytest.fixture
def page(tmp_path: Path) -> str:
    (tmp_path / "holding").mkdir()
    (tmp_path / "holding/index.html").write_text("<h1>We will be back soon</h1>")
    return str(tmp_path / "holding")


def test_a_site_is_turned_round_by_its_link_seen_to_be_and_turned_back_exactly(
    ground: Ground, site: Site, page: str
) -> None:
    found = ground.run("contain.holding_page", host="this-machine", link=str(site.link), page=page, url=site.url)
    assert (found.looks[0].row.error, (found.looks[0].row.output or {})["seen"]) == (None, True)
    assert str(site.link.readlink()) == page
    ground.undo(found)
    assert str(site.link.readlink()) == "releases/7"


def test_where_the_site_does_not_show_the_page_it_stands_there_again_at_once(
    ground: Ground, site: Site, page: str
) -> None:
    (Path(page) / "index.html").write_text("something else")
    found = ground.run("contain.holding_page", host="this-machine", link=str(site.link), page=page, url=site.url)
    assert "does not show the holding page (it answered 200). The site stands there again" in str(
        found.looks[0].row.error
    )
    assert str(site.link.readlink()) == "releases/7"


def test_a_link_that_somebody_turned_meanwhile_is_left_alone(ground: Ground, site: Site, page: str) -> None:
    found = ground.run("contain.holding_page", host="this-machine", link=str(site.link), page=page)
    site.link.unlink()
    site.link.symlink_to("releases/8")
    assert "somebody changed it. It was left alone" in str(ground.undo(found).error)
    assert str(site.link.readlink()) == "releases/8"


@pytest.mark.parametrize("before", ["# nothing yet\n", None])
def test_an_include_of_nginx_is_put_down_checked_read_and_taken_away_again(
    ground: Ground, tmp_path: Path, page: str, before: str | None
) -> None:
    include = tmp_path / "holding.conf"
    if before is not None:
        include.write_text(before)
        include.chmod(0o640)
    ground.program("nginx", f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\n')
    told = {"check": ["nginx", "-t"], "reload": ["nginx", "-s", "reload"], "page": page}
    found = ground.run("contain.holding_page", host="this-machine", include=str(include), **told)
    assert found.looks[0].row.error is None
    assert f"root {page};" in include.read_text()
    assert (tmp_path / "asked").read_text() == "-t\n-s reload\n"
    ground.undo(found)
    assert (include.read_text() if include.exists() else None) == before
    if before is not None:
        assert include.stat().st_mode & 0o777 == 0o640
    assert not [path for path in tmp_path.iterdir() if ".tocsin" in path.name and path.is_file()]


def test_a_web_server_that_refuses_the_page_gets_its_old_file_back(
    ground: Ground, tmp_path: Path, page: str
) -> None:
    include = tmp_path / "holding.conf"
    include.write_text("# nothing yet\n")
    ground.program(
        "nginx", f'#!/bin/sh\ngrep -q tocsin {include} || exit 0\necho "[emerg] duplicate" >&2\nexit 1\n'
    )
    told = {"check": ["nginx", "-t"], "reload": ["nginx", "-s", "reload"], "page": page}
    error = str(
        ground.run("contain.holding_page", host="this-machine", include=str(include), **told).looks[0].row.error
    )
    assert "[emerg] duplicate" in error
    assert include.read_text() == "# nothing yet\n"


@pytest.mark.skipif(shutil.which("nginx") is None, reason="no nginx here (Debian: apt-get install nginx-light)")
def test_nginx_itself_takes_the_include(ground: Ground, tmp_path: Path, page: str) -> None:
    include = tmp_path / "holding.conf"
    ground.program("true-reload", "#!/bin/sh\n")
    ground.run(
        "contain.holding_page", host="this-machine", include=str(include), page=page, reload=["true-reload"]
    )
    settings = tmp_path / "nginx.conf"
    settings.write_text(
        f"{'user root; ' * (os.geteuid() == 0)}pid {tmp_path}/pid; error_log {tmp_path}/log; events {{}}\n"
        f"http {{ access_log off; server {{ listen unix:{tmp_path}/s; location / {{ return 200 x; }} include {include}; }} }}\n"
    )
    process = subprocess.Popen(["nginx", "-g", "daemon off;", "-c", str(settings), "-p", str(tmp_path)])
    try:
        while not (tmp_path / "s").exists():
            time.sleep(0.02)
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(str(tmp_path / "s"))
            line.sendall(b"GET /any/page HTTP/1.0\r\n\r\n")
            answer = b"".join(iter(lambda: line.recv(4096), b""))
    finally:
        process.terminate()
        process.wait(10)
    assert answer.startswith(b"HTTP/1.1 503")
    assert b"We will be back soon" in answer


# --- processes --------------------------------------------------------------------------------------------


@pytest.fixture
def encrypting(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A program of a name of its own, `encrypt-it`, that would go on for ever."""
    program = tmp_path / "encrypt-it"
    shutil.copy(shutil.which("sleep") or "", program)
    process = subprocess.Popen([program, "300"])
    yield process
    process.kill()
    process.wait(10)


def test_processes_are_found_by_exactly_what_they_are(
    ground: Ground, encrypting: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    found = ground.run("process.list", executable=str(tmp_path / "encrypt-it"), name="encrypt-it")
    output = found.looks[0].row.output or {}
    assert (output["count"], output["processes"][0]["pid"]) == (1, encrypting.pid)
    assert (ground.run("process.list", name="encrypt-").looks[0].row.output or {})["count"] == 0


def test_a_frozen_process_does_nothing_more_and_goes_on_when_that_is_undone(
    ground: Ground, encrypting: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    state = lambda: Path(f"/proc/{encrypting.pid}/stat").read_text().split(") ")[1][0]  # noqa: E731
    found = ground.run("process.freeze", executable=str(tmp_path / "encrypt-it"))
    assert (found.looks[0].row.error, state()) == (None, "T")
    ground.undo(found)
    assert state() == "S"


def test_a_killed_process_is_gone_and_nothing_is_done_where_more_match_than_expected(
    ground: Ground, encrypting: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    executable = str(tmp_path / "encrypt-it")
    with subprocess.Popen([executable, "300"]) as second:
        error = str(ground.run("process.kill", executable=executable, at_most=1).looks[0].row.error)
        assert "2 processes match" in error
        assert (encrypting.poll(), second.poll()) == (None, None)
        found = ground.run("process.kill", executable=executable, signal="KILL")
        assert found.looks[0].row.error is None
        assert (encrypting.wait(10), second.wait(10)) == (-signal.SIGKILL, -signal.SIGKILL)
    assert "No process matches" in str(ground.run("process.kill", executable=executable).looks[0].row.error)


def test_tocsin_never_lists_itself_or_what_it_descends_from(ground: Ground) -> None:
    found = ground.run("process.list", executable=str(Path(sys.executable).resolve()))
    numbers = [one["pid"] for one in (found.looks[0].row.output or {})["processes"]]
    assert os.getpid() not in numbers


# --- services ---------------------------------------------------------------------------------------------

SYSTEMCTL = """\
#!/bin/sh
cd "$(dirname "$0")"
case "$1" in
show) echo Id=nginx.service; echo LoadState=loaded; cat state; ls drop-ins 2>/dev/null | sed s/^/DropInPaths=/ ;;
stop) echo ActiveState=inactive > state ;;
start) [ -e drop-ins ] || echo ActiveState=active > state ;;
daemon-reload) echo reloaded >> reloads ;;
esac
"""


def test_a_service_is_down_kept_down_and_back_when_that_is_undone(ground: Ground, tmp_path: Path) -> None:
    """With a `systemctl` and an `sh` of our own: no test may stop a service of the machine it runs on."""
    ground.program("systemctl", SYSTEMCTL)
    (tmp_path / "bin/state").write_text("ActiveState=active\n")
    # The drop-in goes under a /run of our own.
    ground.program("sh", f'#!/bin/dash\nscript=$(echo "$2" | sed "s#/run/systemd/system/[$]1[.]d#{tmp_path}/bin/drop-ins#g")\n'
                   'shift 3\nexec /bin/dash -c "$script" tocsin "$@"\n')  # fmt: skip
    found = ground.run("contain.stop_service", host="this-machine", service="nginx")
    assert found.looks[0].row.error is None
    assert (tmp_path / "bin/state").read_text() == "ActiveState=inactive\n"
    drop_in = tmp_path / "bin/drop-ins/50-tocsin-keeps-it-down.conf"
    assert drop_in.read_text() == "[Unit]\nConditionPathExists=/run/tocsin-lets-it-start\n"
    assert ground.undo(found).error is None
    assert ((tmp_path / "bin/state").read_text(), drop_in.exists()) == ("ActiveState=active\n", False)


# --- any service's API ------------------------------------------------------------------------------------


@pytest.fixture
def api() -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    asked: list[tuple[str, str, str]] = []
    active = [True]

    class Directory(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            asked.append((self.command, body, self.headers.get("Authorization", "")))
            if self.command == "PATCH":
                active[0] = json.loads(body)["active"]
            if self.command == "DELETE":
                self.send_response(404)
            else:
                self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"active": active[0]}).encode())

        do_GET = do_PATCH = do_DELETE = answer  # noqa: N815

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Directory)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/sam", asked
    server.shutdown()
    server.server_close()


def test_a_service_is_told_asked_whether_it_holds_and_told_the_opposite_when_that_is_undone(
    ground: Ground, api: tuple[str, list[tuple[str, str, str]]]
) -> None:
    url, asked = api
    secret = {"secret_headers": {"Authorization": "env:TOKEN"}}
    found = ground.run(
        "contain.request",
        do={"method": "PATCH", "url": url, "body": '{"active": false}', **secret},
        undo={"method": "PATCH", "url": url, "body": '{"active": true}', **secret},
        check={"url": url, "contains": '"active": false', **secret},
    )
    assert (found.looks[0].row.error, (found.looks[0].row.output or {})["checked"]) == (None, True)
    ground.undo(found)
    assert [(method, body) for method, body, _ in asked] == [
        ("PATCH", '{"active": false}'), ("GET", ""), ("PATCH", '{"active": true}'),
    ]  # fmt: skip
    assert {header for *_, header in asked} == {TOKEN}


def test_a_status_nobody_expected_fails_it_unless_the_step_says_it_is_well(
    ground: Ground, api: tuple[str, list[tuple[str, str, str]]]
) -> None:
    gone = {"method": "DELETE", "url": api[0]}
    again = {"method": "PATCH", "url": api[0], "body": '{"active": true}'}
    assert "answered with 404, not 200" in str(
        ground.run("contain.request", do=gone, undo=again).looks[0].row.error
    )
    found = ground.run("contain.request", do={**gone, "status": [204, 404]}, undo=again)
    assert found.looks[0].row.state == "done"


# --- what a file may not say ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("uses", "parameters", "sentence"),
    [
        ("contain.isolate_host", {}, "name one machine"),
        ("contain.isolate_host", {"host": "a", "system": "crm"}, "name one machine"),
        ("contain.isolate_host", {"host": "-oProxyCommand=x"}, "is not a host"),
        ("contain.isolate_host", {"host": "a", "allow": ["0.0.0.0/0"]}, "covers nearly everything"),
        ("contain.isolate_host", {"host": "a", "lifeline": "2s"}, "before they are proved"),
        ("contain.isolate_host", {"host": "a", "must_stop_out": ["x:1"]}, "is no address and port"),
        ("contain.block_address", {"host": "a", "addresses": ["127.0.0.1"]}, "no address of anybody outside"),
        ("contain.block_address", {"host": "a", "addresses": ["10.1.0.0/16"], "never": ["10.1.2.3"]}, "never blocked"),
        ("contain.lock_account", {"host": "a", "account": "-x; reboot"}, "account"),
        ("contain.mysql_account", {"database": "env:X", "account": "a'b"}, "is no account of ours"),
        ("contain.postgres_role", {"database": "env:X", "role": "a", "no_login": False, "end_sessions": False}, "nothing would be done"),
        ("contain.postgres_role", {"database": "env:X", "role": "a", "new_password": {}}, "where the new password goes"),
        ("contain.revoke_keys", {"host": "a", "files": ["/x"]}, "says not which lines go"),
        ("contain.holding_page", {"host": "a", "link": "/a", "include": "/b"}, "how the site is turned round"),
        ("contain.holding_page", {"host": "a", "include": "/b"}, "nginx reads an include only when told to"),
        ("process.kill", {}, "says not which processes"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_when_the_file_is_read(
    ground: Ground, uses: str, parameters: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        ground.begin(uses, **parameters)


def test_a_system_says_how_its_machine_is_reached_and_one_that_does_not_is_told(ground: Ground) -> None:
    error = str(ground.run("contain.lock_account", system="crm", account="sam").looks[0].row.error)
    assert error.startswith(
        "Nobody has written down how Customer database is reached, so nothing was done. Add `ssh:"
    )
