"""How restic is given a repository: through its environment alone, and without a secret in any text.

Neither location nor password ever stands in argv, where every user of the machine could read it. Of our own
environment restic gets only what it or its ssh, rclone and password commands need: a stray RESTIC_REPOSITORY
in an operator's shell must not redirect a backup.
"""

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote

from tocsin.errors import ConfigurationError, Place, Problem
from tocsin.ports import RepositoryAccess

PASSED_ON = (
    *("PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "TZ", "GOMAXPROCS"),
    *("SSH_AUTH_SOCK", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS", "GNUPGHOME"),
    *(
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "NO_PROXY",
        "http_proxy",
        "https_proxy",
        "no_proxy",
    ),
    *("CREDENTIALS_DIRECTORY",),
)
PASSWORD_NAMES = ("RESTIC_PASSWORD", "RESTIC_PASSWORD_FILE", "RESTIC_PASSWORD_COMMAND")

_USERINFO = re.compile(r"(?<=//)[^/\s\"']*@")
_SECRET_NAME = re.compile(r"PASS|SECRET|KEY|TOKEN|CREDENTIAL|SAS|ACCOUNT|USER", re.IGNORECASE)
# Shorter ones would black out half of any sentence.
_SHORTEST_SECRET = 4


def environment_for(
    repository: RepositoryAccess, cache_dir: Path, environ: Mapping[str, str], *, progress_per_second: float
) -> dict[str, str]:
    """Return restic's whole environment. Raises ConfigurationError when there is no usable password."""
    environment = {name: environ[name] for name in PASSED_ON if name in environ}
    environment |= {
        "LC_ALL": "C",
        "RESTIC_CACHE_DIR": str(cache_dir),
        "RESTIC_PROGRESS_FPS": f"{progress_per_second:g}",
    }
    environment |= repository.environment
    environment["RESTIC_REPOSITORY"] = repository.location
    if repository.password_file is not None:
        refuse_unusable_password_file(repository, repository.password_file)
        environment["RESTIC_PASSWORD_FILE"] = str(repository.password_file)
    elif repository.password_command:
        environment["RESTIC_PASSWORD_COMMAND"] = repository.password_command
    elif not any(environment.get(name) for name in PASSWORD_NAMES):
        raise wrong(repository, "no password is set; name a password file or a password command")
    return environment


def lock_flags(repository: RepositoryAccess) -> list[str]:
    """Return `--no-lock` for a repository on read-only media, which nobody can change and restic cannot lock."""
    locks = Path(repository.location.removeprefix("local:")) / "locks"
    return ["--no-lock"] if locks.is_dir() and not os.access(locks, os.W_OK) else []


def refuse_unusable_password_file(repository: RepositoryAccess, path: Path) -> None:
    """Raise ConfigurationError when the password file is absent, unreadable, empty or open to everybody."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            return
        if not os.access(path, os.R_OK):
            raise wrong(repository, f"the password file {shown(path)} cannot be read by this user")
    except OSError as error:
        raise wrong(repository, f"the password file {shown(path)}: {error.strerror}") from error
    if found.st_size == 0:
        raise wrong(repository, f"the password file {shown(path)} is empty")
    if found.st_mode & stat.S_IRWXO:
        raise wrong(
            repository, f"the password file {shown(path)} is open to every user of this machine; chmod 600 it"
        )


def wrong(repository: RepositoryAccess, message: str) -> ConfigurationError:
    """Return the error for a repository that is set up wrongly."""
    return ConfigurationError(Problem(Place(f"repository {repository.name}"), masked(repository, message)))


def masked(repository: RepositoryAccess, text: str) -> str:
    """Return `text` with the repository's secrets, and any user and password inside an address, blacked out."""
    for secret in sorted(secrets_of(repository), key=len, reverse=True):
        text = text.replace(secret, "***")
    return _USERINFO.sub("***@", text)


def secrets_of(repository: RepositoryAccess) -> set[str]:
    """Return what must never be shown: secret-looking settings, and the user and password in the location."""
    secrets = {value for name, value in repository.environment.items() if _looks_secret(name)}
    if found := _USERINFO.search(repository.location):
        userinfo = found[0].removesuffix("@")
        user, _, password = userinfo.partition(":")
        secrets |= {userinfo, password or user, unquote(password or user)}
    return {secret for secret in secrets if len(secret) >= _SHORTEST_SECRET}


def _looks_secret(name: str) -> bool:
    return bool(_SECRET_NAME.search(name)) and not name.endswith(("_FILE", "_COMMAND"))


def shown(path: Path) -> str:
    """Return a path as text that any terminal takes: bytes that are no UTF-8 become escapes."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
