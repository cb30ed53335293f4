"""An account of a Linux machine: lock it, end its sessions, and put it back exactly as it was.

Locking takes its password away and lets it expire, for an account whose password alone is locked still lets its
SSH keys in. The keys are left where they are: they are evidence, and `contain.revoke_keys` takes them.
"""

from dataclasses import dataclass

from tocsin.errors import OperationFailed, Refused, UsageError
from tocsin.machines import Machine, last_words

# What is shown of the password is the first sign alone: `!` is locked, `*` never had one.
_LOOK = """\
id -u -- "$1" || exit 7
entry=$(getent shadow -- "$1") || exit 8
printf '%s\\n' "$entry" | awk -F: '{ print ($2 == "" ? "-" : substr($2, 1, 1)); print ($8 == "" ? "-" : $8) }'
pgrep -c -u "$(id -u -- "$1")" || true
"""
_END_SESSIONS = """\
if [ -d /run/systemd/system ] && command -v loginctl >/dev/null 2>&1; then
    loginctl terminate-user "$1" >/dev/null 2>&1
fi
for attempt in 1 2 3 4 5; do
    pkill -KILL -U "$1"; pkill -KILL -u "$1"
    pgrep -U "$1" >/dev/null || pgrep -u "$1" >/dev/null || exit 0
    sleep 0.2
done
exit 9
"""
_NO_ACCOUNT, _NO_RIGHTS = 7, 8
_EXPIRED = "1"


@dataclass(frozen=True, slots=True)
class Account:
    """How an account stands. `expires` is a day since 1970 as the shadow file has it, '' for never."""

    uid: int
    is_locked: bool
    has_password: bool
    expires: str
    processes: int


def look_at(machine: Machine, account: str) -> Account:
    """Return how an account stands. Raises UsageError when there is none, OperationFailed without the rights."""
    said = machine.run("sh", "-c", _LOOK, "tocsin", account)
    if said.code == _NO_ACCOUNT:
        raise UsageError(f"There is no account {account!r} on {machine.name}; nothing was changed.")
    if said.code == _NO_RIGHTS:
        raise OperationFailed(
            f"The shadow file of {machine.name} has no entry of {account!r}, or we may not read it: log in as "
            "root or set `sudo: true`, and look whether a directory holds the account. Nothing was changed."
        )
    words = said.stdout.split()
    if said.code != 0 or len(words) != 4:  # noqa: PLR2004 - the four things it was asked for
        raise OperationFailed(f"{machine.name} does not say how {account!r} stands.{last_words(said)}")
    uid, first_sign, expires, processes = words
    return Account(
        int(uid), first_sign == "!", first_sign not in "-*", "" if expires == "-" else expires, int(processes)
    )


def must_be_lockable(machine: Machine, account: str, found: Account) -> None:
    """Raise Refused for root and for the account by which we ourselves are there."""
    if found.uid == 0:
        raise Refused(f"{account} is root on {machine.name}; it is never locked from here. Nothing was changed.")
    if machine.run("id", "-u", rights=False).stdout.strip() == str(found.uid):
        raise Refused(
            f"{account} is the account we work as on {machine.name}: locking it would lock us out. Nothing was "
            "changed."
        )


def lock(machine: Machine, account: str, *, end_sessions: bool) -> Account:
    """Lock an account, end its sessions where wanted, and return how it stands then."""
    machine.do("usermod", "--lock", "--expiredate", _EXPIRED, "--", account)
    now = look_at(machine, account)
    if end_sessions and now.processes:
        machine.run("sh", "-c", _END_SESSIONS, "tocsin", str(now.uid))
        now = look_at(machine, account)
    if not now.is_locked or now.expires != _EXPIRED:
        raise OperationFailed(
            f"{account} on {machine.name} can still log in; look with `passwd --status {account}`."
        )
    if end_sessions and now.processes:
        raise OperationFailed(
            f"{account} on {machine.name} is locked, but {now.processes} of its processes do not end. Look with "
            f"`ps -u {account}`."
        )
    return now


def unlock(machine: Machine, account: str, before: Account) -> None:
    """Put an account back as it was; its sessions stay ended."""
    if not before.is_locked and before.has_password:
        machine.do("usermod", "--unlock", "--", account)
    elif not before.is_locked:
        machine.do("passwd", "--delete", "--", account)
    machine.do("chage", "--expiredate", before.expires or "-1", "--", account)
    now = look_at(machine, account)
    if (now.is_locked, now.expires) != (before.is_locked, before.expires):
        raise OperationFailed(
            f"{account} on {machine.name} is not as it was before; look with `chage -l {account}`."
        )
