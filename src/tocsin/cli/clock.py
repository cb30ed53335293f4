"""`tocsin clock`: count a legal clock from awareness to deadline. Needs no workspace."""

import click

from tocsin.cli.output import emit, json_option


@click.command()
@click.option(
    "--aware",
    required=True,
    metavar="TIME",
    help="When somebody was reasonably certain, with its offset: 2026-10-23T16:30+01:00.",
)
@click.option("--hours", type=int, default=72, show_default=True, help="How long the clock runs.")
@json_option
def command(aware: str, hours: int, as_json: bool) -> None:
    """Count a legal clock: due time and milestones, in UTC and local time.

    Hours are hours: nights, weekends, holidays and the change of the clocks are inside them.

    \b
    Example:
      tocsin clock --aware 2026-10-23T16:30+01:00
      tocsin clock --aware 2026-10-23T15:30Z --hours 24 --json
    """
    from tocsin.law.clocks import deadline, parse_time, show_both

    clock = deadline(parse_time(aware), hours)
    lines = [
        f"Aware  {show_both(clock.aware)}",
        f"Due    {show_both(clock.due)}, {hours} hours later",
        *(f"{point.share:>4} %  {show_both(point.at)}" for point in clock.milestones),
    ]
    emit(clock.to_json(), "\n".join(lines), as_json=as_json)
