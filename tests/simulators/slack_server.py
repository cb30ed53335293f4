"""The simulated Slack, served over HTTP on loopback."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from simulators.slack import Slack


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, slack: Slack) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.slack = slack

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: lines are cut here on purpose."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        slack = self.server.slack
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if slack.down:
            self.connection.close()
            return
        name = self.path.strip("/")
        if name.startswith("services/"):
            with slack.lock:
                slack.webhooks.append(json.loads(body))
            self._send(200, b"ok", {})
            return
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        try:
            asked = _asked(self.headers.get("Content-Type") or "", body)
        except ValueError:
            self._send(200, b'{"ok": false, "error": "invalid_json"}', {})
            return
        status, answer, headers = slack.answer(name.removeprefix("api/"), token, asked)
        if status == 0:
            self.connection.close()
        else:
            self._send(status, json.dumps(answer).encode(), headers)

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        kind = "application/json; charset=utf-8"
        for name, value in {**headers, "Content-Type": kind, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the parent's name
        """Say nothing."""


@contextmanager
def slack_at_work() -> Iterator[Slack]:
    """Serve one team for as long as the block lasts."""
    slack = Slack()
    server = _Server(slack)
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    serving.start()
    slack.home = f"http://127.0.0.1:{server.server_port}/api/"
    try:
        yield slack
    finally:
        slack.close()
        server.shutdown()
        server.server_close()
        serving.join()


def _asked(kind: str, body: bytes) -> dict[str, Any]:
    if kind.startswith("application/json"):
        found = json.loads(body.decode() or "{}")
        if not isinstance(found, dict):
            raise ValueError("not an object")
        return found
    fields = parse_qs(body.decode(), keep_blank_values=True)
    return {name: values[-1] for name, values in fields.items() if name != "token"}
