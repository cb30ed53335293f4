"""A new workspace is made whole or not at all, never over what is there, and is right from the first minute."""

import os
import resource

import pytest

from simulators.chance import SimulatedRandomness
from tocsin.durable import write_durably
from tocsin.errors import OperationFailed, Refused
from tocsin.model.yaml_text import parse_yaml
from tocsin.workspace import load, making

SCHEMAS = {"workspace.schema.json": b"{}\n"}


def make(folder, **changes):
    options = {"login": "maya", "schemas": SCHEMAS, **changes}
    return making.make_workspace(folder, SimulatedRandomness(), **options)


@pytest.fixture
def little_data(monkeypatch):
    # What is tested here are the files around the data; its 50 MB have tests of their own.
    monkeypatch.setattr(making, "data_files", lambda: iter([("data/file-share/a.txt", b"a")]))


def everything(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_a_new_workspace_passes_its_own_check(tmp_path):
    make(tmp_path / "w")
    workspace = load(tmp_path / "w")
    assert workspace.people["first-person"].login == "maya"
    assert [str(warning.message) for warning in workspace.warnings] == [
        "first-person has no deputy: nobody takes over when they are silent."
    ]
    assert workspace.resolve("data/file-share").is_dir()


def test_the_repositorys_password_is_made_and_nobody_else_can_read_it(tmp_path):
    make(tmp_path)
    password = tmp_path / ".tocsin/secrets/local.password"
    assert len(password.read_text(encoding="ascii").strip()) == 40
    assert password.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / ".tocsin").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / ".tocsin/secrets").stat().st_mode & 0o777 == 0o700


def test_state_secrets_and_personal_data_stay_out_of_version_control(tmp_path):
    make(tmp_path)
    ignored = (tmp_path / ".gitignore").read_text(encoding="utf-8").split()
    assert {".tocsin/", "repositories/", "outbox/", "data/"} <= set(ignored)


def test_files_name_a_schema_that_is_there(tmp_path, little_data):
    make(
        tmp_path,
        sample=True,
        schemas={
            f"{word}.schema.json": b"{}"
            for word in ("workspace", "included", "drill", "exercise", "recovery-plan")
        },
    )
    named = 0
    for path in [*tmp_path.glob("*.yaml"), *tmp_path.glob("drills/*.yaml")]:
        line = path.read_text(encoding="utf-8").splitlines()[0]
        schema = line.removeprefix("# yaml-language-server: $schema=")
        assert schema != line, path
        assert (path.parent / schema).is_file(), path
        named += 1
    assert named >= 8


def test_it_refuses_to_make_one_over_another_and_changes_nothing(tmp_path):
    make(tmp_path)
    (tmp_path / "tocsin.yaml").write_text("mine", encoding="utf-8")
    before = everything(tmp_path)
    with pytest.raises(Refused, match="is a workspace already"):
        make(tmp_path, sample=True)
    assert everything(tmp_path) == before
    assert (tmp_path / "tocsin.yaml").read_text(encoding="utf-8") == "mine"


def test_it_refuses_to_replace_any_file_and_names_it(tmp_path):
    (tmp_path / ".gitignore").write_text("mine", encoding="utf-8")
    with pytest.raises(Refused, match=r"already has \.gitignore, which a new workspace would replace"):
        make(tmp_path)
    assert everything(tmp_path) == [".gitignore"]


def test_other_files_in_the_folder_are_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    make(tmp_path)
    assert (tmp_path / "notes.txt").read_text(encoding="utf-8") == "mine"


def test_a_disk_that_fills_up_leaves_the_folder_as_it_was(tmp_path):
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # No file above 64 kB can be written for a moment: the sample's first pictures are larger.
    resource.setrlimit(resource.RLIMIT_FSIZE, (65_536, hard))
    try:
        with pytest.raises(OperationFailed, match="Could not write"):
            make(tmp_path, sample=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert everything(tmp_path) == ["notes.txt"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_is_not_ours_is_said_so(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(OperationFailed, match="this user may not write there"):
        make(tmp_path / "w")
    tmp_path.chmod(0o700)


@pytest.mark.parametrize("login", ["maya", "root", "user", 'o"dd'])
def test_the_maker_can_act_as_maya_in_the_sample(tmp_path, little_data, login):
    made = make(tmp_path, sample=True, login=login)
    assert made.login == login
    somebody = load(tmp_path).person_with_login(login)
    assert somebody is not None
    assert somebody.id == "maya"


@pytest.mark.parametrize("sample", [True, False])
def test_a_login_that_several_people_share_is_left_out(tmp_path, little_data, sample):
    made = make(tmp_path, sample=sample, login="admin")
    assert made.login is None
    assert load(tmp_path).person_with_login("admin") is None


def test_the_password_is_written_durably_before_the_workspace_exists(tmp_path, monkeypatch):
    order = []

    # Watches the one function that makes files durable; it still does its work.
    def watched(path, data, **options):
        order.append(path.name)
        write_durably(path, data, **options)

    monkeypatch.setattr(making, "write_durably", watched)
    make(tmp_path)
    assert order == ["local.password", "tocsin.yaml"]


def test_every_starter_yaml_can_be_read(tmp_path):
    make(tmp_path)
    files = list(tmp_path.rglob("*.yaml"))
    assert len(files) >= 2
    for path in files:
        assert parse_yaml(path.read_text(encoding="utf-8"), str(path)).data
