"""The whole product on made-up data, for real: back up, drill, be attacked, respond, tell, recover, prove it.

Run by `make demo`. Everything happens in `demo/agency`: a sample workspace, its own Prefect server on loopback, a
mail server that keeps what it is sent. The commands shown are the ones a person would type; they run here in
one process to save time. The page that tells the story is the last thing printed.
"""

import io
import json
import os
import random
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from datetime import UTC, datetime
from mailbox import Maildir
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Mailbox

from tocsin.cli import carry_out as tocsin
from tocsin.model.workspace import Workspace
from tocsin.serve import embedded_server, run_flow
from tocsin.wiring import load_workspace

DEMO = Path(__file__).resolve().parents[1] / "demo"
AGENCY = DEMO / "agency"
SHARE = AGENCY / "data/file-share"
POST = DEMO / "post"
MARK = DEMO / ".made-by-make-demo"
ANSWERS = {
    "isolate": "done",
    "who-cuts-it-off": "by hand",
    "ask-kinds": "availability,confidentiality",
    "ask-exfiltration": "possible",
    "ask-logs": "partial",
    "ask-backup": "intact",
    "ask-protection": "none",
    "ask-impact": "minor",
}


def main() -> None:
    """Play the night from beginning to end."""
    began = time.monotonic()
    with part("A sample agency: three clients, four people, six datasets"):
        fresh_agency()
    workspace = load_workspace(AGENCY)
    print("\nA mail server and Prefect's own server start, on loopback only", flush=True)
    waiting = time.monotonic()
    with mail_server(), embedded_server(workspace):
        print(f"    … {time.monotonic() - waiting:.1f} s", flush=True)
        typed("backup", "init", "local")
        with part("Prefect rings: the file share is backed up"):
            ring("backup", workspace, plan="file-share")
        with part("Prefect rings: the recovery is drilled, every file against its SHA-256"):
            ring("drill", workspace, drill="file-share")
        before = contents()
        alert = datetime.now(UTC).isoformat(timespec="seconds")
        time.sleep(1)
        with part(f"17:40. {len(before)} files on the share are encrypted"):
            encrypt()
        incident = answer_the_breach(alert)
        with part("Back to work: the share as it was before, every file verified"):
            typed("recover", "file-share", "--to", str(SHARE), "--replace", "--before", alert)
            typed("run", "answer", incident["run"]["run"], "recover", "done")
            if contents() != before:
                sys.exit("The recovered files differ from those before the attack: the demo has failed.")
            say(f"{len(before)} files are what they were")
        with part("Can anybody have rewritten this record?"):
            say(f"the journal verifies: {typed('journal', 'verify')['entries']} entries")
        story = typed("incident", "story", incident["incident"])
    with part("And before the next time: a night like this at the table, in fast motion; none of it is real"):
        play_an_exercise()
    print(f"\nAll of it took {time.monotonic() - began:.0f} seconds. Look around:")
    print(f"  cd {os.path.relpath(AGENCY)} && {os.path.relpath(sys.prefix, AGENCY)}/bin/tocsin status")
    print("\nThe story of this night, on one page:")
    print(story["page"])


def answer_the_breach(alert: str) -> dict[str, Any]:
    """Declare, answer, decide, approve, send: the part that people do, through the commands they would type."""
    with part("Maya declares: snapshots held, clocks running, two clients named"):
        incident = typed(
            "incident", "declare", "--system", "file-share", "--cause", "ransomware",
            "--title", "Files on the share end in .locked", "--first-alert", alert, "--aware", alert,
        )  # fmt: skip
        say(f"{incident['incident']}: data of {', '.join(incident['clients'])} and our own")
        for clock in incident["clocks"]:
            say(f"{clock['to']} by {clock['due_local']}")
    run = incident["run"]["run"]
    with part("Facts come in; Maya, the data protection lead's deputy, decides"):
        for step, answer in ANSWERS.items():
            typed("run", "answer", run, step, answer)
        typed("run", "answer", run, "decide-regulator", "yes")
    with part("The drafts are read, approved word for word, and sent"):
        for notice in (each for each in typed("notice", "list") if each["addressee"] not in ("police", "staff")):
            shown = typed("notice", "show", notice["id"])
            typed(
                "notice", "approve", notice["id"], "--hash", shown["sha256"], "--yes", "--reason", "Read in full"
            )
            say(f"{notice['addressee']}: approved {shown['sha256'][:12]}…")
        typed("run", "advance", run)
        regulator = next(each for each in typed("notice", "list") if each["addressee"] == "ico")
        typed("notice", "record", regulator["id"], "--reference", "IC-000000-X0X0")
        typed("run", "advance", run)
        typed("run", "answer", run, "clean", "done")
        say(f"{len(Maildir(POST))} mails lie in the clients' letter boxes: {os.path.relpath(POST)}")
    return incident


def play_an_exercise() -> None:
    """Play a shipped tabletop exercise: the commander cannot be reached, and much is left undone."""
    room = typed("drill", "exercise", "start", "ransomware-friday", "--with", "maya", "--with", "tom")["room"]

    def inside(*words: str) -> Any:  # noqa: ANN401 - whatever the command tells
        return typed(*words, "--workspace", room)

    said = "Files on the share end in .locked"
    incident = inside("incident", "declare", "--system", "file-share", "--cause", "ransomware", "--title", said)
    run = incident["run"]["run"]
    inside("run", "answer", run, "isolate", "done")
    inside("drill", "exercise", "next")
    inside(
        "incident", "fact", incident["incident"], "exfiltration", "confirmed", "--evidence", "The firewall's log"
    )
    inside("drill", "exercise", "answer", "1", "The fact is stated, the log is kept")
    for came in inside("drill", "exercise", "next"):
        say(f"EXERCISE: {came['text']}")
    inside("drill", "exercise", "seat", "tom")
    inside("incident", "take", incident["incident"], "commander", "--note", "Maya does not answer")
    inside("drill", "exercise", "answer", "2", "Tom leads; he has said so aloud")
    inside("incident", "contained", incident["incident"])
    inside("drill", "exercise", "clock", "--forward", "3h")
    ended = inside("drill", "exercise", "end")
    for line in ended["lines"][:5]:
        say(f"EXERCISE: {line['what']}: {line['reached']} ({line['target']}): {line['verdict']}")
    found = len(ended["findings"])
    say(f"EXERCISE: {ended['score']} of 100, {found} findings to be seen to: {os.path.relpath(ended['report'])}")


def fresh_agency() -> None:
    """Make the sample workspace anew; a folder that this script did not make is left alone."""
    if DEMO.exists() and not MARK.exists():
        sys.exit(f"{DEMO} is not a folder that 'make demo' made. Move it away, then run it again.")
    shutil.rmtree(DEMO, ignore_errors=True)
    DEMO.mkdir()
    MARK.touch()
    with redirect_stdout(io.StringIO()) as printed:
        code = tocsin(["init", "--sample", str(AGENCY)])
    if code:
        sys.exit(f"The sample could not be made: {printed.getvalue()}")
    os.environ["TOCSIN_WORKSPACE"] = str(AGENCY)


@contextmanager
def mail_server() -> Iterator[None]:
    """Keep every mail that is sent, in a maildir."""
    mail = load_workspace(AGENCY).channels.mail
    controller = Controller(Mailbox(str(POST)), hostname="127.0.0.1", port=mail.port if mail else 8025)
    try:
        controller.start()
    except OSError as taken:
        sys.exit(f"The demo's mail server cannot use port {controller.port} ({taken}). Stop what holds it.")
    try:
        yield
    finally:
        controller.stop(no_assert=True)


def ring(name: str, workspace: Workspace, **parameters: str) -> None:
    """Run one of our Prefect flows as its schedule would, and say what came of it."""
    rung = run_flow(name, workspace, by_hand=True, **parameters)
    say(rung.sentence)
    if not rung.is_well:
        sys.exit(f"The {name} flow ended as {rung.state}: the demo has failed.")


def typed(*arguments: str) -> Any:  # noqa: ANN401 - whatever the command tells
    """Run one command as a person would type it, with --json, and return what it said."""
    with redirect_stdout(io.StringIO()) as printed:
        code = tocsin([*arguments, "--json"])
    if code:
        sys.exit(f"tocsin {' '.join(arguments)} ended with {code}: the demo has failed.\n{printed.getvalue()}")
    return json.loads(printed.getvalue())


def contents() -> dict[str, bytes]:
    """Return every file of the share."""
    return {str(path.relative_to(SHARE)): path.read_bytes() for path in SHARE.rglob("*") if path.is_file()}


def encrypt() -> None:
    """Really overwrite every file of the share with noise, rename it, and leave a note."""
    noise = random.Random(1740)  # noqa: S311 - the attacker's key may be weak
    for path in [path for path in SHARE.rglob("*") if path.is_file()]:
        path.write_bytes(noise.randbytes(path.stat().st_size))
        path.rename(path.with_name(f"{path.name}.locked"))
    (SHARE / "READ_ME_TO_RESTORE.txt").write_text("Your files are encrypted.\n")


@contextmanager
def part(title: str) -> Iterator[None]:
    """Say what is happening, and how long it took."""
    began = time.monotonic()
    print(f"\n{title}", flush=True)
    yield
    print(f"    … {time.monotonic() - began:.1f} s", flush=True)


def say(what: str) -> None:
    """Print one line of what came of it."""
    print(f"    {what}", flush=True)


if __name__ == "__main__":
    main()
