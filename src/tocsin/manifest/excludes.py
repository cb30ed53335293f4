r"""Which paths a backup leaves out, meaning the same here and to restic.

A pattern is a small part of restic's language, the part that cannot be misread:

| written                | leaves out                                                    |
|------------------------|---------------------------------------------------------------|
| `/srv/files/scratch`   | that path and everything below it                             |
| `*.tmp`, `~$*`         | every file or folder of such a name, anywhere in the source   |
| `cache/thumbs`         | `thumbs` in any folder `cache`, anywhere in the source        |
| `/srv/**/node_modules` | the name at any depth, none included                          |

`*` and `?` never cross a `/`. A pattern without a leading `/` bites inside its own source only; `anchored`
writes it out as an absolute one (`/srv/files/**/*.tmp`), and that is what restic is given: restic knows one
list for a whole call and would otherwise let one source's pattern bite in another, or in a source's parents.
"""

import os
import re
from collections.abc import Callable, Iterable

from tocsin.model.exclusions import check_pattern

Excluded = Callable[[bytes, bytes], bool]
"""Tells of a folder (with its closing `/`) and a name in it whether that path is left out.

What lies below a path that is left out is never asked about.
"""

# Go's `?` takes one character, and a byte that is no UTF-8 counts as one: so does surrogateescape.
_ONE = "[^/]"


def anchored(patterns: Iterable[str], root: str) -> tuple[str, ...]:
    """Return a source's patterns as absolute ones, for restic and for `matcher`. Raises ValueError."""
    checked = [check_pattern(pattern) for pattern in patterns]
    start = "" if root == "/" else escaped(root)
    return tuple(pattern if pattern.startswith("/") else f"{start}/**/{pattern}" for pattern in checked)


def escaped(path: str) -> str:
    """Return a path as a pattern that matches it alone."""
    return re.sub(r"([\\*?\[\]])", r"\\\1", path)


def matcher(patterns: Iterable[str]) -> Excluded | None:
    """Return the judge of a list of anchored patterns, or None when nothing is left out.

    A pattern for a name at any depth, by far the most common, is matched against the name alone.
    """
    by_name: dict[bytes, list[str]] = {}
    by_path: list[str] = []
    for pattern in dict.fromkeys(patterns):
        root, anywhere, name = pattern.rpartition("/**/")
        # A `?` takes a character, not a byte: those are left to the slower way, which decodes.
        if anywhere and not set(name) & set("/?") and not set(root) & set("*?\\"):
            by_name.setdefault(os.fsencode(root) + b"/", []).append(_part_expression(name))
        else:
            by_path.append(_expression(pattern))
    names = [
        (root, re.compile(os.fsencode(_any_of(names)), re.DOTALL).fullmatch) for root, names in by_name.items()
    ]
    path_matches = re.compile(_any_of(by_path), re.DOTALL).fullmatch if by_path else None
    if not names and path_matches is None:
        return None
    decode = os.fsdecode

    def excluded(folder: bytes, name: bytes) -> bool:
        for root, matches in names:
            if matches(name) and folder.startswith(root):
                return True
        return path_matches is not None and path_matches(decode(folder + name)) is not None

    return excluded


def _any_of(expressions: Iterable[str]) -> str:
    return "|".join(f"(?:{expression})" for expression in expressions)


def _expression(pattern: str) -> str:
    """Return an anchored pattern as a regular expression for the whole of a path."""
    return "".join(
        "(?:/[^/]+)*" if part == "**" else "/" + _part_expression(part) for part in pattern.split("/")[1:]
    )


def _part_expression(part: str) -> str:
    written = re.sub(r"\*+", "*", part)
    pieces = re.findall(r"\\.|.", written, re.DOTALL)
    return "".join(
        f"{_ONE}*" if piece == "*" else _ONE if piece == "?" else re.escape(piece[-1]) for piece in pieces
    )
