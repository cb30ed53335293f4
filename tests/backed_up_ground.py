"""A small workspace with two real backups in a real restic repository, made once and copied for each test."""

import json
import os
import shutil
import subprocess
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random

from sqlalchemy import insert

from cheap_keys import make_cheap
from simulators.chance import CrashAt
from tocsin.adapters.mail import SmtpMailer
from tocsin.adapters.restic import Limits, ResticBinary
from tocsin.adapters.secrets import ReferencedSecrets
from tocsin.adapters.system import SystemClock, SystemRandomness
from tocsin.context import Context
from tocsin.manifest import Source, take_manifest
from tocsin.model.drill import Drill
from tocsin.model.workspace import BackupPlan, Organisation, Repository, Workspace
from tocsin.ports import Actor, RepositoryAccess
from tocsin.store.database import open_store
from tocsin.store.operations import begin, finish
from tocsin.store.tables import snapshot as snapshots

MAYA = Actor("maya", "cli")
PASSWORD = "only the studio knows"
LIMITS = Limits(
    work=timedelta(seconds=60), call=timedelta(seconds=30), reach=timedelta(seconds=2), grace=timedelta(seconds=10)
)
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Taken:
    """One backup of the seed, as the ledger will have it."""

    id: str
    time: datetime
    files: int
    bytes: int
    manifest_sha256: str
    manifest_path: str
    paths: tuple[str, ...]


@dataclass(frozen=True)
class Blob:
    """A piece of a file inside a pack of the repository."""

    pack: str
    offset: int
    length: int


@dataclass(frozen=True)
class Seed:
    folder: Path
    source: Path
    first: Taken
    second: Taken
    photo: "Blob"  # where a photo that both backups hold lies

    @property
    def repository(self) -> Path:
        return self.folder / "repository"


@dataclass(frozen=True)
class Ground:
    """A workspace of its own for one test."""

    ctx: Context
    seed: Seed

    @property
    def repository(self) -> Path:
        return self.ctx.workspace.root / "repository"

    @property
    def scratch(self) -> list[Path]:
        """What lies in the scratch folder, records included."""
        folder = self.ctx.workspace.state_folder / "scratch"
        return sorted(folder.iterdir()) if folder.is_dir() else []

    def files(self, kind: str) -> list[Path]:
        """The repository's files of one kind, the largest first."""
        found = [path for path in (self.repository / kind).rglob("*") if path.is_file()]
        return sorted(found, key=lambda path: -path.stat().st_size)

    def flip_a_photo(self, within: float = 0.5) -> str:
        """Flip a byte of a photo that both backups hold, so far into it; return the pack's name."""
        blob = self.seed.photo
        pack = self.repository / "data" / blob.pack[:2] / blob.pack
        flip(pack, blob.offset + int((blob.length - 1) * within))
        return blob.pack


def flip(path: Path, offset: int) -> None:
    """Turn one bit of one byte."""
    content = bytearray(path.read_bytes())
    content[offset] ^= 0x01
    path.chmod(0o600)
    path.write_bytes(content)


@cache
def make_seed(folder: Path, restic_path: Path) -> Seed:
    """Make the seed in `folder`, once for all the modules of this process that name the same one."""
    folder.mkdir()
    source = folder / "share"
    (source / "letters").mkdir(parents=True)
    random = Random(7)
    for number in range(6):
        (source / f"photo-{number}.raw").write_bytes(random.randbytes(40_000))
    (source / "letters" / "a client's letter.txt").write_text("Dear Maya,\n" * 50)
    (source / "letters" / "empty").touch()
    (source / "link").symlink_to("letters")
    password = folder / "password"
    password.write_text(PASSWORD)
    password.chmod(0o600)
    restic = ResticBinary(restic_path, cache_dir=folder / "cache", environ=os.environ, limits=LIMITS)
    access = RepositoryAccess("local", str(folder / "repository"), password)
    restic.init(access)
    make_cheap(folder / "repository", PASSWORD, restic_path)
    first = take(restic, access, folder, source)
    (source / "letters" / "a client's letter.txt").write_text("Dear Maya, no,\n" * 50)
    second = take(restic, access, folder, source)
    return Seed(folder, source, first, second, largest_blob(restic_path, access))


def largest_blob(restic_path: Path, access: RepositoryAccess) -> Blob:
    def said(*words: str) -> str:
        argv = [restic_path, "-r", access.location, "-p", str(access.password_file), "--no-cache", *words]
        return subprocess.run(argv, check=True, capture_output=True, text=True).stdout

    indexes = [json.loads(said("cat", "index", name)) for name in said("list", "index").split()]
    blobs = [
        Blob(pack["id"], blob["offset"], blob["length"])
        for index in indexes
        for pack in index["packs"]
        for blob in pack["blobs"]
    ]
    return max(blobs, key=lambda blob: blob.length)


def take(restic: ResticBinary, access: RepositoryAccess, folder: Path, source: Path) -> Taken:
    manifest = take_manifest(folder / "manifest", [Source((source,))])
    summary = restic.backup(access, manifest.paths, excludes=manifest.excludes)
    assert summary.snapshot_id
    assert summary.started_at
    return Taken(
        id=summary.snapshot_id,
        time=summary.started_at,
        files=summary.total_files,
        bytes=summary.total_bytes,
        manifest_sha256=manifest.sha256,
        manifest_path=str(manifest.text_path),
        paths=tuple(map(str, manifest.paths)),
    )


def workspace_at(root: Path, seed: Seed) -> Workspace:
    plan = BackupPlan(
        title="The studio's share",
        sources=[{"paths": [str(seed.source)]}],
        repositories=["local"],
        schedule="30 2 * * *",
        rpo="24h",
        rto="4h",
    ).known_as("files")
    drill = Drill(drill="files-quarterly", title="Bring back the share", backup_plan="files")
    local = Repository(location="repository", password=f"file:{seed.folder / 'password'}").known_as("local")
    return Workspace(
        root=root,
        organisation=Organisation(name="Harbour Studio"),
        repositories={"local": local},
        backup_plans={"files": plan},
        drills={"files-quarterly": drill},
    )


@contextmanager
def ground_at(root: Path, seed: Seed, restic_path: Path, crash: CrashAt | None = None):
    """Copy the seed's repository into a workspace at `root` and enter both backups into its ledger."""
    shutil.copytree(seed.repository, root / "repository")
    workspace = workspace_at(root, seed)
    crash = crash or CrashAt()
    clock, randomness = SystemClock(), SystemRandomness()
    secrets = ReferencedSecrets(environ=os.environ, folder=root)
    with closing(open_store(workspace.store_url, workspace.state_folder, clock, randomness, crash)) as store:
        for taken in (seed.first, seed.second):
            enter(store, taken)
        ctx = Context(
            workspace=workspace,
            store=store,
            restic=ResticBinary(restic_path, cache_dir=root / "cache", environ=os.environ, limits=LIMITS),
            mailer=SmtpMailer(None, secrets),
            secrets=secrets,
            clock=clock,
            randomness=randomness,
            crash=crash,
            actor=MAYA,
        )
        yield Ground(ctx, seed)


def enter(store, taken: Taken, **changed) -> None:
    operation = begin(store, MAYA, "backup", "plan:files")
    with store.write(MAYA) as tx:
        row = {
            "id": taken.id,
            "repository": "local",
            "backup_plan": "files",
            "tree": "",
            "time": taken.time,
            "verdict": "ok",
            "files": taken.files,
            "bytes": taken.bytes,
            "added_bytes": 0,
            "manifest_sha256": taken.manifest_sha256,
            "manifest_path": taken.manifest_path,
            "paths": list(taken.paths),
            "operation": operation.id,
            **changed,
        }
        tx.execute(insert(snapshots).values(row))
        told = {"snapshot": row["id"], "manifest_sha256": row["manifest_sha256"]}
        finish(tx, operation, "ok", told)


def with_targets(ground: Ground, **targets: timedelta) -> Context:
    """The same context with other targets for the drill."""
    drill = ground.ctx.workspace.drills["files-quarterly"]
    drill = drill.model_copy(update={"targets": drill.targets.model_copy(update=targets)})
    return replace(ground.ctx, workspace=replace(ground.ctx.workspace, drills={drill.id: drill}))


def now() -> datetime:
    return datetime.now(UTC)
