"""Find, read and make the workspace: the folder with tocsin.yaml, the files it includes, and its drills.

`load` reads everything, collects every problem and raises them together; it writes nothing. `making` writes
a new one. Starter content lies beside the code or in the wheel, see `starter`.
"""

from tocsin.workspace.finding import find, starter
from tocsin.workspace.loading import load, read_document

__all__ = ["find", "load", "read_document", "starter"]
