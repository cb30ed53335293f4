"""What is left out by what it is (caches, marks, size, other file systems) is the same for us and the real restic.

Run as a program it compares one tree inside a mount space of its own, where a second file system can be had.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tocsin.adapters.restic.flags import omission_flags
from tocsin.manifest import Source, take_manifest
from tocsin.ports import Omissions

CACHE = "Signature: 8a477f597d28d172789f06886806bc55\n# made by a program\n"
FILES = {
    "plain/a.txt": "a",
    "plain/exactly": "x" * 1000,
    "plain/larger": "x" * 1001,
    "cache/CACHEDIR.TAG": CACHE,
    "cache/one": "1",
    "cache/deep/two": "2",
    "no-cache/CACHEDIR.TAG": "Signature: another\n",
    "no-cache/three": "3",
    "short/CACHEDIR.TAG": "Sig",
    "short/four": "4",
    "marked/.nobackup": "",
    "marked/five": "5",
    "marked/.hidden": "h",
    "marked/deep/six": "6",
    "twice/.nobackup": "",
    "twice/.skip": "",
    "twice/seven": "7",
    "folder-as-mark/.skip/eight": "8",
    "folder-as-mark/nine": "9",
}


def make_tree(root):
    for name, content in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    (root / "plain" / "link").symlink_to("x" * 1200)


def compare(root, work, restic_path, password_file, omissions):
    """Return the paths below `root` that restic would save and those that the manifest has, links and folders too."""
    taken = take_manifest(work / f"manifest-{abs(hash(omissions))}", [Source((root,))], omissions=omissions)
    environment = {
        **os.environ,
        "RESTIC_REPOSITORY": str(work / "repository"),
        "RESTIC_PASSWORD_FILE": str(password_file),
        "RESTIC_CACHE_DIR": str(work / "cache"),
    }

    def said(*argv):
        done = subprocess.run([restic_path, *argv], env=environment, check=True, capture_output=True, text=True)
        return [json.loads(line) for line in done.stdout.splitlines()]

    summary = said("backup", "--quiet", "--json", *omission_flags(taken.omissions), "--", root)[-1]
    theirs = {node["path"] for node in said("ls", "--json", summary["snapshot_id"]) if "path" in node}
    ours = {os.fsdecode(entry.path) for entry in taken._entries}
    below = f"{root}/"
    return [sorted(path for path in found if path.startswith(below)) for found in (theirs, ours)]


@pytest.fixture(scope="module")
def work(restic_path, tmp_path_factory, password_file):
    work = tmp_path_factory.mktemp("omissions")
    make_tree(work / "tree")
    environment = {**os.environ, "RESTIC_PASSWORD_FILE": str(password_file)}
    argv = [restic_path, "init", "--repo", work / "repository", "--cache-dir", work / "cache"]
    subprocess.run(argv, env=environment, check=True, capture_output=True)
    return work


@pytest.mark.parametrize(
    ("omissions", "gone"),
    [
        (Omissions(caches=True, larger_than=1000), {"cache/one", "cache/deep", "plain/larger", "plain/link"}),
        (
            Omissions(if_present=(".nobackup", ".skip")),
            {"marked/five", "marked/deep", "twice/.skip", "folder-as-mark/nine"},
        ),
    ],
    ids=["caches and large files", "marked folders"],
)
def test_the_manifest_leaves_out_what_restic_leaves_out(work, restic_path, password_file, omissions, gone):
    theirs, ours = compare(work / "tree", work, restic_path, password_file, omissions)
    assert ours == theirs
    assert not {str(work / "tree" / name) for name in gone} & set(ours)
    assert {
        str(work / "tree" / name) for name in ("plain/a.txt", "plain/exactly", "no-cache/three", "short/four")
    } <= set(ours)


def test_a_mark_beside_a_source_leaves_the_source_itself_out(work, restic_path, password_file):
    omissions = Omissions(if_present=(".nobackup",))
    theirs, ours = compare(work / "tree" / "marked" / "deep", work, restic_path, password_file, omissions)
    assert ours == theirs == []


def test_another_file_system_stays_out_and_its_mount_point_stays_in(work, restic_path, password_file):
    enter = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
    if subprocess.run(
        [*enter, "mount", "-t", "tmpfs", "none", "/mnt"], check=False, capture_output=True
    ).returncode:
        pytest.skip("neither root nor user namespaces: no second file system can be mounted here")
    (work / "tree" / "disk").mkdir()
    argv = [*enter, sys.executable, __file__, *map(str, (work, restic_path, password_file))]
    done = subprocess.run(argv, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    theirs, ours = json.loads(done.stdout)
    assert ours == theirs
    assert str(work / "tree" / "disk") in ours
    assert not any("/disk/" in path and path.rpartition("/")[2] != "back" for path in ours)


def main():
    """Mount a disk in the tree, with a piece of the tree's own file system inside it, and compare."""
    work, restic_path, password_file = map(Path, sys.argv[1:])
    disk = work / "tree" / "disk"
    subprocess.run(["mount", "-t", "tmpfs", "none", disk], check=True)
    (disk / "there").mkdir()
    (disk / "there" / "file").write_text("elsewhere")
    (disk / "file").write_text("elsewhere")
    found = compare(work / "tree", work, restic_path, password_file, Omissions(one_file_system=True))
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
