"""The page that `tocsin status` shows: the picture as text, the worst first."""

import os
import textwrap
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import click

from tocsin.law.clocks import show_both
from tocsin.model.ladder import Rung
from tocsin.tonight import AppendOnly, Countdown, DrillState, OpenIncident, Picture, PlanState, Waiting

WIDTH = 79
_SOON = timedelta(hours=12)
_IN_DAYS = 4
_WANTED = {"ask": "answer", "task": "do", "decide": "decide", "approve": "approve", "failed": "FAILED"}


class Page:
    """The picture as text: 80 columns, colours that a terminal may drop without losing a word."""

    def __init__(self, name: str, zone: str, picture: Picture) -> None:
        self._name = name
        self._zone = ZoneInfo(zone)
        self._picture = picture

    def text(self) -> str:
        """Return the whole page."""
        sections = (
            self._head(),
            _section("INCIDENTS", self._incidents()),
            _section("OUTCOME UNKNOWN: look before anything is done again", self._unknown()),
            _section("WAITING FOR A PERSON", self._waiting()),
            _section("ALARMS", (_bad(_clip(f"  {one.text}")) for one in self._picture.alarms)),
            _section("PREVENTION ACTIONS OVERDUE", self._owed()),
            _section("CHANNELS", self._distrusted()),
            _section("BACKUPS", self._backups()),
            _section("DRILLS", self._drills()),
            _section("RECOVERY PROVEN", self._proven()),
            _section("RUNNING NOW", self._running()),
            [self._journal()],
        )
        return "\n\n".join("\n".join(lines) for lines in sections if lines)

    def _head(self) -> list[str]:
        troubles = self._picture.troubles()
        opened = len(self._picture.incidents) + len(self._picture.need_to_know)
        counted = [f"{opened} open incident{'s' if opened > 1 else ''}"] if opened else []
        waiting = sum(step.kind != "failed" for step in self._picture.waiting)
        waits = [f"{waiting} step{'s wait' if waiting > 1 else ' waits'} for a person"] if waiting else []
        said = ", ".join((*counted, *troubles, *waits))
        summary = textwrap.wrap(f"{said}." if said else "Nothing is open, late or unknown.", WIDTH)
        colour = _bad if troubles else _uncertain if said else _good
        return [_clip(f"{_plain(self._name)}, {self._time(self._picture.at)}"), *map(colour, summary)]

    def _incidents(self) -> Iterator[str]:
        for one in self._picture.incidents:
            yield from self._incident(one)
        for identity in self._picture.need_to_know:
            yield f"  {identity}  need-to-know: only its own people see more."

    def _incident(self, one: OpenIncident) -> Iterator[str]:
        cause = f", {one.cause}" if one.cause else ""
        yield _strong(_clip(f"  {one.id}  {_plain(one.title)}"))
        yield _clip(f"    {one.state}{cause}, on {', '.join(one.systems)}")
        if one.aware_at:
            yield f"    certain since   {self._time(one.aware_at)}"
        else:
            yield f"    first alert     {self._time(one.first_alert_at)}"
            yield "    Nobody said yet that it is certain: the clocks run from the first alert."
        for clock in one.clocks:
            yield from self._countdown(clock)

    def _countdown(self, clock: Countdown) -> Iterator[str]:
        name = f"{_plain(clock.name)[:27]} ({clock.hours} h)"
        if clock.settled:
            yield f"    {name:<34}  {_good(clock.settled)}"
            return
        left = f"OVERDUE by {spell(-clock.left)}" if clock.overdue else f"{spell(clock.left)} left"
        colour = _bad if clock.overdue else _uncertain if clock.left < _SOON else str
        yield f"    {name:<34}  {colour(left)}"
        yield f"{'':<8}due {self._time(clock.due)}"

    def _unknown(self) -> Iterator[str]:
        for one in self._picture.unknown:
            since = f", since {self._time(one.since, short=True)}" if one.since else ""
            yield from map(_bad, _wrapped(f"{one.what} {_subject(one.subject)}{since}", "  "))

    def _waiting(self) -> Iterator[str]:
        seen = None
        for one in self._picture.waiting:
            if one.run != seen:
                yield _clip(f"  {one.incident or 'no incident'}, {one.playbook}, run {one.run}")
                seen = one.run
            yield from self._step(one)
        if seen:
            yield "  'tocsin run show RUN' asks in full and says how to answer."

    def _step(self, one: Waiting) -> Iterator[str]:
        wanted = _WANTED.get(one.kind, one.kind)
        colour = _bad if one.kind == "failed" else _uncertain
        for_whom = f", for {_plain(one.who)}" if one.who else ""
        yield _clip(f"    {colour(f'{wanted:<8}')} {_plain(one.step)}{for_whom}")
        yield from (_clip(f"             {_plain(line)}") for line in (one.question.strip(),) if line)

    def _owed(self) -> Iterator[str]:
        for one in self._picture.owed:
            said = f"{one.id} was due {one.due_on}, {one.owner} (from {one.came_from}): {_plain(one.title)}"
            yield from map(_bad, _wrapped(said, "  "))

    def _backups(self) -> Iterator[str]:
        if pause := self._picture.paused:
            since = self._time(pause.since, short=True)
            said = f"All scheduled backups are PAUSED since {since} by {pause.by}: {_plain(pause.reason)}"
            yield from map(_uncertain, _wrapped(said, "  "))
        width = max((len(plan.freshness.plan) for plan in self._picture.plans), default=0)
        for plan in self._picture.plans:
            yield _clip(self._plan(plan, width))
        for hold in self._picture.holds:
            why = f"for {hold.incident}" if hold.incident else "by hand"
            yield f"  {hold.snapshots} snapshot{'s' if hold.snapshots > 1 else ''} held {why}: none is pruned."
        yield from self._doubts()

    def _doubts(self) -> Iterator[str]:
        for doubt in self._picture.doubted:
            stopped = "nothing of it is pruned" if doubt.retention_stopped else "it is pruned as usual"
            said = (
                f"{doubt.plan} is DOUBTED since {self._time(doubt.since, short=True)} ({', '.join(doubt.signs)}); "
                f"{stopped}. Look at the files, then: tocsin backup explain {doubt.plan}"
            )
            yield from map(_bad, _wrapped(said, "  "))
        for proof in self._picture.append_only:
            yield from self._proof(proof)

    def _proof(self, proof: AppendOnly) -> Iterator[str]:
        if proof.at is None:
            yield _uncertain(_clip(f"  {proof.repository}: nobody has tried yet whether it is append-only."))
        elif proof.verdict == "refuted":
            tried = self._day(proof.at)
            said = f"{proof.repository} is NOT append-only: this machine got through to it on {tried}."
            yield from map(_bad, _wrapped(said, "  "))
        else:
            owed = "; try it again, that is long ago" if proof.is_owed else ""
            colour = _uncertain if proof.is_owed else str
            yield colour(_clip(f"  {proof.repository}: append-only, tried {self._day(proof.at)}{owed}"))

    def _distrusted(self) -> Iterator[str]:
        for one in self._picture.distrusted:
            since = self._time(one.since, short=True)
            said = f"{one.channel} is COMPROMISED, says {one.by} since {since}: do not trust what comes by it."
            yield from map(_bad, _wrapped(said, "  "))

    def _plan(self, plan: PlanState, width: int) -> str:
        fresh = plan.freshness
        name = f"  {fresh.plan:<{width}}  "
        if fresh.age is None or fresh.last_ok is None:
            what = f" of the dump {fresh.series}" if fresh.series else ""
            return f"{name}{_bad('never  ')}  no good snapshot{what} yet; promised every {spell(fresh.rpo)}"
        colour = _good if fresh.state.value == "fresh" else _bad
        taken = fresh.last_ok.astimezone(self._zone).strftime("%d %b %H:%M %Z")
        return (
            f"{name}{colour(f'{fresh.state.value:<7}')}  {spell(fresh.age)} old, promised {spell(fresh.rpo)}; "
            f"{(plan.snapshot or '')[:8]} of {taken}{f' (dump {fresh.series})' if fresh.series else ''}"
        )

    def _drills(self) -> Iterator[str]:
        width = max((len(drill.drill) for drill in self._picture.drills), default=0)
        for drill in self._picture.drills:
            yield _clip(f"  {drill.drill:<{width}}  {self._drill(drill)}")

    def _drill(self, drill: DrillState) -> str:
        if drill.last is None:
            said = _bad("never run")
        else:
            verdict = (drill.last.verdict or "").replace("-", " ")
            colour = {"passed": _good, "failed": _bad}.get(verdict, _uncertain)
            said = f"{colour(verdict)} {self._day(drill.last.started_at)}"
            if drill.last.verdict not in {"passed", "failed"} and drill.proved:
                said += f", {drill.proved.verdict} {self._day(drill.proved.started_at)}"
        if drill.overdue_since:
            return f"{said}; {_bad('OVERDUE')} since {self._day(drill.overdue_since)}"
        return f"{said}; next {self._day(drill.next_due)}" if drill.next_due else said

    def _proven(self) -> Iterator[str]:
        width = max((len(one.system) for one in self._picture.proven), default=0)
        for one in self._picture.proven:
            name, proven = f"  {one.system:<{width}}  ", one.proven
            if proven.rung is None or proven.at is None:
                yield f"{name}{_bad('nothing')}  {'no drill yet' if one.plans else 'no backup plan covers it'}"
                continue
            colour = _good if proven.rung.height >= Rung.L3.height else _uncertain
            by = proven.by.removeprefix("drill:")
            said = f"{name}{colour(str(proven.rung))}  {proven.rung.meaning}, {self._day(proven.at)}, by {by}"
            yield _clip(said)

    def _running(self) -> Iterator[str]:
        for one in self._picture.running:
            since = self._time(one.since, short=True)
            yield from _wrapped(
                f"{one.what} {_subject(one.subject)}, since {since}, {one.actor} on {one.host}", "  "
            )

    def _journal(self) -> str:
        if self._picture.journal is None:
            return "Journal: empty."
        seq, at = self._picture.journal
        unsigned = seq - (self._picture.signed_up_to or 0)
        signed = "signed to the end" if not unsigned else f"the last {unsigned} not signed yet"
        return f"Journal: entry {seq} of {self._time(at, short=True)}, {signed}."

    def _time(self, moment: datetime, *, short: bool = False) -> str:
        if not short:
            return show_both(moment, self._zone.key)
        return moment.astimezone(self._zone).strftime("%a %d %b %H:%M %Z")

    def _day(self, moment: datetime) -> str:
        return moment.astimezone(self._zone).strftime("%d %b %Y")


def spell(span: timedelta) -> str:
    """Return a span as a person says it: `5 d 4 h`, `71 h 59 min`, `12 min`. A legal clock is counted in hours."""
    minutes = int(span.total_seconds()) // 60
    if minutes >= _IN_DAYS * 24 * 60:
        parts = [(minutes // 1440, "d"), (minutes // 60 % 24, "h")]
    else:
        parts = [(minutes // 60, "h"), (minutes % 60, "min")]
    return " ".join(f"{count} {unit}" for count, unit in parts if count) or "0 min"


def _section(title: str, lines: Iterable[str]) -> list[str]:
    found = list(lines)
    return [_strong(title), *found] if found else []


def _subject(subject: str) -> str:
    return _plain(subject.partition(":")[2] or subject)


def _plain(text: str) -> str:
    # A title or question that came from outside must not steer the terminal it is read in.
    return "".join(character if character.isprintable() else " " for character in text)


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=indent, subsequent_indent=indent + "  ", break_on_hyphens=False
    )


def _clip(line: str) -> str:
    """Shorten a line that is too wide; it loses its colours then, lest one be cut in two."""
    seen = click.unstyle(line)
    return line if len(seen) <= WIDTH else f"{seen[: WIDTH - 1]}…"


def _strong(text: str) -> str:
    return _coloured(text, bold=True)


def _bad(text: str) -> str:
    return _coloured(text, fg="red", bold=True)


def _uncertain(text: str) -> str:
    return _coloured(text, fg="yellow")


def _good(text: str) -> str:
    return _coloured(text, fg="green")


def _coloured(text: str, *, fg: str | None = None, bold: bool = False) -> str:
    """Colour a text; click drops the colours where the reader is no terminal."""
    return text if os.environ.get("NO_COLOR") else click.style(text, fg=fg, bold=bold or None)
