"""Secrets by reference: `file:PATH`, `env:NAME`, `command:ARGV`, `credential:NAME` (systemd).

A reference may stand in a file under version control, a secret never. No message here repeats what a secret
holds, what a command printed, or a reference that is none: somebody may have written the secret itself.
"""

import os
import shlex
import signal
import stat
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from tocsin.errors import ConfigurationError, Place, Problem, Temporary, nearest

MOST_BYTES = 64 * 1024


class ReferencedSecrets:
    """`ports.Secrets`. A relative `file:` path starts at `folder`, the workspace; commands run there too."""

    def __init__(
        self, *, environ: Mapping[str, str], folder: Path, timeout: timedelta = timedelta(seconds=30)
    ) -> None:
        self._environ = environ
        self._folder = folder
        self._timeout = timeout
        self._readers: dict[str, Callable[[str], bytes]] = {
            "file": self._from_file,
            "env": self._from_environment,
            "command": self._from_command,
            "credential": self._from_credential,
        }

    def read(self, reference: str) -> str:
        """Return the secret without its closing newline.

        Raises:
            ConfigurationError: the reference is none, or leads to nothing usable.
            Temporary: the command did not answer in time.
        """
        scheme, colon, rest = reference.partition(":")
        reader = self._readers.get(scheme)
        if not colon or not rest or reader is None:
            known = ", ".join(f"{name}:…" for name in self._readers)
            raise _wrong(
                "secret", f"a secret is given by reference, as one of {known}", nearest(scheme, self._readers)
            )
        try:
            secret = reader(rest).decode().rstrip("\r\n")
        except UnicodeDecodeError:
            raise _wrong(_place(scheme, rest), "the secret is no UTF-8 text") from None
        if not secret:
            raise _wrong(_place(scheme, rest), "the secret is empty")
        return secret

    def _from_file(self, name: str) -> bytes:
        path = self._folder / Path(name).expanduser()
        return read_private_file(path, Place(f"file:{name}"))

    def _from_environment(self, name: str) -> bytes:
        if name not in self._environ:
            raise _wrong(f"env:{name}", "this variable is not set")
        return os.fsencode(self._environ[name])

    def _from_credential(self, name: str) -> bytes:
        folder = self._environ.get("CREDENTIALS_DIRECTORY")
        if not folder:
            raise _wrong(f"credential:{name}", "systemd gave no credentials; set LoadCredential= in the unit")
        if "/" in name or name.startswith("."):
            raise _wrong(f"credential:{name}", "a credential has a plain name, no path")
        return read_private_file(Path(folder) / name, Place(f"credential:{name}"))

    def _from_command(self, command: str) -> bytes:
        try:
            argv = shlex.split(command)
        except ValueError as error:
            raise _wrong("command:", f"the command's quotes do not match ({error})") from error
        if not argv:
            raise _wrong("command:", "the command is empty")
        place = _place("command", command)
        try:
            process = subprocess.Popen(
                argv,
                cwd=self._folder,
                env=dict(self._environ),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            raise _wrong(place, f"the command cannot be run: {error.strerror}") from error
        said = self._answer(process, place)
        if process.returncode != 0:
            raise _wrong(
                place, f"the command ended with exit code {process.returncode}; run it by hand to see why"
            )
        return said

    def _answer(self, process: subprocess.Popen[bytes], place: str) -> bytes:
        """Return what the command prints; end its whole group when it is late or we are stopped."""
        with process:
            try:
                return process.communicate(timeout=self._timeout.total_seconds())[0]
            except BaseException as error:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                if isinstance(error, subprocess.TimeoutExpired):
                    seconds = f"{self._timeout.total_seconds():g}"
                    raise Temporary(f"{place}: the command gave no secret within {seconds} seconds") from None
                raise


def read_private_file(path: Path, place: Place) -> bytes:
    """Return a small file's bytes. Raises ConfigurationError when it is open to every user of the machine."""
    try:
        with path.open("rb") as file:
            # Asked of the open file, so that nobody can swap it in between.
            mode = os.fstat(file.fileno()).st_mode
            if stat.S_ISREG(mode) and mode & stat.S_IRWXO:
                raise ConfigurationError(
                    Problem(
                        place,
                        "this file is open to every user of the machine; chmod 600 it, and change the secret",
                    )
                )
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise ConfigurationError(Problem(place, f"the file cannot be read: {error.strerror}")) from error
    if len(content) > MOST_BYTES:
        raise ConfigurationError(Problem(place, "this is too large to be a secret"))
    return content


def _place(scheme: str, rest: str) -> str:
    """Return a reference as it may be shown: of a command its program only, since arguments can hold a secret."""
    return f"command:{shlex.split(rest)[0]} …" if scheme == "command" else f"{scheme}:{rest}"


def _wrong(place: str, message: str, hint: str | None = None) -> ConfigurationError:
    return ConfigurationError(Problem(Place(place), message, hint))
