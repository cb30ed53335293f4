"""A command finds its workspace: named, from the environment, or above where it stands."""

from pathlib import Path

import pytest

from tocsin.errors import UsageError
from tocsin.workspace import find, starter


@pytest.fixture
def house(tmp_path):
    for name in ("here/deep/down", "there", "bare"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("here", "there"):
        (tmp_path / name / "tocsin.yaml").write_text("tocsin: 1\n", encoding="utf-8")
    return tmp_path


def test_the_one_named_wins(house):
    assert find(house / "there", {"TOCSIN_WORKSPACE": str(house / "here")}, house / "here") == house / "there"


def test_its_file_may_be_named_instead(house):
    assert find(house / "there/tocsin.yaml", {}, house) == house / "there"


def test_then_the_one_in_the_environment(house):
    assert find(None, {"TOCSIN_WORKSPACE": str(house / "there")}, house / "here") == house / "there"


def test_then_the_nearest_above(house):
    assert find(None, {}, house / "here/deep/down") == house / "here"


def test_a_name_is_relative_to_where_the_person_stands(house):
    assert find(Path("there"), {}, house) == house / "there"


def test_without_one_it_says_how_to_make_one(house):
    with pytest.raises(UsageError, match=r"no workspace here: .* make one with 'tocsin init DIR'"):
        find(None, {}, house / "bare")


def test_a_folder_that_is_none_is_said_so_with_the_setting_it_came_from(house):
    with pytest.raises(UsageError, match=r"TOCSIN_WORKSPACE=.*bare is not a workspace"):
        find(None, {"TOCSIN_WORKSPACE": str(house / "bare")}, house / "here")


def test_the_starter_content_is_there():
    assert (starter() / "drills" / "file-share.yaml").is_file()
