"""Every command exists, explains itself with an example, and speaks JSON."""

import re
from collections.abc import Iterator
from importlib import import_module

import click
import pytest

from golden_files import agrees_with_golden
from tocsin import cli

# What these read is named on the command line, or is Tocsin itself.
WITHOUT_WORKSPACE = {"init", "schema", "assess", "clock"}
EXAMPLE = re.compile(r"Example|^\s+tocsin ", re.MULTILINE)


def _leaves(command: click.Command, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from _leaves(inner, (*path, name))
    else:
        yield path


def _every_leaf() -> list[tuple[str, ...]]:
    return [
        leaf for name in cli.COMMANDS for leaf in _leaves(import_module(f"tocsin.cli.{name}").command, (name,))
    ]


def _command(path: tuple[str, ...]) -> click.Command:
    command: click.Command = import_module(f"tocsin.cli.{path[0]}").command
    for name in path[1:]:
        assert isinstance(command, click.Group)
        command = command.commands[name]
    return command


def _options(path: tuple[str, ...]) -> set[str]:
    return {option for parameter in _command(path).params for option in parameter.opts}


def test_the_help_is_what_is_on_file(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    assert cli.carry_out(["--help"]) == 0
    agrees_with_golden("help.txt", capsys.readouterr().out)


@pytest.mark.parametrize("path", _every_leaf(), ids=" ".join)
def test_every_command_explains_itself_with_an_example(
    path: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.carry_out([*path, "--help"]) == 0
    said = capsys.readouterr().out
    assert EXAMPLE.search(said)
    assert "\\b" not in said, "click's mark for lines to be kept apart must not stand in a raw docstring"


@pytest.mark.parametrize(
    "path", [leaf for leaf in _every_leaf() if leaf[0] not in WITHOUT_WORKSPACE], ids=" ".join
)
def test_every_command_on_a_workspace_can_be_told_which_and_speaks_json(path: tuple[str, ...]) -> None:
    assert {"--workspace", "--json"} <= _options(path)


@pytest.mark.parametrize("path", _every_leaf(), ids=" ".join)
def test_every_option_says_what_it_does(path: tuple[str, ...]) -> None:
    silent = [
        parameter.name
        for parameter in _command(path).params
        if isinstance(parameter, click.Option) and not parameter.help and not parameter.hidden
    ]
    assert silent == []
