"""`init`, `check`, `schema` and `inventory` as a person types them."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from golden_files import agrees_with_golden
from tocsin.cli import carry_out as run


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """One sample for this module, and what `init` said."""
    folder = tmp_path_factory.mktemp("house")
    # The sample's Maya is whoever runs this; the golden files want a name that stays.
    environment = {**os.environ, "LOGNAME": "maya.okafor"}
    command = [sys.executable, "-m", "tocsin.cli", "init", "--sample", "agency"]
    said = subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder, env=environment)
    return folder / "agency", said.stdout


@pytest.fixture
def sample(made, monkeypatch):
    monkeypatch.delenv("TOCSIN_WORKSPACE", raising=False)
    monkeypatch.chdir(made[0])
    return made[0]


def test_init_says_where_it_is_and_what_comes_next(made):
    agrees_with_golden("init-sample.txt", made[1])


def test_check_is_well_with_the_sample(sample, capsys):
    assert run(["check"]) == 0
    agrees_with_golden("check-sample.txt", capsys.readouterr().out)


def test_check_names_each_problem_on_its_line_and_exits_2(sample, monkeypatch, tmp_path, capsys):
    shutil.copytree(sample, tmp_path / "w", ignore=shutil.ignore_patterns("data"))
    monkeypatch.chdir(tmp_path / "w")
    people = tmp_path / "w" / "people.yaml"
    people.write_text(people.read_text(encoding="utf-8").replace("deputy: tom", "deputy: tim"), encoding="utf-8")
    assert run(["check"]) == 2
    said = capsys.readouterr().out
    assert said == (
        "people.yaml:9:13: people.maya.deputy: there is no person 'tim'. Did you mean 'tom'?\n\n"
        "1 problem. Nothing was changed.\n"
    )
    assert run(["check", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["problems"] == [
        {
            "file": "people.yaml",
            "line": 9,
            "column": 13,
            "message": "people.maya.deputy: there is no person 'tim'. Did you mean 'tom'?",
            "nearest": None,
        }
    ]


def test_inventory_shows_whose_data_lives_where(sample, capsys):
    assert run(["inventory", "show"]) == 0
    agrees_with_golden("inventory-sample.txt", capsys.readouterr().out)


def test_inventory_answers_for_one_system(sample, capsys):
    assert run(["inventory", "show", "--system", "file-share", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["datasets"]
    assert [dataset["client"] for dataset in found] == ["harbour-dental", "northgate-homes", None]


def test_inventory_suggests_the_system_that_was_meant(sample, capsys):
    assert run(["inventory", "show", "--system", "fileshare"]) == 2
    assert "There is no system 'fileshare'. Did you mean 'file-share'?" in capsys.readouterr().err


def test_init_refuses_a_second_time_with_exit_3(sample, capsys):
    assert run(["init"]) == 3
    assert "is a workspace already" in capsys.readouterr().err


def test_without_a_workspace_check_says_how_to_make_one(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("TOCSIN_WORKSPACE", raising=False)
    monkeypatch.chdir(tmp_path)
    assert run(["check"]) == 2
    assert "make one with 'tocsin init DIR'" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["workspace", "included", "drill"])
def test_schema_is_json_that_forbids_what_the_models_forbid(kind, capsys):
    assert run(["schema", kind]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["additionalProperties"] is False


def test_schema_suggests_the_word_that_was_meant(capsys):
    assert run(["schema", "wrokspace"]) == 2
    assert "Did you mean 'workspace'?" in capsys.readouterr().err


def test_check_imports_nothing_heavy(sample):
    # Playbooks are checked whole, so CEL, Jinja2 and the step kinds are loaded: that is where they are used.
    heavy = {"prefect", "slack_sdk", "fastapi", "httpx", "sqlalchemy.orm", "alembic", "rich", "psycopg"}
    program = (
        "import sys; from tocsin.cli import carry_out; assert carry_out(['check']) == 0; "
        f"print(sorted({heavy!r} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"
