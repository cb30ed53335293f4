"""What a Debian or Ubuntu machine says of its own updates, and what to make of it. Pure but for no I/O at all.

One small shell program is sent over standard input and prints parts between marks. Whatever is missing, cut off
or too old to be believed makes the machine `unknown`: never "up to date" for lack of an answer. The lists of
packages are such a thing: a machine that has not fetched them for weeks finds nothing to update.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from tocsin.ports import Said

LISTS_AT_MOST = timedelta(days=7)
OTHERS_AT_MOST = timedelta(days=31)
"""What is not about security may wait for the monthly round."""
MARK = "--- tocsin "
PROGRAM = """\
export LC_ALL=C PATH="$PATH:/usr/sbin:/sbin"
part() { echo "--- tocsin $1"; }
part system; . /etc/os-release 2>/dev/null && echo "$ID $VERSION_ID"
part now; date +%s
command -v apt-get >/dev/null || { part no-apt; exit 0; }
part lists
stat -c %Y /var/lib/apt/lists/*Release /var/lib/apt/periodic/update-success-stamp 2>/dev/null | sort -n | tail -1
part apt
if found=$(apt list --upgradable 2>/dev/null); then
  # Security first, and no more than one answer may hold.
  { echo "$found" | grep '/[^ ]*security'; echo "$found" | grep / | grep -v '/[^ ]*security'; } | head -n 300
  part apt-done
fi
part unattended; apt-config dump APT::Periodic::Unattended-Upgrade 2>/dev/null
part reboot; test -e /var/run/reboot-required && echo yes
"""
PIP = "part pip; timeout 60 {python} -m pip -q list --outdated --format=json && part pip-done\n"
END = "part end\n"
_APT_LINE = re.compile(
    r"(?P<name>[^/\s]+)/(?P<pockets>\S+) (?P<version>\S+) \S+ \[upgradable from: (?P<old>[^]]+)\]"
)
_UNATTENDED = re.compile(r'Unattended-Upgrade "([0-9]+)";')


class Update(StrEnum):
    """What is known of a machine."""

    CURRENT = "current"
    BEHIND = "behind"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Waiting:
    """One package that has a newer version. `since` is when we first saw it waiting."""

    name: str
    version: str
    is_security: bool
    since: datetime


@dataclass(frozen=True, slots=True)
class MachineUpdates:
    """One machine: what it is, what waits, and why nobody knows where that is so."""

    system: str
    state: Update
    why: str
    waiting: tuple[Waiting, ...] = ()
    needs_reboot: bool = False
    unattended: bool | None = None

    @property
    def sentence(self) -> str:
        """Say it in a few words; `up to date` where it is."""
        if self.state is Update.UNKNOWN:
            return f"unknown: {self.why}"
        urgent = sum(one.is_security for one in self.waiting)
        said = []
        if urgent:
            said.append(f"{urgent} security {'update' if urgent == 1 else 'updates'} waiting")
        if others := len(self.waiting) - urgent:
            said.append(f"{others} other {'update' if others == 1 else 'updates'} waiting")
        if self.needs_reboot:
            said.append("needs a restart")
        if self.state is Update.CURRENT:
            return "up to date" + (f" ({'; '.join(said)})" if said else "")
        return "; ".join(said)

    def late(self, now: datetime, within: timedelta) -> tuple[Waiting, ...]:
        """Return the security updates that wait longer than they may."""
        return tuple(one for one in self.waiting if one.is_security and now - one.since > within)

    def kept(self) -> dict[str, object]:
        """Return it as its row keeps it."""
        return {
            "system": self.system,
            "state": str(self.state),
            "why": self.why,
            "needs_reboot": self.needs_reboot,
            "unattended": self.unattended,
            "waiting": [[one.name, one.version, one.is_security, one.since.isoformat()] for one in self.waiting],
        }


def unknown(system: str, why: str) -> MachineUpdates:
    """Return a machine that nobody could look at."""
    return MachineUpdates(system, Update.UNKNOWN, why)


def judge_machine(system: str, said: Said, now: datetime, before: MachineUpdates | None = None) -> MachineUpdates:
    """Judge what the program said. `before` is what the last look found: what waits has waited since then."""
    parts = _parts(said.stdout)
    if "no-apt" in parts:
        return unknown(system, "it is no Debian or Ubuntu machine; account for it on the worksheet")
    if said.is_cut or said.code is None or "end" not in parts or "apt-done" not in parts:
        return unknown(system, "its answer was not complete")
    listed = _moment(parts.get("lists", ""))
    if listed is None:
        return unknown(system, "it has never fetched its lists of packages")
    # By its own clock: ours may differ.
    there = _moment(parts.get("now", "")) or now
    if there - listed > LISTS_AT_MOST:
        return unknown(system, f"it last fetched its lists of packages on {listed:%Y-%m-%d}")
    unread = [line for line in parts["apt"].splitlines() if "/" in line and not _APT_LINE.fullmatch(line.strip())]
    if unread:
        return unknown(system, "it lists updates in a form that could not be read")
    since = {(one.name, one.version): one.since for one in (before.waiting if before else ())}
    found = [
        Waiting(
            line["name"],
            line["version"],
            any("security" in pocket for pocket in line["pockets"].split(",")),
            since.get((line["name"], line["version"]), now),
        )
        for line in _APT_LINE.finditer(parts["apt"])
    ]
    outdated = _pip(parts, now, since)
    if outdated is None:
        return unknown(system, "its Python packages could not be compared")
    return _judged(system, (*found, *outdated), parts, now)


def kept_machine(kept: Mapping[str, object]) -> MachineUpdates:
    """Return a machine from what its row keeps."""
    waiting = kept["waiting"]
    assert isinstance(waiting, list)  # noqa: S101 - for the type checker: `kept` above wrote a list
    return MachineUpdates(
        str(kept["system"]),
        Update(str(kept["state"])),
        str(kept["why"]),
        tuple(Waiting(name, version, urgent, datetime.fromisoformat(at)) for name, version, urgent, at in waiting),
        bool(kept["needs_reboot"]),
        None if kept["unattended"] is None else bool(kept["unattended"]),
    )


def verdict_of(machines: Sequence[MachineUpdates]) -> Update:
    """Return the worst of them: one machine that is behind or unknown speaks for all."""
    states = {one.state for one in machines}
    if Update.BEHIND in states:
        return Update.BEHIND
    return Update.UNKNOWN if Update.UNKNOWN in states or not states else Update.CURRENT


def _judged(system: str, waiting: tuple[Waiting, ...], parts: Mapping[str, str], now: datetime) -> MachineUpdates:
    reboot = parts.get("reboot", "").strip() == "yes"
    # An update that only takes hold after a restart protects nobody yet.
    behind = reboot or any(one.is_security or now - one.since > OTHERS_AT_MOST for one in waiting)
    told = _UNATTENDED.search(parts.get("unattended", ""))
    unattended = told is not None and told[1] != "0"
    return MachineUpdates(system, Update.BEHIND if behind else Update.CURRENT, "", waiting, reboot, unattended)


def _pip(
    parts: Mapping[str, str], now: datetime, since: Mapping[tuple[str, str], datetime]
) -> tuple[Waiting, ...] | None:
    if "pip" not in parts:
        return ()
    found = []
    lists = [line for line in parts["pip"].splitlines() if line.startswith("[")]
    if "pip-done" not in parts or not lists:
        return None
    for text in lists:
        try:
            listed = json.loads(text)
            new = [(f"pip:{one['name']}", str(one["latest_version"])) for one in listed]
        except (ValueError, KeyError, TypeError):
            return None
        # pip does not say which of them are about security: they may wait for the monthly round.
        found += [
            Waiting(name, version, is_security=False, since=since.get((name, version), now))
            for name, version in new
        ]
    return tuple(found)


def _parts(text: str) -> dict[str, str]:
    parts: dict[str, str] = {}
    for piece in text.split(MARK)[1:]:
        name, _, content = piece.partition("\n")
        parts[name.strip()] = parts.get(name.strip(), "") + content
    return parts


def _moment(seconds: str) -> datetime | None:
    text = seconds.strip()
    return datetime.fromtimestamp(int(text), UTC) if text.isdigit() else None
