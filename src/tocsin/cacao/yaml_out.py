"""Write plain data as YAML that our own reader takes for exactly that data."""

import re
from collections.abc import Iterable
from typing import Any

import yaml

from tocsin.model.document import Data
from tocsin.model.yaml_text import parse_yaml

_WIDTH = 110
# What no reader of YAML could take for anything but text.
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9 _./+-]*[A-Za-z0-9.]|[A-Za-z]")
_WORDS = frozenset(["null", "true", "false", "yes", "no", "on", "off", "y", "n"])


class _Quoting(yaml.SafeDumper):
    """Puts every text in quotes that is not surely a text, and repeats a value rather than refer to it."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ANN401 - PyYAML's own signature
        """Say that no value is referred to: our reader knows no aliases."""
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    if "\n" in text and text == text.strip() and not re.search(r"[ \t]\n|[^\n -\uffff]", text):
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|")
    is_plain = _PLAIN.fullmatch(text) and text.lower() not in _WORDS and len(text) < _WIDTH
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if is_plain else '"')


_Quoting.add_representer(str, _text)


def yaml_of(data: dict[str, Data], comments: Iterable[str] = ()) -> str:
    """Return `data` as YAML below these lines of comment. Raises ConfigurationError when it is too large."""
    head = "".join(f"# {line}\n" for line in comments)
    text = head + yaml.dump(data, Dumper=_Quoting, sort_keys=False, allow_unicode=True, width=_WIDTH)
    if parse_yaml(text, "the playbook").data != data:
        # Rarely a text in a block does not come back as it was: then each goes into quotes.
        quoted = yaml.dump(data, Dumper=yaml.SafeDumper, sort_keys=False, default_style='"', allow_unicode=False)
        text = head + re.sub(r'!!(int|float|bool|null) "([^"]*)"', r"\2", quoted)
    return text
