"""The README tells the truth: its commands exist, and every exit code is in its table."""

import re
import shlex
from collections.abc import Iterator
from importlib import import_module

import click
import pytest

from repository_files import ROOT
from tocsin import cli, errors

README = (ROOT / "README.md").read_text(encoding="utf-8")
FENCE = re.compile(r"^```[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^\s*(?:\$ )?(?:[A-Z_]+=\S+ )*(?:\S*/)?tocsin\s+(.*)$")
EXIT_ROW = re.compile(r"^\|\s*`?(\d+)`?\s*\|", re.MULTILINE)


def _commands() -> list[str]:
    lines = [line for block in FENCE.findall(README) for line in block.replace("\\\n", " ").splitlines()]
    return [found[1] for line in lines if (found := COMMAND.match(line))]


def _classes(base: type[errors.TocsinError]) -> Iterator[type[errors.TocsinError]]:
    yield base
    for inner in base.__subclasses__():
        yield from _classes(inner)


def test_the_readme_shows_how_to_begin() -> None:
    assert {"demo", "test"} <= set(re.findall(r"\bmake (\w+)", README))
    assert _commands()


@pytest.mark.parametrize("line", _commands())
def test_a_command_of_the_readme_exists_with_its_options(line: str) -> None:
    words = shlex.split(re.split(r"\s(?:\||&&|>|2>|;)\s", line)[0], comments=True)
    command: click.Command = cli.tocsin
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        name = words.pop(0)
        if command is cli.tocsin:
            assert name in cli.COMMANDS, f"there is no command {name!r}"
            command = import_module(f"tocsin.cli.{name}").command
        else:
            assert name in command.commands, f"there is no command {name!r} in {command.name!r}"
            command = command.commands[name]
    known = {"-h", "--help"} | {option for parameter in command.params for option in parameter.opts}
    assert {word.partition("=")[0] for word in words if word.startswith("--")} <= known


def test_every_exit_code_is_in_the_table() -> None:
    documented = {int(code) for code in EXIT_ROW.findall(README)}
    assert documented == {0, *(found.exit_code for found in _classes(errors.TocsinError))}
