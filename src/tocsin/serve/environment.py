"""How Prefect must be set before it is imported: at home in the workspace's state, locked, telling nobody."""

import os
import secrets
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tocsin.durable import private_folder, write_durably
from tocsin.model.workspace import Workspace

LOOPBACK = "127.0.0.1"
LOGIN_BYTES = 24

# A breach tool reports to nobody. Prefect's client reads the first before anything else of its own.
TELLS_NOBODY = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_CLOUD_ENABLE_ORCHESTRATION_TELEMETRY": "false",
    "PREFECT_TELEMETRY_ENABLE_RESOURCE_METRICS": "false",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    # The second UI calls an analytics host from the browser whatever is switched off; the first does not.
    "PREFECT_SERVER_UI_V2_ENABLED": "false",
}


def prefect_home(workspace: Workspace) -> Path:
    """Return the folder that is Prefect's, made (0700) where missing."""
    private_folder(workspace.state_folder)
    return private_folder(workspace.state_folder / "prefect")


def login_file(workspace: Workspace) -> Path:
    """Return where the login for Prefect's API and UI lies."""
    return workspace.state_folder / "secrets" / "prefect-api"


def login(workspace: Workspace) -> str:
    """Return the login, `tocsin:` and something nobody can guess; made once and kept for its owner alone."""
    path = login_file(workspace)
    if not path.exists():
        private_folder(workspace.state_folder)
        private_folder(path.parent)
        write_durably(path, f"tocsin:{secrets.token_urlsafe(LOGIN_BYTES)}\n".encode())
    return path.read_text().strip()


def settings(home: Path, port: int, login: str, *, ui: bool = False, log_level: str = "INFO") -> dict[str, str]:
    """Return the environment that both Prefect's server and everything that speaks to it are given."""
    origin = f"http://{LOOPBACK}:{port}"
    return {
        **TELLS_NOBODY,
        "PREFECT_HOME": str(home),
        "PREFECT_API_URL": f"{origin}/api",
        "PREFECT_API_AUTH_STRING": login,
        "PREFECT_API_REQUEST_TIMEOUT": "15",
        # A server that hangs must not hold a flow for minutes: 2 tries of 15 seconds.
        "PREFECT_CLIENT_MAX_RETRIES": "2",
        "PREFECT_SERVER_API_HOST": LOOPBACK,
        "PREFECT_SERVER_API_PORT": str(port),
        "PREFECT_SERVER_API_AUTH_STRING": login,
        "PREFECT_SERVER_API_CSRF_PROTECTION_ENABLED": "true",
        "PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS": origin,
        "PREFECT_SERVER_UI_ENABLED": "true" if ui else "false",
        "PREFECT_SERVER_UI_API_URL": f"{origin}/api",
        # Else its pages are unpacked beside its code, where a user may not write.
        "PREFECT_SERVER_UI_STATIC_DIRECTORY": str(home / "ui"),
        # Slots held in memory stay taken for ever after a power cut.
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{home / 'prefect.db'}",
        # The watch alone rings a hundred thousand times a year.
        "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
        "PREFECT_LOGGING_LEVEL": log_level,
        "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "false",
        "PREFECT_WORKER_WEBSERVER_HOST": LOOPBACK,
        "PREFECT_CLI_PROMPT": "false",
    }


def environment(wanted: Mapping[str, str], base: Mapping[str, str]) -> dict[str, str]:
    """Return `base` with every setting of Prefect's replaced, and no proxy between us and loopback."""
    kept = {name: value for name, value in base.items() if not name.startswith("PREFECT_")}
    # A user's own sitting profile or key would turn the schedules to another server.
    around = [kept.get("NO_PROXY") or kept.get("no_proxy") or "", LOOPBACK, "localhost"]
    no_proxy = ",".join(part for part in around if part)
    return {**kept, **wanted, "NO_PROXY": no_proxy, "no_proxy": no_proxy}


@contextmanager
def applied(wanted: Mapping[str, str]) -> Iterator[None]:
    """Give this process the settings; on leaving, what stood before stands again."""
    before = dict(os.environ)
    _replace(environment(wanted, before))
    try:
        yield
    finally:
        _replace(before)


def _replace(environ: Mapping[str, str]) -> None:
    for name in set(os.environ) - set(environ):
        del os.environ[name]
    os.environ.update(environ)
    if "prefect" in sys.modules:
        from prefect.context import refresh_global_settings_context  # noqa: PLC0415 - only where it is loaded

        refresh_global_settings_context()
