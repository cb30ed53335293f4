"""Ask a web server one thing, with the standard library: no cookies, no proxy, no redirect to another host."""

import http.client
import socket
import time
import urllib.error
import urllib.request
from typing import IO
from urllib.parse import urlsplit

from tocsin.errors import OperationFailed, OutcomeUnknown, Temporary, TocsinError, UsageError
from tocsin.ports import HttpAnswer, HttpRequest

MOST_BYTES = 32 * 1024
_SAFE_TO_REPEAT = ("GET", "HEAD", "OPTIONS")
_MASK = "•••"


class _ElsewhereError(Exception):
    """A redirect leads to another host."""


class _SameHost(urllib.request.HTTPRedirectHandler):
    """Follows a redirect only where host, port and scheme stay (or become https)."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        old, new = urlsplit(req.full_url), urlsplit(newurl)
        if old.hostname != new.hostname or (old.scheme, new.scheme) == ("https", "http"):
            raise _ElsewhereError(new.hostname or newurl[:80])
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class SystemHttp:
    """`ports.Http`."""

    def __init__(self) -> None:
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _SameHost())

    def request(self, request: HttpRequest) -> HttpAnswer:
        """Send it once."""
        parts = urlsplit(request.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageError(f"{parts.scheme or 'This'}: is no web address; write http:// or https://.")
        body = request.body.encode() if request.body is not None else None
        asked = urllib.request.Request(  # noqa: S310 - the scheme was looked at above
            request.url, data=body, headers=dict(request.headers), method=request.method
        )
        try:
            deadline = time.monotonic() + request.timeout.total_seconds()
            try:
                answer = self._opener.open(asked, timeout=request.timeout.total_seconds())
            except urllib.error.HTTPError as refused:
                answer = refused
            with answer:
                return _answer(answer.status, _read(answer, deadline), request)
        except _ElsewhereError as elsewhere:
            raise OperationFailed(
                f"{parts.hostname} sends us on to {elsewhere}, another host. It was not followed."
            ) from None
        except (urllib.error.URLError, http.client.HTTPException, OSError) as fault:
            raise _fault(request, parts.hostname, fault) from fault


def _read(answer: http.client.HTTPResponse | urllib.error.HTTPError, deadline: float) -> bytes:
    """Read the beginning of the body; a server that hands it over by the byte is not waited for."""
    body = b""
    while len(body) <= MOST_BYTES and (chunk := answer.read1(MOST_BYTES)):
        body += chunk
        if time.monotonic() > deadline:
            raise TimeoutError
    return body[: MOST_BYTES + 1]


def _answer(status: int, body: bytes, request: HttpRequest) -> HttpAnswer:
    text = body.decode("utf-8", "replace")
    for secret in sorted(filter(None, request.hide), key=len, reverse=True):
        text = text.replace(secret, _MASK)
    return HttpAnswer(status, text[:MOST_BYTES], is_cut=len(body) > MOST_BYTES)


def _fault(request: HttpRequest, host: str, fault: Exception) -> TocsinError:
    reason = fault.reason if isinstance(fault, urllib.error.URLError) else fault
    if isinstance(reason, ConnectionRefusedError | socket.gaierror):
        return Temporary(f"{host} was not reached ({_words(reason)}); nothing was sent.")
    if request.method in _SAFE_TO_REPEAT:
        return Temporary(f"{host} gave no answer ({_words(reason)}); asking again is safe.")
    return OutcomeUnknown(f"{host} was asked and gave no answer ({_words(reason)}); it may have done it.")


def _words(reason: object) -> str:
    if isinstance(reason, TimeoutError):
        return "its time was over"
    return str(getattr(reason, "strerror", None) or reason) or type(reason).__name__
