"""restic, run as a child process and read through its `--json`.

`find_restic` chooses the binary, `ResticBinary` implements `ports.Restic` on it. Inside: `commands` says what
to call, `access` gives it the repository without a secret in argv, `process` runs it to its end, `parse`
reads what it printed, `faults` turns how it failed into `tocsin.errors`. `wiring` alone imports this.
"""

from tocsin.adapters.restic.binary import find_restic
from tocsin.adapters.restic.commands import Limits, ResticBinary

__all__ = ["Limits", "ResticBinary", "find_restic"]
