"""Check a case file from our side: the same checks as its own script, never run out of the archive itself."""

from dataclasses import dataclass
from pathlib import Path

from tocsin.errors import UsageError
from tocsin.incidents.casefile import verify
from tocsin.store.keys import PublicKey, read_public_key


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found: each check with what is wrong. `known` tells whether the key was vouched for."""

    incident: str
    checks: tuple[tuple[str, tuple[str, ...]], ...]
    key: str
    known: bool

    @property
    def ok(self) -> bool:
        """Whether everything holds."""
        return not self.problems

    @property
    def problems(self) -> tuple[str, ...]:
        """Everything that is wrong."""
        return tuple(problem for _, problems in self.checks for problem in problems)


def verify_case(path: Path, *, key: Path | None = None, head: Path | None = None) -> Checked:
    """Check an archive, or a folder that it was unpacked into. Raises UsageError when it is no case file.

    `key` is a public key, and `head` an earlier signed head, that came another way.
    """
    if not path.exists():
        raise UsageError(f"There is no file {path}.")
    known = read_public_key(key).name if key else None
    try:
        case = verify.open_case(path, _by_library)
        earlier = head.read_bytes() if head else None
    except verify.UnreadableError as fault:
        raise UsageError(str(fault)) from fault
    except OSError as fault:
        raise UsageError(f"{head} cannot be read: {(fault.strerror or str(fault)).lower()}.") from fault
    found = [*verify.findings(case), *verify.wrong_with_known(case, known, earlier)]
    checks = tuple((title, tuple(problems or ())) for title, problems in found)
    return Checked(
        str(case.data.get("incident", "")), checks, case.key or "", known is not None and case.key == known
    )


def _by_library(pem: bytes, signature: bytes, said: bytes) -> bool | None:
    name = verify.key_name(pem)
    return name is not None and PublicKey(name, pem.decode("ascii")).verifies(signature, said)
