"""What Prefect is told before it is imported."""

import os
from pathlib import Path
from stat import S_IMODE

from tocsin.serve.environment import applied, environment, login, login_file, prefect_home, settings
from tocsin.serve.telling import Told, escaped

USERS_OWN = {"PREFECT_API_URL": "https://elsewhere.example/api", "PREFECT_API_KEY": "key", "HOME": "/home/maya"}


def test_a_users_own_prefect_settings_do_not_turn_our_schedules_to_another_server():
    given = environment(settings(Path("/state/prefect"), 4200, "tocsin:x"), USERS_OWN)
    assert given["PREFECT_API_URL"] == "http://127.0.0.1:4200/api"
    assert "PREFECT_API_KEY" not in given
    assert given["HOME"] == "/home/maya"


def test_it_tells_nobody_and_no_proxy_comes_between():
    given = environment(settings(Path("/state/prefect"), 4200, "tocsin:x"), {"no_proxy": "intranet.example"})
    assert given["DO_NOT_TRACK"] == "1"
    for switch in ("SERVER_ANALYTICS_ENABLED", "CLOUD_ENABLE_ORCHESTRATION_TELEMETRY", "SERVER_UI_V2_ENABLED"):
        assert given[f"PREFECT_{switch}"] == "false"
    assert given["NO_PROXY"] == "intranet.example,127.0.0.1,localhost"


def test_the_login_is_made_once_for_its_owner_alone(house):
    first = login(house.workspace)
    assert first.startswith("tocsin:")
    assert len(first) > 35
    assert login(house.workspace) == first
    assert S_IMODE(login_file(house.workspace).stat().st_mode) == 0o600
    assert S_IMODE(prefect_home(house.workspace).stat().st_mode) == 0o700


def test_what_stood_in_the_environment_before_stands_again(monkeypatch, tmp_path):
    monkeypatch.setenv("PREFECT_PROFILE", "mine")
    before = dict(os.environ)
    # Where Prefect is imported already it makes its home at once.
    with applied(settings(tmp_path / "prefect", 4200, "tocsin:x")):
        assert "PREFECT_PROFILE" not in os.environ
        assert os.environ["PREFECT_SERVER_API_CSRF_PROTECTION_ENABLED"] == "true"
    assert dict(os.environ) == before


def test_an_artifact_shows_a_files_name_as_it_is():
    assert escaped("a|b\n# <b>*c*</b>") == r"a\|b \# \<b\>\*c\*\</b\>"
    told = Told("Said.", head=("File",), rows=[("x | y",)], notes=["one"])
    assert told.markdown(2.0) == "Said.\n\n| File |\n| --- |\n| x \\| y |\n\n- one\n\nIt took 2.0 s.\n"


def test_a_long_list_of_notes_says_how_many_more_there_are():
    text = Told("Said.", notes=[f"note {number}" for number in range(25)]).markdown(0.0)
    assert text.count("\n- ") == 20
    assert "5 more stand in the journal." in text
