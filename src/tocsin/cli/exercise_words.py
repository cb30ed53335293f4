"""What the exercise's commands say, in words and as data. Every text says EXERCISE."""

import textwrap
from dataclasses import asdict
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from tocsin.cli.output import table

if TYPE_CHECKING:
    from tocsin.context import Context
    from tocsin.exercises import Came, Ended
    from tocsin.exercises.scoring import ScoreLine

WIDTH = 100


def clock_line(inside: "Context") -> str:
    """Return what time it is in the exercise, and how fast it goes."""
    from tocsin.exercises import room_of
    from tocsin.exercises.scoring import spell

    room = room_of(inside)
    now = inside.clock.now()
    local = now.astimezone(ZoneInfo(inside.workspace.organisation.timezone))
    pace = f"{room.hands.speed} times as fast" if room.hands.speed else "the clock stands still"
    return f"EXERCISE {room.exercise}: {local:%A %H:%M}, {spell(now - room.began_at)} in; {pace}."


def opening(inside: "Context") -> str:
    """Return what the facilitator needs first: what to read out, and what the players do."""
    from tocsin.exercises import room_of, scenario_of

    room = room_of(inside)
    notes = scenario_of(room).facilitator
    lines = [
        f"EXERCISE {room.exercise}: {room.title}",
        clock_line(inside),
        "",
        "READ OUT:",
        *_wrapped(_read_out(inside)),
        "",
        "THE PLAYERS, each at a keyboard or all at one:",
        f"    cd {room.folder}",
        "    tocsin incident declare        and everything else, as in a real incident",
        "    tocsin drill exercise seat PERSON, answer NUMBER WHAT_YOU_DO, status",
        "YOU:",
        "    tocsin drill exercise run --notes     shows what comes, when it comes; or `next` to go there at once",
        "    tocsin drill exercise clock --pause, --resume",
        "    tocsin drill exercise end",
        f"If something REAL happens, say 'this is real', and: cd {room.home}",
    ]
    if notes:
        lines += ["", "FOR THE FACILITATOR:", *_wrapped(notes)]
    return "\n".join(lines)


def opening_data(inside: "Context") -> dict[str, object]:
    """Return the same as data."""
    from tocsin.exercises import room_of, scenario_of

    room = room_of(inside)
    return {
        "exercise": room.exercise,
        "scenario": room.scenario,
        "room": str(room.folder),
        "began_at": room.began,
        "system": room.system,
        "speed": room.speed,
        "read_out": _read_out(inside),
        "facilitator": scenario_of(room).facilitator,
    }


def _read_out(inside: "Context") -> str:
    from tocsin.exercises import room_of, scenario_of
    from tocsin.exercises.cast import filled, names_for, players

    room = room_of(inside)
    with inside.store.read() as connection:
        who = players(connection, inside.workspace, inside.clock.now())
    return filled(scenario_of(room).read_out, names_for(inside.workspace, room.system, who))


def inject_words(inside: "Context", one: "Came", *, notes: bool) -> str:
    """Return one inject, to be read out."""
    local = one.came_at.astimezone(ZoneInfo(inside.workspace.organisation.timezone))
    lines = [
        f"EXERCISE, {local:%H:%M}. Number {one.number}, {one.inject}, for {one.to}. READ OUT:",
        *_wrapped(one.text),
        *_wrapped(f"ASK: {one.asks}"),
    ]
    if notes and one.looks_for:
        lines += _wrapped(f"(You listen for: {one.looks_for})")
    return "\n".join([*lines, f'    tocsin drill exercise answer {one.number} "What you do"'])


def inject_data(one: "Came") -> dict[str, object]:
    """Return one inject as data."""
    return {
        name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in asdict(one).items()
    }


def state_of(inside: "Context", *, notes: bool) -> dict[str, object]:
    """Return how the exercise stands as data."""
    from tocsin.exercises import injects, next_inject, room_of, standing

    room = room_of(inside)
    seen, score = standing(inside)
    coming = next_inject(inside)
    return {
        "exercise": room.exercise,
        "scenario": room.scenario,
        "room": str(room.folder),
        "at": inside.clock.now().isoformat(),
        "speed": room.hands.speed,
        "seat": room.seat,
        "away": room.away,
        "next_inject_at": coming.isoformat() if coming else None,
        "injects": [
            {name: value for name, value in inject_data(one).items() if notes or name != "looks_for"}
            for one in injects(inside)
        ],
        "incident": seen.incident,
        "score": score.percent,
        "lines": [asdict(line) for line in score.lines],
    }


def state_words(inside: "Context", *, notes: bool) -> str:
    """Return how it stands, for the screen that everybody sees; what is expected, to the facilitator alone."""
    from tocsin.exercises import injects, room_of, standing

    room = room_of(inside)
    seen, score = standing(inside)
    lines = [clock_line(inside), f"Room: {room.folder}"]
    if room.seat:
        lines.append(f"At the keyboard: {room.seat}")
    if room.away:
        lines.append(f"Cannot be reached: {', '.join(room.away)}")
    lines.append(f"Incident: {seen.incident or 'none has been declared'}")
    rows = [
        (str(one.number), one.inject, one.to, one.answered_by or "OPEN", one.answer or one.asks)
        for one in injects(inside)
    ]
    if rows:
        cut = [(*row[:4], row[4] if len(row[4]) <= 60 else f"{row[4][:59]}…") for row in rows]  # noqa: PLR2004 - a line
        lines += ["", table(("NO", "WHAT CAME", "FOR", "TAKEN UP BY", "WHAT"), cut)]
    if notes:
        lines += ["", "FOR THE FACILITATOR, if it ended now:", score_table(score.lines)]
        lines.append(f"{score.percent} of 100")
    return "\n".join(lines)


def score_table(lines: "tuple[ScoreLine, ...]") -> str:
    """Return the score, line by line."""
    rows = [(line.verdict.upper(), line.what, line.target, line.reached, line.why) for line in lines]
    return table(("", "WHAT", "TARGET", "REACHED", "WHY"), rows)


def ended_words(house: "Context", ended: "Ended") -> str:
    """Return what came of an exercise."""
    score = ended.score
    lines = [
        (
            f"EXERCISE {ended.room.exercise} is over: {score.percent} of 100. "
            f"{score.met} of {len(score.lines)} were as expected."
        ),
        "",
        score_table(score.lines),
    ]
    if ended.seen.silent:
        names = [house.workspace.people[person].name for person in ended.seen.silent]
        lines += ["", f"Never heard of: {', '.join(names)}"]
    lines += [
        "",
        f"{len(ended.findings)} findings. See them: tocsin drill findings",
        f"Report: {ended.paper.html}",
    ]
    lines.append(f"The room is shut. Go back: cd {ended.room.home}")
    return "\n".join(lines)


def ended_data(ended: "Ended") -> dict[str, object]:
    """Return the same as data."""
    return {
        "exercise": ended.room.exercise,
        "scenario": ended.scenario.id,
        "score": ended.score.percent,
        "met": ended.score.met,
        "lines": [asdict(line) for line in ended.score.lines],
        "silent": list(ended.seen.silent),
        "findings": list(ended.findings),
        "report": str(ended.paper.html),
        "pdf": str(ended.paper.pdf) if ended.paper.pdf else None,
    }


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent="    ", subsequent_indent="    ", break_on_hyphens=False)
