"""Small programs that a machine's own Python (3.8 or later) runs, read from standard input and left nowhere.

Each takes one argument, a JSON document, and answers with one line of JSON; `{"refused": SENTENCE}` where it would
not. They import nothing but the standard library, and nothing of each other.
"""

from importlib.resources import files


def program(name: str) -> str:
    """Return the text of one of them: `lines`, `page`, `processes`."""
    return files(__name__).joinpath(f"{name}.py").read_text(encoding="utf-8")
