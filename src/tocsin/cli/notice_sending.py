"""`tocsin notice send | resolve | record`: what leaves, and what is known of it afterwards."""

import json
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tocsin.cli.notice_bulk_words import number_of, posted_data, posted_text, reader_data
from tocsin.cli.notice_words import delivery_data, let_its_duty_follow, notice_data
from tocsin.cli.output import common_options, emit
from tocsin.errors import Interrupted, Refused

if TYPE_CHECKING:
    from tocsin.context import Context
    from tocsin.notices.pace import Followed
    from tocsin.notices.posting import Posted

_A_LINE_EVERY_SECONDS = 1.0
_TEMPORARY = 4


@click.command(epilog="Example: tocsin notice send 1a2b3c4d")
@click.argument("identity", metavar="ID")
@click.option("--refused-again", is_flag=True, help="To a list: try those, too, whom the server refused for good.")
@common_options
def send(identity: str, refused_again: bool, workspace_folder: Path | None, as_json: bool) -> int:
    """Send an approved notice by mail and lay it into the outbox; one that was sent is not sent again.

    A letter with a list of readers goes to each of them, so many a minute (channels.bulk). Stop it with Ctrl-C at
    any time: it ends between two letters, and sending again goes on from there. With --json each line tells how
    far it is.

    Exit code 3 when nobody approved this text or a delivery's outcome is unknown, 4 when the mail server is busy
    or out of reach: run it again then, or let `tocsin serve` do it.
    """
    from tocsin.notices import notice_of, send_notice
    from tocsin.notices.posting import posted
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        current = notice_of(ctx, identity)
        if posted(ctx, current) is not None:
            return _send_to_many(ctx, current.id, refused_again=refused_again, as_json=as_json)
        sent = send_notice(ctx, current.id)
        let_its_duty_follow(ctx, sent.notice.incident)
        outbox = ctx.workspace.outbox
    lines = [f"- {each.channel} {each.address}: {each.state}" for each in sent.deliveries]
    name = sent.notice.id[:8]
    head = (
        f"Notice {name} lies in {outbox}. Nothing goes by mail here: send it by hand, then record it with "
        f"tocsin notice record {name} --reference NUMBER --proof FILE"
        if sent.by_hand
        else f"Notice {name} is {sent.notice.state}."
    )
    data = {
        **notice_data(sent.notice),
        "by_hand": sent.by_hand,
        "deliveries": [delivery_data(each) for each in sent.deliveries],
    }
    emit(data, "\n".join([head, *lines]), as_json=as_json)
    return 0


def _send_to_many(ctx: "Context", identity: str, *, refused_again: bool, as_json: bool) -> int:
    from tocsin.notices import send_notice

    stop = threading.Event()
    try:
        with _stopping(stop), _shown(stop, as_json=as_json) as follow:
            done = send_notice(ctx, identity, follow, refused_again=refused_again).to_many
    finally:
        let_its_duty_follow(ctx, _incident_of(ctx, identity))
    if done is None:
        raise Refused("The list of this notice was taken away meanwhile. Nothing was sent.")
    if as_json:
        click.echo(json.dumps(posted_data(done), ensure_ascii=False))
    else:
        click.echo(posted_text(done))
    waiting = done.counts.get("intended", 0) - done.on_paper_to_go
    if stop.is_set() and waiting:
        raise Interrupted(f"Stopped between two letters; {waiting:,} are still to go. Send again to go on.")
    return _TEMPORARY if waiting else 0


def _incident_of(ctx: "Context", identity: str) -> str:
    from tocsin.notices import notice_of

    return notice_of(ctx, identity).incident


@contextmanager
def _stopping(stop: threading.Event) -> Iterator[None]:
    """Let the first Ctrl-C or SIGTERM end the sending between two letters; a second Ctrl-C ends it at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ask(_number: int, _frame: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _shown(stop: threading.Event, *, as_json: bool) -> Iterator["Followed"]:
    """Show how far it is: a bar in a terminal, a line of JSON each second, nothing in a log."""
    from tocsin.notices.pace import Followed

    def wait(seconds: float) -> None:
        stop.wait(seconds)

    if as_json:
        yield Followed(_lines(), stop.is_set, sleep=wait)
        return
    if not sys.stderr.isatty():
        yield Followed(should_stop=stop.is_set, sleep=wait)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("Letters", total=None)

        def show(done: int, total: int, _counts: Mapping[str, int]) -> None:
            bars.update(task, completed=done, total=total)

        yield Followed(show, stop.is_set, sleep=wait)


class _lines:  # noqa: N801 - used as a function
    """One line of JSON a second."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def __call__(self, done: int, total: int, counts: Mapping[str, int]) -> None:
        now = time.monotonic()
        if now - self._last >= _A_LINE_EVERY_SECONDS:
            self._last = now
            click.echo(json.dumps({"done": done, "of": total, "letters": dict(counts)}))


@click.command(epilog="Example: tocsin notice resolve 5e6f7a8b --did-not-happen")
@click.argument("delivery", metavar="DELIVERY")
@click.option(
    "--happened/--did-not-happen", required=True, default=None, help="What the addressee or the log says."
)
@common_options
def resolve(delivery: str, happened: bool, workspace_folder: Path | None, as_json: bool) -> None:
    """Say whether a delivery or a letter of unknown outcome happened. If it did not, it may be sent again."""
    from tocsin.notices import Delivery, notice_of, resolve_delivery
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        resolved = resolve_delivery(ctx, delivery, happened=happened)
        let_its_duty_follow(ctx, notice_of(ctx, resolved.notice).incident)
    then = "" if happened else f" Send it again: tocsin notice send {resolved.notice[:8]}"
    if isinstance(resolved, Delivery):
        emit(delivery_data(resolved), f"Delivery {resolved.id[:8]} is {resolved.state}.{then}", as_json=as_json)
    else:
        said = f"Letter number {resolved.position} is {resolved.state}.{then}"
        emit({"notice": resolved.notice, **reader_data(resolved)}, said, as_json=as_json)


@click.command(epilog="Example: tocsin notice record 1a2b3c4d --reference IC-123456 --proof confirmation.pdf")
@click.argument("identity", metavar="ID")
@click.option("--reference", metavar="TEXT", help="A case or message number, or who was told how and when.")
@click.option("--proof", type=click.Path(path_type=Path), help="A file that proves it; it is copied.")
@click.option(
    "--except", "besides", type=int, multiple=True, metavar="NUMBER", help="Letters on paper: not posted yet."
)
@common_options
def record(
    identity: str,
    reference: str | None,
    proof: Path | None,
    besides: tuple[int, ...],
    workspace_folder: Path | None,
    as_json: bool,
) -> None:
    """Record that an approved notice was sent by hand: the ICO's online form, a call, letters that were posted."""
    from tocsin.notices import notice_of, record_sent
    from tocsin.notices.paper_post import record_posted
    from tocsin.notices.posting import posted
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        current = notice_of(ctx, identity)
        found = posted(ctx, current)
        if found is None:
            recorded = record_sent(ctx, current.id, reference=reference, proof=proof)
            text = f"Notice {recorded.id[:8]} is recorded as sent by hand."
        else:
            text = _posted(
                found, record_posted(ctx, current.id, reference=reference, proof=proof, besides=besides)
            )
            recorded = notice_of(ctx, current.id)
        let_its_duty_follow(ctx, recorded.incident)
    emit(notice_data(recorded), text, as_json=as_json)


def _posted(found: "Posted", letters: int) -> str:
    left = found.on_paper_to_go - letters
    more = f" Still to be posted: {left:,}." if left else ""
    return f"Notice {found.notice.id[:8]}: {number_of(letters, 'letter', 'letters')} recorded as posted.{more}"
