"""What restic prints, as the types of `ports`. Pure: lines in, values out.

With `--json` stdout is the result, line by line; stderr mixes JSON `error` and `exit_error` lines with plain
text. Zero-valued fields are left out everywhere, and some commands print a sentence before their JSON.
Fields as restic 0.17 to 0.18 print them.
"""

import json
import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tocsin.ports import BackupSummary, CheckSummary, Key, Lock, Progress, RestoreSummary, Snapshot

# Enough to name what matters; a restore onto a full disk prints a line for each of a million files.
MOST_ITEMS = 10_000
MOST_LINES = 200
MOST_CHARACTERS = 2_000

Message = Mapping[str, object]

_MISSING_SOURCE = re.compile(r"^(?P<path>.+) does not exist, skipping$")
_IGNORED_SNAPSHOT = re.compile(r'^Ignoring "(?P<id>[0-9a-f]+)": (?P<why>.*)$')
_RETRY = re.compile(r"^(?P<call>\S+\(.*?\)) returned error, retrying after [^:]+: (?P<why>.*)$")
_RETRIED = re.compile(r"^\S+\(.*?\) operation successful after \d+ retr")
_SAVE_FAILED = re.compile(r"^Save\(.*?\) failed: (?P<why>.*)$")
_BROKEN_PACK = re.compile(r"^pack (?P<id>[0-9a-f]{64})\b")
# restic's advice on repairing is for the person at the keyboard, not a finding.
_ADVICE = re.compile(
    r"^(The repository (is damaged|index is damaged|contains damaged)|restic repair |Damaged pack files can be)"
)
_BLOB_IN_PACK = re.compile(r"<(?P<kind>data|tree)/(?P<blob>[0-9a-f]+)> from (?P<pack>[0-9a-f]+)")
_NAMED_FILE = re.compile(r"<(?P<kind>snapshot|index|key|config|data)/(?P<id>[0-9a-f]*)>")
_CONFIG_OR_KEY = re.compile(r"config or key (?P<id>[0-9a-f]+) is damaged")
_NOT_IN_INDEX = re.compile(r"\bid (?P<id>[0-9a-f]{8,}) not found in repository")
_TREE = re.compile(r"\btree <?(?P<id>[0-9a-f]{8,})")


def message_of(line: str) -> Message | None:
    """Return the JSON object a line holds, or None for plain text."""
    if not line.startswith("{"):
        return None
    try:
        parsed = json.loads(line)
    except ValueError:
        return None
    return parsed if isinstance(parsed, dict) else None


def damaged_object(text: str) -> str | None:
    """Return the object of the repository that a complaint calls damaged (`pack 6a7ad3c0`), or None."""
    if found := _BLOB_IN_PACK.search(text):
        return (
            f"tree {found['blob']} in pack {found['pack']}" if found["kind"] == "tree" else f"pack {found['pack']}"
        )
    if found := _CONFIG_OR_KEY.search(text):
        # A key file is checked against its own name first, so what failed here is the config file.
        return "config"
    if found := _NAMED_FILE.search(text):
        kind = "pack" if found["kind"] == "data" else found["kind"]
        return f"{kind} {found['id']}".strip()
    if found := _BROKEN_PACK.search(text):
        return f"pack {found['id']}"
    if found := _TREE.search(text):
        return f"tree {found['id']}"
    if found := _NOT_IN_INDEX.search(text):
        return f"object {found['id']}"
    return None


@dataclass
class Complaints:
    """What restic said on stderr, sorted and bounded, newest text kept."""

    items: dict[str, str] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    ignored: dict[str, str] = field(default_factory=dict)
    text: deque[str] = field(default_factory=lambda: deque(maxlen=MOST_LINES))
    fatal: str = ""
    retries: int = 0
    successes: int = 0  # of retries
    retry_call: str = ""
    retry_reason: str = ""
    unsaved: str = ""  # why a piece of data could not be stored for good
    left_out: int = 0

    def take(self, line: str) -> None:
        """Sort one line of stderr."""
        line = line.replace("\x1b[2K", "")
        message = message_of(line)
        if message is None:
            self._take_text(line.strip()[:MOST_CHARACTERS])
        elif message.get("message_type") == "exit_error":
            self.fatal = str(message.get("message", "")).removeprefix("Fatal: ").strip()
        elif item := str(message.get("item", "")):
            self._take_item(item, reason_of(message))
        else:
            self._take_finding(reason_of(message))

    def _take_text(self, line: str) -> None:
        if found := _MISSING_SOURCE.match(line):
            self.missing.append(found["path"])
        elif found := _IGNORED_SNAPSHOT.match(line):
            self.ignored[found["id"]] = found["why"]
        elif found := _RETRY.match(line):
            self.retries += 1
            self.retry_call, self.retry_reason = found["call"], found["why"]
        elif _RETRIED.match(line):
            self.successes += 1
        elif line:
            self.text.append(line)
            if found := _SAVE_FAILED.match(line):
                self.unsaved = self.unsaved or found["why"]

    def _take_item(self, item: str, why: str) -> None:
        if item in self.items:
            return  # the first complaint is the cause, what follows (`lchown …: no such file`) its echo
        if len(self.items) >= MOST_ITEMS:
            self.left_out += 1
            return
        self.items[item] = why

    def _take_finding(self, text: str) -> None:
        if self.findings and self.findings[-1].startswith("error for tree") and self.findings[-1].endswith(":"):
            self.findings[-1] += f" {text}"
        elif text and not _ADVICE.match(text) and len(self.findings) < MOST_ITEMS:
            self.findings.append(text.removeprefix("error: "))

    @property
    def last_words(self) -> str:
        """The best single sentence there is on why restic failed."""
        if self.fatal and self.fatal != "repository contains errors":
            return self.fatal
        spoken = next((line for line in self.text if line.startswith("Fatal: ")), "").removeprefix("Fatal: ")
        return spoken or next(iter(self.findings), "") or (self.text[-1] if self.text else self.fatal)

    @property
    def everything(self) -> str:
        """All that was said, for looking for words in it."""
        return "\n".join((self.fatal, *self.findings, *self.text))

    def read_text_as_findings(self) -> None:
        """Take plain lines for findings: before 0.18 `check` knew no JSON."""
        for line in self.text:
            if not line.startswith(("Fatal: ", "Load(")):
                self._take_finding(line)


def reason_of(message: Message) -> str:
    """Return the words of an `error` line, which stand one level deeper when it has an item."""
    error = message.get("error")
    return str(error.get("message", "") if isinstance(error, dict) else message.get("message", "")).strip()


@dataclass
class Output:
    """What restic said on stdout: the last message of each kind, and the plain lines before them."""

    last: dict[str, Message] = field(default_factory=dict)
    array: list[Message] | None = None
    text: deque[str] = field(default_factory=lambda: deque(maxlen=MOST_LINES))

    def take(self, line: str) -> Message | None:
        """Sort one line of stdout and return its message, if it is one."""
        if message := message_of(line):
            self.last[str(message.get("message_type", ""))] = message
            return message
        if line.startswith("["):
            try:
                parsed = json.loads(line)
            except ValueError:
                parsed = None
            if isinstance(parsed, list):
                self.array = [entry for entry in parsed if isinstance(entry, dict)]
                return None
        self.text.append(line[:MOST_CHARACTERS])
        return None


def progress_of(message: Message) -> Progress | None:
    """Return a `status` line of backup or restore as progress, or None for any other line."""
    if message.get("message_type") != "status":
        return None
    fraction = message.get("percent_done", 0)
    return Progress(
        fraction=float(fraction) if isinstance(fraction, int | float) else 0.0,
        files_done=number(message, "files_done") or number(message, "files_restored"),
        total_files=number(message, "total_files"),
        bytes_done=number(message, "bytes_done") or number(message, "bytes_restored"),
        total_bytes=number(message, "total_bytes"),
    )


def backup_summary(message: Message, complaints: Complaints, *, incomplete: bool) -> BackupSummary:
    """Return the `summary` line of a backup with what stderr adds to it."""
    unreadable = (*complaints.missing, *complaints.items)
    return BackupSummary(
        snapshot_id=str(message["snapshot_id"]) if message.get("snapshot_id") else None,
        files_new=number(message, "files_new"),
        files_changed=number(message, "files_changed"),
        files_unmodified=number(message, "files_unmodified"),
        data_added_bytes=number(message, "data_added"),
        data_added_packed_bytes=number(message, "data_added_packed"),
        total_files=number(message, "total_files_processed"),
        total_bytes=number(message, "total_bytes_processed"),
        started_at=moment(message.get("backup_start")),
        finished_at=moment(message.get("backup_end")),
        incomplete=incomplete or bool(unreadable),
        unreadable=unreadable,
        warnings=tuple(complaints.text),
    )


def restore_summary(message: Message, complaints: Complaints, *, ok: bool) -> RestoreSummary:
    """Return the `summary` line of a restore; each error under the restored path, or the damaged object.

    restic reports a damaged top of the tree under the item `/`, which names nothing: the object does.
    """
    errors = []
    for item, why in complaints.items.items():
        thing = damaged_object(why)
        words_for_it = f"{thing} is damaged or missing: {why}" if thing else why
        errors.append((thing if thing and item == "/" else item, words_for_it))
    if complaints.left_out:
        errors.append(("…", f"and {complaints.left_out} more"))
    return RestoreSummary(
        files_restored=number(message, "files_restored"),
        total_files=number(message, "total_files"),
        bytes_restored=number(message, "bytes_restored"),
        ok=ok and not errors,
        errors=tuple(errors),
    )


def check_summary(message: Message, complaints: Complaints, *, ok: bool) -> CheckSummary:
    """Return the `summary` line of a check. A lost pack is named in an error only, so both places are read."""
    listed = message.get("broken_packs")
    packs = [str(pack) for pack in listed] if isinstance(listed, list) else []
    packs += [found["id"] for finding in complaints.findings if (found := _BROKEN_PACK.match(finding))]
    return CheckSummary(
        ok=ok and not packs and number(message, "num_errors") == 0,
        errors=tuple(complaints.findings),
        broken_packs=tuple(dict.fromkeys(packs)),
    )


def snapshot_of(message: Message) -> Snapshot:
    """Return one entry of `snapshots`. Raises ValueError when it carries no id, tree or time."""
    summary = message.get("summary")
    summary = summary if isinstance(summary, dict) else {}
    time = moment(message.get("time"))
    if time is None or not message.get("id") or not message.get("tree"):
        raise ValueError("a snapshot without id, tree or time")
    return Snapshot(
        id=str(message["id"]),
        tree=str(message["tree"]),
        time=time,
        hostname=str(message.get("hostname", "")),
        paths=words(message, "paths"),
        tags=words(message, "tags"),
        original=str(message["original"]) if message.get("original") else None,
        total_files=number(summary, "total_files_processed"),
        total_bytes=number(summary, "total_bytes_processed"),
    )


def number(message: Message, name: str) -> int:
    """Return a whole number; restic leaves out what is zero."""
    value = message.get(name, 0)
    return int(value) if isinstance(value, int | float) else 0


def words(message: Message, name: str) -> tuple[str, ...]:
    """Return a list of strings; restic leaves out or nulls an empty one."""
    value = message.get(name)
    return tuple(str(entry) for entry in value) if isinstance(value, list) else ()


def moment(value: object) -> datetime | None:
    """Return an RFC 3339 time as aware UTC, its nanoseconds cut to microseconds; None when there is none."""
    if not isinstance(value, str):
        return None
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        return None
    return parsed.astimezone(UTC) if parsed.tzinfo else None


def lock_of(lock_id: str, text: str) -> Lock:
    """Return the lock that `cat lock` printed over several lines. Raises ValueError when it is none."""
    said = json.loads(text)
    return Lock(
        id=lock_id,
        since=datetime.fromisoformat(said["time"]),
        host=str(said.get("hostname", "")),
        process=int(said.get("pid", 0)),
        is_exclusive=bool(said.get("exclusive", False)),
    )


def chunker_of(text: str) -> str:
    """Return what `cat config` says of how files are cut. Raises ValueError when it says nothing."""
    return str(json.loads(text)["chunker_polynomial"])


def key_of(message: Message) -> Key:
    """Return one entry of `key list`; when it was made is in the local time of that machine."""
    return Key(
        id=str(message["id"]),
        is_current=bool(message.get("current", False)),
        user=str(message.get("userName", "")),
        host=str(message.get("hostName", "")),
        created=str(message.get("created", "")),
    )
