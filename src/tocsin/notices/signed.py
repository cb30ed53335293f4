"""Approve a notice by a signed file: for whoever may approve, and is not at this machine tonight.

    tocsin notice show ID --to-sign > approve.txt                        here; sent by any way there is
    ssh-keygen -Y sign -n tocsin -f ~/.ssh/id_ed25519 approve.txt        there, after reading the text
    tocsin notice approve ID --signed approve.txt                        here again, by anybody

The file holds the notice's id and the hash of its exact text, so what was signed approves that text and no other.
Whose signature it is says the key on file in the workspace (`ssh_key` of a person), checked by OpenSSH itself.
"""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from tocsin.context import Context
from tocsin.errors import Refused, UsageError
from tocsin.notices.approval import approve_notice
from tocsin.notices.register import Notice, Shown, notice_of
from tocsin.ports import Actor, Command

NAMESPACE = "tocsin"
DOOR = "file"
_FIRST_LINE = "tocsin approval 1"
_KEYS = ("organisation", "notice", "sha256", "decision", "reason")
_SOON = timedelta(seconds=20)
_MOST_BYTES = 10_000


@dataclass(frozen=True, slots=True)
class _Statement:
    notice: str
    sha256: str
    reason: str


def statement_for(ctx: Context, seen: Shown) -> str:
    """Return the text to be signed. The signer may write a reason after `reason:`."""
    return (
        f"{_FIRST_LINE}\norganisation: {ctx.workspace.organisation.name}\nnotice: {seen.notice.id}\n"
        f"sha256: {seen.sha256}\ndecision: approved\nreason:\n"
    )


def approve_signed(ctx: Context, identity: str, file: Path, signature: Path) -> tuple[Notice, str]:
    """Approve the notice as the person who signed; return it and who that was.

    Raises UsageError for a file that is no such statement or is about another notice, Refused for a signature that
    is nobody's of the workspace, and whatever `approve_notice` refuses. Nothing is recorded then.
    """
    signed = _read(file)
    said = _parse(signed, file)
    wanted = notice_of(ctx, identity)
    if said.notice != wanted.id:
        raise UsageError(
            f"{file} approves the notice {said.notice[:8]}, not {wanted.id[:8]}. Nothing was recorded."
        )
    person = _signer(ctx, signed, file, signature)
    theirs = ctx.acting_as(Actor(person, DOOR))
    return approve_notice(theirs, wanted.id, said.sha256, reason=said.reason or None), person


def _read(file: Path) -> str:
    try:
        content = file.read_bytes()
    except OSError as fault:
        raise UsageError(f"{file} cannot be read: {fault.strerror}. Nothing was recorded.") from None
    if len(content) > _MOST_BYTES:
        raise UsageError(f"{file} is no approval: it is {len(content)} bytes long. Nothing was recorded.")
    return content.decode("utf-8", errors="replace")


def _parse(text: str, file: Path) -> _Statement:
    first, *lines = text.rstrip("\n").split("\n")
    if first != _FIRST_LINE:
        raise UsageError(f"{file}:1: This is no approval of Tocsin; `tocsin notice show ID --to-sign` writes one.")
    found: dict[str, str] = {}
    for number, line in enumerate(lines, start=2):
        key, colon, value = line.partition(":")
        if not colon or key not in _KEYS or key in found:
            raise UsageError(f"{file}:{number}: {line!r} does not belong here. Known: {', '.join(_KEYS)}.")
        found[key] = value.strip()
    if missing := [key for key in ("notice", "sha256", "decision") if not found.get(key)]:
        raise UsageError(f"{file}: {missing[0]} is missing. Nothing was recorded.")
    if found["decision"] != "approved":
        raise UsageError(f"{file} says {found['decision']!r}; only `approved` can be taken from a file.")
    return _Statement(found["notice"], found["sha256"], found.get("reason", ""))


def _signer(ctx: Context, signed: str, file: Path, signature: Path) -> str:
    """Return the person of the workspace whose key signed exactly this text."""
    known = {person.id: person.ssh_key for person in ctx.workspace.people.values() if person.ssh_key}
    if not known:
        raise UsageError("Nobody's key is on file: add `ssh_key` to those who may sign. Nothing was recorded.")
    if not signature.is_file():
        raise UsageError(
            f"There is no signature {signature}. Sign with `ssh-keygen -Y sign -n {NAMESPACE} -f KEY {file.name}`."
        )
    with TemporaryDirectory(prefix="tocsin-signers-") as folder:
        signers = Path(folder, "signers")
        signers.write_text("".join(f'{who} namespaces="{NAMESPACE}" {key}\n' for who, key in known.items()))
        about = ("-s", str(signature), "-f", str(signers))
        found = ctx.shell.run(Command(("ssh-keygen", "-Y", "find-principals", *about), _SOON))
        person = found.stdout.strip().partition("\n")[0]
        if found.code != 0 or person not in known:
            raise Refused(
                f"{signature} was signed with a key that is nobody's in the workspace. Nothing was recorded."
            )
        verify = ("ssh-keygen", "-Y", "verify", "-I", person, "-n", NAMESPACE, *about)
        if ctx.shell.run(Command(verify, _SOON, stdin=signed)).code != 0:
            raise Refused(
                f"{signature} does not fit {file}: it was changed after {person} signed, or signed for something "
                f"else than -n {NAMESPACE}. Nothing was recorded."
            )
    return person
