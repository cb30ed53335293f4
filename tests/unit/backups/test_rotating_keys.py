"""Rotating a key, cut off between any two steps: the repository opens with what the machine has, and it goes on."""

from dataclasses import dataclass, field, replace
from hashlib import sha256

import pytest
from sqlalchemy import select

from simulators.chance import CrashAt, PowerCut
from tocsin.adapters.secrets import ReferencedSecrets
from tocsin.backups.keys import list_keys, rotate_key
from tocsin.errors import ConfigurationError, Place, Problem
from tocsin.ports import Key
from tocsin.store.operations import give_up
from tocsin.store.tables import operation

POINTS = ("after-next", "after-add", "after-proof", "after-switch", "before-remove", "after-remove")


@dataclass
class SimulatedKeys:
    """The part of `ports.Restic` that knows keys: passwords and their ids, in the order they came."""

    by_password: dict[str, str] = field(default_factory=dict)

    def keys(self, repository):
        said = repository.environment.get("RESTIC_PASSWORD")
        password = said or repository.password_file.read_text().splitlines()[0]
        if password not in self.by_password:
            raise ConfigurationError(Problem(Place(f"repository {repository.name}"), "the password is wrong"))
        mine = self.by_password[password]
        return tuple(Key(one, one == mine, "maya", "desk", "") for one in self.by_password.values())

    def add_key(self, repository, password):
        self.keys(repository)
        self.by_password[password] = sha256(password.encode()).hexdigest()[:8]
        return self.by_password[password]

    def remove_key(self, repository, key_id):
        self.keys(repository)
        self.by_password = {word: one for word, one in self.by_password.items() if one != key_id}


@pytest.mark.parametrize("point", POINTS)
def test_a_cut_at_any_step_leaves_a_repository_that_opens_and_a_rotation_that_can_go_on(house, tmp_path, point):
    secrets = house.ctx.workspace.root / "secrets"
    secrets.mkdir(exist_ok=True)
    own, safe = secrets / "local.password", tmp_path / "safe"
    for path, word in ((own, "the first\n"), (safe, "the safe's\n")):
        path.write_text(word)
        path.chmod(0o600)
    restic = SimulatedKeys({"the first": "aaaaaaaa", "the safe's": "bbbbbbbb"})
    reader = ReferencedSecrets(environ={}, folder=house.ctx.workspace.root)
    ctx = replace(house.ctx, restic=restic, secrets=reader)
    with pytest.raises(PowerCut):
        rotate_key(replace(ctx, crash=CrashAt(f"key:{point}")), "local", safe=safe)
    current = next(key.id for key in list_keys(ctx, "local") if key.is_current)
    assert (current == "aaaaaaaa") == (point in POINTS[:3])
    with ctx.store.read() as connection:
        (cut,) = connection.execute(select(operation.c.id).where(operation.c.state == "started")).scalars()
    give_up(ctx.store, ctx.actor, cut)  # its process is this test's, and lives
    added_before = set(restic.by_password.values())
    done = rotate_key(ctx, "local", safe=safe)
    assert (done.old, done.removed) == (current, True)
    assert next(key.id for key in list_keys(ctx, "local") if key.is_current) == done.new
    if point in ("after-add", "after-proof"):
        assert done.new in added_before  # the same password, not another
