"""Steps that ask a web server: to do something, or to prove that it answers."""

from datetime import timedelta
from typing import Annotated, ClassVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from tocsin.context import Context
from tocsin.errors import OperationFailed
from tocsin.model.fields import Line, SecretReference
from tocsin.ports import HttpAnswer, HttpRequest
from tocsin.runbook.kinds import Done, Parameters, Place, Waits

LONGEST = timedelta(seconds=30)
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


def _url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{url!r} is no web address. Write one such as https://host/path.")
    if parts.password is not None or parts.username is not None:
        raise ValueError(
            "a user or password never stands in an address. Name where it is found in secret_headers."
        )
    return url


def _method(method: str) -> str:
    if method not in _METHODS:
        raise ValueError(f"{method!r} is none of {', '.join(_METHODS)}.")
    return method


Url = Annotated[Line, AfterValidator(_url)]


class HttpParameters(Parameters):
    """What is asked of which address; `secret_headers` name where each header's value is found."""

    url: Url
    method: Annotated[str, AfterValidator(_method)] = "GET"
    headers: dict[str, Line] = Field(default_factory=dict)
    secret_headers: dict[str, SecretReference] = Field(default_factory=dict)
    body: str | None = None
    status: tuple[int, ...] = (200, 201, 202, 204)


class AskHttp:
    """Send one request to a web server: an API that disables an account, say."""

    name: ClassVar[str] = "http.request"
    parameters: ClassVar[type[Parameters]] = HttpParameters
    idempotent: ClassVar[bool] = False
    destructive: ClassVar[bool] = False
    keeps_time: ClassVar[bool] = True

    def run(self, ctx: Context, place: Place, parameters: HttpParameters) -> Done | Waits:
        """Send it once. Where it went out and no answer came, a person is asked."""
        answer = send(ctx, parameters, place.step.timeout or LONGEST)
        return Done({"status": answer.status, "body": answer.body, "is_cut": answer.is_cut})

    def simulate(self, parameters: HttpParameters) -> str:
        """Say what would be sent, and where."""
        return f"send {parameters.method} {parameters.url}"


def send(ctx: Context, parameters: HttpParameters, limit: timedelta) -> HttpAnswer:
    """Send one request with its secrets. Raises OperationFailed when the answer has a status nobody expected."""
    secrets = {name: ctx.secrets.read(reference) for name, reference in parameters.secret_headers.items()}
    headers = {**parameters.headers, **secrets}
    hide = tuple(secrets.values())
    answer = ctx.http.request(
        HttpRequest(parameters.method, parameters.url, limit, headers, parameters.body, hide=hide)
    )
    _checked(answer, parameters.url, parameters.status)
    return answer


class VerifyHttpParameters(Parameters):
    """The address, the status it answers with, and a text that the page holds."""

    url: Url
    status: tuple[int, ...] = (200,)
    contains: str | None = None


class VerifyHttp:
    """Prove that a web application answers as it should."""

    name: ClassVar[str] = "verify.http"
    parameters: ClassVar[type[Parameters]] = VerifyHttpParameters
    idempotent: ClassVar[bool] = True
    destructive: ClassVar[bool] = False
    keeps_time: ClassVar[bool] = True
    is_isolated: ClassVar[bool] = True

    def run(self, ctx: Context, place: Place, parameters: VerifyHttpParameters) -> Done | Waits:
        """Ask it, and look at what it says."""
        answer = ctx.http.request(HttpRequest("GET", parameters.url, place.step.timeout or LONGEST))
        _checked(answer, parameters.url, parameters.status)
        if parameters.contains is not None and parameters.contains not in answer.body:
            raise OperationFailed(f"{parameters.url} answers, but its page does not hold {parameters.contains!r}.")
        return Done({"passed": True, "status": answer.status})

    def simulate(self, parameters: VerifyHttpParameters) -> str:
        """Say what would be looked at."""
        return f"check that {parameters.url} answers"


def _checked(answer: HttpAnswer, url: str, status: tuple[int, ...]) -> None:
    if answer.status not in status:
        wanted = " or ".join(map(str, status))
        raise OperationFailed(f"{url} answered with {answer.status}, not {wanted}.")
