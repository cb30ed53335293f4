"""restic, run as a child process and read through its `--json`.

`find_restic` chooses the binary, `ResticBinary` implements `ports.Restic` on it. Inside: `commands` says what
to call and `calling` does it, `access` and `pairing` give it the repositories without a secret in argv, `process`
runs it to its end, `parse` reads what it printed, `faults` turns how it failed into `tocsin.errors`. `wiring`
alone imports this.
"""

from tocsin.adapters.restic.binary import find_restic
from tocsin.adapters.restic.calling import Limits
from tocsin.adapters.restic.commands import ResticBinary

__all__ = ["Limits", "ResticBinary", "find_restic"]
