"""Judging a journal: whole, or broken where.

Nothing here reads a database or a file: it takes lines, heads and public keys from whoever has them. What a line
says is believed only so far as hashes bear it out, and what the hashes say only so far as a signed head does:

1. each line's content has the hash it carries, each carries the hash of the one before, none is missing;
2. each private text has the digest its entry was bound to; an erased one is told of, not held against it;
3. each head is signed by a trusted key, is of this chain, and names an entry that stands there with that hash.

A tail that was cut off, or a history rewritten whole, is seen only by (3): keep heads outside.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hmac import compare_digest

from tocsin.store.chain import FIRST_PREVIOUS, Line, content_hash, private_digest
from tocsin.store.heads import Head
from tocsin.store.keys import PublicKey, by_name

MOST_PROBLEMS = 100

_NEAR = 10


@dataclass(frozen=True, slots=True)
class JournalProblem:
    """One fault: at which entry (`seq`, and its time `at` where there is one to be read), and what it is."""

    seq: int | None
    what: str
    at: str | None = None

    def __str__(self) -> str:
        if self.seq is None:
            return self.what
        return f"entry {self.seq}{f' of {self.at}' if self.at else ''}: {self.what}"


@dataclass(frozen=True, slots=True)
class Erased:
    """Private texts of one entry that are no longer there; `told_by` is the entry that journalled the erasing."""

    seq: int
    names: tuple[str, ...]
    told_by: int | None


@dataclass(frozen=True, slots=True)
class JournalVerdict:
    """The judgement. `signed_up_to` is the last entry a trusted head vouches for; `head` the last one read."""

    ok: bool
    entries: int
    problems: tuple[JournalProblem, ...]
    chain: str | None
    head: tuple[int, str] | None
    last_at: str | None
    signed_up_to: int | None
    erased: tuple[Erased, ...] = ()
    more_problems: int = 0


@dataclass(slots=True)
class Verifier:
    """Takes a journal line by line, in order, and ends with a verdict.

    `private_included` False means the source leaves private texts out: their absence then says nothing.
    """

    keys: Iterable[PublicKey]
    heads: Iterable[Head]
    private_included: bool = True
    problems: list[JournalProblem] = field(default_factory=list)
    more_problems: int = 0
    _chain: str | None = None
    _count: int = 0
    _last: Line | None = None
    _heads_at: dict[int, list[Head]] = field(default_factory=lambda: defaultdict(list))
    _seen_heads: dict[int, str] = field(default_factory=dict)
    _missing: dict[int, tuple[str, ...]] = field(default_factory=dict)
    _erasures: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for head in self.heads:
            self._heads_at[head.seq].append(head)

    def take(self, line: Line, private: Mapping[str, tuple[str, str]]) -> None:
        """Judge one line against the one before."""
        self._count += 1
        self._judge_place(line)
        payload = self._judge_content(line)
        if payload is not None:
            self._judge_private(line, payload, private)
            if line.seq == 1 and isinstance(payload.get("chain"), str):
                self._chain = str(payload["chain"])
        if line.seq in self._heads_at:
            self._seen_heads[line.seq] = line.hash
        self._last = line

    def verdict(self) -> JournalVerdict:
        """Judge the signed heads and sum up."""
        signed_up_to = self._judge_heads()
        last = self._last
        return JournalVerdict(
            ok=not self.problems,
            entries=self._count,
            problems=tuple(self.problems),
            chain=self._chain,
            head=(last.seq, last.hash) if last else None,
            last_at=last.at if last else None,
            signed_up_to=signed_up_to,
            erased=tuple(Erased(seq, names, self._erasures.get(seq)) for seq, names in self._missing.items()),
            more_problems=self.more_problems,
        )

    def problem(self, seq: int | None, what: str, at: str | None = None) -> None:
        """Note one fault."""
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(JournalProblem(seq, what, at))
        else:
            self.more_problems += 1

    def _judge_place(self, line: Line) -> None:
        last_seq, last_hash = (self._last.seq, self._last.hash) if self._last else (0, FIRST_PREVIOUS)
        if line.seq > last_seq + 1:
            self.problem(line.seq, f"{_span(last_seq + 1, line.seq - 1)} missing before it", line.at)
        elif line.seq <= last_seq:
            self.problem(line.seq, f"stands after entry {last_seq}: repeated or out of order", line.at)
        elif line.previous != last_hash:
            self.problem(
                line.seq,
                f"does not follow entry {last_seq} as that stands: one of the two was replaced, inserted or moved",
                line.at,
            )

    def _judge_content(self, line: Line) -> Mapping[str, object] | None:
        try:
            true = content_hash(line) == line.hash
            payload = json.loads(line.payload)
        except (TypeError, ValueError, RecursionError):
            self.problem(line.seq, "holds what no journal ever wrote: it was altered", str(line.at))
            return None
        if not true:
            place = _true_place(line)
            altered = "was altered: its content is not what its hash says"
            self.problem(line.seq, f"is entry {place}, moved here" if place else altered, line.at)
        return payload if isinstance(payload, dict) else None

    def _judge_private(
        self, line: Line, payload: Mapping[str, object], private: Mapping[str, tuple[str, str]]
    ) -> None:
        if line.kind == "journal.erased" and isinstance(erased := payload.get("entry"), int):
            self._erasures[erased] = line.seq
        bound = payload.get("private")
        digests = bound if isinstance(bound, dict) else {}
        for name, (salt, text) in private.items():
            if name not in digests:
                self.problem(line.seq, f"has a private text {name!r} that was added later", line.at)
            elif not _is_bound(digests[name], salt, text):
                self.problem(line.seq, f"its private text {name!r} was altered", line.at)
        missing = tuple(sorted(digests.keys() - private.keys()))
        if missing and self.private_included:
            self._missing[line.seq] = missing

    def _judge_heads(self) -> int | None:
        trusted = by_name(self.keys)
        signed_up_to = None
        faults: dict[str, list[Head]] = defaultdict(list)
        for seq in sorted(self._heads_at):
            for head in self._heads_at[seq]:
                if fault := self._fault_of(head, trusted):
                    faults[fault].append(head)
                else:
                    signed_up_to = seq
        for fault, those in faults.items():  # a thousand heads of one wrong key are one problem
            more = (
                f" (and {len(those) - 1} more heads like it, to entry {those[-1].seq})" if len(those) > 1 else ""
            )
            self.problem(those[0].seq, fault + more, those[0].at)
        return signed_up_to

    def _fault_of(self, head: Head, trusted: Mapping[str, PublicKey]) -> str | None:
        key = trusted.get(head.key)
        if key is None:
            known = ", ".join(name[:16] for name in trusted) or "none"
            return f"its head is signed with another key, {head.key[:16]}; trusted: {known}"
        if not head.is_signed_by(key):
            return "the signature of its head is false: the head or its signature was altered"
        if self._last and head.chain != self._chain:
            return f"a trusted head is of another journal than this, {head.chain}"
        last_seq = self._last.seq if self._last else 0
        if head.seq > last_seq:
            return f"was signed, but the journal ends at {last_seq}: its end was cut off"
        if head.seq not in self._seen_heads:
            return "was signed, but is missing"
        if self._seen_heads[head.seq] != head.hash:
            return "is not the entry that was signed: it, or all up to it, was rewritten"
        return None


def verify(
    lines: Iterable[tuple[Line, Mapping[str, tuple[str, str]]]],
    heads: Iterable[Head],
    keys: Iterable[PublicKey],
    *,
    private_included: bool = True,
) -> JournalVerdict:
    """Judge a whole journal. `heads` are all that is known, also those kept outside."""
    verifier = Verifier(keys, heads, private_included)
    for line, private in lines:
        verifier.take(line, private)
    return verifier.verdict()


def _span(first: int, last: int) -> str:
    return f"entry {first} is" if first == last else f"entries {first} to {last} are"


def _is_bound(digest: object, salt: str, text: str) -> bool:
    try:
        return isinstance(digest, str) and compare_digest(private_digest(salt, text), digest)
    except (AttributeError, TypeError, ValueError):
        return False


def _true_place(line: Line) -> int | None:
    near = range(max(1, line.seq - _NEAR), line.seq + _NEAR + 1)
    return next((seq for seq in near if content_hash(line._replace(seq=seq)) == line.hash), None)
