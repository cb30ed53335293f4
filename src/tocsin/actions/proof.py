"""What proves an action: one check, chosen when it is opened, that must pass before it can be closed. Pure.

Proof("practice", name="access-review", after=date(2026, 11, 24))    completed on that day or later
Proof("drill", name="files-quarterly")                               passed after the action was opened
Proof("command", argv=("/usr/local/bin/mfa-report", "--all"))        ends with code 0
Proof("http", url="https://www.example.org/status", status=200)      answers so
Proof("document", shows="The signed shredding contract")             attached, and approved by another person
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from tocsin.errors import UsageError, did_you_mean
from tocsin.model.practice import PracticeName
from tocsin.model.workspace import Workspace

Kind = Literal["practice", "drill", "command", "http", "document"]
KINDS: tuple[str, ...] = get_args(Kind)
_LOWEST, _HIGHEST = 100, 599


@dataclass(frozen=True, slots=True)
class Proof:
    """One check. Only the fields of its kind are filled."""

    kind: Kind
    name: str = ""
    after: date | None = None
    argv: tuple[str, ...] = ()
    url: str = ""
    status: int = 200
    shows: str = ""

    @property
    def sentence(self) -> str:
        """Say what must be so before the action can be closed."""
        since = f" on or after {self.after:%d %B %Y}" if self.after else " after this was opened"
        words = {
            "practice": f"the practice {self.name} is completed{since}",
            "drill": f"the drill {self.name} passes{since}",
            "command": f"`{' '.join(self.argv)}` ends with code 0",
            "http": f"{self.url} answers with {self.status}",
            "document": f"a document is attached and another person approves it: {self.shows}",
        }
        return words[self.kind]

    def as_json(self) -> dict[str, Any]:
        """Return it as it is kept."""
        kept: dict[str, Any] = {"kind": self.kind}
        if self.name:
            kept["name"] = self.name
        if self.after:
            kept["after"] = self.after.isoformat()
        if self.kind == "command":
            kept["argv"] = list(self.argv)
        if self.kind == "http":
            kept |= {"url": self.url, "status": self.status}
        if self.kind == "document":
            kept["shows"] = self.shows
        return kept


def kept_proof(kept: Mapping[str, Any]) -> Proof:
    """Return a proof from how it is kept."""
    after = kept.get("after")
    return Proof(
        kind=kept["kind"],
        name=kept.get("name", ""),
        after=date.fromisoformat(after) if after else None,
        argv=tuple(kept.get("argv", ())),
        url=kept.get("url", ""),
        status=kept.get("status", 200),
        shows=kept.get("shows", ""),
    )


def check_proof(proof: Proof, workspace: Workspace) -> Proof:
    """Return it if it can ever pass here. Raises UsageError with the nearest right word."""
    if proof.kind == "practice" and proof.name not in workspace.practices:
        ours = [str(name) for name in PracticeName]
        if proof.name in ours:
            raise UsageError(
                f"The practice {proof.name} is not kept here and proves nothing. Write `{proof.name}:` under "
                "`practices:` in tocsin.yaml first. Nothing was changed."
            )
        near = did_you_mean(proof.name, [*workspace.practices, *ours])
        raise UsageError(f"There is no practice {proof.name!r}.{near} Nothing was changed.")
    if proof.kind == "drill" and proof.name not in workspace.drills:
        raise UsageError(
            f"There is no drill {proof.name!r} in drills/.{did_you_mean(proof.name, workspace.drills)} "
            "Nothing was changed."
        )
    if proof.kind == "command" and not (proof.argv and proof.argv[0].strip()):
        raise UsageError("Say which program proves it, such as --command '/usr/local/bin/mfa-report --all'.")
    if proof.kind == "http":
        _check_url(proof)
    if proof.kind == "document" and not proof.shows.strip():
        raise UsageError("Say what the document must show: --document 'The signed shredding contract'.")
    return proof


def _check_url(proof: Proof) -> None:
    parts = urlsplit(proof.url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"{proof.url!r} is no address of a web page. Write it as https://www.example.org/page.")
    if parts.username or parts.password:
        raise UsageError("An address with a password in it is not kept. Leave user and password out.")
    if not _LOWEST <= proof.status <= _HIGHEST:
        raise UsageError(f"{proof.status} is no HTTP status. It is one of {_LOWEST} to {_HIGHEST}, such as 200.")
