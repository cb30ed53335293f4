"""Which patterns may say what a backup leaves out: a small part of restic's language, which cannot be misread."""

_UNSUPPORTED = "[]\\"


def check_pattern(pattern: str) -> str:
    """Return the pattern tidied, or raise ValueError with a sentence when it is not one of ours."""
    if not pattern.strip("/ ") or pattern.strip() != pattern:
        raise ValueError(f"{pattern!r} names nothing that could be left out")
    if pattern.startswith("!"):
        raise ValueError(
            f"{pattern!r}: an exclusion cannot be taken back with '!'; name what to leave out instead"
        )
    if wrong := next((character for character in _UNSUPPORTED if character in pattern), None):
        raise ValueError(f"{pattern!r}: {wrong!r} is not supported in an exclusion; use '*', '?' and '**' only")
    if "\0" in pattern or "\n" in pattern:
        raise ValueError(f"{pattern!r} holds a line break or a zero byte")
    if pattern.startswith("~/"):
        raise ValueError(f"{pattern!r}: write the home folder in full")
    parts = [part for part in pattern.split("/") if part not in {"", "."}]
    if ".." in parts:
        raise ValueError(f"{pattern!r} goes up with '..'; write the path in full")
    if all(set(part) == {"*"} for part in parts):
        raise ValueError(f"{pattern!r} would leave out everything")
    return ("/" if pattern.startswith("/") else "") + "/".join(parts)


def check_exclusion(text: str) -> str:
    """Return the pattern as it stands. Raises ValueError with a whole sentence."""
    try:
        check_pattern(text)
    except ValueError as wrong:
        raise ValueError(f"{wrong}.") from None
    return text
