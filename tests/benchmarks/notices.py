"""What letters to many people cost: `.venv/bin/python tests/benchmarks/notices.py [--through-kills]`.

One letter is drafted and guarded; then 10,000 readers' names and addresses are put in, each letter guarded where it
was filled and its SHA-256 taken. Once at a firm with three clients, once at one with six hundred. Then the whole: a
list of 10,000 read from a file, looked through and recorded. With `--through-kills` it is sent, too, to a real mail
server in another process, while we are killed a third of the way and the server at two thirds.
"""

import hashlib
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from time import perf_counter

sys.path.insert(0, str(Path(__file__).parents[1]))

from simulators.chance import CrashAt
from to_many_ground import a_list, sent_through_kills
from tocsin.adapters.system import SystemClock, SystemRandomness
from tocsin.model.workspace import Client, Contact, Workspace
from tocsin.notices import addressed, draft_notice, drawn
from tocsin.notices.bulk import LetterMerge, Recipient
from tocsin.notices.listed import read_file
from tocsin.notices.recipients import load_recipients, plan_recipients
from unit.notices.agency import AWARE, Letterbox, at_work, case, declare, make_workspace

LETTERS = 10_000
NAMES = ("Ann Barker", "Bola Adeyemi", "Ciarán Ó Néill", "Dev Patel", "Eira Pugh", "Fay Wong", "Gus Møller")


def main() -> None:
    small = make_workspace(Path(tempfile.mkdtemp(prefix="tocsin-bench-")), mail_port=25)
    recorded("3 clients", small)
    recorded(
        "600 clients",
        with_clients(make_workspace(Path(tempfile.mkdtemp(prefix="tocsin-bench-")), mail_port=25), 600),
    )
    if "--through-kills" in sys.argv:
        through_kills()
    for what, firm in (("3 clients", small), ("600 clients", with_clients(small, 600))):
        draft, whom = drawn(firm, case(), "people/letter", "people", AWARE), addressed(firm, "people")
        draft = replace(draft, body=f"[[name]]\n[[address]]\n\n{draft.body}")
        begun = perf_counter()
        merge = LetterMerge(draft, whom, firm)
        once = perf_counter() - begun
        assert merge.findings == ()
        begun = perf_counter()
        held = 0
        for reader in readers():
            held += bool(merge.check(reader))
            hashlib.sha256(merge.letter(reader).body.encode()).digest()
        took = perf_counter() - begun
        assert held == 0
        say(
            f"{LETTERS:,} letters, {what}",
            f"{took / LETTERS * 1000:.3f} ms a letter (target 1), {took:.1f} s in all",
        )
        say(f"the letter itself, {what}", f"{once * 1000:.1f} ms, once")


def recorded(what: str, firm: Workspace) -> None:
    """Draft one letter, read a list, guard each letter and record every row, in a store on disk."""
    with at_work(firm, Letterbox(), CrashAt(), clock=SystemClock(), randomness=SystemRandomness()) as ctx:
        declare(ctx)
        file = a_list(firm.root, LETTERS)
        begun = perf_counter()
        drafted = draft_notice(ctx, case(), template="people/letter", addressee="people", made_by="step:people")
        listed = load_recipients(ctx, plan_recipients(ctx, drafted.id, read_file(file, {})))
        took = perf_counter() - begun
        assert listed.on_paper + listed.by_mail == LETTERS
    say(
        f"{LETTERS:,} drafted, guarded, recorded, {what}",
        f"{took / LETTERS * 1000:.3f} ms a letter (target 1), {took:.1f} s in all",
    )


def through_kills() -> None:
    """Send 10,000 over SMTP through a kill of ours and one of the server's."""
    ended = sent_through_kills(Path(tempfile.mkdtemp(prefix="tocsin-bench-")), LETTERS)
    assert set(ended.taken.values()) == {1}
    assert len(set(ended.taken) | ended.unknown) == LETTERS
    say(
        f"{LETTERS:,} sent over SMTP through two kills",
        f"{ended.seconds:.0f} s, {len(ended.unknown)} of unknown outcome, {ended.journal_entries} journal entries",
    )


def readers() -> Iterator[Recipient]:
    for number in range(LETTERS):
        name = f"{NAMES[number % len(NAMES)]} {'abcdefghij'[number % 10].upper()}ex"
        yield Recipient(name, (f"{number % 400 + 1} Mill Lane", "Long Ashton", "Bristol", "BS41 9AB"))


def with_clients(firm: Workspace, count: int) -> Workspace:
    more = {
        f"client-{number}": Client(
            name=f"Practice Number{number} Ltd",
            contacts=(Contact(name=f"Contact{number} Person", email=f"dpo@c{number}.example"),),
        ).known_as(f"client-{number}")
        for number in range(count)
    }
    return replace(firm, clients={**firm.clients, **more})


def say(what: str, figure: str) -> None:
    print(f"{what:52} {figure}")  # noqa: T201 - a benchmark is there to be read


if __name__ == "__main__":
    main()
