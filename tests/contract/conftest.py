"""Shared ground for the contract tests on the real restic: one small repository, made once, copied for each test."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from cheap_keys import make_cheap
from tocsin.adapters.restic import Limits, ResticBinary, find_restic
from tocsin.ports import RepositoryAccess

PASSWORD = "a password nobody else has"


@dataclass(frozen=True)
class Seed:
    """A repository with two snapshots of `source`, the second after one small file changed."""

    folder: Path
    source: Path
    password_file: Path
    first: str
    second: str


@pytest.fixture(scope="session")
def restic_path() -> Path:
    return find_restic(os.environ)


@pytest.fixture(scope="session")
def restic_home(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("restic")


@pytest.fixture(scope="session")
def password_file(restic_home) -> Path:
    path = restic_home / "password"
    path.write_text(PASSWORD + "\n")
    path.chmod(0o600)
    return path


@pytest.fixture(scope="session")
def seed(restic_path, restic_home, password_file) -> Seed:
    source = restic_home / "source"
    (source / "letters").mkdir(parents=True)
    random = Random(1)
    for name in ("one.bin", "two.bin"):
        (source / name).write_bytes(random.randbytes(200_000))
    for name in ("a.txt", "b.txt"):
        (source / "letters" / name).write_text(f"letter {name}\n" * 20)
    access = RepositoryAccess("seed", str(restic_home / "repository"), password_file)
    restic = ResticBinary(restic_path, cache_dir=restic_home / "cache", environ=os.environ)
    assert len(restic.init(access)) == 64
    make_cheap(restic_home / "repository", password_file.read_text().strip(), restic_path)
    first = restic.backup(access, [source], tags=["plan:files"], host="studio").snapshot_id
    (source / "letters" / "a.txt").write_text("another letter\n")
    second = restic.backup(access, [source], tags=["plan:files"], host="studio").snapshot_id
    assert first
    assert second
    return Seed(Path(access.location), source, password_file, first, second)


@pytest.fixture
def repository(seed, tmp_path) -> RepositoryAccess:
    """A copy of the seed that the test may break."""
    folder = tmp_path / "repository"
    shutil.copytree(seed.folder, folder)
    return RepositoryAccess("offsite", str(folder), seed.password_file)


@pytest.fixture
def restic(restic_path, tmp_path) -> ResticBinary:
    """The adapter with a cache of its own and limits a test can wait for."""
    limits = Limits(
        work=timedelta(seconds=60),
        call=timedelta(seconds=30),
        reach=timedelta(seconds=2),
        grace=timedelta(seconds=10),
    )
    return ResticBinary(
        restic_path, cache_dir=tmp_path / "cache", environ=os.environ, limits=limits, progress_per_second=20
    )


@pytest.fixture
def endless(tmp_path) -> Path:
    """A sparse file that takes minutes to back up and next to no room anywhere."""
    path = tmp_path / "endless"
    path.touch()
    os.truncate(path, 500 * 10**9)
    return path


@pytest.fixture
def powerless(restic_path, tmp_path) -> Path:
    """restic as somebody whom permissions bind: root reads and writes everything, and tests often run as root."""
    if os.geteuid() != 0:
        return restic_path
    drop = "setpriv --bounding-set=-dac_override,-dac_read_search,-fowner --inh-caps=-all"
    if subprocess.run([*drop.split(), "true"], check=False, capture_output=True).returncode != 0:
        pytest.skip("root without the right to give rights up: permissions bind nobody here")
    wrapper = tmp_path / "powerless-restic"
    wrapper.write_text(f'#!/bin/sh\nexec {drop} {restic_path} "$@"\n')
    wrapper.chmod(0o755)
    return wrapper


@pytest.fixture
def locks():
    """The lock files of a repository."""
    return lambda repository: list((Path(repository.location) / "locks").iterdir())
