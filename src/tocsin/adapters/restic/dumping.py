"""A dump on its way into restic: what the tee is told, and what it reported."""

import json
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from tocsin.adapters.restic import tee
from tocsin.errors import OperationFailed
from tocsin.ports import DumpCommand, DumpFault

# What any program needs; of the repository's environment the dumping program sees nothing.
_KEPT = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSH_AUTH_SOCK", "PGPASSFILE")


class Commissioned:
    """One dump given to the tee. `report` says what came of it, None when the tee never got so far."""

    def __init__(self, dump: DumpCommand, environ: Mapping[str, str]) -> None:
        self._dump = dump
        self._environ = environ
        self._report = dump.scratch / f"{uuid4().hex}.json"

    @property
    def argv(self) -> list[str]:
        """The command for restic's `--stdin-from-command`: nothing of the dump's own stands in it."""
        return [sys.executable, "-I", "-S", tee.__file__]

    @property
    def environment(self) -> dict[str, str]:
        """What goes into restic's environment for it."""
        dump = self._dump
        work = {
            "argv": list(dump.argv),
            "instead": dump.instead,
            "environment": {name: self._environ[name] for name in _KEPT if name in self._environ}
            | dict(dump.environment),
            "folder": str(dump.folder) if dump.folder else None,
            "sqlite": str(dump.sqlite) if dump.sqlite else None,
            "starts_with": [start.hex() for start in dump.starts_with],
            "smallest_bytes": dump.smallest_bytes,
            "timeout": dump.timeout.total_seconds(),
            "hide": list(dump.hide),
            "report": str(self._report),
        }
        return {tee.WORK: json.dumps(work)}

    def result(self) -> tuple[str, int] | DumpFault | None:
        """Return the dump's SHA-256 and size, or its fault; None when there is no report. Removes it."""
        try:
            told = json.loads(self._report.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as fault:
            raise OperationFailed(f"The report on a dump cannot be read: {fault}.") from fault
        finally:
            self._clear()
        if "fault" in told:
            return DumpFault(told["fault"], told["said"], told["bytes"])
        return told["sha256"], told["bytes"]

    def _clear(self) -> None:
        for left in self._report.parent.glob(f"{self._report.name}*"):
            with suppress(OSError):
                Path(left).unlink()
