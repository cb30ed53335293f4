"""The keys of a repository on the real restic: one more, another in its place, one less."""

import os
import shutil
from contextlib import chdir
from dataclasses import replace

import pytest
from sqlalchemy import select

from cheap_keys import make_cheap
from contract_backups import house, write_workspace
from tocsin.adapters.shell import SystemShell
from tocsin.backups import add_key, check_key, list_keys, remove_key, rotate_key
from tocsin.errors import Refused, UsageError
from tocsin.repositories import repository_access
from tocsin.store.tables import journal, operation

PASSWORD = "a password nobody else has"


@pytest.fixture(scope="module")
def made(restic_path, tmp_path_factory):
    root = tmp_path_factory.mktemp("keys") / "workspace"
    write_workspace(root, PASSWORD)
    text = (root / "tocsin.yaml").read_text()
    (root / "tocsin.yaml").write_text(
        text.replace('"no-such-place", password: "file:password"', 'x, password: "file:x"')
    )
    with house(root, restic_path) as ctx:
        ctx.restic.init(repository_access(ctx, "local"))
    make_cheap(root / "repository", PASSWORD, restic_path)
    return root


@pytest.fixture
def root(made, tmp_path):
    shutil.copytree(made, tmp_path / "workspace")
    return tmp_path / "workspace"


def secret(path, text):
    path.write_text(text + "\n")
    path.chmod(0o600)
    return path


def everything_written(root):
    return b"".join(path.read_bytes() for path in (root / ".tocsin").rglob("*.db*"))


def test_a_key_of_the_safe_outlives_the_rotation_of_the_machines_own(root, restic_path, tmp_path):
    safe = secret(tmp_path / "safe", "what lies in the safe")
    with house(root, restic_path) as ctx:
        added = add_key(ctx, "local", f"file:{safe}")
        with pytest.raises(UsageError, match="opens local already"):
            add_key(ctx, "local", f"file:{safe}")
        done = rotate_key(ctx, "local", safe=safe)
        assert done.removed
        assert {key.id for key in list_keys(ctx, "local")} == {added, done.new}
        assert next(key for key in list_keys(ctx, "local") if key.is_current).id == done.new
        assert check_key(ctx, "local", safe).opens
        now = (root / "password").read_text().strip()
        assert now != PASSWORD
        assert (root / "password").stat().st_mode & 0o077 == 0
        assert not (root / "password.next").exists()
        with ctx.store.read() as connection:
            told = connection.execute(select(operation.c.verdict).where(operation.c.kind == "key")).scalars().all()
            texts = "".join(connection.execute(select(journal.c.payload)).scalars())
        assert told == ["ok", "ok"]
        assert done.old in texts
        assert not any(word.encode() in everything_written(root) for word in (now, PASSWORD, "lies in the safe"))


def test_the_old_key_stays_until_the_safe_does_without_it(root, restic_path, tmp_path):
    safe = secret(tmp_path / "safe", PASSWORD)
    with house(root, restic_path) as ctx:
        done = rotate_key(ctx, "local")
        assert not done.removed
        with pytest.raises(Refused, match="with the very key that was to go"):
            remove_key(ctx, "local", done.old[:8], safe=safe)
        with pytest.raises(Refused, match="This machine opens local with that key"):
            remove_key(ctx, "local", done.new[:8], safe=safe)
        assert check_key(ctx, "local", safe).opens
        secret(safe, (root / "password").read_text().strip())
        assert remove_key(ctx, "local", done.old[:8], safe=safe).id == done.old
        with pytest.raises(Refused, match="the last key"):
            remove_key(ctx, "local", done.new[:8], safe=safe)
        with pytest.raises(UsageError, match="has no key 'ffff'"):
            remove_key(ctx, "local", "ffff", safe=safe)


def test_a_command_of_the_firms_keeps_the_new_password_and_is_believed_only_after_proof(root, restic_path):
    text = (root / "tocsin.yaml").read_text()
    (root / "tocsin.yaml").write_text(text.replace("file:password", "command:cat vault", 1))
    (root / "password").rename(root / "vault")
    with house(root, restic_path) as plain, chdir(root):  # a password command runs where we do
        ctx = replace(plain, shell=SystemShell(os.environ))
        with pytest.raises(UsageError, match="Give --store"):
            rotate_key(ctx, "local")
        with pytest.raises(Refused, match="Both keys open it"):
            rotate_key(ctx, "local", store="true")
        done = rotate_key(ctx, "local", store="tee vault")
        assert next(key.id for key in list_keys(ctx, "local") if key.is_current) == done.new


def test_a_password_that_two_repositories_share_is_not_changed_for_one(root, restic_path):
    text = (root / "tocsin.yaml").read_text().replace("file:x", "file:password")
    (root / "tocsin.yaml").write_text(text)
    with house(root, restic_path) as ctx, pytest.raises(UsageError, match="offsite opens with the same password"):
        rotate_key(ctx, "local")
    (root / "tocsin.yaml").write_text(text.replace("file:password", "env:NO_SUCH", 1))
    with house(root, restic_path) as ctx, pytest.raises(UsageError, match="comes from env:, which this program"):
        rotate_key(ctx, "local")
