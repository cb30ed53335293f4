"""Steps that take keys and tokens out of files, and that put a new secret in an old one's place."""

import json
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, StringConstraints, model_validator

from tocsin.containment.on_host import program
from tocsin.containment.passwords import SafePlace, fingerprint, new_secret, put_away
from tocsin.context import Context
from tocsin.errors import OperationFailed
from tocsin.model.document import Data
from tocsin.model.fields import Line, SecretReference
from tocsin.ports import Command
from tocsin.runbook.kinds import Done, Parameters, Place, Waits
from tocsin.runbook.steps.on_machines import AbsolutePath, OnNamedMachine, noted
from tocsin.runbook.steps.programs import Argv

LONGEST = timedelta(minutes=2)
_TOKEN_BYTES = 5
Fingerprint = Annotated[str, StringConstraints(pattern=r"^SHA256:[A-Za-z0-9+/]{43}$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class RevokeKeysParameters(OnNamedMachine):
    """In which files of which machine, and which lines go.

    SSH keys by `fingerprints` (as `ssh-keygen -lf` shows them) or whole `comments`; API tokens by `token_sha256`,
    so that no token stands here, or by `markers`, a text on the token's own line.
    """

    files: Annotated[tuple[AbsolutePath, ...], Field(min_length=1)]
    fingerprints: tuple[Fingerprint, ...] = ()
    comments: tuple[Line, ...] = ()
    token_sha256: tuple[Sha256, ...] = ()
    markers: tuple[Line, ...] = ()

    @model_validator(mode="after")
    def _something_to_look_for(self) -> Self:
        if not (self.fingerprints or self.comments or self.token_sha256 or self.markers):
            raise ValueError(
                "says not which lines go. Add `fingerprints`, `comments`, `token_sha256` or `markers`."
            )
        return self

    def request(self, do: str, **more: object) -> str:
        """Return what the program on the machine is asked."""
        looked_for = self.model_dump(mode="json", include={"fingerprints", "comments", "token_sha256", "markers"})
        return json.dumps({"do": do, "files": self.files, **looked_for, **more})


class RevokeKeys:
    """Take SSH keys or API tokens out of files of a machine. A copy of each file stays beside it until undone.

    Files are replaced in one move and keep mode, owner and attributes. The machine needs Python 3.8 or later.
    """

    name: ClassVar[str] = "contain.revoke_keys"
    parameters: ClassVar[type[Parameters]] = RevokeKeysParameters
    idempotent: ClassVar[bool] = True
    destructive: ClassVar[bool] = False
    keeps_time: ClassVar[bool] = True

    def run(self, ctx: Context, place: Place, parameters: RevokeKeysParameters) -> Done | Waits:
        """Take the lines out and look again. It fails where there was nothing to take: a misspelt key stays in."""
        machine = parameters.machine(ctx, place)

        def look() -> dict[str, Data]:
            found: Any = machine.python(program("lines"), parameters.request("look"))["files"]
            if not any(one["lines"] for one in found.values()):
                raise OperationFailed(
                    f"None of these keys or tokens stands in {', '.join(parameters.files)} ({machine.name}); "
                    "nothing was changed. Look whether they are spelt right, or were revoked already."
                )
            return {"token": ctx.randomness.token(_TOKEN_BYTES).hex(), "files": found}

        before: dict[str, Any] = noted(place, look)
        asked = parameters.request("take", token=before["token"])
        after = machine.python(program("lines"), asked)["files"]
        files: dict[str, Data] = {path: {**before["files"][path], **after[path]} for path in parameters.files}
        return Done({"token": before["token"], "files": files})

    def undo(
        self, ctx: Context, place: Place, parameters: RevokeKeysParameters, output: dict[str, Data]
    ) -> Done | Waits:
        """Put every file back, byte for byte where nobody changed it since; the copies are removed."""
        machine = parameters.machine(ctx, place)
        was: dict[str, Any] = output if "files" in output else place.kept or {}
        asked = parameters.request("restore", token=was["token"], files=was["files"])
        return Done(machine.python(program("lines"), asked))

    def simulate(self, parameters: RevokeKeysParameters) -> str:
        """Say what would be taken."""
        keys = [*parameters.fingerprints, *parameters.comments]
        tokens = [f"the token of SHA-256 {digest[:12]}…" for digest in parameters.token_sha256]
        lines = [f"the line that holds {marker!r}" for marker in parameters.markers]
        gone = ", ".join([*(f"the key {key}" for key in keys), *tokens, *lines])
        return f"take {gone} out of {', '.join(parameters.files)} on {parameters.where}"

    def simulate_undo(self, parameters: RevokeKeysParameters) -> str:
        """Say what undoing would do."""
        return f"put {', '.join(parameters.files)} on {parameters.where} back as before: those keys work again"


class RotateSecretParameters(Parameters):
    """The program that takes the new secret from its input and puts it in place; `check` is given it as well.

    `environment` names where each secret is found that the program itself needs; `folder` is where it works.
    """

    argv: Argv
    check: Argv | None = None
    folder: Line | None = None
    environment: dict[str, SecretReference] = Field(default_factory=dict)
    length: Annotated[int, Field(ge=20, le=128)] = 40


class RotateSecret:
    """Put a new secret in an old one's place, through a program of the firm's. The old one never comes back."""

    name: ClassVar[str] = "contain.rotate_secret"
    parameters: ClassVar[type[Parameters]] = RotateSecretParameters
    # A second run makes a second secret: whether the first is in use already, a person has to look.
    idempotent: ClassVar[bool] = False
    destructive: ClassVar[bool] = False
    keeps_time: ClassVar[bool] = True

    def run(self, ctx: Context, place: Place, parameters: RotateSecretParameters) -> Done | Waits:
        """Make the secret, hand it over, have it checked. Only its fingerprint is kept."""
        environment = {name: ctx.secrets.read(reference) for name, reference in parameters.environment.items()}
        secret = new_secret(ctx.randomness, parameters.length)
        put_away(ctx, SafePlace(argv=parameters.argv, environment=environment), secret)
        known = {"fingerprint": fingerprint(secret)}
        if parameters.check is not None:
            folder = ctx.workspace.resolve(parameters.folder) if parameters.folder else ctx.workspace.root
            hide = (secret, *environment.values())
            limit = place.step.timeout or LONGEST
            said = ctx.shell.run(Command(parameters.check, limit, folder, environment, f"{secret}\n", hide))
            if said.code != 0:
                raise OperationFailed(
                    f"The new secret ({known['fingerprint']}) was handed over, but {parameters.check[0]} ended "
                    f"with exit code {said.code}. Look which of the two is in use."
                )
        return Done({**known, "checked": parameters.check is not None})

    def simulate(self, parameters: RotateSecretParameters) -> str:
        """Say what would be made, and who would get it."""
        checked = f", and have {parameters.check[0]} check it" if parameters.check else ""
        return f"make a new secret of {parameters.length} letters and hand it to {parameters.argv[0]}{checked}"
