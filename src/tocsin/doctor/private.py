"""What only its owner may read: the state folder, the passwords, the journal's key."""

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from tocsin.doctor.finding import Finding, failed, ok, warning
from tocsin.model.workspace import Workspace

_NOT_OWNER = stat.S_IRWXG | stat.S_IRWXO


def check_private_files(workspace: Workspace, environ: Mapping[str, str] = os.environ) -> Iterator[Finding]:
    """Look at the modes of what must be private, and whether each secret's file or variable is there."""
    state = workspace.state_folder
    if state.exists():
        mode = stat.S_IMODE(state.stat().st_mode)
        if mode & _NOT_OWNER:
            yield warning("state folder", f"{state} is open to other users ({mode:04o}).", f"chmod 700 {state}")
        else:
            yield ok("state folder", f"{state}, for its owner alone")
    else:
        yield ok("state folder", f"{state} is made by the first command that needs it")
    wrong = [
        finding
        for about, reference in _references(workspace)
        if (finding := _secret(workspace, about, reference, environ))
    ]
    yield from wrong or [ok("secrets", "every secret's file or variable is there, and private")]


def _references(workspace: Workspace) -> Iterator[tuple[str, str]]:
    for name, repository in workspace.repositories.items():
        yield f"password of {name}", repository.password
        for variable, reference in repository.environment.items():
            yield f"{variable} of {name}", reference
    mail = workspace.channels.mail
    if mail is not None and mail.password:
        yield "password of mail", mail.password


def _secret(workspace: Workspace, about: str, reference: str, environ: Mapping[str, str]) -> Finding | None:
    """Look at where a secret lies, never into it."""
    kind, _, rest = reference.partition(":")
    if kind == "env" and rest not in environ:
        return failed(about, f"The variable {rest} is not set.", f"Set {rest} for the user that runs tocsin.")
    return _private_file(about, workspace.resolve(rest)) if kind == "file" else None


def _private_file(about: str, path: Path) -> Finding | None:
    try:
        found = path.stat()
    except OSError as fault:
        reason = (fault.strerror or str(fault)).lower()
        return failed(about, f"{path}: {reason}.", "Put the secret there (mode 0600), or correct the workspace.")
    mode = stat.S_IMODE(found.st_mode)
    if mode & stat.S_IRWXO:
        return failed(
            about,
            f"{path} is open to every user of this machine ({mode:04o}).",
            f"chmod 600 {path}, and change it.",
        )
    if mode & _NOT_OWNER:
        return warning(about, f"{path} is open to its group ({mode:04o}).", f"chmod 600 {path}")
    if not os.access(path, os.R_OK):
        return failed(about, f"{path} cannot be read by this user.", "Run tocsin as its owner.")
    return None
