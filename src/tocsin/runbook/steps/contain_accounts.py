"""A step that locks an account of a Linux machine and ends its sessions."""

from dataclasses import asdict
from typing import Annotated, ClassVar

from pydantic import StringConstraints

from tocsin.containment.accounts import Account, lock, look_at, must_be_lockable, unlock
from tocsin.context import Context
from tocsin.model.document import Data
from tocsin.model.fields import TrueFalse
from tocsin.runbook.kinds import Done, Parameters, Place, Waits
from tocsin.runbook.steps.on_machines import OnNamedMachine, noted

AccountName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_.-]{0,31}\$?$")]


class LockAccountParameters(OnNamedMachine):
    """Which account of which machine, and whether its sessions end too."""

    account: AccountName
    end_sessions: TrueFalse = True


class LockAccount:
    """Lock an account of a Linux machine: no password, no key lets it in, and its sessions end.

    Its keys stay where they are; `contain.revoke_keys` takes them. An account that a directory (LDAP, Entra) holds
    is locked there, by `contain.request`.
    """

    name: ClassVar[str] = "contain.lock_account"
    parameters: ClassVar[type[Parameters]] = LockAccountParameters
    idempotent: ClassVar[bool] = True
    # What its processes hold in memory is gone then.
    destructive: ClassVar[bool] = True
    keeps_time: ClassVar[bool] = True

    def run(self, ctx: Context, place: Place, parameters: LockAccountParameters) -> Done | Waits:
        """Lock it, end its sessions, and look."""
        machine = parameters.machine(ctx, place)

        def look() -> dict[str, Data]:
            found = look_at(machine, parameters.account)
            must_be_lockable(machine, parameters.account, found)
            return asdict(found)

        before = noted(place, look)
        now = lock(machine, parameters.account, end_sessions=parameters.end_sessions)
        return Done({"before": before, "processes_left": now.processes})

    def undo(
        self, ctx: Context, place: Place, parameters: LockAccountParameters, output: dict[str, Data]
    ) -> Done | Waits:
        """Let it in again as it was before: password, expiry. Its sessions stay ended."""
        before = place.kept or output["before"]
        unlock(parameters.machine(ctx, place), parameters.account, Account(**before))  # type: ignore[arg-type] # kept by `look`
        return Done()

    def simulate(self, parameters: LockAccountParameters) -> str:
        """Say what would be locked."""
        ended = ", and kill every process of it" if parameters.end_sessions else ""
        return (
            f"lock the account {parameters.account} on {parameters.where} (usermod --lock --expiredate 1: neither "
            f"password nor key lets it in){ended}"
        )

    def simulate_undo(self, parameters: LockAccountParameters) -> str:
        """Say what undoing would do."""
        return (
            f"give {parameters.account} on {parameters.where} the password and the expiry back that it had before"
        )
