"""Rehearse the loss of everything but the kit: does each key in it open its repository?

The kit's own secrets are used, and neither a password this machine knows nor a key in its cache.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from tocsin.context import Context
from tocsin.errors import ConfigurationError, OperationFailed, Temporary
from tocsin.ports import RepositoryAccess
from tocsin.recovery.kit.contents import Kit
from tocsin.store.operations import begin, finish

_VERDICTS = {True: "ok", False: "failed", None: "unproven"}


@dataclass(frozen=True, slots=True)
class KeyProved:
    """Whether the kit's key opens a repository; None when that was out of reach, which says nothing of the key."""

    repository: str
    opens: bool | None
    snapshots: int = 0
    why: str = ""


def check_kit(ctx: Context, kit: Kit) -> tuple[KeyProved, ...]:
    """Open every repository of the kit with what is in the kit alone, and journal how that went."""
    operation = begin(ctx.store, ctx.actor, "kit-check", "kit:recovery")
    proved: list[KeyProved] = []
    try:
        with tempfile.TemporaryDirectory(prefix="tocsin-kit-") as folder:
            proved += [_proved(ctx, kit, one, Path(folder)) for one in kit.index["repositories"]]
    finally:
        worst = False if any(one.opens is False for one in proved) else None
        whole = bool(proved) and all(one.opens for one in proved)
        with ctx.store.write(ctx.actor) as tx:
            told = {one.repository: _VERDICTS[one.opens] for one in proved}
            finish(tx, operation, _VERDICTS[True if whole else worst], {"made_at": kit.index["made_at"], **told})
        ctx.store.sign_head(ctx.actor)
    return tuple(proved)


def _proved(ctx: Context, kit: Kit, one: dict[str, object], folder: Path) -> KeyProved:
    name = str(one["repository"])
    secret = folder / name
    secret.touch(mode=0o600)
    secret.write_text(kit.secrets[f"{name}.password"] + "\n")
    environment = {
        label.removeprefix(f"{name}."): value
        for label, value in kit.secrets.items()
        if label.startswith(f"{name}.") and label != f"{name}.password"
    }
    access = RepositoryAccess(name, str(one["location"]), password_file=secret, environment=environment)
    try:
        found = ctx.restic.snapshots(access, on_damaged=lambda *_: None)
    except Temporary as away:
        return KeyProved(name, None, why=str(away))
    except (ConfigurationError, OperationFailed) as fault:
        return KeyProved(name, opens=False, why=str(fault))
    return KeyProved(name, opens=True, snapshots=len(found))
