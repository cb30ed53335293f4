"""What every file of the repository keeps to."""

import ast
import re
import tomllib
from collections import Counter
from importlib import import_module
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from repository_files import ROOT, repository_files, text_files

# Written in halves, or this file would be the first to break its own rule.
REGISTRIES = [
    f"{name}.{end}"
    for name, end in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("debian", "org"),
        ("crates", "io"),
        ("proxy.golang", "org"),
        ("ghcr", "io"),
        ("docker", "io"),
    )
]
MACHINE_PATH = re.compile(r"(?<![\w./-])/work(?:/|\b(?![\w-]))")
LAZY = ("tocsin.backups", "tocsin.drills", "tocsin.law")


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        path.relative_to(ROOT)
        for path in repository_files()
        if path.suffix == ".py"
        and path.is_relative_to(ROOT / "src")
        and (text := path.read_text(encoding="utf-8"))
        and ast.get_docstring(ast.parse(text)) is None
    ]
    assert silent == []


def test_no_file_names_a_package_registry() -> None:
    found = [(path.relative_to(ROOT), host) for path, text in text_files() for host in REGISTRIES if host in text]
    assert found == []


def test_no_file_names_a_folder_of_one_machine() -> None:
    here = Path(__file__)
    found = [
        (str(path.relative_to(ROOT)), text.count("\n", 0, hit.start()) + 1)
        for path, text in text_files()
        if path != here
        for hit in MACHINE_PATH.finditer(text)
    ]
    assert found == []


def test_no_two_test_files_share_a_name() -> None:
    names = Counter(
        path.name for path in repository_files() if path.is_relative_to(ROOT / "tests") and path.suffix == ".py"
    )
    shared = [name for name, count in names.items() if count > 1 and name not in {"conftest.py", "__init__.py"}]
    assert shared == []


def test_the_lock_meets_every_requirement_and_names_no_index() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    pinned = dict(re.findall(r"^([A-Za-z0-9._-]+)==([^\s;]+)", lock, re.MULTILINE))
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    requirements = [
        Requirement(text) for text in (*wanted["project"]["dependencies"], *wanted["dependency-groups"]["dev"])
    ]
    unmet = [
        str(each)
        for each in requirements
        if not each.specifier.contains(pinned.get(canonicalize_name(each.name), "missing"))
    ]
    assert unmet == []
    assert not re.search(r"https?://|--(?:extra-)?index-url|--find-links|--trusted-host", lock)


def test_every_package_in_the_lock_is_bound_to_its_hashes() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8").replace("\\\n", " ")
    unbound = [line for line in lock.splitlines() if "==" in line and "--hash=sha256:" not in line]
    assert unbound == []


@pytest.mark.parametrize("name", LAZY)
def test_a_lazy_package_hands_out_all_it_names(name: str) -> None:
    package = import_module(name)
    assert package.__all__
    for part in package.__all__:
        found = getattr(package, part)
        assert getattr(found, "__name__", part) == part, f"{name}.{part} is {found}, perhaps a module of that name"
