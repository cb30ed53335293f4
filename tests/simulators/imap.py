"""A small IMAP server over TLS on loopback: as much of RFC 3501 as reading one folder takes, and strict about it."""

import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class _Session(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self._say(b"* OK ready")
        while line := self.rfile.readline():
            tag, _, rest = line.strip().decode().partition(" ")
            word, _, words = rest.partition(" ")
            self.server.heard.append(word.upper())
            if not self._answer(tag, word.upper(), words):
                return

    def _answer(self, tag: str, word: str, words: str) -> bool:
        server = self.server
        done = f"{tag} OK done".encode()
        if word == "CAPABILITY":
            self._say(b"* CAPABILITY IMAP4rev1", done)
        elif word == "LOGIN":
            self._say(done if '"correct horse"' in words else f"{tag} NO wrong".encode())
        elif word == "EXAMINE":
            known = words == '"INBOX"'
            self._say(
                f"* {len(server.mails)} EXISTS".encode(), done if known else f"{tag} NO no such folder".encode()
            )
        elif word == "SEARCH":
            numbers = " ".join(str(at + 1) for at in range(len(server.mails)))
            self._say(f"* SEARCH {numbers}".encode(), done)
        elif word == "FETCH" and words.endswith("(BODY.PEEK[])"):
            number = int(words.split(" ", maxsplit=1)[0])
            mail = server.mails[number - 1]
            self._say(b"* %d FETCH (BODY[] {%d}\r\n%s)" % (number, len(mail), mail), done)
        elif word == "LOGOUT":
            self._say(b"* BYE", done)
            return False
        else:
            self._say(f"{tag} BAD not here".encode())
        return True

    def _say(self, *lines: bytes) -> None:
        self.wfile.write(b"".join(line + b"\r\n" for line in lines))


class ImapServer(socketserver.ThreadingTCPServer):
    """`mails` are what it holds, `heard` the commands it was given, in order."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, context: ssl.SSLContext, mails: list[bytes]) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.mails, self.heard = mails, list[str]()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that does not trust us hangs up; that is what is tried."""


@contextmanager
def imap_server(folder: Path, mails: list[bytes]) -> Iterator[ImapServer]:
    """Run it until the end of the block, with cert.pem and key.pem of the folder."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    with ImapServer(context, mails) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
