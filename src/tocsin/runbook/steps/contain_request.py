"""A step that contains by any service's own API, and knows the request that takes it back."""

from datetime import timedelta
from typing import ClassVar

from pydantic import Field

from tocsin.context import Context
from tocsin.errors import OperationFailed
from tocsin.model.document import Data
from tocsin.model.fields import SecretReference
from tocsin.runbook.kinds import Done, Parameters, Place, Waits
from tocsin.runbook.steps.web import HttpParameters, VerifyHttpParameters, send

LONGEST = timedelta(seconds=30)


class CheckParameters(VerifyHttpParameters):
    """As for `verify.http`, with headers that are secret."""

    secret_headers: dict[str, SecretReference] = Field(default_factory=dict)


class ContainRequestParameters(Parameters):
    """What is sent (`do`), what takes it back (`undo`), and what is asked to see that it holds (`check`).

    `do` and `undo` are written as the `with` of an `http.request`, `check` as that of a `verify.http`.
    """

    do: HttpParameters
    undo: HttpParameters
    check: CheckParameters | None = None


class ContainByRequest:
    """Contain by a service's own API: disable an account, end its sessions, take a page down.

    Secrets are named by reference in `secret_headers`. What came back is judged by its status.
    """

    name: ClassVar[str] = "contain.request"
    parameters: ClassVar[type[Parameters]] = ContainRequestParameters
    # Nobody knows what a second request would do there.
    idempotent: ClassVar[bool] = False
    destructive: ClassVar[bool] = False
    keeps_time: ClassVar[bool] = True

    def run(self, ctx: Context, place: Place, parameters: ContainRequestParameters) -> Done | Waits:
        """Send it once, and look whether it holds."""
        answer = send(ctx, parameters.do, place.step.timeout or LONGEST)
        checked = self._checked(ctx, place, parameters)
        return Done({"status": answer.status, "body": answer.body, "is_cut": answer.is_cut, "checked": checked})

    def undo(
        self, ctx: Context, place: Place, parameters: ContainRequestParameters, output: dict[str, Data]
    ) -> Done | Waits:
        """Send the request that takes it back."""
        return Done({"status": send(ctx, parameters.undo, place.step.timeout or LONGEST).status})

    def simulate(self, parameters: ContainRequestParameters) -> str:
        """Say what would be sent, and where."""
        checked = f", then look at {parameters.check.url}" if parameters.check else ""
        return f"send {parameters.do.method} {parameters.do.url}{checked}"

    def simulate_undo(self, parameters: ContainRequestParameters) -> str:
        """Say what undoing would do."""
        return f"send {parameters.undo.method} {parameters.undo.url}"

    @staticmethod
    def _checked(ctx: Context, place: Place, parameters: ContainRequestParameters) -> bool:
        check = parameters.check
        if check is None:
            return False
        asked = HttpParameters(url=check.url, secret_headers=check.secret_headers, status=check.status)
        answer = send(ctx, asked, place.step.timeout or LONGEST)
        if check.contains is not None and check.contains not in answer.body:
            raise OperationFailed(
                f"{parameters.do.url} took the request, but {check.url} does not say {check.contains!r}. Look by "
                f"hand; if it must be taken back, send {parameters.undo.method} {parameters.undo.url}."
            )
        return True
